"""One image from its place into quarantine, hashed on the way.

    Attempt -> Downloaded (unproven as yet) | Unchanged, or TransportError, StoreError

What an earlier try left of the image is taken up: the transport asks for the rest alone, and begins
anew where the server does not prove that the rest belongs to it. While another fetch of the same
image is under way it is waited for; what that one stored is then good here, too.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import HttpStatus, StoreError, TransportError, TruncatedBody
from pipeline.hashing import StreamHasher
from pipeline.ports import Partial, Request
from pipeline.results import Candidate, Downloaded, Located, Unchanged, Unsigned, Validators
from pipeline.stages.download.transfer import Ports, is_busy, tell_waiting, transfer
from pipeline.text import redact_url


@final
@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate of a located image."""

    located: Located
    candidate: Candidate


def fetch_image(
    ports: Ports, attempt: Attempt, hasher: StreamHasher, undo: ExitStack
) -> Result[Downloaded | Unchanged, TransportError | StoreError]:
    """Move the image into quarantine and through ``hasher``; ``undo`` will release it.

    The evidence is ``Unsigned`` until the caller has a signature to put there.
    """
    candidate = attempt.candidate
    known = ports.known(candidate.image)
    taken = ports.quarantine.resume(candidate.image, 0)
    if is_busy(taken):
        tell_waiting(ports, redact_url(candidate.image))
        taken = ports.quarantine.resume(candidate.image, ports.limits.total_seconds)
        before, known = known, ports.known(candidate.image)
        if known is not None and known != before:
            _release(taken)
            return Success(Unchanged(candidate, known.validators, known.freshness))
    if not is_successful(taken):
        return Failure(taken.failure())
    partial = taken.unwrap()
    undo.callback(partial.release)
    request = Request(
        candidate.image,
        max_bytes=ports.limits.image_bytes,
        idle_seconds=ports.limits.idle_seconds,
        total_seconds=ports.limits.total_seconds,
        validators=Validators() if known is None else known.validators,
        least_bytes_per_second=ports.limits.least_bytes_per_second,
        named_by=candidate.named_by,
    )
    outcome = transfer(ports, request, partial, hasher)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    response = outcome.unwrap()
    if response.status == 304 and request.validators != Validators():
        # What is held is of another version than what still stands.
        partial.discard()
        return Success(Unchanged(candidate, response.validators, response.freshness))
    if response.status != 200:
        return Failure(HttpStatus(candidate.image, response.status))
    blob = partial.finish()
    if not is_successful(blob):
        return Failure(blob.failure())
    if blob.unwrap().size != response.size:
        return Failure(TruncatedBody(candidate.image, blob.unwrap().size, response.size))
    return Success(
        Downloaded(
            attempt.located.reference,
            attempt.located.expected,
            candidate,
            blob.unwrap(),
            Unsigned(),
            response.validators,
            response.freshness,
        )
    )


def _release(taken: Result[Partial, StoreError]) -> None:
    if is_successful(taken):
        taken.unwrap().release()
