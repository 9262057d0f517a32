"""HEAD and POST; what an answer says of itself; and a request's own proof of who asks."""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from pipeline.adapters.http import HttpSettings
from pipeline.addresses import AddressScope
from pipeline.errors import BadAnswer, HttpStatus, InvalidUrl
from pipeline.limits import CHALLENGES, FIELD_CHARACTERS
from pipeline.ports import Request
from pipeline.secret import Secret
from pipeline.testing.fakes import EventLog
from tests.adapters.http.conftest import ListSink, Open, get
from tests.adapters.http.test_proving import EveryOrigin, moved, told
from tests.adapters.http.test_tls import MakeTls
from tests.support.fault_server import FaultServer, http, then_close
from tests.support.sinks import ResumableSink

OWN = (("Authorization", Secret("Bearer c4nary-0wn")),)
FORM = (("grant_type", Secret("refresh_token")), ("refresh_token", Secret("c4nary &=+\N{SNOWMAN}")))


def head(url: str) -> Request:
    return replace(get(url), method="HEAD")


def post(url: str) -> Request:
    return replace(get(url), method="POST", form=FORM)


class TestHead:
    def test_has_fields_and_no_body(self, open_transport: Open) -> None:
        """Whatever Content-Length says, of whatever would be the body."""
        answer = http(content_length=1 << 40, content_type="a/b", etag='"v1"', location="/x")
        with FaultServer({"/": answer}) as server:
            sink, transport = ResumableSink.holding(b"held", 9, '"v1"'), open_transport()
            response = transport.fetch(head(server.url("/")), sink).unwrap()
            transport.fetch(head(server.url("/")), sink).unwrap()
            assert [each.method for each in server.asked] == ["HEAD", "HEAD"]
            assert [each.connection for each in server.asked] == [1, 1]
            assert not {"range", "if-range"} & set(server.asked[0].headers)
        assert (response.status, response.size) == (200, 0)
        assert (response.field("content-type"), response.validators.etag) == ("a/b", '"v1"')
        assert (bytes(sink.content), len(sink.begun)) == (b"held", 1)

    def test_follows_redirects(self, open_transport: Open) -> None:
        with FaultServer({"/": http(b"", 302, location="/b"), "/b": http()}) as server:
            response = open_transport().fetch(head(server.url("/")), ListSink()).unwrap()
            assert [each.method for each in server.asked] == ["HEAD", "HEAD"]
        assert response.url.endswith("/b")

    def test_a_body_all_the_same_is_not_the_next_answer(self, open_transport: Open) -> None:
        """RFC 9112 9.2: what follows an answer unasked is thrown away with its connection."""
        with FaultServer({"/": http(b"HTTP/1.1 200 OK\r\nEtag: x\r\n\r\n")}) as server:
            transport = open_transport()
            for _ in range(2):
                response = transport.fetch(head(server.url("/")), ListSink()).unwrap()
                assert response.validators.etag is None
            assert [each.connection for each in server.asked] == [1, 2]

    @pytest.mark.parametrize("status", [206, 401, 404])
    def test_other_statuses(self, open_transport: Open, status: int) -> None:
        answer = http(b"", status, content_length=9, content_range="bytes 0-8/9")
        with FaultServer({"/": answer}) as server:
            error = open_transport().fetch(head(server.url("/")), ListSink()).failure()
        assert error == HttpStatus(server.url("/"), status)


