"""A body on its way into quarantine, hashed as it comes, with whoever watches told of it.

    Request, Partial -> Response, or TransportError, StoreError

The thread that asks receives and writes; a second one hashes, so that two cores work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.background import Worker, background
from pipeline.errors import StoreError, StoreUnavailable, TransportError
from pipeline.events import (
    ABORTED,
    Noticed,
    Observer,
    TransferFailed,
    TransferFinished,
    TransferProgressed,
    TransferStarted,
    tell,
)
from pipeline.hashing import StreamHasher
from pipeline.limits import Limits
from pipeline.ports import (
    BodyStart,
    Clock,
    Partial,
    Quarantine,
    RemoteEntry,
    Request,
    Response,
    ResumePoint,
    Transport,
)
from pipeline.text import redact_url

Known: TypeAlias = Callable[[str], RemoteEntry | None]
"""What is at hand from an image's URL, and would do; None for nothing."""

_SECONDS_BETWEEN_EVENTS: Final = 0.1


@final
@dataclass(frozen=True, slots=True)
class Ports:
    """What downloading needs of the world, and what is known of it already."""

    transport: Transport
    quarantine: Quarantine
    clock: Clock
    limits: Limits
    observer: Observer
    known: Known


@final
@dataclass(slots=True)
class _HashedPartial:
    """A sink: into a partial, while a helper thread hashes, and an observer watches."""

    url: str
    partial: Partial
    hasher: StreamHasher
    worker: Worker[StoreError]
    clock: Clock
    observer: Observer
    held: int = 0
    total: int | None = None
    received: int = 0
    told_at: float = 0.0

    def resume_point(self) -> ResumePoint | None:
        """Return what is held; it is hashed now, so that no server has to wait for that."""
        point = self.partial.resume_point()
        if point is None or not is_successful(self._hash_up_to(point.offset)):
            return None
        return point

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        begun = self.partial.begin(start)
        if not is_successful(begun):
            return begun
        self.held, self.total, self.told_at = start.offset, start.total, self.clock.monotonic()
        tell(self.observer, TransferStarted(self.url, start.offset, start.total))
        return self._hash_up_to(start.offset)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        put = self.worker.put(chunk)
        written = self.partial.write(chunk) if is_successful(put) else put
        if not is_successful(written):
            return written
        self.held += len(chunk)
        self.received += len(chunk)
        if self.clock.monotonic() - self.told_at >= _SECONDS_BETWEEN_EVENTS:
            self.told_at = self.clock.monotonic()
            tell(self.observer, TransferProgressed(self.url, self.held, self.total))
        return Success(None)

    def _hash_up_to(self, offset: int) -> Result[None, StoreError]:
        """Have the first ``offset`` bytes of what is held hashed, and no more."""
        hashed = self.worker.finish()
        if not is_successful(hashed) or self.hasher.count == offset:
            return hashed
        self.hasher.restart()
        if offset == 0:
            return Success(None)
        opened = self.partial.read()
        if not is_successful(opened):
            return Failure(opened.failure())
        with opened.unwrap() as file:
            read = self.hasher.read_from(file, offset)
        if not is_successful(read):
            return Failure(StoreUnavailable(self.url, "read", read.failure()))
        if self.hasher.count != offset:
            return Failure(StoreUnavailable(self.url, "read", "what was held is gone"))
        return Success(None)


def transfer(
    ports: Ports, request: Request, partial: Partial, hasher: StreamHasher
) -> Result[Response, TransportError | StoreError]:
    """Receive and write in this thread, hash in another.

    Errors: what the transport and the partial fail with.
    """

    def consume(chunk: bytes) -> Result[None, StoreError]:
        hasher.update(chunk)
        return Success(None)

    url, began = redact_url(request.url), ports.clock.monotonic()

    def failed(error_kind: str) -> TransferFailed:
        return TransferFailed(url, error_kind, ports.clock.monotonic() - began)

    try:
        with background(consume) as worker:
            sink = _HashedPartial(url, partial, hasher, worker, ports.clock, ports.observer)
            outcome = ports.transport.fetch(request, sink)
            hashed = worker.finish()
    except BaseException:
        tell(ports.observer, failed(ABORTED))
        raise
    ended = outcome if is_successful(hashed) else hashed
    if not is_successful(ended):
        tell(ports.observer, failed(ended.failure().kind))
        return Failure(ended.failure())
    if outcome.unwrap().status == 200:
        seconds = ports.clock.monotonic() - began
        tell(ports.observer, TransferFinished(url, sink.held, sink.received, seconds))
    return outcome


def take(
    ports: Ports, shown: str, resume: Callable[[float], Result[Partial, StoreError]]
) -> Result[Partial, StoreError]:
    """Take up what is held of a body; while another fetch is at it, say so and wait."""
    taken = resume(0)
    if not is_busy(taken):
        return taken
    tell_waiting(ports, shown)
    return resume(ports.limits.total_seconds)


def tell_waiting(ports: Ports, shown: str) -> None:
    """Say that another fetch is waited for."""
    notice = f"another fetch of {shown} is under way, waiting for it"
    tell(ports.observer, Noticed("waiting", notice))


def is_busy(taken: Result[Partial, StoreError]) -> bool:
    """Tell whether another session holds the body."""
    if is_successful(taken):
        return False
    error = taken.failure()
    return isinstance(error, StoreUnavailable) and error.doing == "lock"
