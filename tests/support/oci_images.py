"""OCI images as the stages before storing leave them: documents parsed, blobs in quarantine."""

from datetime import UTC, datetime

from returns.pipeline import is_successful

from pipeline.limits import DEFAULT_LIMITS
from pipeline.oci import OciManifest
from pipeline.oci.documents import parse_document
from pipeline.ports import Quarantine
from pipeline.reference import ImagePathReference, OciReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import (
    Content,
    Downloaded,
    Expectations,
    Extracted,
    Freshness,
    ImagePathPlace,
    ManifestEvidence,
    RegistryPlace,
    Unverified,
    Validators,
)
from pipeline.stages.extract.oci import extract_oci
from pipeline.testing.oci import LINUX_AMD64, MadeImage
from pipeline.testing.samples import put_into

HOST = "registry.example.com:5000"
REFERENCE = parse_docker_reference(f"{HOST}/team/app:1.0").unwrap()


def extracted(
    made: MadeImage, quarantine: Quarantine, reference: OciReference = REFERENCE
) -> Extracted:
    """Put an image into quarantine, and read it as the stage does."""
    parsed = parse_document(made.raw).unwrap()
    assert isinstance(parsed, OciManifest)
    contents = tuple(
        Content(each, put_into(quarantine, "blob", made.blobs[each.digest]).unwrap())
        for each in parsed.blobs
    )
    platform = made.platform or LINUX_AMD64
    place = (
        ImagePathPlace(reference, platform)
        if isinstance(reference, ImagePathReference)
        else RegistryPlace(reference, f"https://{HOST}/v2/{reference.repository}", platform)
    )
    downloaded = Downloaded(
        reference,
        Expectations(REFERENCE.image_name),
        place,
        put_into(quarantine, "manifest", made.raw).unwrap(),
        ManifestEvidence(reference.subject, (made.raw,)),
        Validators(),
        Freshness(datetime(2026, 1, 1, tzinfo=UTC)),
        parsed.media_type,
        made.descriptor.digest,
        contents,
    )
    origin = Unverified(downloaded, "a test needs it")
    outcome = extract_oci(quarantine, DEFAULT_LIMITS, origin, check_layers=False)
    assert is_successful(outcome), outcome.failure().message
    return outcome.unwrap()
