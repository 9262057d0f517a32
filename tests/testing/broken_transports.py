"""Transports that break one promise each, over a web in memory."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ConnectionFailed, StoreError, StoreUnavailable, TransportError
from pipeline.ports import BodyStart, Request, Response, ResumePoint, Sink, Transport
from pipeline.results import Freshness, Validators

NAIVE: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - that is what is wrong with it

Outcome: TypeAlias = Result[Response, TransportError | StoreError]
Fetch: TypeAlias = Callable[[Transport, Request, Sink], Outcome]


@dataclass(frozen=True, slots=True)
class Broken:
    """Does as ``how`` says, with a transport that does it right."""

    right: Transport
    how: Fetch

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        return self.how(self.right, request, sink)


@dataclass(slots=True)
class Between:
    """Stands between a transport and the sink; passes everything on."""

    sink: Sink
    seen: bytearray = field(default_factory=bytearray)
    start: BodyStart | None = None

    def resume_point(self) -> ResumePoint | None:
        return self.sink.resume_point()

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        self.start = start
        return self.sink.begin(start)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        self.seen += chunk
        return self.sink.write(chunk)


class Cutting(Between):
    """Loses the last bytes of each chunk."""

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        return self.sink.write(chunk[:-1])


class Doubling(Between):
    """Passes chunks on twice."""

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        self.sink.write(chunk)
        return self.sink.write(chunk)


class Late(Between):
    """Begins a body once it is written."""

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        self.start = start
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        written = self.sink.write(chunk)
        if self.start is not None:
            self.sink.begin(self.start)
        return written


class Twice(Between):
    """Begins a body twice."""

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        self.sink.begin(start)
        return self.sink.begin(start)


class WrongTotal(Between):
    """Tells another total."""

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        return self.sink.begin(replace(start, total=(start.total or 0) + 1))


class Holding(Between):
    """Keeps a body back until it is whole."""

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        self.start = start
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        self.seen += chunk
        return Success(None)


class DeafToBegin(Between):
    """Does not care whether the sink is ready."""

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        self.sink.begin(start)
        return Success(None)


class DeafToWrite(Between):
    """Does not care whether the sink takes anything."""

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        self.sink.write(chunk)
        return Success(None)


class Trusting(Between):
    """Goes on with whatever is held, whichever version it is of."""

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        point = self.sink.resume_point()
        offset = 0 if point is None else point.offset
        self.start = replace(start, offset=offset)
        return self.sink.begin(self.start)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        before = len(self.seen)
        self.seen += chunk
        offset = self.start.offset if self.start else 0
        rest = chunk[max(0, offset - before) :]
        return self.sink.write(rest) if rest else Success(None)


class TooFar(Between):
    """Begins beyond what is held."""

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        point = self.sink.resume_point()
        return self.sink.begin(start if point is None else replace(start, offset=point.offset + 1))


def through(kind: type[Between]) -> Fetch:
    """Return a way to fetch with that between the transport and the sink."""
    return lambda right, request, sink: right.fetch(request, kind(sink))


def answering(change: Callable[[Response], Response]) -> Fetch:
    """Return a way to fetch that changes the answer."""
    return lambda right, request, sink: right.fetch(request, sink).map(change)


def asking(change: Callable[[Request], Request]) -> Fetch:
    """Return a way to fetch that changes what is asked."""
    return lambda right, request, sink: right.fetch(change(request), sink)


def decompressed(right: Transport, request: Request, sink: Sink) -> Outcome:
    held = Holding(sink)
    outcome = right.fetch(request, held)
    if held.start is None or not is_successful(outcome):
        return outcome
    content = gzip.decompress(held.seen) if held.seen else b""
    sink.begin(held.start)
    sink.write(content)
    return outcome


def resuming_silently(right: Transport, request: Request, sink: Sink) -> Outcome:
    """Tell the size of what was sent, not of the whole."""
    between = Between(sink)
    return right.fetch(request, between).map(lambda told: replace(told, size=len(between.seen)))


def found_anyway(right: Transport, request: Request, sink: Sink) -> Outcome:
    outcome = right.fetch(request, sink)
    if is_successful(outcome):
        return outcome
    return Success(Response(request.url, 200, 0, Validators(), Freshness(datetime.now(UTC))))


def error_page(right: Transport, request: Request, sink: Sink) -> Outcome:
    outcome = right.fetch(request, sink)
    if not is_successful(outcome) and isinstance(outcome.failure(), TransportError):
        sink.begin(BodyStart(request.url, 0, None, Validators()))
    return outcome


def raising(right: Transport, request: Request, sink: Sink) -> Outcome:
    outcome = right.fetch(request, sink)
    if not is_successful(outcome) and isinstance(outcome.failure(), TransportError):
        raise OSError("not found")
    return outcome


def own_trouble(right: Transport, request: Request, sink: Sink) -> Outcome:
    """Blame the store for whatever happens."""
    outcome = right.fetch(request, sink)
    if is_successful(outcome) or isinstance(outcome.failure(), StoreError):
        return outcome
    return Failure(StoreUnavailable("bucket", "read", "no such key"))


def masking(right: Transport, request: Request, sink: Sink) -> Outcome:
    """Blame the network for the sink's trouble."""
    outcome = right.fetch(request, sink)
    if not is_successful(outcome) and isinstance(outcome.failure(), StoreError):
        return Failure(ConnectionFailed(request.url, "it broke"))
    return outcome


