"""Conformance checks for whoever writes a transport: :func:`check_transport`."""

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import DiskFull, StoreError, TransportError
from pipeline.ports import BodyStart, Request, Response, ResumePoint, Sink, Transport
from pipeline.results import Validators
from pipeline.testing.conformance.promises import NonConformance, expect, expect_success
from pipeline.testing.oci import incompressible

_CONTENT: Final = gzip.compress(incompressible(10_000), mtime=0)
"""A body that is whole as it travels, and that somebody might decompress on the way."""

_FULL: Final = DiskFull("the sink")
_JUNK: Final = ("", "nonsense", "nonsense://x", "https://", "http://[::1", "file:///\0", "\ud800")


@final
@dataclass(frozen=True, slots=True)
class TransportUnderTest:
    """A transport that reaches ``url``, where the content is, and finds nothing at ``missing``."""

    transport: Transport
    url: str
    missing: str


def check_transport(
    serve: Callable[[bytes], AbstractContextManager[TransportUnderTest]],
    *,
    max_seconds: float = 10.0,
) -> None:
    """Check that a transport keeps what the port promises.

    ``serve`` puts some content where the transport can reach it. A request of these checks has
    ``max_seconds``.

    Errors: NonConformance.
    """
    with serve(_CONTENT) as served:
        bench = _Bench(served, max_seconds)
        first = _check_whole(bench, _CONTENT)
        _check_limit(bench)
        _check_missing(bench)
        _check_sink_fails(bench)
        _check_conditional(bench, first.validators)
        _check_resumption(bench)
        _check_other_methods(bench)
        _check_junk(bench)
    with serve(b"") as served:
        _check_whole(_Bench(served, max_seconds), b"")


@final
@dataclass(slots=True)
class _Sink:
    """Notes what a transport does, holds it to the rules, and fails where it is told to.

    ``held`` is what it offers to go on with. ``fails_at`` is the number of the call, ``begin`` and
    ``write`` together, that fails.
    """

    held: bytes = b""
    validators: Validators = Validators()
    total: int | None = None
    fails_at: int | None = None
    content: bytearray = field(default_factory=bytearray)
    begun: list[BodyStart] = field(default_factory=list)
    calls: int = 0
    has_failed: bool = False

    def resume_point(self) -> ResumePoint | None:
        if not self.held or self.begun:
            return None
        return ResumePoint(len(self.held), self.validators, self.total)

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        expect(0 <= start.offset <= len(self.held), "a body begins at 0, or up to what is held")
        self.begun.append(start)
        self.content[:] = self.held[: start.offset]
        return self._answer()

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        expect(bool(self.begun), "a body is begun before it is written")
        self.content += chunk
        return self._answer()

    def _answer(self) -> Result[None, StoreError]:
        expect(not self.has_failed, "a sink that failed is left alone")
        self.calls += 1
        self.has_failed = self.calls == self.fails_at
        return Failure(_FULL) if self.has_failed else Success(None)


