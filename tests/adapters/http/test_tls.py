"""Who is trusted, and where connections really go."""

import ssl
import threading
from collections.abc import Callable

import pytest
import trustme

from pipeline.adapters.http import HttpSettings, parse_connect_to
from pipeline.errors import ConnectionFailed, DeadlineExceeded, InsecureUrl, TlsFailed
from pipeline.ports import Noticed
from pipeline.testing.fakes import EventLog
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import FaultServer, http

MakeTls = Callable[..., ssl.SSLContext]


def to(server: FaultServer, host: str = "files.example") -> HttpSettings:
    """Return settings that lead a host to a server."""
    return HttpSettings(
        connect_to=(parse_connect_to(f"{host}:443:127.0.0.1:{server.port}").unwrap(),)
    )


def fail(settings: HttpSettings, open_transport: Open, url: str) -> TlsFailed:
    error = open_transport(settings).fetch(get(url), ListSink()).failure()
    assert isinstance(error, TlsFailed)
    return error


def test_a_private_authority_is_trusted_beside_the_systems(
    open_transport: Open, make_tls: MakeTls, ca_file: str
) -> None:
    with FaultServer({"/": http(b"x" * 300_000)}, make_tls("127.0.0.1")) as server:
        sink = ListSink()
        open_transport(HttpSettings(ca_file=ca_file)).fetch(get(server.url("/")), sink).unwrap()
    assert sink.content == b"x" * 300_000


def test_an_unknown_authority(open_transport: Open, make_tls: MakeTls) -> None:
    with FaultServer({"/": http()}, make_tls("127.0.0.1")) as server:
        error = fail(HttpSettings(), open_transport, server.url("/"))
        assert server.asked == []
    assert error.reason == "unable to get local issuer certificate"


def test_another_name(open_transport: Open, make_tls: MakeTls, ca_file: str) -> None:
    with FaultServer({"/": http()}, make_tls("other.example")) as server:
        error = fail(HttpSettings(ca_file=ca_file), open_transport, server.url("/"))
        assert server.asked == []
    assert "not valid for '127.0.0.1'" in error.reason


def test_tls_before_1_2(open_transport: Open, make_tls: MakeTls, ca_file: str) -> None:
    old = make_tls("127.0.0.1")
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with FaultServer({"/": http()}, old) as server:
        fail(HttpSettings(ca_file=ca_file), open_transport, server.url("/"))


def test_a_server_that_speaks_no_tls(open_transport: Open) -> None:
    with FaultServer({}, greeting=http(b"", 400)) as server:
        fail(HttpSettings(), open_transport, server.url("/").replace("http:", "https:"))


