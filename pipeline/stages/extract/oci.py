"""Read what an OCI image says about itself: ``Verified | Unverified -> Extracted``.

Its manifest and configuration are parsed; layers are read only where somebody wants them checked.
An image does not name itself: it is kept under the name that was asked for, with the tag as its
``version`` and the configuration's platform as ``os`` and ``arch``.

Sources: OCI image-spec v1.1.0 ``manifest.md``, ``config.md``.
"""

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.diff_ids import check_diff_ids
from pipeline.errors import (
    ImageError,
    InvalidDocument,
    PlatformNotFound,
    StoreError,
    StoreUnavailable,
    document_error,
)
from pipeline.limits import CONFIG_BYTES, MANIFEST_BYTES, Limits
from pipeline.names import Label, LabelName, Labels
from pipeline.oci import (
    CONFIG_TYPES,
    OciConfig,
    OciIndex,
    OciManifest,
    OciPlatform,
)
from pipeline.oci.config import parse_config
from pipeline.oci.documents import parse_document
from pipeline.oci.platforms import appc_labels, runs_on
from pipeline.ports import Quarantine
from pipeline.reference import DockerReference, ImagePathReference, Reference
from pipeline.results import (
    Candidate,
    Downloaded,
    Extracted,
    OciImage,
    QuarantinedBlob,
    Unverified,
    Verified,
)


def extract_oci(
    quarantine: Quarantine, limits: Limits, origin: Verified | Unverified, *, check_layers: bool
) -> Result[Extracted, ImageError | StoreError]:
    """Parse an image's documents, and compare them with each other and with what was asked for."""
    downloaded = origin.downloaded
    digest, name = downloaded.digest, downloaded.expected.name
    if digest is None or name is None:
        # Stages cannot build this: an OCI image comes by a digest, under a name.
        return Failure(InvalidDocument("manifest", "$", "it came without a digest or a name"))
    # 1. Well-formed, each by itself and together.
    manifest = _read_manifest(quarantine, downloaded)
    if not is_successful(manifest):
        return Failure(manifest.failure())
    config = _read_config(quarantine, downloaded, manifest.unwrap())
    if not is_successful(config):
        return Failure(config.failure())
    # 2. For the platform that was asked for.
    platform = config.unwrap().platform
    mismatch = _foreign(downloaded, platform)
    if mismatch is not None:
        return Failure(mismatch)
    # 3. Layers that unpack to what was signed, where that is wanted now.
    if check_layers:
        checked = check_diff_ids(
            lambda content: quarantine.open(content.blob),
            downloaded.contents[1:],
            config.unwrap().diff_ids,
            limits,
        )
        if not is_successful(checked):
            return Failure(checked.failure())
    labels = Labels((*appc_labels(platform), *_version(downloaded.reference)))
    image = OciImage(name, labels, manifest.unwrap(), config.unwrap())
    return Success(Extracted(origin, image, digest, downloaded.blob, downloaded.contents))


def _read_manifest(
    quarantine: Quarantine, downloaded: Downloaded
) -> Result[OciManifest, ImageError | StoreError]:
    raw = _read(quarantine, downloaded.blob, MANIFEST_BYTES)
    if not is_successful(raw):
        return Failure(raw.failure())
    parsed = parse_document(raw.unwrap(), downloaded.media_type)
    if not is_successful(parsed):
        return Failure(document_error("manifest", parsed.failure()))
    manifest = parsed.unwrap()
    if isinstance(manifest, OciIndex):
        return Failure(InvalidDocument("manifest", "$", "got an index, wanted one image"))
    named = (manifest.config, *manifest.layers)
    if tuple(each.descriptor for each in downloaded.contents) != named:
        return Failure(InvalidDocument("manifest", "$", "it names other blobs than have come"))
    return Success(manifest)


def _read_config(
    quarantine: Quarantine, downloaded: Downloaded, manifest: OciManifest
) -> Result[OciConfig, ImageError | StoreError]:
    """Read the configuration; that of an artifact is whatever it is."""
    raw = _read(quarantine, downloaded.contents[0].blob, CONFIG_BYTES)
    if not is_successful(raw):
        return Failure(raw.failure())
    if manifest.config.media_type not in CONFIG_TYPES:
        return Success(OciConfig(OciPlatform("", ""), (), raw.unwrap()))
    parsed = parse_config(raw.unwrap())
    if not is_successful(parsed):
        return Failure(document_error("configuration", parsed.failure()))
    config = parsed.unwrap()
    if len(config.diff_ids) != len(manifest.layers):
        got = f"got {len(config.diff_ids)}, wanted one for each of {len(manifest.layers)} layers"
        return Failure(InvalidDocument("configuration", "$.rootfs.diff_ids", got))
    return Success(config)


def _read(
    quarantine: Quarantine, blob: QuarantinedBlob, limit: int
) -> Result[bytes, ImageError | StoreError]:
    if blob.size > limit:
        reason = f"got {blob.size} bytes, wanted at most {limit}"
        return Failure(InvalidDocument("document", "$", reason))
    opened = quarantine.open(blob)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        try:
            return Success(file.read(limit))
        except OSError as error:
            return Failure(StoreUnavailable(blob.key, "read", error.strerror or str(error)))


def _foreign(downloaded: Downloaded, platform: OciPlatform) -> PlatformNotFound | None:
    """Return the error for an image of another platform; one that names none is for all."""
    place = downloaded.source
    if isinstance(place, Candidate) or runs_on(platform, place.platform):
        return None
    return PlatformNotFound(downloaded.reference.string, str(place.platform), (str(platform),))


def _version(reference: Reference) -> tuple[Label, ...]:
    if isinstance(reference, DockerReference) and reference.tag is not None:
        return (Label(LabelName("version"), reference.tag),)
    if isinstance(reference, ImagePathReference) and reference.name:
        tag = reference.name.rpartition("/")[2].partition("@")[0].rpartition(":")[2]
        return (Label(LabelName("version"), tag),)
    return ()
