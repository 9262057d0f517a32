"""One image from its place into quarantine, hashed on the way.

    Attempt -> Downloaded (unproven as yet) | Unchanged, or TransportError, StoreError

The thread that asks receives and writes; a second one hashes, so that two cores work.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.background import Worker, background
from pipeline.errors import HttpStatus, StoreError, TransportError
from pipeline.hashing import StreamHasher
from pipeline.limits import Limits
from pipeline.ports import BlobWriter, Observer, Quarantine, Request, Response, Transport
from pipeline.results import Candidate, Downloaded, Located, Unchanged, Unsigned, Validators

Known: TypeAlias = Callable[[str], Validators]
"""What is at hand from an image's URL; empty validators for nothing."""


@final
@dataclass(frozen=True, slots=True)
class Ports:
    """What downloading needs of the world, and what is known of it already."""

    transport: Transport
    quarantine: Quarantine
    limits: Limits
    observer: Observer
    known: Known


@final
@dataclass(frozen=True, slots=True)
class Attempt:
    """One candidate of a located image."""

    located: Located
    candidate: Candidate


@final
@dataclass(frozen=True, slots=True)
class _HashedFile:
    """A sink: into quarantine, while a helper thread hashes."""

    worker: Worker[StoreError]
    writer: BlobWriter

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        put = self.worker.put(chunk)
        return self.writer.write(chunk) if is_successful(put) else put


def fetch_image(
    ports: Ports, attempt: Attempt, hasher: StreamHasher, undo: ExitStack
) -> Result[Downloaded | Unchanged, TransportError | StoreError]:
    """Move the image into quarantine and through ``hasher``; ``undo`` will discard it.

    The evidence is ``Unsigned`` until the caller has a signature to put there.
    """
    candidate = attempt.candidate
    request = Request(
        candidate.image,
        max_bytes=ports.limits.image_bytes,
        idle_seconds=ports.limits.idle_seconds,
        total_seconds=ports.limits.total_seconds,
        validators=ports.known(candidate.image),
    )
    created = ports.quarantine.create("image")
    if not is_successful(created):
        return Failure(created.failure())
    writer = created.unwrap()
    undo.callback(writer.discard)
    outcome = _transfer(ports.transport, request, writer, hasher)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    response = outcome.unwrap()
    if response.status == 304 and request.validators != Validators():
        return Success(Unchanged(candidate, response.validators, response.freshness))
    if response.status != 200:
        return Failure(HttpStatus(candidate.image, response.status))
    blob = writer.finish()
    if not is_successful(blob):
        return Failure(blob.failure())
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


def _transfer(
    transport: Transport, request: Request, writer: BlobWriter, hasher: StreamHasher
) -> Result[Response, TransportError | StoreError]:
    """Receive and write in this thread, hash in another."""

    def consume(chunk: bytes) -> Result[None, StoreError]:
        hasher.update(chunk)
        return Success(None)

    with background(consume) as worker:
        outcome = transport.fetch(request, _HashedFile(worker, writer))
        hashed = worker.finish()
    return outcome if is_successful(hashed) else Failure(hashed.failure())
