"""Who is told who asks: the first origin alone, over https alone; and no text tells."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from pipeline.adapters.http import HttpSettings, parse_connect_to
from pipeline.errors import InvalidUrl
from pipeline.ports import Request
from pipeline.secret import Secret
from pipeline.testing.fakes import EPOCH, EventLog, FixedClock
from tests.adapters.http.conftest import ListSink, Open, get
from tests.adapters.http.test_tls import MakeTls
from tests.support.fault_server import Answer, Asked, FaultServer, http, then_close
from tests.support.faulty_site import Fault, FaultySite
from tests.support.sinks import ResumableSink

CANARY = "Bearer c4nary-t0ken"


@dataclass(slots=True)
class EveryOrigin:
    """Has something for everybody: who is told is the transport's to decide."""

    value: str = CANARY
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    def headers_for(self, url: str, now: datetime) -> tuple[tuple[str, Secret], ...]:
        self.asked.append((url, now))
        return (("Authorization", Secret(self.value)), ("X-Proof", Secret(self.value)))


def moved(url: str) -> Answer:
    return http(b"", 302, location=url)


def told(server: FaultServer) -> list[bool]:
    """Tell for each request whether it held the secret, anywhere."""
    return ["c4nary" in f"{each.path}{each.headers}" for each in server.asked]


def test_the_origin_that_was_asked_for(
    open_transport: Open, make_tls: MakeTls, ca_file: str
) -> None:
    """Each request anew: what is signed is signed for its URL and its time."""
    credentials = EveryOrigin()
    answers = {"/a": http(b"", 302, location="/b"), "/b": http(b"x")}
    with FaultServer(answers, make_tls("127.0.0.1")) as server:
        transport = open_transport(HttpSettings(ca_file=ca_file), FixedClock(), credentials)
        transport.fetch(get(server.url("/a")), ListSink()).unwrap()
        assert told(server) == [True, True]
        assert server.asked[0].headers["authorization"] == CANARY
        assert server.asked[0].headers["x-proof"] == CANARY
        assert credentials.asked == [(server.url("/a"), EPOCH), (server.url("/b"), EPOCH)]


def test_never_over_http(open_transport: Open) -> None:
    credentials = EveryOrigin()
    with FaultServer({"/": http(b"x")}) as server:
        transport = open_transport(credentials=credentials)
        transport.fetch(get(server.url("/")), ListSink()).unwrap()
        assert told(server) == [False]
    assert credentials.asked == []


def test_nor_after_http(open_transport: Open, make_tls: MakeTls, ca_file: str) -> None:
    """Who could answer in the place of the http server chose that URL."""
    with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as secure:
        with FaultServer({"/": moved(secure.url("/"))}) as plain:
            settings = HttpSettings(ca_file=ca_file, allow_http=True)
            transport = open_transport(settings, credentials=EveryOrigin())
            transport.fetch(get(plain.url("/")), ListSink()).unwrap()
            assert told(plain) == [False]
        assert told(secure) == [False]


def test_not_to_another_port_nor_after_coming_back(
    open_transport: Open, make_tls: MakeTls, ca_file: str
) -> None:
    """GHSA-jxpm-75mh-9fp7: a port makes another origin."""
    tls = make_tls("127.0.0.1")
    with FaultServer({}, tls) as other, FaultServer({}, tls) as first:
        other.answers = {"/": moved(first.url("/back"))}
        first.answers = {"/": moved(other.url("/")), "/back": moved("/end"), "/end": http(b"x")}
        transport = open_transport(HttpSettings(ca_file=ca_file), credentials=EveryOrigin())
        transport.fetch(get(first.url("/")), ListSink()).unwrap()
        assert told(other) == [False]
        assert first.paths() == ["/", "/back", "/end"]
        assert told(first) == [True, False, False]


@pytest.mark.parametrize(
    ("location", "goes_along"),
    [
        ("/us/b", True), ("b", True), ("../us/b", True), ("/eu/b", False), ("../eu/b", False),
        ("/usa", False), ("/", False), ("/us/%2e%2e/eu", False), ("/us/..%2feu", False),
    ],
)  # fmt: skip
def test_below_one_path_of_the_origin(
    open_transport: Open, make_tls: MakeTls, ca_file: str, location: str, goes_along: bool
) -> None:
    """Who has that path is not who has the next one, on the same host."""

    def answer(asked: Asked) -> Answer:
        return {"/us/a": moved(location)}.get(asked.path, http(b"x"))

    with FaultServer(answer, make_tls("127.0.0.1")) as server:
        transport = open_transport(HttpSettings(ca_file=ca_file), credentials=EveryOrigin())
        shown = (("Authorization", Secret(CANARY)),)
        asked = replace(get(server.url("/us/a")), headers=shown, headers_below="/us/")
        transport.fetch(asked, ListSink()).unwrap()
        assert told(server) == [True, goes_along]


