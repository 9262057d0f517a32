"""Registry images looked at without their layers, and without a store.

    Fetcher, OciReference -> Result[Inspected | Verified, PipelineError]

What is shown of an image that nobody vouches for is unproven, and says so. Images in files have
all of their parts in one place: these are copied into the store's quarantine, and go from there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryQuarantine
from pipeline.errors import (
    ConfigurationError,
    InvalidDocument,
    PipelineError,
    StoreError,
    StoreUnavailable,
    Unproven,
    VerificationError,
    document_error,
)
from pipeline.limits import CONFIG_BYTES
from pipeline.oci import OciIndex, OciManifest
from pipeline.oci.documents import parse_document
from pipeline.ports import Admitted, LetThrough, ManifestPolicy, Quarantine, Wanted
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.rollback import given_before, older_signature, report
from pipeline.reference import ImagePathReference, OciReference, Reference
from pipeline.results import Downloaded, Located, ManifestEvidence, Verified
from pipeline.stage import Stage
from pipeline.stages.discover import DIRECT_REGISTRIES, discover_endpoints
from pipeline.stages.download import NO_IMAGE_PATHS, download_manifest
from pipeline.stages.verify import verify_signature
from pipeline.trust import BY_REQUEST


@final
@dataclass(frozen=True, slots=True)
class Inspected:
    """An image's documents and signatures; ``refused`` is why nobody vouches for it, if so.

    ``config`` are the configuration's bytes, whatever it is.
    """

    downloaded: Downloaded
    evidence: ManifestEvidence
    manifest: OciManifest
    config: bytes
    refused: VerificationError | None = None


def inspect_remote(fetcher: Fetcher, reference: OciReference) -> Result[Inspected, PipelineError]:
    """Fetch what says what an image is, whether or not somebody vouches for it.

    Errors: what locating and downloading fail with, but for the policy's verdict.
    """
    located = locate_image(fetcher, reference)
    if not is_successful(located):
        return Failure(located.failure())
    policy = fetcher.policy
    judged = _look(fetcher, located.unwrap(), policy) if policy is not None else None
    if judged is not None and is_successful(judged):
        return judged
    refused = Unproven(reference.string) if judged is None else judged.failure()
    if not isinstance(refused, VerificationError):
        return Failure(refused)
    seen = _look(fetcher, located.unwrap(), _Onlooker())
    return seen.map(lambda inspected: replace(inspected, refused=refused))


def verify_remote(fetcher: Fetcher, reference: OciReference) -> Result[Verified, PipelineError]:
    """Have an image verified by its manifest alone.

    It is compared with what the store got by the same reference, too, and reported where it was
    signed earlier.

    Errors: what locating, downloading and the policy fail with; Unproven where a policy lets
    everything pass, or there is none.
    """
    located = locate_image(fetcher, reference)
    if not is_successful(located):
        return Failure(located.failure())
    if fetcher.policy is None:
        return Failure(Unproven(reference.string))
    with _quarantine(fetcher, reference) as opened:
        if not is_successful(opened):
            return Failure(opened.failure())
        check = _download(fetcher, fetcher.policy, opened.unwrap()) >> verify_signature(
            keyring=fetcher.keyring,
            verifier=fetcher.verifier,
            clock=fetcher.clock,
            signers=fetcher.signers,
            policy=fetcher.policy,
        )
        verified = check(located.unwrap())
    if is_successful(verified):
        before = given_before(fetcher, located.unwrap())
        report(fetcher, reference, older_signature(verified.unwrap(), before))
    return verified


def locate_image(fetcher: Fetcher, reference: OciReference) -> Result[Located, PipelineError]:
    """Locate an image, and make ready to ask for it.

    Errors: what the settings, the configuration and the registries' fail with.
    """
    ready = fetcher.prepare()
    if not is_successful(ready):
        return Failure(ready.failure())
    locate = discover_endpoints(
        discovery=fetcher.discovery,
        platform=fetcher.platform,
        registries=fetcher.registries or DIRECT_REGISTRIES,
        images_for=fetcher.images_for,
    )
    located = locate(reference)
    return Success(located.unwrap()) if is_successful(located) else Failure(located.failure())


@final
@dataclass(frozen=True, slots=True)
class _Onlooker:
    """A policy that wants to see everything and vouches for nothing."""

    def wanted(
        self,
        reference: str,  # noqa: ARG002 - whatever it is
    ) -> Result[Wanted, VerificationError | ConfigurationError]:
        return Success(Wanted(simple=True, sigstore=True))

    def admit(
        self,
        evidence: ManifestEvidence,  # noqa: ARG002 - nothing is judged
        now: datetime,  # noqa: ARG002 - at any time
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        return Success(LetThrough("it is only looked at", BY_REQUEST))


def _look(
    fetcher: Fetcher, located: Located, policy: ManifestPolicy
) -> Result[Inspected, PipelineError]:
    with _quarantine(fetcher, located.reference) as opened:
        if not is_successful(opened):
            return Failure(opened.failure())
        quarantine = opened.unwrap()
        outcome = _download(fetcher, policy, quarantine)(located)
        if not is_successful(outcome):
            return Failure(outcome.failure())
        downloaded = outcome.unwrap()
        evidence = downloaded.evidence
        if not isinstance(evidence, ManifestEvidence):
            return Failure(Unproven(located.reference.string))
        parsed = parse_document(evidence.documents[-1], downloaded.media_type)
        if not is_successful(parsed):
            return Failure(document_error("manifest", parsed.failure()))
        manifest = parsed.unwrap()
        if isinstance(manifest, OciIndex):
            return Failure(InvalidDocument("manifest", "$", "got an index, wanted one image"))
        config = _read_config(quarantine, downloaded)
        return config.map(lambda raw: Inspected(downloaded, evidence, manifest, raw))


def _download(
    fetcher: Fetcher, policy: ManifestPolicy, quarantine: Quarantine
) -> Stage[Located, Downloaded, PipelineError]:
    limits = fetcher.limits
    if isinstance(quarantine, MemoryQuarantine):
        # Nothing but a configuration comes: no registry fills the memory with what it calls one.
        limits = replace(limits, image_bytes=min(limits.image_bytes, CONFIG_BYTES))
    return download_manifest(
        transport=fetcher.transport,
        quarantine=quarantine,
        clock=fetcher.clock,
        policy=policy,
        observer=fetcher.observer,
        limits=limits,
        images=fetcher.images or NO_IMAGE_PATHS,
    )


def _read_config(quarantine: Quarantine, downloaded: Downloaded) -> Result[bytes, PipelineError]:
    config = downloaded.contents[0]
    if config.descriptor.size > CONFIG_BYTES:
        reason = f"got {config.descriptor.size} bytes, wanted at most {CONFIG_BYTES}"
        return Failure(InvalidDocument("configuration", "$", reason))
    opened = quarantine.open(config.blob)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        try:
            return Success(file.read())
        except OSError as error:
            reason = error.strerror or str(error)
            return Failure(StoreUnavailable(config.blob.key, "read", reason))


@contextmanager
def _quarantine(fetcher: Fetcher, reference: Reference) -> Iterator[Result[Quarantine, StoreError]]:
    """Open a quarantine: in memory for what comes from a registry, which is small."""
    if isinstance(reference, ImagePathReference):
        with fetcher.store.quarantine() as opened:
            yield Success(opened.unwrap()) if is_successful(opened) else Failure(opened.failure())
    else:
        yield Success(MemoryQuarantine())
