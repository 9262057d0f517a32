"""Through a real proxy (tinyproxy) to a real server (nginx), and as curl reads the environment."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport, parse_connect_to
from pipeline.adapters.http.proxies import parse_proxies
from pipeline.errors import HttpStatus
from tests.adapters.http.conftest import ListSink, get
from tests.peers.nginx import Nginx, need_tool
from tests.peers.tinyproxy import Tinyproxy
from tests.support.fault_server import FaultServer, http

pytestmark = pytest.mark.peer

IMAGE = b"image" * 500_000


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Nginx]:
    certificate = authority.issue_cert("localhost")
    with Nginx(tmp_path_factory.mktemp("nginx"), certificate) as running:
        (running.root / "app.aci").write_bytes(IMAGE)
        yield running


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, nginx: Nginx) -> Iterator[Tinyproxy]:
    folder = tmp_path_factory.mktemp("tinyproxy")
    with Tinyproxy(folder, "user", "passw0rd", nginx.tls_port) as running:
        yield running


def fetch(environ: dict[str, str], ca_file: Path, *urls: str) -> list[bytes | HttpStatus]:
    """Fetch over one transport, as a run with that environment does."""
    proxies = parse_proxies(environ).unwrap()
    settings = HttpSettings(ca_file=str(ca_file), allow_http=True, proxies=proxies)
    got: list[bytes | HttpStatus] = []
    with HttpTransport(settings, SystemClock()) as transport:
        for url in urls:
            sink = ListSink()
            error = transport.fetch(get(url), sink).swap().value_or(None)
            assert error is None or isinstance(error, HttpStatus)
            got.append(sink.content if error is None else error)
    return got


class TestTinyproxy:
    @pytest.fixture
    def ca_file(self, authority: trustme.CA, tmp_path: Path) -> Path:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        return tmp_path / "ca.pem"

    def test_tls_through_one_tunnel(self, nginx: Nginx, proxy: Tinyproxy, ca_file: Path) -> None:
        before = len(proxy.requests)
        environ = {"HTTPS_PROXY": f"http://user:p%61ssw0rd@127.0.0.1:{proxy.port}"}
        url = f"https://localhost:{nginx.tls_port}/app.aci"
        assert fetch(environ, ca_file, url, url) == [IMAGE, IMAGE]
        wanted = [f"CONNECT localhost:{nginx.tls_port} HTTP/1.1"]
        assert proxy.requests[before:] == wanted

    def test_plain_http(self, nginx: Nginx, proxy: Tinyproxy, ca_file: Path) -> None:
        before = len(proxy.requests)
        environ = {"http_proxy": f"user:p%61ssw0rd@127.0.0.1:{proxy.port}"}
        url = f"http://localhost:{nginx.port}/app.aci"
        assert fetch(environ, ca_file, url) == [IMAGE]
        assert proxy.requests[before:] == [f"GET {url} HTTP/1.1"]

    @pytest.mark.parametrize("listed", ["localhost", "*", "other,localhost:{port}"])
    def test_no_proxy(self, nginx: Nginx, proxy: Tinyproxy, ca_file: Path, listed: str) -> None:
        before = len(proxy.requests)
        url = f"https://localhost:{nginx.tls_port}/app.aci"
        environ = {
            "ALL_PROXY": f"http://127.0.0.1:{proxy.port}",
            "NO_PROXY": listed.format(port=nginx.tls_port),
        }
        assert fetch(environ, ca_file, url) == [IMAGE]
        assert proxy.requests[before:] == []

    @pytest.mark.parametrize(("userinfo", "status"), [("", 407), ("user:wrong@", 401)])
    def test_without_the_password(
        self, nginx: Nginx, proxy: Tinyproxy, ca_file: Path, userinfo: str, status: int
    ) -> None:
        place = f"http://127.0.0.1:{proxy.port}"
        environ = {"ALL_PROXY": place.replace("//", f"//{userinfo}")}
        secure = f"https://localhost:{nginx.tls_port}/app.aci"
        plain = f"http://localhost:{nginx.port}/app.aci"
        wanted = f"200 to CONNECT localhost:{nginx.tls_port}"
        assert fetch(environ, ca_file, secure, plain) == [
            HttpStatus(place, status, wanted),
            HttpStatus(plain, status),
        ]

    def test_a_port_that_it_does_not_lead_to(
        self, nginx: Nginx, proxy: Tinyproxy, ca_file: Path
    ) -> None:
        place = f"http://127.0.0.1:{proxy.port}"
        environ = {"ALL_PROXY": place.replace("//", "//user:p%61ssw0rd@")}
        assert fetch(environ, ca_file, "https://localhost:444/") == [
            HttpStatus(place, 403, "200 to CONNECT localhost:444")
        ]


class TestAsCurlDoes:
    """Where our forms are curl's, too, what is done is what curl does."""

    def curl(self, *arguments: str, **environ: str) -> None:
        command = [need_tool("curl"), "-sS", "--max-time", "20", "-o", os.devnull, *arguments]
        # Whether there is an answer in the end is not what is asked here.
        subprocess.run(command, env=environ, check=False, stderr=subprocess.DEVNULL, timeout=60)

    @pytest.mark.parametrize(
        "no_proxy",
        [
            "example.com",
            ".example.com",
            "EXAMPLE.com.,other",
            "com",
            "ample.com",
            "*",
            "127.0.0.1",
            "127.0.0.0/8",
            "127.1.0.0/16, ::1",
            "127.0.0.1/32",
            "0.0.1",
            "localhost\tx",
        ],
    )
    def test_no_proxy(self, no_proxy: str) -> None:
        """Not here: blocks of IPv6 addresses, which curl 7.88 takes for names."""
        hosts = (
            "example.com", "www.example.com", "wwwexample.com", "example.com.", "other",
            "localhost", "127.0.0.1", "127.1.0.1", "[::1]",
        )  # fmt: skip
        with FaultServer(lambda _: http(b"x")) as server:
            variables = {"http_proxy": f"http://127.0.0.1:{server.port}", "no_proxy": no_proxy}
            proxies = parse_proxies(variables).unwrap()
            for host in hosts:
                server.asked.clear()
                # Port 1 of loopback refuses whoever goes straight to it.
                self.curl("--resolve", "*:1:127.0.0.1", f"http://{host}:1/", **variables)
                ours = proxies.for_target("http", host.strip("[]"), 1)
                assert (ours is not None) is (server.asked != []), host

    @pytest.mark.parametrize(
        "userinfo", ["user:pass", "user", "us%20er:p%40ss%3A%2f%25", "u:p:q", ":pass", "%C3%A9:x"]
    )
    def test_what_proves_who_asks(self, userinfo: str) -> None:
        with FaultServer(lambda _: http(b"x")) as server:
            variables = {"http_proxy": f"http://{userinfo}@127.0.0.1:{server.port}/"}
            self.curl("http://files.example/", **variables)
            proxies = parse_proxies(variables).unwrap()
            with HttpTransport(
                HttpSettings(allow_http=True, proxies=proxies), SystemClock()
            ) as transport:
                transport.fetch(get("http://files.example/"), ListSink()).unwrap()
            theirs, ours = (each.headers["proxy-authorization"] for each in server.asked)
        assert ours == theirs

    @pytest.mark.parametrize("url", ["http://a.example/", "https://a.example/", "http://[::2]/"])
    @pytest.mark.parametrize(
        "rule", ["::b.example:8443", "a.example::b.example:", "other:::1", ":::"]
    )
    def test_where_connections_are_led_to(self, url: str, rule: str) -> None:
        with FaultServer(lambda _: http(b"", 404)) as server:
            variables = dict.fromkeys(
                ("http_proxy", "https_proxy"), f"http://127.0.0.1:{server.port}"
            )
            self.curl("--connect-to", rule, url, **variables)
            settings = HttpSettings(
                connect_to=(parse_connect_to(rule).unwrap(),),
                allow_http=True,
                proxies=parse_proxies(variables).unwrap(),
            )
            with HttpTransport(settings, SystemClock()) as transport:
                transport.fetch(get(url), ListSink())
            theirs, ours = server.paths()
        assert ours == theirs