def test_nor_after_coming_back_to_the_path(
    open_transport: Open, make_tls: MakeTls, ca_file: str
) -> None:
    answers = {"/us/a": moved("/eu/b"), "/eu/b": moved("/us/c"), "/us/c": http(b"x")}
    with FaultServer(answers, make_tls("127.0.0.1")) as server:
        transport = open_transport(HttpSettings(ca_file=ca_file), credentials=EveryOrigin())
        shown = (("Authorization", Secret(CANARY)),)
        asked = replace(get(server.url("/us/a")), plain_headers=shown, headers_below="/us/")
        transport.fetch(asked, ListSink()).unwrap()
        assert told(server) == [True, False, False]


@pytest.mark.parametrize("host", ["sub.files.example", "files.example.evil", "evil.example"])
def test_not_to_another_host(
    open_transport: Open, make_tls: MakeTls, ca_file: str, host: str
) -> None:
    """rkt sent them to subdomains, too."""
    answers = {"/a": moved(f"https://{host}/b"), "/b": http(b"x")}
    with FaultServer(answers, make_tls("files.example", host)) as server:
        rule = parse_connect_to(f"::127.0.0.1:{server.port}").unwrap()
        settings = HttpSettings(ca_file=ca_file, connect_to=(rule,))
        transport = open_transport(settings, credentials=EveryOrigin())
        transport.fetch(get("https://files.example/a"), ListSink()).unwrap()
        assert told(server) == [True, False]


def test_a_range_that_is_asked_for_anew(
    open_transport: Open, make_tls: MakeTls, ca_file: str
) -> None:
    body = bytes(100)
    site = FaultySite(body, [Fault("part-one-later")])
    with FaultServer(site.answer, make_tls("127.0.0.1")) as server:
        transport = open_transport(HttpSettings(ca_file=ca_file), credentials=EveryOrigin())
        sink = ResumableSink.holding(body[:9], 100, '"v1"')
        transport.fetch(get(server.url("/")), sink).unwrap()
        assert told(server) == [True, True]


@pytest.mark.parametrize(
    "answer",
    [
        http(b"no", 401),
        http(b"no", 500),
        then_close(b""),
        then_close(b"junk\r\n\r\n"),
        then_close(http(b"x", content_length=9)),
        http(b"", 302, location="http://127.0.0.1/"),
        http(b"", 302, location="https://[::1/"),
    ],
)
def test_no_text_tells(
    open_transport: Open,
    make_tls: MakeTls,
    ca_file: str,
    log: EventLog,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
) -> None:
    """Threat 6: not an error, an event or a debug log."""
    caplog.set_level(logging.DEBUG)
    with FaultServer({"/": answer}, make_tls("127.0.0.1")) as server:
        transport = open_transport(HttpSettings(ca_file=ca_file), credentials=EveryOrigin())
        error = transport.fetch(get(server.url("/")), ListSink()).failure()
        assert told(server)[0]
    assert "c4nary" not in f"{error!r} {error.message} {error.hint} {log.events!r} {transport!r}"
    assert caplog.records
    assert "c4nary" not in caplog.text


@pytest.mark.parametrize("junk", ["\r\nX: y", "\n", "\x00", "\u2028", "\ud800"])
def test_what_no_field_can_hold_is_not_sent(
    open_transport: Open, make_tls: MakeTls, ca_file: str, junk: str
) -> None:
    """Parsers below quote such a value in what they raise."""
    with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as server:
        credentials = EveryOrigin(CANARY + junk)
        transport = open_transport(HttpSettings(ca_file=ca_file), credentials=credentials)
        error = transport.fetch(get(server.url("/")), ListSink()).failure()
        assert server.asked == []
    reason = "the credentials set for it hold characters that cannot be sent"
    assert error == InvalidUrl(server.url("/"), reason)


def test_a_request_that_cannot_be_sent_is_not_quoted(
    open_transport: Open, make_tls: MakeTls, ca_file: str
) -> None:
    with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as server:
        transport = open_transport(HttpSettings(ca_file=ca_file), credentials=EveryOrigin())
        request = Request(server.url("/"), 1, 5, 5, accept="c4nary\r\nX: y")
        error = transport.fetch(request, ListSink()).failure()
        assert server.asked == []
    assert "c4nary" not in repr(error)