def always_unchanged(right: Transport, request: Request, sink: Sink) -> Outcome:
    outcome = right.fetch(replace(request, validators=Validators()), Between(sink))
    if request.validators == Validators() or not is_successful(outcome):
        return outcome
    return Success(replace(outcome.unwrap(), status=304))


def unchanged_for_all(right: Transport, request: Request, sink: Sink) -> Outcome:
    if request.validators == Validators():
        return right.fetch(request, sink)
    freshness = Freshness(datetime.now(UTC))
    return Success(Response(request.url, 304, 0, request.validators, freshness))


BROKEN: Final[dict[str, tuple[Fetch, str]]] = {
    "cuts chunks": (through(Cutting), "comes whole"),
    "doubles chunks": (through(Doubling), "comes whole"),
    "begins late": (through(Late), "begun before it is written"),
    "begins twice": (through(Twice), "begun once"),
    "another total": (through(WrongTotal), "a total that is told"),
    "never begins": (through(Holding), "begun once"),
    "decompresses": (decompressed, "as it travels"),
    "another size": (answering(lambda told: replace(told, size=told.size + 1)), "the size is"),
    "another status": (answering(lambda told: replace(told, status=206)), "is a 200"),
    "no zone": (
        answering(lambda told: replace(told, freshness=Freshness(NAIVE))),
        "has its zone",
    ),
    "no limit": (asking(lambda request: replace(request, max_bytes=1 << 30)), "beyond the limit"),
    "a limit that is too low": (
        asking(lambda request: replace(request, max_bytes=request.max_bytes - 1)),
        "exactly the limit",
    ),
    "a limit that is the store's": (own_trouble, "error of the transport"),
    "finds everything": (found_anyway, "fails"),
    "an error page": (error_page, "has no body"),
    "raises": (raising, "nothing is raised"),
    "deaf to begin": (through(DeafToBegin), "left alone"),
    "deaf to write": (through(DeafToWrite), "left alone"),
    "masks the sink's error": (masking, "its own error"),
    "a 304 with a body": (always_unchanged, "a 304 without a body"),
    "a 304 for all": (unchanged_for_all, "what has changed comes whole"),
    "joins versions": (through(Trusting), "never joined"),
    "leaves a gap": (through(TooFar), "up to what is held"),
    "the size of a part": (resuming_silently, "of the whole"),
    "a HEAD with a body": (asking(lambda request: replace(request, method="GET")), "a HEAD"),
}
"""Each way to break a promise, and words of the promise."""
