"""Requests over real sockets: whole answers, broken ones, and redirects."""

import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.errors import (
    BadAnswer,
    BodyTooLarge,
    ConnectionFailed,
    DeadlineExceeded,
    DiskFull,
    HttpStatus,
    InsecureUrl,
    InvalidUrl,
    TooManyRedirects,
    TransportError,
    TruncatedBody,
)
from pipeline.limits import REDIRECTS, USER_AGENT
from pipeline.results import Validators
from pipeline.testing.fakes import EventLog, FixedClock
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import Answer, FaultServer, http, then_close
from tests.support.sinks import ResumableSink

JUNK = {
    "another-protocol": b"SSH-2.0-OpenSSH_9.0\r\n\r\n",
    "no-status": b"HTTP/1.1 abc\r\n\r\n",
    "another-version": b"HTTP/2 200 OK\r\n\r\n",
    "zeros": b"\x00" * 200_000,
    "endless-head": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200_000 + b"\r\n",
    "length-not-a-number": http(content_length="abc"),
    "length-too-long": http(content_length="9" * 5000),
    "length-negative": http(content_length="-1"),
    "two-lengths": http(b"x", content_length="1\r\nContent-Length: 2"),
    "bad-chunk": http(b"zz\r\n", content_length=None, transfer_encoding="chunked"),
    "unknown-coding": http(b"x", transfer_encoding="gzip"),
    "zero-byte-in-header": http(b"x", bad="a\x00b"),
}


def fail(
    open_transport: Open,
    answer: Answer,
    *,
    max_bytes: int = 1 << 24,
    idle: float = 5.0,
    total: float = 10.0,
) -> TransportError:
    """Return the error that an answer leads to."""
    with FaultServer({"/": answer}) as server:
        request = get(server.url("/"), max_bytes=max_bytes, idle=idle, total=total)
        error = open_transport().fetch(request, ListSink()).failure()
    assert isinstance(error, TransportError)
    return error


class TestWholeAnswers:
    def test_body_validators_and_freshness(self, open_transport: Open) -> None:
        answer = http(
            b"x" * 100_000,
            etag='"v1"',
            last_modified="Thu, 01 Jan 2026 00:00:00 GMT",
            cache_control="max-age=600",
            age="100",
        )
        clock, sink = FixedClock(), ListSink()
        with FaultServer({"/a?b=c": answer}) as server:
            response = open_transport(clock=clock).fetch(get(server.url("/a?b=c")), sink).unwrap()
            headers = server.asked[0].headers
        assert sink.content == b"x" * 100_000
        assert (response.status, response.size) == (200, 100_000)
        assert response.validators == Validators('"v1"', "Thu, 01 Jan 2026 00:00:00 GMT")
        assert (response.freshness.fetched_at, response.freshness.max_age_seconds) == (
            clock.now(),
            500,
        )
        assert headers == {
            "host": f"127.0.0.1:{server.port}",
            "user-agent": USER_AGENT,
            "accept": "*/*",
            "accept-encoding": "identity",
        }

    def test_a_content_coding_is_not_decoded(self, open_transport: Open) -> None:
        """rkt decoded it, and the signature over the coded bytes failed."""
        sink = ListSink()
        with FaultServer({"/": http(b"\x1f\x8bcoded", content_encoding="gzip")}) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert sink.content == b"\x1f\x8bcoded"

    def test_chunked_and_empty_and_until_the_end(self, open_transport: Open) -> None:
        chunked = http(
            b"4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n",
            content_length=None,
            transfer_encoding="chunked",
        )
        answers: dict[str, Answer | list[Answer]] = {
            "/chunked": chunked,
            "/empty": http(b""),
            "/end": then_close(http(b"until the end", content_length=None)),
        }
        transport, bodies = open_transport(), {}
        with FaultServer(answers) as server:
            for path in answers:
                sink = ListSink()
                transport.fetch(get(server.url(path)), sink).unwrap()
                bodies[path] = sink.content
        assert bodies == {"/chunked": b"abcde", "/empty": b"", "/end": b"until the end"}

    def test_202_is_an_answer_without_a_body(self, open_transport: Open) -> None:
        sink = ListSink()
        with FaultServer({"/": http(b"later", 202)}) as server:
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert (response.status, response.size, sink.chunks) == (202, 0, [])

    def test_blanks_and_letters_are_encoded_and_escapes_stay(self, open_transport: Open) -> None:
        with FaultServer({}) as server:
            open_transport().fetch(get(server.url("/é a%2Fb?q= %20#part")), ListSink())
            assert server.paths() == ["/%C3%A9%20a%2Fb?q=%20%20"]

    @pytest.mark.parametrize("size", [100, 101])
    def test_a_body_of_exactly_the_limit_passes(self, open_transport: Open, size: int) -> None:
        with FaultServer({"/": http(b"x" * size)}) as server:
            request = get(server.url("/"), max_bytes=100)
            outcome = open_transport().fetch(request, ListSink())
        assert is_successful(outcome) is (size == 100)


