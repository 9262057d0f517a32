"""The third stage: an image from its place into quarantine, with what proves it.

    download_image: Located -> Downloaded | DownloadError, VerificationError, …

For each candidate, until one succeeds, an archive's

1. signature, into memory;
2. keys that are trusted for what was asked for, and the plan: what to hash. A signature that could
   never prove anything ends the search here, before the image is asked for;
3. archive, into quarantine, hashed while it arrives.

Where the server defers the signature (status 202), the image comes first, then the signature once
more, and the image is hashed from quarantine. An OCI image's manifest and signatures come first,
and nothing else before a policy lets the manifest pass: :mod:`.oci`.

Nothing in an archive is looked at, and no signature counts as judged: that is the next stage's.
What a failure leaves of an image is kept where the rest can be asked for, and taken up by the next
try, in this process or another.

Source: appc/spec v0.8.11 ``spec/discovery.md``; rkt 1.30.0 for deferred signatures.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final, TypeAlias, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import (
    AllCandidatesFailed,
    DownloadError,
    FileUnreadable,
    HttpStatus,
    ImageError,
    StoreError,
    TransportError,
    Unproven,
    UnsupportedManifest,
)
from pipeline.events import SILENCE, Observer
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.ports import (
    Clock,
    ImagePathReader,
    Keyring,
    ManifestPolicy,
    Quarantine,
    RemoteEntry,
    SignatureVerifier,
    Transport,
)
from pipeline.results import (
    ACI_TYPE,
    Candidate,
    Downloaded,
    ImagePathPlace,
    LoadedImage,
    Located,
    Unchanged,
)
from pipeline.stage import Stage, first_success
from pipeline.stages.download.candidate import (
    NextCandidate,
    Refusal,
    fetch_signed,
    fetch_unsigned,
)
from pipeline.stages.download.image import Attempt
from pipeline.stages.download.oci import OciAttempt, OciPorts, fetch_oci
from pipeline.stages.download.signature import Judges
from pipeline.stages.download.transfer import Ports

Out = TypeVar("Out", Downloaded, Downloaded | Unchanged)

_Attempt: TypeAlias = Attempt | OciAttempt
_Fetch: TypeAlias = Callable[
    [_Attempt, ExitStack], Result[Downloaded | Unchanged, NextCandidate | Refusal]
]


@final
class _NoImagePaths:
    """Reads no image out of files."""

    def load(
        self,
        place: ImagePathPlace,
        quarantine: Quarantine,  # noqa: ARG002 - nothing is read
        limits: Limits,  # noqa: ARG002 - nothing is read
    ) -> Result[LoadedImage, ImageError | TransportError | StoreError]:
        """Fail."""
        reason = "no reader of images in files was given to this stage"
        return Failure(FileUnreadable(place.reference.path, reason))


NO_IMAGE_PATHS: Final = _NoImagePaths()
"""The reader of those who fetch none."""


def download_image(
    *,
    transport: Transport,
    quarantine: Quarantine,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    observer: Observer = SILENCE,
    limits: Limits = DEFAULT_LIMITS,
    policy: ManifestPolicy | None = None,
    images: ImagePathReader = NO_IMAGE_PATHS,
) -> Stage[Located, Downloaded, DownloadError | Refusal]:
    """Make the stage that downloads an image and the signature that it must have.

    OCI images need a ``policy`` that says who may vouch for them, and those in files ``images``.

    Errors: the one candidate's own error, or AllCandidatesFailed; the first VerificationError,
    StoreError or ConfigurationError, whatever candidates are left.
    """
    ports = Ports(transport, quarantine, clock, limits, observer, _nothing_known)
    judges = Judges(keyring, verifier, clock)
    fetch = partial(_fetch_signed, ports, judges, policy, images)
    return _each_candidate(Stage("download", partial(_whole, fetch)))


def download_unsigned(
    *,
    transport: Transport,
    quarantine: Quarantine,
    clock: Clock,
    observer: Observer = SILENCE,
    limits: Limits = DEFAULT_LIMITS,
    images: ImagePathReader = NO_IMAGE_PATHS,
) -> Stage[Located, Downloaded, DownloadError | Refusal]:
    """Make the stage that downloads an image alone; only ``accept_unsigned`` takes it further.

    Errors: as :func:`download_image`, without those of signatures.
    """
    ports = Ports(transport, quarantine, clock, limits, observer, _nothing_known)
    fetch = partial(_fetch_unsigned, ports, OciPorts(None, images))
    return _each_candidate(Stage("download", partial(_whole, fetch)))


def download_manifest(
    *,
    transport: Transport,
    quarantine: Quarantine,
    clock: Clock,
    policy: ManifestPolicy | None,
    observer: Observer = SILENCE,
    limits: Limits = DEFAULT_LIMITS,
    images: ImagePathReader = NO_IMAGE_PATHS,
    config: bool = True,
) -> Stage[Located, Downloaded, DownloadError | Refusal]:
    """Make the stage that downloads of an OCI image what says what it is: no layers.

    Its manifest, what may prove that, and its ``config``, unless that is not wanted, come; enough
    for a policy to decide on it, and not to be extracted. Without a ``policy``, nobody is asked to
    vouch for it. An image in files comes whole.

    Errors: as :func:`download_image`; UnsupportedManifest for an archive.
    """
    ports = Ports(transport, quarantine, clock, limits, observer, _nothing_known)
    fetch = partial(_fetch_manifest, ports, OciPorts(policy, images, layers=False, config=config))
    return _each_candidate(Stage("download", partial(_whole, fetch)))


def download_if_changed(
    *,
    transport: Transport,
    quarantine: Quarantine,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    observer: Observer = SILENCE,
    known: Callable[[str], RemoteEntry | None],
    limits: Limits = DEFAULT_LIMITS,
    policy: ManifestPolicy | None = None,
    images: ImagePathReader = NO_IMAGE_PATHS,
) -> Stage[Located, Downloaded | Unchanged, DownloadError | Refusal]:
    """Make :func:`download_image`, but asking whether the image changed.

    ``known`` returns what is at hand from an image's URL and would do, None for nothing.
    The signature is fetched before the question, and must be one that could prove something.
    """
    ports = Ports(transport, quarantine, clock, limits, observer, known)
    judges = Judges(keyring, verifier, clock)
    fetch = partial(_fetch_signed, ports, judges, policy, images)
    return _each_candidate(Stage("download", partial(_cleanly, fetch)))


def download_unsigned_if_changed(
    *,
    transport: Transport,
    quarantine: Quarantine,
    clock: Clock,
    observer: Observer = SILENCE,
    known: Callable[[str], RemoteEntry | None],
    limits: Limits = DEFAULT_LIMITS,
    images: ImagePathReader = NO_IMAGE_PATHS,
) -> Stage[Located, Downloaded | Unchanged, DownloadError | Refusal]:
    """Make :func:`download_unsigned`, but asking whether the image changed."""
    ports = Ports(transport, quarantine, clock, limits, observer, known)
    fetch = partial(_fetch_unsigned, ports, OciPorts(None, images))
    return _each_candidate(Stage("download", partial(_cleanly, fetch)))


def _each_candidate(
    stage: Stage[_Attempt, Out, NextCandidate | Refusal],
) -> Stage[Located, Out, DownloadError | Refusal]:
    return first_success(stage, _attempts, _all_failed, retryable=_is_retryable)


def _attempts(located: Located) -> tuple[_Attempt, ...]:
    return tuple(
        Attempt(located, place) if isinstance(place, Candidate) else OciAttempt(located, place)
        for place in located.candidates
    )


def _fetch_signed(
    ports: Ports,
    judges: Judges,
    policy: ManifestPolicy | None,
    images: ImagePathReader,
    attempt: _Attempt,
    undo: ExitStack,
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    if isinstance(attempt, Attempt):
        return fetch_signed(ports, judges, attempt, undo)
    if policy is None:
        return Failure(Unproven(attempt.place.image))
    return fetch_oci(ports, OciPorts(policy, images), attempt, undo)


def _fetch_manifest(
    ports: Ports, oci: OciPorts, attempt: _Attempt, undo: ExitStack
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    if isinstance(attempt, Attempt):
        return Failure(UnsupportedManifest(ACI_TYPE, "an archive has its manifest within it"))
    return fetch_oci(ports, oci, attempt, undo)


def _fetch_unsigned(
    ports: Ports, oci: OciPorts, attempt: _Attempt, undo: ExitStack
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    if isinstance(attempt, Attempt):
        return fetch_unsigned(ports, attempt, undo)
    return fetch_oci(ports, oci, attempt, undo)


def _is_retryable(cause: NextCandidate | Refusal) -> bool:
    return isinstance(cause, NextCandidate)


def _all_failed(located: Located, causes: tuple[NextCandidate | Refusal, ...]) -> DownloadError:
    failures = tuple(cause for cause in causes if isinstance(cause, NextCandidate))
    if len(failures) == 1:
        return failures[0]
    return AllCandidatesFailed(located.reference.string, failures)


def _nothing_known(_url: str) -> RemoteEntry | None:
    return None


def _whole(fetch: _Fetch, attempt: _Attempt) -> Result[Downloaded, NextCandidate | Refusal]:
    """Fetch where nothing is known; "unchanged" is then no answer, also to the type checker."""
    outcome = _cleanly(fetch, attempt)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    value = outcome.unwrap()
    if isinstance(value, Unchanged):
        return Failure(HttpStatus(value.source.image, 304))
    return Success(value)


def _cleanly(
    fetch: _Fetch, attempt: _Attempt
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    """Fetch; unless a whole image came of it, what was taken is let go, after interrupts too."""
    with ExitStack() as undo:
        outcome = fetch(attempt, undo)
        if isinstance(outcome.value_or(None), Downloaded):
            undo.pop_all()
        return outcome