def test_a_handshake_that_never_ends(open_transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """One allowance for the whole connection attempt, TLS included."""
    monkeypatch.setattr("pipeline.adapters.http.questions.CONNECT_SECONDS", 0.1)
    with FaultServer({}) as server:
        # The server waits for a request's head, which never comes before TLS stands.
        url = server.url("/").replace("http:", "https:")
        error = open_transport().fetch(get(url), ListSink()).failure()
    assert isinstance(error, DeadlineExceeded)
    assert error.which == "connect"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none(
    open_transport: Open, tmp_path_factory: pytest.TempPathFactory, content: str | None
) -> None:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    if content is not None:
        path.write_text(content)
    error = fail(HttpSettings(ca_file=str(path)), open_transport, "https://127.0.0.1:1/")
    assert str(path) in error.reason


def test_no_verification_is_said_once(
    open_transport: Open, make_tls: MakeTls, log: EventLog
) -> None:
    transport = open_transport(HttpSettings(verify_tls=False))
    with FaultServer({"/": http()}, make_tls("other.example")) as server:
        for _ in range(2):
            transport.fetch(get(server.url("/")), ListSink()).unwrap()
    noticed = [event.kind for event in log.events if isinstance(event, Noticed)]
    assert noticed == ["tls-not-verified"]


class TestRedirectsFromHttps:
    @pytest.mark.parametrize("allow_http", [True, False])
    def test_to_http_is_never_followed(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str, allow_http: bool
    ) -> None:
        with FaultServer({"/": http(b"plain")}) as plain:
            moved = http(b"", 302, location=plain.url("/"))
            with FaultServer({"/": moved}, make_tls("127.0.0.1")) as secure:
                settings = HttpSettings(ca_file=ca_file, allow_http=allow_http)
                outcome = open_transport(settings).fetch(get(secure.url("/")), ListSink())
            assert plain.asked == []
        assert outcome.failure() == InsecureUrl(plain.url("/"), secure.url("/"))

    def test_nor_by_way_of_http(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        """http, https, http: the last step is a downgrade like any other."""
        with FaultServer({"/": http(b"plain")}) as last:
            moved = http(b"", 302, location=last.url("/"))
            with FaultServer({"/": moved}, make_tls("127.0.0.1")) as middle:
                to_middle = http(b"", 302, location=middle.url("/"))
                with FaultServer({"/": to_middle}) as first:
                    settings = HttpSettings(ca_file=ca_file, allow_http=True)
                    outcome = open_transport(settings).fetch(get(first.url("/")), ListSink())
            assert last.asked == []
        assert isinstance(outcome.failure(), InsecureUrl)


class TestConnectTo:
    def test_names_stay_those_of_the_url(
        self, open_transport: Open, authority: trustme.CA, ca_file: str
    ) -> None:
        """Only the TCP connection goes elsewhere: curl 7.88 manual, --connect-to."""
        named: list[str | None] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("files.example").configure_cert(context)
        context.sni_callback = lambda _socket, name, _context: named.append(name)
        with FaultServer({"/": http(b"x")}, context) as server:
            settings = HttpSettings(ca_file=ca_file, connect_to=to(server).connect_to)
            transport = open_transport(settings)
            transport.fetch(get("https://FILES.example/"), ListSink()).unwrap()
            assert server.asked[0].headers["host"] == "files.example"
        assert named == ["files.example"]

    def test_the_certificate_must_carry_the_urls_name(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        with FaultServer({"/": http(b"x")}, make_tls("127.0.0.1")) as server:
            settings = HttpSettings(ca_file=ca_file, connect_to=to(server).connect_to)
            error = fail(settings, open_transport, "https://files.example/")
            assert server.asked == []
        assert "not valid for 'files.example'" in error.reason

    def test_what_no_rule_matches_goes_where_it_says(self, open_transport: Open) -> None:
        with FaultServer({"/": http(b"x")}) as server:
            outcome = open_transport(to(server)).fetch(get("https://files.invalid/"), ListSink())
            assert server.asked == []
        assert isinstance(outcome.failure(), ConnectionFailed)

    def test_every_redirect_is_led_too(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        answers = {"/a": http(b"", 302, location="https://other.example/b"), "/b": http(b"x")}
        with FaultServer(answers, make_tls("files.example", "other.example")) as server:
            anywhere = parse_connect_to(f"::127.0.0.1:{server.port}").unwrap()
            settings = HttpSettings(ca_file=ca_file, connect_to=(anywhere,))
            response = open_transport(settings).fetch(get("https://files.example/a"), ListSink())
            assert response.unwrap().url == "https://other.example/b"
            # Another origin is another connection, though it ends at the same place.
            assert [each.connection for each in server.asked] == [1, 2]


def test_threads_may_fetch_at_once(open_transport: Open, make_tls: MakeTls, ca_file: str) -> None:
    transport, sizes = open_transport(HttpSettings(ca_file=ca_file)), list[int]()

    def fetch(url: str) -> None:
        sizes.append(transport.fetch(get(url), ListSink()).unwrap().size)

    with FaultServer({"/": http(b"x" * 50_000)}, make_tls("127.0.0.1")) as server:
        threads = [threading.Thread(target=fetch, args=(server.url("/"),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sizes == [50_000] * 4