class TestConditions:
    def test_304_where_it_was_asked_for(self, open_transport: Open) -> None:
        """RFC 9110 13.1.3: where both are known, the ETag alone is sent."""
        unchanged = http(b"", 304, content_length=None, cache_control="max-age=60")
        with FaultServer({"/": unchanged}) as server:
            request = get(server.url("/"), etag='W/"v1"', last_modified="then")
            response = open_transport().fetch(request, ListSink()).unwrap()
            sent = server.asked[0].headers
        assert (response.status, response.freshness.max_age_seconds) == (304, 60)
        assert response.validators == Validators('W/"v1"', "then")
        assert sent["if-none-match"] == 'W/"v1"'
        assert "if-modified-since" not in sent

    def test_a_date_alone_is_sent(self, open_transport: Open) -> None:
        with FaultServer({"/": http(b"", 304, content_length=None)}) as server:
            request = get(server.url("/"), last_modified="then")
            assert open_transport().fetch(request, ListSink()).unwrap().status == 304
            assert server.asked[0].headers["if-modified-since"] == "then"

    def test_304_that_nobody_asked_for(self, open_transport: Open) -> None:
        """rkt panicked."""
        error = fail(open_transport, http(b"", 304, content_length=None))
        assert isinstance(error, HttpStatus)
        assert error.status == 304

    @pytest.mark.parametrize("kept", ["a\r\nX: y", "\u2028", "\x00"])
    def test_a_validator_that_no_header_can_hold_is_not_sent(
        self, open_transport: Open, kept: str
    ) -> None:
        with FaultServer({"/": http()}) as server:
            for request in (
                get(server.url("/"), etag=kept),
                get(server.url("/"), last_modified=kept),
            ):
                assert open_transport().fetch(request, ListSink()).unwrap().status == 200
            assert {name for each in server.asked for name in each.headers} == {
                "host",
                "user-agent",
                "accept",
                "accept-encoding",
            }


