"""Faults of networks and servers, in a script: ``FaultyTransport(transport, [Fault("cut", 100)])``.

    Request, Sink -> Result[Response, TransportError | StoreError]

Each fetch takes the next fault of the script; when that is at its end, everything goes well. Bytes
are never changed or joined wrongly: a transport that does so does not conform.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    HttpStatus,
    StoreError,
    StoreUnavailable,
    TransferTooSlow,
    TransportError,
    TruncatedBody,
)
from pipeline.ports import BodyStart, Request, Response, ResumePoint, Sink, Transport

FaultKind: TypeAlias = Literal["cut", "overloaded", "refused", "silent", "slow", "unreachable"]
"""What goes wrong.

``unreachable``: no connection. ``overloaded``: a 503. ``refused``: a 403, which does not pass by
itself. ``cut``, ``silent``, ``slow``: so many bytes of the body come, and then the connection
breaks, nothing more comes in time, or it comes too slowly.
"""


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one fetch, and after how many bytes of what it sends of a body.

    A body that is not longer than that comes whole: the fault is then too late.
    """

    kind: FaultKind
    after_bytes: int = 0

    @property
    def is_passing(self) -> bool:
        """Whether the same request may go well later."""
        return self.kind != "refused"


@final
@dataclass(slots=True)
class FaultyTransport:
    """A :class:`~pipeline.ports.Transport` that has faults before it does as ``transport`` does."""

    transport: Transport
    script: Sequence[Fault]
    fetches: int = 0

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Fetch with the next fault of the script."""
        position, self.fetches = self.fetches, self.fetches + 1
        if position >= len(self.script):
            return self.transport.fetch(request, sink)
        fault = self.script[position]
        url = request.url
        match fault.kind:
            case "unreachable":
                return Failure(ConnectionFailed(url, "connection refused"))
            case "overloaded":
                return Failure(HttpStatus(url, 503))
            case "refused":
                return Failure(HttpStatus(url, 403))
            case "cut" | "silent" | "slow":
                limited = _LimitedSink(sink, fault.after_bytes)
                outcome = self.transport.fetch(request, limited)
                if not limited.is_over:
                    return outcome
                return Failure(_broken_off(fault.kind, request, limited.taken))
            case _:
                assert_never(fault.kind)


def _broken_off(
    kind: Literal["cut", "silent", "slow"], request: Request, taken: int
) -> TransportError:
    match kind:
        case "cut":
            return TruncatedBody(request.url, taken, None)
        case "silent":
            return DeadlineExceeded(request.url, request.idle_seconds, "idle")
        case "slow":
            return TransferTooSlow(request.url, 1.0, max(2, request.least_bytes_per_second))
        case _:
            assert_never(kind)


@final
@dataclass(slots=True)
class _LimitedSink:
    """Lets so many bytes through and then ends the transfer."""

    sink: Sink
    room: int
    taken: int = 0
    is_over: bool = field(default=False)

    def resume_point(self) -> ResumePoint | None:
        return self.sink.resume_point()

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        return self.sink.begin(start)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        kept = chunk[: self.room - self.taken]
        if kept:
            written = self.sink.write(kept)
            if not is_successful(written):
                return written
            self.taken += len(kept)
        self.is_over = len(kept) < len(chunk)
        if self.is_over:
            return Failure(StoreUnavailable("the sink", "write", "the transfer has ended"))
        return Success(None)
