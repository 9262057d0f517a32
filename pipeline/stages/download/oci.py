"""An OCI image from its place into quarantine: nothing but its manifest before that is vouched for.

    OciAttempt -> Downloaded | Unchanged, or OnePlaceError, Refusal

From a registry, in this order (the code repeats the numbers):

1. What the policy wants; a name that it rejects is not asked for.
2. The documents that lead to the image's manifest.
3. The signatures of the manifest, of the kinds that could make a difference; where these are not
   enough and an index led to it, those of the index.
4. The policy's judgement. A manifest that nobody vouches for ends the search, and is not parsed.
5. The configuration and the layers; a configuration for another platform ends it.

An image in files has all of its parts in one place, and is copied before it is judged. What was
judged here is judged again by the next stage, which is the one that says so.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import (
    ConfigurationError,
    ImageError,
    OnePlaceError,
    PlatformNotFound,
    StoreError,
    StoreUnavailable,
    VerificationError,
)
from pipeline.limits import CONFIG_BYTES
from pipeline.oci import CONFIG_TYPES, Descriptor, OciManifest
from pipeline.oci.config import parse_config
from pipeline.oci.platforms import runs_on
from pipeline.ports import ImagePathReader, ManifestPolicy, Quarantine, Wanted
from pipeline.results import (
    Content,
    Downloaded,
    Evidence,
    Freshness,
    ImagePathPlace,
    Located,
    ManifestEvidence,
    QuarantinedBlob,
    RegistryPlace,
    Unchanged,
    Unsigned,
    Validators,
)
from pipeline.stages.download.blobs import fetch_contents
from pipeline.stages.download.found_signatures import find_signatures
from pipeline.stages.download.manifests import (
    Documents,
    FetchedDocument,
    fetch_documents,
    parse_image_manifest,
)
from pipeline.stages.download.transfer import Ports

OciError: TypeAlias = (
    OnePlaceError | ImageError | VerificationError | StoreError | ConfigurationError
)
"""What can keep an OCI image from being downloaded."""


NOTHING_WANTED: Final = Wanted(simple=False, sigstore=False)
"""What is looked for where nobody is asked to vouch."""


@final
@dataclass(frozen=True, slots=True)
class OciAttempt:
    """One place of a located OCI image."""

    located: Located
    place: RegistryPlace | ImagePathPlace

    @property
    def resolver(self) -> RegistryPlace | None:
        """Which place is asked what a tag stands for; None where none may be."""
        places = (self.place, *self.located.candidates)
        registries = (each for each in places if isinstance(each, RegistryPlace))
        return next((each for each in registries if each.resolves_tags), None)


@final
@dataclass(frozen=True, slots=True)
class OciPorts:
    """What downloading OCI images needs beside what every download does.

    Without a ``policy``, nobody is asked to vouch for anything. Without ``layers``, a registry is
    asked for the configuration alone; without ``config``, for neither.
    """

    policy: ManifestPolicy | None
    images: ImagePathReader
    layers: bool = True
    config: bool = True

    def wanted(self, manifest: OciManifest) -> tuple[Descriptor, ...]:
        """What a registry is asked for of all that a manifest names."""
        config = (manifest.config,) if self.config else ()
        return (*config, *(manifest.layers if self.layers else ()))


def fetch_oci(
    ports: Ports, oci: OciPorts, attempt: OciAttempt, undo: ExitStack
) -> Result[Downloaded | Unchanged, OciError]:
    """Fetch the image at one place."""
    place = attempt.place
    if isinstance(place, ImagePathPlace):
        return _load(ports, oci, attempt.located, place)
    return _fetch(ports, oci, attempt, place, undo)


def _fetch(
    ports: Ports, oci: OciPorts, attempt: OciAttempt, place: RegistryPlace, undo: ExitStack
) -> Result[Downloaded | Unchanged, OciError]:
    policy = oci.policy
    # 1. Whoever rejects an image need not hear whether it exists.
    wanted = Success(NOTHING_WANTED) if policy is None else policy.wanted(place.reference.subject)
    if not is_successful(wanted):
        return Failure(wanted.failure())
    # 2. From the reference to the manifest, digest by digest.
    fetched = fetch_documents(ports, place, attempt.resolver or place)
    if not is_successful(fetched):
        return Failure(fetched.failure())
    documents = fetched.unwrap()
    if isinstance(documents, Unchanged):
        return Success(documents)
    evidence: Evidence = Unsigned()
    if policy is not None:
        vouched = _vouched_for(ports, policy, place, documents, wanted.unwrap())
        if not is_successful(vouched):
            return Failure(vouched.failure())
        evidence = vouched.unwrap()
    manifest = parse_image_manifest(documents.manifest)
    if not is_successful(manifest):
        return Failure(manifest.failure())
    # 5. What it names.
    named = oci.wanted(manifest.unwrap())
    runs = partial(_runs_where_wanted, ports.quarantine, place)
    contents = fetch_contents(ports, place, named, undo, runs)
    if not is_successful(contents):
        return Failure(contents.failure())
    blob = _keep(ports.quarantine, documents.manifest.content)
    if not is_successful(blob):
        return Failure(blob.failure())
    return Success(
        Downloaded(
            attempt.located.reference,
            attempt.located.expected,
            place,
            blob.unwrap(),
            evidence,
            documents.validators,
            documents.freshness,
            manifest.unwrap().media_type,
            documents.manifest.digest,
            contents.unwrap(),
        )
    )


def _runs_where_wanted(
    quarantine: Quarantine, place: RegistryPlace, content: Content
) -> Result[None, PlatformNotFound | StoreError]:
    """Refuse the configuration of an image for another platform, before its layers have come.

    Only for what that saves: a later stage reads the configuration, and says what is wrong with it.

    Errors: PlatformNotFound.
    """
    if content.descriptor.media_type not in CONFIG_TYPES or content.blob.size > CONFIG_BYTES:
        return Success(None)
    opened = quarantine.open(content.blob)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        try:
            config = parse_config(file.read())
        except OSError as error:
            reason = error.strerror or str(error)
            return Failure(StoreUnavailable(content.blob.key, "read", reason))
    if not is_successful(config) or runs_on(config.unwrap().platform, place.platform):
        return Success(None)
    got = (str(config.unwrap().platform),)
    return Failure(PlatformNotFound(place.reference.string, str(place.platform), got))


def _vouched_for(
    ports: Ports,
    policy: ManifestPolicy,
    place: RegistryPlace,
    documents: Documents,
    wanted: Wanted,
) -> Result[ManifestEvidence, OciError]:
    """Return the evidence on which the policy lets the manifest pass.

    Errors: what the policy says of the signatures of the image's own manifest; what keeps
    signatures from being read.
    """
    chain = tuple(each.content for each in documents.chain)
    evidence = ManifestEvidence(place.reference.subject, chain)
    *indexes, manifest = documents.chain
    first = _judged(ports, policy, place, wanted, evidence, manifest)
    if is_successful(first) or not isinstance(first.failure(), VerificationError):
        return first
    for index in reversed(indexes):
        outcome = _judged(ports, policy, place, wanted, evidence, index)
        if is_successful(outcome) or not isinstance(outcome.failure(), VerificationError):
            return outcome
    # What the image's own signatures say is what a person wants to know, not the index's.
    return first


def _judged(
    ports: Ports,
    policy: ManifestPolicy,
    place: RegistryPlace,
    wanted: Wanted,
    evidence: ManifestEvidence,
    document: FetchedDocument,
) -> Result[ManifestEvidence, OciError]:
    # 3. The signatures of one document.
    found = find_signatures(ports, place, document, wanted)
    if not is_successful(found):
        return Failure(found.failure())
    signed = replace(evidence, signatures=found.unwrap())
    # 4. Nobody who vouches for it: no layer is asked for.
    admitted = policy.admit(signed, ports.clock.now())
    return Success(signed) if is_successful(admitted) else Failure(admitted.failure())


def _load(
    ports: Ports, oci: OciPorts, located: Located, place: ImagePathPlace
) -> Result[Downloaded, OciError]:
    """Copy an image out of files."""
    reference = place.reference.subject
    if oci.policy is not None:
        wanted = oci.policy.wanted(reference)
        if not is_successful(wanted):
            return Failure(wanted.failure())
    loaded = oci.images.load(place, ports.quarantine, ports.limits)
    if not is_successful(loaded):
        return Failure(loaded.failure())
    image = loaded.unwrap()
    evidence: Evidence = Unsigned()
    if oci.policy is not None:
        evidence = ManifestEvidence(reference, image.documents)
        admitted = oci.policy.admit(evidence, ports.clock.now())
        if not is_successful(admitted):
            return Failure(admitted.failure())
    return Success(
        Downloaded(
            located.reference,
            located.expected,
            place,
            image.blob,
            evidence,
            Validators(),
            Freshness(ports.clock.now()),
            image.media_type,
            image.digest,
            image.contents,
        )
    )


def _keep(quarantine: Quarantine, content: bytes) -> Result[QuarantinedBlob, StoreError]:
    """Put a document into quarantine."""
    created = quarantine.create("manifest")
    if not is_successful(created):
        return Failure(created.failure())
    written = created.unwrap().write(content)
    if not is_successful(written):
        return Failure(written.failure())
    return created.unwrap().finish()