class TestBrokenAnswers:
    def test_truncated(self, open_transport: Open) -> None:
        error = fail(open_transport, then_close(http(b"x" * 10, content_length=100)))
        assert isinstance(error, TruncatedBody)
        assert (error.got, error.wanted) == (10, 100)

    def test_truncated_chunks(self, open_transport: Open) -> None:
        answer = http(b"4\r\nab", content_length=None, transfer_encoding="chunked")
        error = fail(open_transport, then_close(answer))
        assert isinstance(error, TruncatedBody)
        assert error.wanted is None

    def test_reset_in_mid_body(self, open_transport: Open) -> None:
        def reset(connection: socket.socket) -> None:
            connection.sendall(http(b"x" * 10, content_length=100))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        error = fail(open_transport, reset)
        assert isinstance(error, TruncatedBody)
        assert (error.got, error.wanted) == (10, 100)

    def test_reset_is_not_the_end_of_a_body_without_length(self, open_transport: Open) -> None:
        def reset(connection: socket.socket) -> None:
            connection.sendall(http(b"x" * 10, content_length=None))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        assert isinstance(fail(open_transport, reset), TruncatedBody)

    def test_more_than_announced_is_not_the_next_answer(self, open_transport: Open) -> None:
        """RFC 9112 9.2: what nobody asked for must not be taken for a later answer."""
        forged = http(b"forged")
        transport, first, second = open_transport(), ListSink(), ListSink()
        with FaultServer({"/a": http(b"four") + forged, "/b": http(b"real")}) as server:
            transport.fetch(get(server.url("/a")), first).unwrap()
            transport.fetch(get(server.url("/b")), second).unwrap()
        assert (first.content, second.content) == (b"four", b"real")

    def test_after_chunks_too(self, open_transport: Open) -> None:
        body = http(b"1\r\nx\r\n0\r\n\r\n", content_length=None, transfer_encoding="chunked")
        transport, first, second = open_transport(), ListSink(), ListSink()
        with FaultServer({"/a": body + http(b"forged"), "/b": http(b"real")}) as server:
            transport.fetch(get(server.url("/a")), first).unwrap()
            transport.fetch(get(server.url("/b")), second).unwrap()
        assert (first.content, second.content) == (b"x", b"real")

    def test_announced_too_large_is_not_read(self, open_transport: Open) -> None:
        error = fail(open_transport, http(b"", content_length=10**12), max_bytes=1000)
        assert isinstance(error, BodyTooLarge)
        assert (error.limit, error.announced) == (1000, 10**12)

    def test_endless(self, open_transport: Open) -> None:
        sent = []

        def endless(connection: socket.socket) -> None:
            connection.sendall(http(b"", content_length=None))
            while True:
                connection.sendall(b"x" * 65536)
                sent.append(65536)

        sink = ListSink()
        with FaultServer({"/": endless}) as server:
            request = get(server.url("/"), max_bytes=1_000_000)
            error = open_transport().fetch(request, sink).failure()
        assert isinstance(error, BodyTooLarge)
        assert error.announced is None
        assert len(sink.content) <= 1_000_000

    @pytest.mark.parametrize("status", [100, 201, 204, 300, 400, 401, 404, 416, 500, 599])
    def test_other_statuses(self, open_transport: Open, status: int) -> None:
        body = b"" if status == 204 else b"no"
        answer = http(body, status) if status != 100 else http(b"", 100) + http(b"no", 417)
        error = fail(open_transport, answer)
        assert isinstance(error, HttpStatus)
        assert error.status == (417 if status == 100 else status)

    @pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
    def test_junk(self, open_transport: Open, junk: bytes) -> None:
        error = fail(open_transport, then_close(junk))
        assert isinstance(error, BadAnswer)
        assert error.reason.startswith("the answer is not HTTP/1.1: ")

    @pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\nX: "])
    def test_an_end_before_the_answer_is_the_connections(
        self, open_transport: Open, part: bytes
    ) -> None:
        error = fail(open_transport, then_close(part))
        assert isinstance(error, ConnectionFailed)
        assert error.reason == "the connection ended before the answer did"

    def test_a_length_beside_chunks_is_void(self, open_transport: Open) -> None:
        """RFC 9112 6.3: the transfer coding counts."""
        sink = ResumableSink()
        both = http(b"3\r\nabc\r\n0\r\n\r\n", content_length=9, transfer_encoding="chunked")
        with FaultServer({"/": both}) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert (bytes(sink.content), sink.begun[0].total) == (b"abc", None)

    def test_fewer_announced_than_sent_is_all_there_is(self, open_transport: Open) -> None:
        """Only a digest or a signature can tell; the size says what was taken."""
        sink = ListSink()
        with FaultServer({"/": then_close(http(b"x" * 10, content_length=4))}) as server:
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert (response.size, sink.content) == (4, b"xxxx")

    def test_nobody_there(self, open_transport: Open) -> None:
        with FaultServer({}) as server:
            url = server.url("/")
        error = open_transport().fetch(get(url), ListSink()).failure()
        assert isinstance(error, ConnectionFailed)
        assert error.reason == "Connection refused"

    def test_a_full_sink_ends_it(self, open_transport: Open) -> None:
        with FaultServer({"/": http(b"x" * 100)}) as server:
            outcome = open_transport().fetch(get(server.url("/")), ListSink(room=10))
        assert outcome.failure() == DiskFull("/full")


