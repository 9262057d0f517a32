"""A transfer that is stopped: at once, the sink left alone, what it holds kept for the next one."""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters import HttpSettings, HttpTransport, StoppableTransport, SystemClock
from pipeline.errors import HttpStatus, StoreError, TransferStopped, TransportError
from pipeline.ports import BodyStart, Request, Response, Sink
from pipeline.results import Freshness, Validators
from pipeline.testing.fakes import EPOCH, MemoryTransport, Page
from tests.support.fault_server import FaultServer, http
from tests.support.sinks import ResumableSink

URL = "https://user@files.example/a.aci?token=s3cret"
SOON = 5.0
"""Far more than it takes, far less than the time limits of the requests."""


def request(url: str = URL) -> Request:
    return Request(url, max_bytes=1000, idle_seconds=60.0, total_seconds=60.0)


@dataclass(slots=True)
class Stepwise:
    """Begins a body, writes once, waits to be let go on, and notes what its sink says to more."""

    half_way: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    told: list[object] = field(default_factory=list)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        start = BodyStart(URL, 0, 8, Validators('"v"'))
        sink.begin(start).unwrap()
        sink.write(b"half").unwrap()
        self.half_way.set()
        assert self.may_go_on.wait(SOON)
        self.told += [sink.resume_point(), sink.begin(start), sink.write(b"rest")]
        self.ended.set()
        return Success(Response(URL, 200, 8, Validators('"v"'), Freshness(EPOCH)))


def when(event: threading.Event, act: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        assert event.wait(SOON)
        act()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_what_is_not_stopped_passes_unchanged() -> None:
    page = Page(b"content", etag='"v"')
    plain, wrapped = MemoryTransport({URL: page}), MemoryTransport({URL: page})
    ours, theirs = ResumableSink(), ResumableSink()
    outcome = StoppableTransport(wrapped, threading.Event()).fetch(request(), ours)
    assert outcome == plain.fetch(request(), theirs)
    assert ours == theirs
    assert wrapped.requests == plain.requests
    gone = StoppableTransport(wrapped, threading.Event()).fetch(request("https://x/"), ours)
    assert gone == Failure(HttpStatus("https://x/", 404))


def test_nothing_is_asked_for_once_it_is_stopped() -> None:
    inner, stop = MemoryTransport({URL: Page(b"content")}), threading.Event()
    stop.set()
    outcome = StoppableTransport(inner, stop).fetch(request(), ResumableSink())
    assert outcome == Failure(TransferStopped(URL))
    assert inner.requests == []


def test_the_sink_is_left_alone_from_then_on() -> None:
    inner, stop, sink = Stepwise(), threading.Event(), ResumableSink()
    stopping = when(inner.half_way, stop.set)
    outcome = StoppableTransport(inner, stop).fetch(request(), sink)
    stopping.join()
    assert outcome == Failure(TransferStopped(URL))
    point = sink.resume_point()
    inner.may_go_on.set()
    assert inner.ended.wait(SOON)
    # It was refused everything, and what was held is as it was: the next fetch goes on there.
    assert inner.told[0] is None
    assert all(isinstance(each, Failure) for each in inner.told[1:])
    assert bytes(sink.content) == b"half"
    assert len(sink.begun) == 1
    assert sink.resume_point() == point


def test_what_ended_before_it_was_stopped_counts() -> None:
    inner, stop = Stepwise(), threading.Event()
    inner.may_go_on.set()
    assert is_successful(StoppableTransport(inner, stop).fetch(request(), ResumableSink()))


def test_a_silent_server_keeps_nobody_waiting() -> None:
    asked, stop, over = threading.Event(), threading.Event(), threading.Event()

    def stay_silent(connection: object) -> None:
        asked.set()
        over.wait(SOON)

    with FaultServer({"/a": stay_silent}) as server:
        stopping = when(asked, stop.set)
        with HttpTransport(HttpSettings(allow_http=True), SystemClock()) as transport:
            began = time.monotonic()
            url = f"http://127.0.0.1:{server.port}/a"
            outcome = StoppableTransport(transport, stop).fetch(request(url), ResumableSink())
            took = time.monotonic() - began
        over.set()
        stopping.join()
    assert outcome == Failure(TransferStopped(url))
    assert took < SOON


def test_over_http_too_what_is_held_is_gone_on_with() -> None:
    stop, over, sink = threading.Event(), threading.Event(), ResumableSink()
    head, body = http(b"x" * 100, etag='"v"').split(b"\r\n\r\n")

    def half(connection: object) -> None:
        connection.sendall(head + b"\r\n\r\n" + body[:50])  # type: ignore[attr-defined]  # a socket
        over.wait(SOON)

    def stop_once_half_is_held() -> None:
        deadline = time.monotonic() + SOON
        while sink.written < 50 and time.monotonic() < deadline:
            time.sleep(0.01)
        stop.set()

    rest = http(body[50:], 206, etag='"v"', content_range="bytes 50-99/100")
    with FaultServer({"/a": [half, rest]}) as server:
        stopping = threading.Thread(target=stop_once_half_is_held)
        stopping.start()
        with HttpTransport(HttpSettings(allow_http=True), SystemClock()) as transport:
            url = f"http://127.0.0.1:{server.port}/a"
            stopped = StoppableTransport(transport, stop).fetch(request(url), sink)
            assert stopped == Failure(TransferStopped(url))
            assert bytes(sink.content) == body[:50]
            over.set()
            again = StoppableTransport(transport, threading.Event()).fetch(request(url), sink)
        stopping.join()
    assert again.unwrap().size == 100
    assert bytes(sink.content) == body
    assert sink.written == 100


@dataclass(slots=True)
class Broken:
    """Raises, as a transport with a mistake in it does."""

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        raise ZeroDivisionError


def test_a_defect_is_raised_where_it_was_asked_for() -> None:
    with pytest.raises(ZeroDivisionError):
        StoppableTransport(Broken(), threading.Event()).fetch(request(), ResumableSink())


_HERE: ContextVar[str] = ContextVar("here", default="nowhere")


@dataclass(slots=True)
class Asking:
    """Notes in which context it is asked."""

    seen: list[str] = field(default_factory=list)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        self.seen.append(_HERE.get())
        return Failure(HttpStatus(request.url, 404))


def test_it_is_asked_in_the_callers_context() -> None:
    inner, token = Asking(), _HERE.set("the caller")
    try:
        StoppableTransport(inner, threading.Event()).fetch(request(), ResumableSink())
    finally:
        _HERE.reset(token)
    assert inner.seen == ["the caller"]


def test_no_secret_is_in_what_it_says() -> None:
    error = TransferStopped(URL)
    assert "s3cret" not in error.message
    assert "user@" not in error.message