@final
@dataclass(frozen=True, slots=True)
class _Bench:
    served: TransportUnderTest
    max_seconds: float

    def request(self, url: str | None = None, max_bytes: int = 1 << 20) -> Request:
        where = self.served.url if url is None else url
        return Request(where, max_bytes, self.max_seconds, self.max_seconds)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Fetch; what is raised, but for a broken promise, is one."""
        try:
            return self.served.transport.fetch(request, sink)
        except NonConformance:
            raise
        except Exception as error:
            raise NonConformance(f"nothing is raised, got {error!r} for {request.url!r}") from error


def _check_whole(bench: _Bench, content: bytes) -> Response:
    sink = _Sink()
    response = expect_success(bench.fetch(bench.request(), sink), "fetch what is there")
    expect(response.status == 200, f"what is there is a 200, got {response.status}")
    expect(len(sink.begun) == 1, "a body is begun once")
    expect(bytes(sink.content) == content, "a body comes whole, as it travels, in order")
    expect(response.size == len(content), f"the size is the body's, got {response.size}")
    expect(sink.begun[0].total in {None, len(content)}, "a total that is told is the body's size")
    zone = response.freshness.fetched_at.utcoffset()
    expect(zone == timedelta(0), "the time of an answer has its zone, UTC")
    return response


def _check_limit(bench: _Bench) -> None:
    size = len(_CONTENT)
    exactly = bench.fetch(bench.request(max_bytes=size), _Sink())
    expect(is_successful(exactly), "a body of exactly the limit passes")
    for limit in (size - 1, 1, 0):
        sink = _Sink()
        outcome = bench.fetch(bench.request(max_bytes=limit), sink)
        expect(not is_successful(outcome), "a body beyond the limit fails")
        expect(len(sink.content) <= limit, "no byte beyond the limit reaches the sink")
        expect(isinstance(outcome.failure(), TransportError), "as an error of the transport")


def _check_missing(bench: _Bench) -> None:
    sink = _Sink()
    outcome = bench.fetch(bench.request(bench.served.missing), sink)
    expect(not is_successful(outcome), "what is not there is a failure")
    expect(isinstance(outcome.failure(), TransportError), "of the transport")
    expect(not sink.begun, "what is not there has no body")


def _check_sink_fails(bench: _Bench) -> None:
    for call in (1, 2):
        outcome = bench.fetch(bench.request(), _Sink(fails_at=call))
        expect(not is_successful(outcome), "a sink that fails ends the transfer")
        expect(outcome.failure() == _FULL, "and its own error is the outcome")


def _check_conditional(bench: _Bench, validators: Validators) -> None:
    if validators != Validators():
        sink = _Sink()
        request = replace(bench.request(), validators=validators)
        response = expect_success(bench.fetch(request, sink), "ask whether it still stands")
        is_same = response.status == 304 and not sink.begun
        is_whole = response.status == 200 and bytes(sink.content) == _CONTENT
        expect(is_same or is_whole, "what still stands is a 304 without a body, or comes whole")
    stale = replace(bench.request(), validators=Validators('"of another version"'))
    sink = _Sink()
    response = expect_success(bench.fetch(stale, sink), "ask whether it has changed")
    is_whole = response.status == 200 and bytes(sink.content) == _CONTENT
    expect(is_whole, "what has changed comes whole")


def _check_resumption(bench: _Bench) -> None:
    plain = _Sink()
    expect_success(bench.fetch(bench.request(), plain), "fetch what is there")
    half = len(_CONTENT) // 2
    offers = (
        _Sink(_CONTENT[:half], plain.begun[0].validators, len(_CONTENT)),
        _Sink(b"?" * half, Validators('"of another version"'), len(_CONTENT)),
        _Sink(b"?" * half, Validators('W/"weak"', "Thu, 01 Jan 2026 00:00:00 GMT")),
        _Sink(b"?" * half),
        _Sink(b"?" * (len(_CONTENT) + 9), Validators('"of a longer version"')),
    )
    for sink in offers:
        response = expect_success(bench.fetch(bench.request(), sink), "go on with a body")
        expect(response.status == 200, "a body that was completed counts as a 200")
        expect(bytes(sink.content) == _CONTENT, "bytes of two versions are never joined")
        expect(response.size == len(_CONTENT), "the size is that of the whole")


def _check_other_methods(bench: _Bench) -> None:
    sink = _Sink()
    outcome = bench.fetch(replace(bench.request(), method="HEAD"), sink)
    expect(not sink.begun, "a HEAD has no body")
    if is_successful(outcome):
        expect(outcome.unwrap().status == 200, "a HEAD of what is there is a 200")


def _check_junk(bench: _Bench) -> None:
    for url in _JUNK:
        sink = _Sink()
        outcome = bench.fetch(bench.request(url), sink)
        expect(not is_successful(outcome), f"{url!r} is nothing that can be fetched")
        expect(not sink.begun, f"{url!r} has no body")