class TestEndsWithinTls:
    """A connection that breaks under TLS proves nothing about anybody, and may pass."""

    def test_in_the_handshake(self, open_transport: Open) -> None:
        def hang_up(connection: socket.socket) -> None:
            connection.recv(1 << 16)

        with FaultServer({}, accepted=hang_up) as server:
            url = server.url("/").replace("http:", "https:")
            error = open_transport().fetch(get(url), ListSink()).failure()
        assert isinstance(error, ConnectionFailed)

    def test_in_the_body(
        self, open_transport: Open, make_tls: Callable[..., ssl.SSLContext], ca_file: str
    ) -> None:
        answer = then_close(http(b"x" * 10, content_length=100))
        with FaultServer({"/": answer}, make_tls("127.0.0.1")) as server:
            transport = open_transport(HttpSettings(ca_file=ca_file))
            error = transport.fetch(get(server.url("/")), ListSink()).failure()
        assert error == TruncatedBody(server.url("/"), 10, 100)


class TestDeadlines:
    def test_silence(self, open_transport: Open) -> None:
        release = threading.Event()
        answers: tuple[Answer, ...] = (
            lambda connection: _wait(release),
            lambda connection: _wait(release, connection, http(b"x", content_length=9)),
        )
        for answer in answers:
            release.clear()
            error = _fail_waiting(open_transport, answer, release, idle=0.05)
            assert isinstance(error, DeadlineExceeded)
            assert (error.which, error.seconds) == ("idle", 0.05)

    @pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n", http(b"", content_length=10**6)])
    def test_a_trickle_never_idle_for_long(self, open_transport: Open, head: bytes) -> None:
        """Threat 12: a byte at a time, in the head or in the body, meets no idle time-out."""
        release = threading.Event()

        def trickle(connection: socket.socket) -> None:
            connection.sendall(head)
            while not release.wait(0.01):
                connection.sendall(b"X")

        error = _fail_waiting(open_transport, trickle, release, idle=5, total=0.2)
        assert isinstance(error, DeadlineExceeded)
        assert (error.which, error.seconds) == ("total", 0.2)

    def test_redirects_share_one_deadline(self, open_transport: Open) -> None:
        def slowly(connection: socket.socket) -> None:
            time.sleep(0.06)
            connection.sendall(http(b"", 302, location="/"))

        error = fail(open_transport, slowly, total=0.2)
        assert isinstance(error, DeadlineExceeded)
        assert error.which == "total"

    @pytest.mark.parametrize(("seconds", "total"), [(0.05, 10.0), (10.0, 0.05)])
    def test_a_trickling_error_body_is_not_waited_for(
        self,
        open_transport: Open,
        monkeypatch: pytest.MonkeyPatch,
        seconds: float,
        total: float,
    ) -> None:
        """Neither for longer than such a body deserves, nor for longer than the whole may take."""
        monkeypatch.setattr("pipeline.adapters.http.transport.ERROR_BODY_SECONDS", seconds)
        finished = threading.Event()

        def trickle(connection: socket.socket) -> None:
            connection.sendall(http(b"", 404, content_length=200))
            for _ in range(200):
                time.sleep(0.01)
                connection.sendall(b"X")
            finished.set()

        assert isinstance(fail(open_transport, trickle, total=total), HttpStatus)
        assert not finished.is_set()


def _wait(
    release: threading.Event, connection: socket.socket | None = None, head: bytes = b""
) -> None:
    if connection is not None:
        connection.sendall(head)
    release.wait(10)


