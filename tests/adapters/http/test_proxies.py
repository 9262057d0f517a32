"""Which proxy is used, and what it and the server behind it get to see."""

import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.http import ConnectTo, HttpSettings, parse_connect_to
from pipeline.adapters.http.proxies import Bypass, Proxies, Proxy, parse_proxies
from pipeline.addresses import AddressScope
from pipeline.errors import BadAnswer, DeadlineExceeded, HttpStatus, PeerRefused, TlsFailed
from pipeline.secret import Secret
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import FaultServer, http, then_close
from tests.support.proxying import tunnel_to

MakeTls = Callable[..., ssl.SSLContext]
PROXY = Proxy("http", "proxy.example", 3128)
BASIC = f"Basic {b64encode(b'user:p@ss').decode()}"


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "proxy"),
        [
            ("http://proxy.example:3128", PROXY),
            ("http://PROXY.example:3128/", PROXY),
            ("proxy.example:3128", PROXY),
            ("HTTP://proxy.example", Proxy("http", "proxy.example", 80)),
            ("https://proxy.example", Proxy("https", "proxy.example", 443)),
            ("http://[::1]:8080", Proxy("http", "::1", 8080)),
            ("http://user:p%40ss@proxy.example:3128", replace(PROXY, authorization=Secret(BASIC))),
            ("user:p@ss@proxy.example:3128", replace(PROXY, authorization=Secret(BASIC))),
            (
                "http://user@proxy.example:3128",
                replace(PROXY, authorization=Secret(f"Basic {b64encode(b'user:').decode()}")),
            ),
            (
                "http://u:%ff%C3%A9\udcff@proxy.example:3128",
                replace(
                    PROXY,
                    authorization=Secret("Basic " + b64encode(b"u:\xff\xc3\xa9\xff").decode()),
                ),
            ),
        ],
    )
    def test_a_proxys_url(self, text: str, proxy: Proxy) -> None:
        assert parse_proxies({"https_proxy": text}).unwrap() == Proxies(None, proxy)

    @pytest.mark.parametrize(
        "text",
        [
            "http://user:hunter2@",
            "http://user:hunter2@proxy.example:port",
            "http://user:hunter2@proxy.example:0",
            "http://user:hunter2@proxy.example/path",
            "http://us%3Aer:hunter2@proxy.example",
            "http://user:hunter2%0d%0aX: y@proxy.example",
            "http://user:hunter2\ud800@proxy.example",
            "ftp://user:hunter2@proxy.example",
            "socks5://user:hunter2@proxy.example:1080",
            "SOCKS5H://user:hunter2@proxy.example:1080",
            "user:hunter2",
            "http://[::1:hunter2",
            "hunter2://proxy.example",
            "\x00hunter2",
        ],
    )
    def test_refused_by_the_variables_name_without_the_password(self, text: str) -> None:
        error = parse_proxies({"HTTPS_PROXY": text}).failure()
        assert error.setting == "HTTPS_PROXY"
        assert "hunter2" not in repr(error) + error.message + error.hint

    def test_which_variable_counts(self) -> None:
        def used(scheme: str, **environ: str) -> str | None:
            proxy = parse_proxies(environ).unwrap().for_target(scheme, "example.com", 1)
            return None if proxy is None else proxy.host

        assert used("https") is None
        assert used("https", HTTPS_PROXY="a", https_proxy="b") == "b"
        assert used("https", HTTPS_PROXY="a", https_proxy="") == "a"
        assert used("https", ALL_PROXY="a", all_proxy="b") == "b"
        assert used("https", ALL_PROXY="a", HTTPS_PROXY="b") == "b"
        assert used("https", http_proxy="a") is None
        assert used("http", https_proxy="a") is None
        assert used("http", HTTP_PROXY="a") == "a"
        assert used("https", https_proxy="a", NO_PROXY="example.com", no_proxy="b") == "a"
        assert used("https", https_proxy="a", NO_PROXY="example.com", no_proxy="") is None

    def test_a_request_header_names_no_proxy(self) -> None:
        """A CGI script is given ``Proxy: evil`` as HTTP_PROXY (CVE-2016-5385)."""
        cgi = {"REQUEST_METHOD": "GET", "HTTP_PROXY": "evil.example"}
        assert parse_proxies(cgi).unwrap() == Proxies()
        assert parse_proxies(cgi | {"http_proxy": "a"}).unwrap().http == Proxy("http", "a", 80)

    def test_a_secret_is_not_shown(self) -> None:
        proxies = parse_proxies({"all_proxy": "http://user:hunter2@proxy.example"}).unwrap()
        encoded = b64encode(b"user:hunter2").decode()
        assert "hunter2" not in repr(proxies)
        assert encoded not in repr(HttpSettings(proxies=proxies))