class TestPost:
    def test_sends_a_form(self, open_transport: Open, make_tls: MakeTls, ca_file: str) -> None:
        with FaultServer({"/": http(b"{}")}, make_tls("127.0.0.1")) as server:
            sink, transport = ListSink(), open_transport(HttpSettings(ca_file=ca_file))
            transport.fetch(post(server.url("/")), sink).unwrap()
            transport.fetch(post(server.url("/")), sink).unwrap()
            asked = server.asked[1]
        assert (asked.method, asked.connection, sink.content) == ("POST", 1, b"{}")
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qsl(asked.body.decode()) == [(name, each.value) for name, each in FORM]

    def test_never_over_http(self, open_transport: Open) -> None:
        with FaultServer({"/": http(b"{}")}) as server:
            error = open_transport().fetch(post(server.url("/")), ListSink()).failure()
            assert server.asked == []
        assert error == InvalidUrl(server.url("/"), "what a form holds is sent over https alone")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_is_never_sent_elsewhere(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str, status: int
    ) -> None:
        """Not within the origin either: nobody needs it."""
        answers = {"/": http(b"", status, location="/b"), "/b": http(b"{}")}
        with FaultServer(answers, make_tls("127.0.0.1")) as server:
            transport = open_transport(HttpSettings(ca_file=ca_file))
            error = transport.fetch(post(server.url("/")), ListSink()).failure()
            assert server.paths() == ["/"]
        assert error == BadAnswer(server.url("/"), "a redirect of what is sent to it alone")

    @pytest.mark.parametrize("times", [1, 2])
    def test_a_connection_that_was_closed_meanwhile(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str, times: int
    ) -> None:
        """A kept one is tried once more; one that was made for it has failed."""
        answers = {"/": [http(), *[then_close(b"")] * times, http(b"{}")]}
        with FaultServer(answers, make_tls("127.0.0.1")) as server:
            transport, sink = open_transport(HttpSettings(ca_file=ca_file)), ListSink()
            transport.fetch(get(server.url("/")), sink).unwrap()
            outcome = transport.fetch(post(server.url("/")), sink)
            assert len(server.asked) == 3
        assert (sink.content == b"{}") is (times == 1)
        assert "c4nary" not in repr(outcome)

    def test_a_new_connection_that_is_closed(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        """Head and body are two writes, and one request: it was not a kept connection."""
        with FaultServer({"/": [then_close(b""), http(b"{}")]}, make_tls("127.0.0.1")) as server:
            transport = open_transport(HttpSettings(ca_file=ca_file))
            transport.fetch(post(server.url("/")), ListSink()).failure()
            assert len(server.asked) == 1


class TestWhatAnAnswerSays:
    def test_of_itself(self, open_transport: Open) -> None:
        answer = http(
            b"{}", content_type="application/json", docker_content_digest="sha256:0", x_other="no"
        ).replace(b"\r\n\r\n", b"\r\nLink: <a>; rel=x\r\nLINK: <b>\r\n\r\n", 1)
        with FaultServer({"/": answer}) as server:
            response = open_transport().fetch(get(server.url("/")), ListSink()).unwrap()
        assert response.fields == (
            ("content-type", "application/json"),
            ("docker-content-digest", "sha256:0"),
            ("link", "<a>; rel=x, <b>"),
        )
        assert response.field("x-other") == ""

    @pytest.mark.parametrize("name", ["content_type", "docker_content_digest", "link"])
    @pytest.mark.parametrize("extra", [0, 1])
    def test_in_limits(self, open_transport: Open, name: str, extra: int) -> None:
        """A link that is left out would end a listing as if it were whole."""
        value = "x" * (FIELD_CHARACTERS + extra)
        with FaultServer({"/": http(b"{}", 200, **{name: value})}) as server:
            outcome = open_transport().fetch(get(server.url("/")), ListSink())
        assert isinstance(outcome.failure() if extra else None, BadAnswer | None)
        assert extra or outcome.unwrap().fields == ((name.replace("_", "-"), value),)

    def test_of_who_may_ask(self, open_transport: Open) -> None:
        fields = ['Bearer realm="https://h/"', "x" * (FIELD_CHARACTERS + 1), *["Basic"] * 99]
        lines = "".join(f"\r\nWWW-Authenticate: {each}" for each in fields).encode()
        answers = {
            f"/{status}": http(b"", status).replace(b"\r\n\r\n", lines + b"\r\n\r\n")
            for status in (401, 403)
        }
        with FaultServer(answers) as server:
            transport = open_transport()
            error = transport.fetch(get(server.url("/401")), ListSink()).failure()
            other = transport.fetch(get(server.url("/403")), ListSink()).failure()
        assert isinstance(error, HttpStatus)
        assert isinstance(other, HttpStatus)
        assert error.untrusted_challenges == (fields[0], *["Basic"] * (CHALLENGES - 2))
        assert other.untrusted_challenges == ()
        assert error.peer is AddressScope.LOOPBACK


class TestAProofOfItsOwn:
    def test_goes_alone_over_https(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as server:
            credentials = EveryOrigin()
            transport = open_transport(HttpSettings(ca_file=ca_file), credentials=credentials)
            request = replace(get(server.url("/")), headers=OWN)
            transport.fetch(request, ListSink()).unwrap()
            asked = server.asked[0].headers
        assert asked["authorization"] == "Bearer c4nary-0wn"
        assert "x-proof" not in asked
        assert credentials.asked == []

    def test_leaves_room_for_others_where_it_proves_nothing(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as server:
            settings = HttpSettings(ca_file=ca_file)
            transport = open_transport(settings, credentials=EveryOrigin())
            request = replace(get(server.url("/")), headers=(("X-Own", Secret("1")),))
            transport.fetch(request, ListSink()).unwrap()
            assert {"x-own", "x-proof", "authorization"} <= set(server.asked[0].headers)

    def test_may_be_that_there_is_none(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        """A token for anybody is shown over http: nobody's credentials may be in it."""
        with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as server:
            credentials = EveryOrigin()
            transport = open_transport(HttpSettings(ca_file=ca_file), credentials=credentials)
            request = replace(get(server.url("/")), is_anonymous=True)
            transport.fetch(request, ListSink()).unwrap()
            assert told(server) == [False]
        assert credentials.asked == []

    def test_does_not_go_over_http_but_what_anybody_has(self, open_transport: Open) -> None:
        with FaultServer({"/": http(b"x")}) as server:
            request = replace(get(server.url("/")), headers=OWN)
            open_transport().fetch(request, ListSink()).unwrap()
            plain = (("Authorization", Secret("Bearer anybody")),)
            open_transport().fetch(replace(request, plain_headers=plain), ListSink()).unwrap()
            assert "authorization" not in server.asked[0].headers
            assert server.asked[1].headers["authorization"] == "Bearer anybody"

    @pytest.mark.parametrize("where", ["headers", "plain_headers"])
    def test_is_lost_for_good_with_the_origin(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str, where: str
    ) -> None:
        """GHSA-vh4v-2xq2-g5cg: registries send for blobs elsewhere."""
        tls = make_tls("127.0.0.1")
        with FaultServer({}, tls) as other, FaultServer({}, tls) as first:
            other.answers = {"/": moved(first.url("/back"))}
            first.answers = {"/": moved("/b"), "/b": moved(other.url("/")), "/back": http(b"x")}
            transport = open_transport(HttpSettings(ca_file=ca_file))
            plain = replace(get(first.url("/")), plain_headers=OWN)
            request = plain if where == "plain_headers" else replace(plain, headers=OWN)
            transport.fetch(request, ListSink()).unwrap()
            assert told(other) == [False]
            assert first.paths() == ["/", "/b", "/back"]
            assert told(first) == [True, True, False]

    def test_is_in_no_text(self, open_transport: Open, log: EventLog) -> None:
        request = replace(get("https://127.0.0.1:1/"), headers=OWN, form=FORM, plain_headers=OWN)
        error = open_transport().fetch(request, ListSink()).failure()
        assert "c4nary" not in f"{request!r} {error!r} {error.message} {log.events!r}"
