"""Transports keep what the port promises, ours do, and the checks notice one that does not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from returns.result import Failure, Result

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.file import FileTransport
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.adapters.retrying import RetryingTransport
from pipeline.errors import FileUnreadable, StoreError, TransportError
from pipeline.ports import Request, Response, Sink, Transport
from pipeline.testing.conformance import NonConformance, TransportUnderTest, check_transport
from pipeline.testing.fakes import FixedClock, MemoryTransport, Page
from pipeline.testing.faults import Fault, FaultyTransport
from tests.support.fault_server import Answer, Asked, FaultServer, http
from tests.support.faulty_site import FaultySite
from tests.testing.broken_transports import BROKEN, Broken, Fetch

URL, MISSING = "https://example.com/here", "https://example.com/missing"


def serving(transport: Transport) -> TransportUnderTest:
    return TransportUnderTest(transport, URL, MISSING)


@contextmanager
def in_memory(content: bytes) -> Iterator[TransportUnderTest]:
    page = Page(content, etag='"v1"', last_modified="Thu, 01 Jan 2026 00:00:00 GMT")
    yield serving(MemoryTransport({URL: page}, chunk_bytes=1000))


@contextmanager
def in_memory_without_validators(content: bytes) -> Iterator[TransportUnderTest]:
    yield serving(MemoryTransport({URL: Page(content)}, chunk_bytes=1000))


@contextmanager
def in_memory_with_a_weak_one(content: bytes) -> Iterator[TransportUnderTest]:
    yield serving(MemoryTransport({URL: Page(content, etag='W/"weak"')}, chunk_bytes=1000))


@contextmanager
def after_no_faults(content: bytes) -> Iterator[TransportUnderTest]:
    page = Page(content, etag='"v1"')
    yield serving(FaultyTransport(MemoryTransport({URL: page}), ()))


@contextmanager
def retrying(content: bytes) -> Iterator[TransportUnderTest]:
    inner = MemoryTransport({URL: Page(content, etag='"v1"')}, chunk_bytes=1000)
    script = (Fault("unreachable"), Fault("overloaded"))
    yield serving(RetryingTransport(FaultyTransport(inner, script), FixedClock()))


@contextmanager
def over_http(content: bytes) -> Iterator[TransportUnderTest]:
    site = FaultySite(content)

    def answer(asked: Asked) -> Answer:
        if asked.path != "/here":
            return http(b"nothing here", 404)
        reply = site.reply(asked)
        whole = reply.wire()
        # A HEAD is answered as a GET is, without the body.
        return whole[: len(whole) - len(reply.body)] if asked.method == "HEAD" else whole

    with (
        FaultServer(answer) as server,
        HttpTransport(HttpSettings(allow_http=True), SystemClock()) as transport,
    ):
        yield TransportUnderTest(transport, server.url("/here"), server.url("/missing"))


@pytest.mark.parametrize(
    "serve",
    [
        in_memory,
        in_memory_without_validators,
        in_memory_with_a_weak_one,
        after_no_faults,
        retrying,
        over_http,
    ],
)
def test_transports_conform(serve: object) -> None:
    assert callable(serve)
    check_transport(serve)


def test_the_transport_of_files_conforms(tmp_path: Path) -> None:
    @contextmanager
    def serve(content: bytes) -> Iterator[TransportUnderTest]:
        file = tmp_path / "here"
        file.write_bytes(content)
        missing = (tmp_path / "missing").as_uri()
        yield TransportUnderTest(FileTransport(FixedClock()), file.as_uri(), missing)

    check_transport(serve)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_transport_is_noticed(name: str) -> None:
    how, promise = BROKEN[name]
    with pytest.raises(NonConformance, match=promise):
        check_transport(lambda content: broken(content, how))


@contextmanager
def broken(content: bytes, how: Fetch) -> Iterator[TransportUnderTest]:
    with in_memory(content) as served:
        yield serving(Broken(served.transport, how))


def test_a_transport_that_finds_the_missing_alone_is_noticed() -> None:
    """What is wrong with the one URL only: neither a limit nor a sink is in its way."""

    def here_instead(
        right: Transport, request: Request, sink: Sink
    ) -> Result[Response, TransportError | StoreError]:
        there = request.url.replace("missing", "here")
        return right.fetch(Request(there, request.max_bytes, 1.0, 1.0), sink)

    with pytest.raises(NonConformance, match="not there is a failure"):
        check_transport(lambda content: broken(content, here_instead))


@pytest.mark.parametrize("junk", ["", "\ud800"])
def test_a_transport_that_takes_junk_is_noticed(junk: str) -> None:
    def takes(
        right: Transport, request: Request, sink: Sink
    ) -> Result[Response, TransportError | StoreError]:
        url = URL if request.url == junk else request.url
        return right.fetch(
            Request(
                url,
                request.max_bytes,
                1.0,
                1.0,
                method=request.method,
                validators=request.validators,
            ),
            sink,
        )

    with pytest.raises(NonConformance, match="nothing that can be fetched"):
        check_transport(lambda content: broken(content, takes))


def test_a_transport_that_fails_with_the_stores_error_for_the_missing_is_noticed() -> None:
    def blames(
        right: Transport, request: Request, sink: Sink
    ) -> Result[Response, TransportError | StoreError]:
        if request.url == MISSING:
            return BROKEN["a limit that is the store's"][0](right, request, sink)
        return right.fetch(request, sink)

    with pytest.raises(NonConformance, match="of the transport"):
        check_transport(lambda content: broken(content, blames))


def test_a_transport_that_cannot_reach_a_thing_is_noticed() -> None:
    def refuses(
        right: Transport, request: Request, sink: Sink
    ) -> Result[Response, TransportError | StoreError]:
        return Failure(FileUnreadable("/here", "no"))

    with pytest.raises(NonConformance, match="could not fetch"):
        check_transport(lambda content: broken(content, refuses))