class TestBypasses:
    @pytest.mark.parametrize(
        ("no_proxy", "reached_straight", "by_proxy"),
        [
            (
                "example.com",
                "example.com www.example.com EXAMPLE.com. a.b.example.com",
                "nonexample.com example.com.org example.org com",
            ),
            (".example.com", "example.com www.example.com", "nonexample.com"),
            ("*.example.com", "www.example.com", "nonexample.com"),
            ("Example.COM.", "www.example.com", "example.org"),
            ("*", "example.com 10.0.0.1 ::1", ""),
            ("a.example,*", "example.com", ""),
            ("example.com:8443", "", "example.com www.example.com"),
            ("example.com:443", "example.com www.example.com", "example.org"),
            ("10.0.0.1", "10.0.0.1", "10.0.0.2 110.0.0.1"),
            ("10.1.0.0/16", "10.1.2.3", "10.2.0.0"),
            ("10.1.2.3/16", "10.1.9.9", "10.2.0.0"),
            ("10.0.0.1:443 10.0.0.2:80", "10.0.0.1", "10.0.0.2"),
            ("::1", "::1 0:0:0:0:0:0:0:1", "::2"),
            ("[::1]", "::1", "::2"),
            ("[::1]:443,[::2]:80", "::1", "::2"),
            ("fd00::/8", "fd12::1", "fe80::1 10.0.0.1"),
            ("localhost", "localhost", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1", "localhost"),
            ("0.0.1", "", "10.0.0.1"),
            (" a.example ,\tb.example  c.example,,", "a.example b.example c.example", "d.example"),
            ("<local>,http://example.com,10.0.0.0/99,[x,a:b:c,.,-", "", "example.com 10.0.0.1 a"),
        ],
    )
    def test_entries(self, no_proxy: str, reached_straight: str, by_proxy: str) -> None:
        environ = {"https_proxy": "proxy.example", "no_proxy": no_proxy}
        proxies = parse_proxies(environ).unwrap()
        for host in reached_straight.split():
            assert proxies.for_target("https", host, 443) is None, host
        for host in by_proxy.split():
            assert proxies.for_target("https", host, 443) is not None, host


def behind(
    server: FaultServer,
    scheme: Literal["http", "https"] = "http",
    *,
    ca_file: str | None = None,
    connect_to: tuple[ConnectTo, ...] = (),
    public_only: bool = False,
) -> HttpSettings:
    """Return settings by which everything goes through ``server``."""
    proxy = Proxy(scheme, "127.0.0.1", server.port, Secret(BASIC))
    return HttpSettings(
        ca_file,
        connect_to,
        allow_http=True,
        public_only=public_only,
        proxies=Proxies(proxy, proxy),
    )


class TestForwarding:
    def test_the_proxy_is_asked_for_the_url(self, open_transport: Open) -> None:
        with FaultServer({"http://files.example/a?b": http(b"x")}) as proxy:
            sink = ListSink()
            response = open_transport(behind(proxy)).fetch(get("http://files.example/a?b"), sink)
            assert (response.unwrap().peer, sink.content) == (None, b"x")
            asked = proxy.asked[0].headers
        assert (asked["host"], asked["proxy-authorization"]) == ("files.example", BASIC)

    def test_an_ipv6_host(self, open_transport: Open) -> None:
        with FaultServer({"http://[2001:db8::1]:81/": http(b"x")}) as proxy:
            settings = behind(proxy)
            open_transport(settings).fetch(get("http://[2001:db8::1]:81/"), ListSink()).unwrap()

    def test_one_connection_to_the_proxy_serves_all_hosts(self, open_transport: Open) -> None:
        answers = {"http://a.example/": http(b"x"), "http://b.example/": http(b"y")}
        with FaultServer(answers) as proxy:
            transport = open_transport(behind(proxy))
            for host in ("a", "b", "a"):
                transport.fetch(get(f"http://{host}.example/"), ListSink()).unwrap()
            assert [each.connection for each in proxy.asked] == [1, 1, 1]

    def test_a_proxy_that_wants_credentials(self, open_transport: Open) -> None:
        url = "http://files.example/"
        with FaultServer({url: http(b"", 407)}) as proxy:
            error = open_transport(behind(proxy)).fetch(get(url), ListSink()).failure()
        assert error == HttpStatus(url, 407)
        assert "HTTPS_PROXY=" in error.hint

    def test_a_kept_connection_that_the_proxy_closed(self, open_transport: Open) -> None:
        url = "http://files.example/"
        with FaultServer({url: [http(b"x"), then_close(b""), http(b"y")]}) as proxy:
            transport = open_transport(behind(proxy))
            transport.fetch(get(url), ListSink()).unwrap()
            transport.fetch(get(url), ListSink()).unwrap()
            assert [each.connection for each in proxy.asked] == [1, 1, 2]


class TestTunnels:
    URL = "https://files.example/"

    @pytest.fixture
    def tls(self, make_tls: MakeTls) -> ssl.SSLContext:
        return make_tls("files.example", "127.0.0.1")

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_what_each_gets_to_see(
        self,
        open_transport: Open,
        tls: ssl.SSLContext,
        ca_file: str,
        scheme: Literal["http", "https"],
    ) -> None:
        body = b"x" * 3_000_000
        with FaultServer({"/": http(body)}, tls) as server:
            answers = {"files.example:443": tunnel_to(server.port)}
            with FaultServer(answers, tls if scheme == "https" else None) as proxy:
                transport = open_transport(behind(proxy, scheme, ca_file=ca_file))
                for _ in range(2):
                    sink = ListSink()
                    response = transport.fetch(get(self.URL), sink).unwrap()
                    assert (sink.content, response.peer) == (body, None)
                assert [each.path for each in proxy.asked] == ["files.example:443"]
                assert proxy.asked[0].headers["proxy-authorization"] == BASIC
                assert proxy.asked[0].headers["host"] == "files.example:443"
            # The tunnel is kept, as any connection is; and nobody behind it learns the password.
            assert [each.connection for each in server.asked] == [1, 1]
            assert all("proxy-authorization" not in each.headers for each in server.asked)

    def test_a_proxy_over_https_is_verified(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        with FaultServer({}, make_tls("other.example")) as proxy:
            settings = behind(proxy, "https", ca_file=ca_file)
            error = open_transport(settings).fetch(get(self.URL), ListSink()).failure()
            assert proxy.asked == []
        assert isinstance(error, TlsFailed)

    def test_the_server_behind_is_verified(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        with FaultServer({"/": http()}, make_tls("other.example")) as server:
            with FaultServer({"files.example:443": tunnel_to(server.port)}) as proxy:
                settings = behind(proxy, ca_file=ca_file)
                error = open_transport(settings).fetch(get(self.URL), ListSink()).failure()
            assert server.asked == []
        assert isinstance(error, TlsFailed)

    def test_an_ipv6_host(self, open_transport: Open) -> None:
        with FaultServer({}) as proxy:
            open_transport(behind(proxy)).fetch(get("https://[2001:db8::1]/"), ListSink())
            assert proxy.paths() == ["[2001:db8::1]:443"]

    @pytest.mark.parametrize("status", [403, 407, 502])
    def test_a_proxy_that_says_no(self, open_transport: Open, status: int) -> None:
        with FaultServer({"files.example:443": http(b"no", status)}) as proxy:
            error = open_transport(behind(proxy)).fetch(get(self.URL), ListSink()).failure()
            wanted = "200 to CONNECT files.example:443"
            assert error == HttpStatus(f"http://127.0.0.1:{proxy.port}", status, wanted)

    def test_a_proxy_that_says_nothing(
        self, open_transport: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The tunnel is a part of connecting, and has no more time than that."""
        monkeypatch.setattr("pipeline.adapters.http.questions.CONNECT_SECONDS", 0.1)
        with FaultServer({"files.example:443": b""}) as proxy:
            error = open_transport(behind(proxy)).fetch(get(self.URL), ListSink()).failure()
        assert isinstance(error, DeadlineExceeded)
        assert error.which == "connect"

    def test_authorities_are_read_once_for_proxy_and_server(
        self,
        open_transport: Open,
        tls: ssl.SSLContext,
        ca_file: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        paths, asked = ssl.get_default_verify_paths(), list[str]()

        def count() -> ssl.DefaultVerifyPaths:
            asked.append("")
            return paths

        monkeypatch.setattr("ssl.get_default_verify_paths", count)
        with (
            FaultServer({"/": http(b"x")}, tls) as server,
            FaultServer({"files.example:443": tunnel_to(server.port)}, tls) as proxy,
        ):
            transport = open_transport(behind(proxy, "https", ca_file=ca_file))
            transport.fetch(get(self.URL), ListSink()).unwrap()
        assert len(asked) == 1

    def test_an_answer_in_pieces(
        self, open_transport: Open, tls: ssl.SSLContext, ca_file: str
    ) -> None:
        pieces = (b"HTTP/1.0 200 Connection est", b"ablished\r\nA: b\r\n\r", b"\n")
        with (
            FaultServer({"/": http(b"x")}, tls) as server,
            FaultServer({"files.example:443": tunnel_to(server.port, *pieces)}) as proxy,
        ):
            transport = open_transport(behind(proxy, ca_file=ca_file))
            transport.fetch(get(self.URL), ListSink()).unwrap()

    def test_what_a_proxy_says_of_its_own_is_no_answer_of_the_servers(
        self, open_transport: Open
    ) -> None:
        """Led elsewhere, http goes through a tunnel too, and nothing tells its bytes apart."""
        forged = b"HTTP/1.1 200 Connected\r\n\r\n" + http(b"forged")
        with FaultServer({"/": http(b"x")}) as server:
            rule = parse_connect_to("files.example::b.example:").unwrap()
            with FaultServer({"b.example:80": tunnel_to(server.port, forged)}) as proxy:
                settings = behind(proxy, connect_to=(rule,))
                outcome = open_transport(settings).fetch(get("http://files.example/"), ListSink())
        assert isinstance(outcome.failure(), BadAnswer)

    def test_rules_say_where_the_tunnel_ends(
        self, open_transport: Open, tls: ssl.SSLContext, ca_file: str
    ) -> None:
        """As curl does: --connect-to counts for the host, not for the proxy."""
        rule = parse_connect_to("::far.example:81").unwrap()
        with FaultServer({"/": http(b"x")}, tls) as secure, FaultServer({"/": http(b"y")}) as plain:
            for server, url in ((secure, self.URL), (plain, "http://files.example/")):
                with FaultServer({"far.example:81": tunnel_to(server.port)}) as proxy:
                    settings = behind(proxy, ca_file=ca_file, connect_to=(rule,))
                    transport = open_transport(settings)
                    for _ in range(2):
                        transport.fetch(get(url), ListSink()).unwrap()
                    assert proxy.paths() == ["far.example:81"]
                assert [each.connection for each in server.asked] == [1, 1]
                assert server.asked[0].headers["host"] == "files.example"

    def test_a_new_tunnel_is_no_kept_connection(self, open_transport: Open) -> None:
        """What CONNECT took does not make the first request one that is asked again."""
        rule = parse_connect_to("::far.example:81").unwrap()
        with (
            FaultServer({"/": then_close(b"")}) as server,
            FaultServer({"far.example:81": tunnel_to(server.port)}) as proxy,
        ):
            settings = behind(proxy, connect_to=(rule,))
            outcome = open_transport(settings).fetch(get("http://files.example/"), ListSink())
            assert not is_successful(outcome)
            assert len(server.asked) == 1

    def test_a_kept_tunnel_that_the_server_closed(
        self, open_transport: Open, tls: ssl.SSLContext, ca_file: str
    ) -> None:
        with FaultServer({"/": [http(b"x"), then_close(b""), http(b"y")]}, tls) as server:
            with FaultServer({"files.example:443": tunnel_to(server.port)}) as proxy:
                transport = open_transport(behind(proxy, ca_file=ca_file))
                transport.fetch(get(self.URL), ListSink()).unwrap()
                transport.fetch(get(self.URL), ListSink()).unwrap()
                assert len(proxy.asked) == 2
            assert [each.connection for each in server.asked] == [1, 1, 2]


class TestWhoMayBeAsked:
    def test_no_proxy_is_reached_straight(self, open_transport: Open) -> None:
        with FaultServer({"/": http(b"x")}) as server, FaultServer({}) as proxy:
            settings = behind(proxy)
            proxies = replace(settings.proxies, bypasses=(Bypass("", server.port),))
            transport = open_transport(replace(settings, proxies=proxies))
            response = transport.fetch(get(server.url("/")), ListSink()).unwrap()
            assert response.peer is AddressScope.LOOPBACK
            assert proxy.asked == []

    def test_loopback_too_goes_through_the_proxy(self, open_transport: Open) -> None:
        with FaultServer({"http://localhost/": http(b"x")}) as proxy:
            open_transport(behind(proxy)).fetch(get("http://localhost/"), ListSink()).unwrap()

    @pytest.mark.parametrize("url", ["http://files.example/", "https://files.example/"])
    def test_only_public_peers_means_none_that_a_proxy_resolves(
        self, open_transport: Open, url: str
    ) -> None:
        with FaultServer({url: http(b"x")}) as proxy:
            transport = open_transport(behind(proxy, public_only=True))
            error = transport.fetch(get(url), ListSink()).failure()
            assert proxy.asked == []
        assert isinstance(error, PeerRefused)
        assert f"only the proxy http://127.0.0.1:{proxy.port} sees" in error.message

    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "10.0.0.1.",
            "[::1]",
            "localhost",
            "a.LOCALHOST.",
            "169.254.169.254",
            "[::ffff:10.0.0.1]",
        ],
    )
    def test_an_inward_address_is_not_asked_of_a_proxy(
        self, open_transport: Open, host: str
    ) -> None:
        with FaultServer({}) as proxy:
            for settings, named_by in (
                (behind(proxy, public_only=True), None),
                (behind(proxy), AddressScope.PUBLIC),
            ):
                request = replace(get(f"http://{host}/"), named_by=named_by)
                error = open_transport(settings).fetch(request, ListSink()).failure()
                assert isinstance(error, PeerRefused)
            assert proxy.asked == []

    def test_a_public_address_is(self, open_transport: Open) -> None:
        with FaultServer({"http://8.8.8.8/": http(b"x")}) as proxy:
            settings = behind(proxy, public_only=True)
            open_transport(settings).fetch(get("http://8.8.8.8/"), ListSink()).unwrap()

    def test_where_a_rule_leads_is_the_users_own_word(self, open_transport: Open) -> None:
        rule = parse_connect_to("files.example::10.0.0.1:80").unwrap()
        with (
            FaultServer({"/": http(b"x")}) as server,
            FaultServer({"10.0.0.1:80": tunnel_to(server.port)}) as proxy,
        ):
            transport = open_transport(behind(proxy, public_only=True, connect_to=(rule,)))
            transport.fetch(get("http://files.example/"), ListSink()).unwrap()

    def test_what_a_server_behind_a_proxy_names_must_be_public(self, open_transport: Open) -> None:
        """Nobody can tell where it is; the network past the proxy is not its to explore."""
        with FaultServer({"/": http(b"secret")}) as inner:
            moved = http(b"", 302, location=inner.url("/"))
            with FaultServer({"http://files.example/": moved}) as proxy:
                settings = behind(proxy)
                straight = parse_proxies({"no_proxy": "127.0.0.0/8"}).unwrap().bypasses
                proxies = replace(settings.proxies, bypasses=straight)
                transport = open_transport(replace(settings, proxies=proxies))
                outcome = transport.fetch(get("http://files.example/"), ListSink())
            assert inner.asked == []
        assert isinstance(outcome.failure(), PeerRefused)


def test_a_failure_leaves_the_secret_out(open_transport: Open) -> None:
    with FaultServer({"files.example:443": http(b"", 407)}) as proxy:
        outcome = open_transport(behind(proxy)).fetch(get("https://files.example/"), ListSink())
    assert not is_successful(outcome)
    shown = repr(outcome.failure()) + outcome.failure().message + outcome.failure().hint
    assert BASIC.removeprefix("Basic ") not in shown