def _fail_waiting(
    open_transport: Open,
    answer: Answer,
    release: threading.Event,
    *,
    idle: float = 5.0,
    total: float = 10.0,
) -> TransportError:
    """As :func:`fail`, with a server that goes on until it is released."""
    with FaultServer({"/": answer}) as server:
        try:
            request = get(server.url("/"), idle=idle, total=total)
            error = open_transport().fetch(request, ListSink()).failure()
        finally:
            release.set()
    assert isinstance(error, TransportError)
    return error


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_followed(self, open_transport: Open, status: int) -> None:
        sink = ListSink()
        moved = http(b"moved", status, location="../b/./c?d")
        with FaultServer({"/a/x": moved, "/b/c?d": http(b"here")}) as server:
            response = open_transport().fetch(get(server.url("/a/x")), sink).unwrap()
        assert (response.url, sink.content) == (server.url("/b/c?d"), b"here")

    @pytest.mark.parametrize(("hops", "arrives"), [(REDIRECTS, True), (REDIRECTS + 1, False)])
    def test_so_many_and_no_more(self, open_transport: Open, hops: int, arrives: bool) -> None:
        answers: dict[str, Answer | list[Answer]] = {
            f"/{n}": http(b"", 302, location=f"/{n + 1}") for n in range(hops)
        }
        with FaultServer(answers | {f"/{hops}": http(b"here")}) as server:
            outcome = open_transport().fetch(get(server.url("/0")), ListSink())
        assert is_successful(outcome) is arrives
        if not arrives:
            assert outcome.failure() == TooManyRedirects(server.url("/0"), REDIRECTS)

    def test_in_circles(self, open_transport: Open) -> None:
        assert isinstance(fail(open_transport, http(b"", 302, location="/")), TooManyRedirects)

    def test_to_nowhere_is_a_status(self, open_transport: Open) -> None:
        assert isinstance(fail(open_transport, http(b"", 302)), HttpStatus)

    @pytest.mark.parametrize(
        ("location", "reason"),
        [
            ("http://user:secret@127.0.0.1/", "the URL holds a user name or password"),
            ("//user@127.0.0.1/", "the URL holds a user name or password"),
            ("file:///etc/passwd", "wanted an https or http URL"),
            ("javascript:alert(1)", "wanted an https or http URL"),
            ("http://[::1/", "redirects to what is not a URL: Invalid IPv6 URL"),
            ("http://127.0.0.1:99999/", "not a URL: Port out of range 0-65535"),
            ("http://a..b/", "the URL names no host that can be asked"),
            ("http://999.1.1.1/", "Invalid IPv4 address: '999.1.1.1'"),
            ("/" + "a" * 70_000, "URL component 'path' too long"),
        ],
    )
    def test_to_what_is_not_asked(self, open_transport: Open, location: str, reason: str) -> None:
        error = fail(open_transport, http(b"", 302, location=location))
        assert isinstance(error, InvalidUrl)
        assert error.reason == reason
        assert "secret" not in error.message

    def test_conditions_go_along_and_nothing_else(self, open_transport: Open) -> None:
        with FaultServer({"/b": http(b"", 304, content_length=None)}) as target:
            moved = http(b"", 302, location=target.url("/b"), set_cookie="a=b")
            with FaultServer({"/a": moved}) as server:
                request = get(server.url("/a"), etag='"v"')
                response = open_transport().fetch(request, ListSink()).unwrap()
        assert response.status == 304
        assert set(target.asked[0].headers) == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "if-none-match",
        }


class TestUrls:
    @pytest.mark.parametrize(
        ("host", "kind"), [("a" * 300, InvalidUrl), ("a." * 200, ConnectionFailed)]
    )
    def test_a_host_that_no_resolver_takes(
        self, open_transport: Open, host: str, kind: type[TransportError]
    ) -> None:
        error = open_transport().fetch(get(f"http://{host}/"), ListSink()).failure()
        assert isinstance(error, kind)

    def test_plain_http_only_where_allowed(self, open_transport: Open) -> None:
        with FaultServer({"/": http()}) as server:
            outcome = open_transport(HttpSettings()).fetch(get(server.url("/")), ListSink())
            assert server.asked == []
        assert outcome.failure() == InsecureUrl(server.url("/"))

    @given(
        st.text(max_size=30)
        | st.from_regex(r"https?://[a-z0-9_.-]{1,12}(:[0-9]{1,5})?[/?#].{0,20}", fullmatch=True)
    )
    @example("http://[::]:1")
    @example("http://0@")
    def test_nothing_raises(self, text: str) -> None:
        with HttpTransport(HttpSettings(allow_http=True), SystemClock(), EventLog()) as transport:
            assert not is_successful(transport.fetch(get(text, total=0.0), ListSink()))


