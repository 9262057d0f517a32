"""The third stage: an image from its place into quarantine, with what proves it.

    download_image: Located -> Downloaded | DownloadError, VerificationError, …

For each candidate, until one succeeds:

1. the signature, into memory;
2. the keys that are trusted for what was asked for, and the plan: what to hash. A signature that
   could never prove anything ends the search here, before the image is asked for;
3. the image, into quarantine, hashed while it arrives.

Where the server defers the signature (status 202), the image comes first, then the signature once
more, and the image is hashed from quarantine. Nothing in an image is looked at, and no signature
is judged: that is the next stage's. What a failure leaves of an image is kept where the rest can be
asked for, and taken up by the next try, in this process or another.

Source: appc/spec v0.8.11 ``spec/discovery.md``; rkt 1.30.0 for deferred signatures.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TypeAlias, TypeVar

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import AllCandidatesFailed, DownloadError, HttpStatus
from pipeline.events import SILENCE, Observer
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.ports import Clock, Keyring, Quarantine, RemoteEntry, SignatureVerifier, Transport
from pipeline.results import Downloaded, Located, Unchanged
from pipeline.stage import Stage, first_success
from pipeline.stages.download.candidate import (
    NextCandidate,
    Refusal,
    fetch_signed,
    fetch_unsigned,
)
from pipeline.stages.download.image import Attempt, Ports
from pipeline.stages.download.signature import Judges

Out = TypeVar("Out", Downloaded, Downloaded | Unchanged)

_Fetch: TypeAlias = Callable[
    [Attempt, ExitStack], Result[Downloaded | Unchanged, NextCandidate | Refusal]
]


def download_image(
    *,
    transport: Transport,
    quarantine: Quarantine,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    observer: Observer = SILENCE,
    limits: Limits = DEFAULT_LIMITS,
) -> Stage[Located, Downloaded, DownloadError | Refusal]:
    """Make the stage that downloads an image and the signature that it must have.

    Errors: the one candidate's own error, or AllCandidatesFailed; the first VerificationError,
    StoreError or ConfigurationError, whatever candidates are left.
    """
    ports = Ports(transport, quarantine, clock, limits, observer, _nothing_known)
    fetch = partial(fetch_signed, ports, Judges(keyring, verifier, clock))
    return _each_candidate(Stage("download", partial(_whole, fetch)))


def download_unsigned(
    *,
    transport: Transport,
    quarantine: Quarantine,
    clock: Clock,
    observer: Observer = SILENCE,
    limits: Limits = DEFAULT_LIMITS,
) -> Stage[Located, Downloaded, DownloadError | Refusal]:
    """Make the stage that downloads an image alone; only ``accept_unsigned`` takes it further.

    Errors: as :func:`download_image`, without those of signatures.
    """
    ports = Ports(transport, quarantine, clock, limits, observer, _nothing_known)
    fetch = partial(fetch_unsigned, ports)
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
) -> Stage[Located, Downloaded | Unchanged, DownloadError | Refusal]:
    """Make :func:`download_image`, but asking whether the image changed.

    ``known`` returns what is at hand from an image's URL and would do, None for nothing.
    The signature is fetched before the question, and must be one that could prove something.
    """
    ports = Ports(transport, quarantine, clock, limits, observer, known)
    fetch = partial(fetch_signed, ports, Judges(keyring, verifier, clock))
    return _each_candidate(Stage("download", partial(_cleanly, fetch)))


def download_unsigned_if_changed(
    *,
    transport: Transport,
    quarantine: Quarantine,
    clock: Clock,
    observer: Observer = SILENCE,
    known: Callable[[str], RemoteEntry | None],
    limits: Limits = DEFAULT_LIMITS,
) -> Stage[Located, Downloaded | Unchanged, DownloadError | Refusal]:
    """Make :func:`download_unsigned`, but asking whether the image changed."""
    ports = Ports(transport, quarantine, clock, limits, observer, known)
    fetch = partial(fetch_unsigned, ports)
    return _each_candidate(Stage("download", partial(_cleanly, fetch)))


def _each_candidate(
    stage: Stage[Attempt, Out, NextCandidate | Refusal],
) -> Stage[Located, Out, DownloadError | Refusal]:
    return first_success(stage, _attempts, _all_failed, retryable=_is_retryable)


def _attempts(located: Located) -> tuple[Attempt, ...]:
    return tuple(Attempt(located, candidate) for candidate in located.candidates)


def _is_retryable(cause: NextCandidate | Refusal) -> bool:
    return isinstance(cause, NextCandidate)


def _all_failed(located: Located, causes: tuple[NextCandidate | Refusal, ...]) -> DownloadError:
    failures = tuple(cause for cause in causes if isinstance(cause, NextCandidate))
    if len(failures) == 1:
        return failures[0]
    return AllCandidatesFailed(located.reference.string, failures)


def _nothing_known(_url: str) -> RemoteEntry | None:
    return None


def _whole(fetch: _Fetch, attempt: Attempt) -> Result[Downloaded, NextCandidate | Refusal]:
    """Fetch where nothing is known; "unchanged" is then no answer, also to the type checker."""
    outcome = _cleanly(fetch, attempt)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    value = outcome.unwrap()
    if isinstance(value, Unchanged):
        return Failure(HttpStatus(value.source.image, 304))
    return Success(value)


def _cleanly(
    fetch: _Fetch, attempt: Attempt
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    """Fetch; unless a whole image came of it, what was taken is let go, after interrupts too."""
    with ExitStack() as undo:
        outcome = fetch(attempt, undo)
        if isinstance(outcome.value_or(None), Downloaded):
            undo.pop_all()
        return outcome