class TestConnections:
    def test_one_serves_several_requests(self, open_transport: Open) -> None:
        transport = open_transport()
        moved = http(b"moved", 302, location="/a")
        with FaultServer({"/a": http(b"a"), "/b": http(b"b"), "/m": moved}) as server:
            for path in ("/a", "/b", "/none", "/m", "/a"):
                transport.fetch(get(server.url(path)), ListSink())
            assert {each.connection for each in server.asked} == {1}
            assert len(server.asked) == 6

    def test_a_connection_that_the_server_closed_is_not_used(self, open_transport: Open) -> None:
        transport = open_transport()
        with FaultServer({"/": then_close(http(b"a"))}) as server:
            for _ in range(3):
                transport.fetch(get(server.url("/")), ListSink()).unwrap()
            assert [each.connection for each in server.asked] == [1, 2, 3]

    def test_a_kept_connection_that_ends_unanswered_is_asked_anew(
        self, open_transport: Open
    ) -> None:
        """A server may close a kept connection just when the next request is on its way."""
        transport = open_transport()
        answers: list[Answer] = [http(b"a"), lambda connection: None, http(b"b")]
        with FaultServer({"/": answers}) as server:
            transport.fetch(get(server.url("/")), ListSink()).unwrap()
            sink = ListSink()
            transport.fetch(get(server.url("/")), sink).unwrap()
            assert [each.connection for each in server.asked] == [1, 1, 2]
        assert sink.content == b"b"

    def test_a_new_connection_that_ends_unanswered_is_not(self, open_transport: Open) -> None:
        with FaultServer({"/": lambda connection: None}) as server:
            outcome = open_transport().fetch(get(server.url("/")), ListSink())
            assert len(server.asked) == 1
        assert isinstance(outcome.failure(), ConnectionFailed)

    def test_leaving_closes_them(self, log: EventLog) -> None:
        with FaultServer({"/": http(b"a")}) as server:
            with HttpTransport(HttpSettings(allow_http=True), SystemClock(), log) as transport:
                transport.fetch(get(server.url("/")), ListSink()).unwrap()
            _until(lambda: server.closed_by_client == 1)

    @pytest.mark.parametrize("head", [b"", http(b"x", content_length=100)], ids=["head", "body"])
    def test_an_interrupt_passes_and_closes(self, open_transport: Open, head: bytes) -> None:
        closed = threading.Event()
        main = threading.main_thread().ident
        assert main is not None

        def answer(connection: socket.socket) -> None:
            connection.sendall(head)
            time.sleep(0.02)  # for the client to wait for the rest
            signal.pthread_kill(main, signal.SIGINT)
            while connection.recv(1):
                pass
            closed.set()

        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with FaultServer({"/": answer}) as server:
                transport = open_transport()
                with pytest.raises(KeyboardInterrupt):
                    transport.fetch(get(server.url("/")), ListSink())
                assert closed.wait(5)
        finally:
            signal.signal(signal.SIGINT, before)

    def test_threads_share_a_transport(self, open_transport: Open) -> None:
        transport, bodies = open_transport(), {}
        answers: dict[str, Answer | list[Answer]] = {
            f"/{n}": http(b"%d" % n * 1000) for n in range(8)
        }

        def fetch(path: str, url: str) -> None:
            sink = ListSink()
            transport.fetch(get(url), sink).unwrap()
            bodies[path] = sink.content

        with FaultServer(answers) as server:
            threads = [
                threading.Thread(target=fetch, args=(path, server.url(path))) for path in answers
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert bodies == {f"/{n}": b"%d" % n * 1000 for n in range(8)}


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
