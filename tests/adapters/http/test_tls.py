"""Who is trusted, and where connections really go."""

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from pipeline.adapters.http import HttpSettings, parse_connect_to
from pipeline.adapters.http.settings import HostTls
from pipeline.adapters.http.tls import check_tls_files
from pipeline.errors import ConnectionFailed, DeadlineExceeded, InsecureUrl, TlsFailed
from pipeline.events import Noticed
from pipeline.testing.fakes import EventLog
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import Answer, FaultServer, http

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


class LaxContext(ssl.SSLContext):
    """As a Python makes it whose OpenSSL's own defaults stand, and are of old."""

    def __init__(self, *_: object) -> None:
        self.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            self.minimum_version = ssl.TLSVersion.TLSv1_1


def test_tls_before_1_2(
    open_transport: Open, make_tls: MakeTls, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most Pythons refuse it by themselves; those that do not must not matter."""
    monkeypatch.setattr("pipeline.adapters.http.tls.SSLContext", LaxContext)
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


class TestSystemTrust:
    def test_by_the_environment(
        self,
        open_transport: Open,
        make_tls: MakeTls,
        ca_file: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        with FaultServer({"/": http()}, make_tls("127.0.0.1")) as server:
            open_transport(HttpSettings()).fetch(get(server.url("/")), ListSink()).unwrap()

    @pytest.mark.parametrize("has_folder", [True, False])
    def test_of_a_python_that_was_built_elsewhere(
        self,
        open_transport: Open,
        make_tls: MakeTls,
        ca_file: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        has_folder: bool,
    ) -> None:
        """Its OpenSSL looks where nothing is, or where no certificates are."""
        paths = ssl.get_default_verify_paths()
        nowhere = paths._replace(cafile="", capath=str(tmp_path) if has_folder else "")
        monkeypatch.setattr("ssl.get_default_verify_paths", lambda: nowhere)
        bundles = (str(tmp_path / "none"), ca_file)
        monkeypatch.setattr("pipeline.adapters.http.tls.SYSTEM_BUNDLES", bundles)
        with FaultServer({"/": http()}, make_tls("127.0.0.1")) as server:
            open_transport(HttpSettings()).fetch(get(server.url("/")), ListSink()).unwrap()

    def test_in_a_folder_by_hashes(
        self,
        open_transport: Open,
        make_tls: MakeTls,
        ca_file: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Where OpenSSL finds certificates by itself, no bundle is looked for."""
        folder = tmp_path / "certs"
        folder.mkdir()
        (folder / "0a1b2c3d.0").write_text("")
        paths = ssl.get_default_verify_paths()
        monkeypatch.setattr(
            "ssl.get_default_verify_paths", lambda: paths._replace(cafile="", capath=str(folder))
        )
        monkeypatch.setattr("pipeline.adapters.http.tls.SYSTEM_BUNDLES", (ca_file,))
        with FaultServer({"/": http()}, make_tls("127.0.0.1")) as server:
            fail(HttpSettings(), open_transport, server.url("/"))

    def test_is_read_once(
        self,
        open_transport: Open,
        make_tls: MakeTls,
        ca_file: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It takes longer than the rest of a connection; and http does without."""
        paths, asked = ssl.get_default_verify_paths(), list[str]()

        def count() -> ssl.DefaultVerifyPaths:
            asked.append("")
            return paths

        monkeypatch.setattr("ssl.get_default_verify_paths", count)
        transport = open_transport(HttpSettings(ca_file=ca_file, allow_http=True))
        with FaultServer({"/": http()}) as plain:
            transport.fetch(get(plain.url("/")), ListSink()).unwrap()
        assert asked == []
        for _ in range(2):
            with FaultServer({"/": http()}, make_tls("127.0.0.1")) as server:
                transport.fetch(get(server.url("/")), ListSink()).unwrap()
        assert len(asked) == 1


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """A client's certificate and key, apart and together."""

    certificate: str
    key: str
    both: str


@pytest.fixture
def client(authority: trustme.CA, tmp_path: Path) -> ClientFiles:
    issued = authority.issue_cert("client.example")
    files = ClientFiles(*(str(tmp_path / name) for name in ("client.crt", "client.key", "both")))
    issued.cert_chain_pems[0].write_to_path(files.certificate)
    issued.private_key_pem.write_to_path(files.key)
    issued.private_key_and_cert_chain_pem.write_to_path(files.both)
    return files


class TestHosts:
    def test_a_client_certificate_is_for_one_origin_alone(
        self,
        open_transport: Open,
        authority: trustme.CA,
        make_tls: MakeTls,
        ca_file: str,
        client: ClientFiles,
    ) -> None:
        """Neither who it redirects to is offered it, nor another port of the same host."""
        seen: list[tuple[str, bool]] = []

        def tell(name: str, answer: bytes) -> Answer:
            def look(connection: socket.socket) -> None:
                assert isinstance(connection, ssl.SSLSocket)
                seen.append((name, bool(connection.getpeercert())))
                connection.sendall(answer)

            return look

        context = make_tls("127.0.0.1", "localhost")
        context.verify_mode = ssl.CERT_OPTIONAL
        authority.configure_trust(context)
        with FaultServer({"/": tell("other port", http())}, context) as other:
            moved = http(b"", 302, location=other.url("/"))
            with FaultServer({"/": tell("first", moved)}, context) as first:
                host = HostTls("127.0.0.1", first.port, (ca_file,), client.certificate, client.key)
                settings = HttpSettings(ca_file=ca_file, hosts=(host,))
                transport = open_transport(settings)
                transport.fetch(get(first.url("/")), ListSink()).unwrap()
                renamed = first.url("/").replace("127.0.0.1", "localhost")
                transport.fetch(get(renamed), ListSink()).unwrap()
        assert seen == [
            ("first", True),
            ("other port", False),
            ("first", False),
            ("other port", False),
        ]

    def test_a_certificate_and_its_key_in_one_file(
        self,
        open_transport: Open,
        authority: trustme.CA,
        make_tls: MakeTls,
        ca_file: str,
        client: ClientFiles,
    ) -> None:
        context = make_tls("127.0.0.1")
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
        with FaultServer({"/": http()}, context) as server:
            host = HostTls("127.0.0.1", server.port, client_cert=client.both)
            settings = HttpSettings(ca_file=ca_file, hosts=(host,))
            open_transport(settings).fetch(get(server.url("/")), ListSink()).unwrap()

    def test_an_authority_is_for_one_host_alone(
        self, open_transport: Open, make_tls: MakeTls, ca_file: str
    ) -> None:
        context = make_tls("127.0.0.1")
        with FaultServer({"/": http()}, context) as one, FaultServer({"/": http()}, context) as two:
            host = HostTls("127.0.0.1", one.port, (ca_file,))
            transport = open_transport(HttpSettings(hosts=(host,)))
            transport.fetch(get(one.url("/")), ListSink()).unwrap()
            error = transport.fetch(get(two.url("/")), ListSink()).failure()
        assert isinstance(error, TlsFailed)


class TestFiles:
    """Files are found to be bad without a connection, and it is said which and why."""

    @pytest.fixture
    def broken(self, authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
        pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        contents = {
            "empty": "",
            "junk": "no certificate",
            "broken": pem,
            "half": authority.cert_pem.bytes().decode() + pem,
        }
        for name, content in contents.items():
            (tmp_path / name).write_text(content)
        return {name: str(tmp_path / name) for name in (*contents, "none")} | {
            "folder": str(tmp_path),
            "no-path": "a\0b",
        }

    @pytest.mark.parametrize(
        "name", ["empty", "junk", "broken", "half", "none", "folder", "no-path"]
    )
    def test_authorities(self, broken: dict[str, str], name: str) -> None:
        path = broken[name]
        for settings in (HttpSettings(path), HttpSettings(hosts=(HostTls("a", 443, (path,)),))):
            error = check_tls_files(settings).failure()
            assert (error.got, error.setting.partition(" ")[0]) == (
                path,
                "--ca-file" if settings.hosts == () else "ca_file",
            )
            wanted = "a readable file" if name in {"none", "folder", "no-path"} else "PEM form"
            assert wanted in error.wanted

    def test_what_is_good(self, ca_file: str, client: ClientFiles) -> None:
        hosts = (
            HostTls("a"),
            HostTls("b", 443, (ca_file,)),
            HostTls("c", 443, (), client.certificate, client.key),
            HostTls("d", 443, (), client.both),
        )
        check_tls_files(HttpSettings(ca_file, hosts=hosts)).unwrap()

    def test_client_certificates_and_keys(
        self, authority: trustme.CA, broken: dict[str, str], client: ClientFiles, tmp_path: Path
    ) -> None:
        authority.issue_cert("b").private_key_pem.write_to_path(str(tmp_path / "other.key"))
        other, junk, none = str(tmp_path / "other.key"), broken["junk"], broken["none"]
        cases = [
            (client.certificate, other, "client_key", other, "the key that belongs to"),
            (client.certificate, junk, "client_key", junk, "a private key in PEM form"),
            (client.certificate, none, "client_key", none, "a readable file"),
            (client.certificate, None, "client_key", client.certificate, "a private key"),
            (junk, client.key, "client_cert", junk, "certificates in PEM form"),
            (none, client.key, "client_cert", none, "a readable file"),
            (None, client.key, "client_key", client.key, "a client_cert"),
        ]
        for certificate, key, setting, got, wanted in cases:
            host = HostTls("files.example", 8443, (), certificate, key)
            error = check_tls_files(HttpSettings(hosts=(host,))).failure()
            assert (error.setting, error.got) == (f"{setting} of files.example:8443", got)
            assert wanted in error.wanted

    def test_a_key_with_a_password_is_refused_and_nobody_asked(
        self, client: ClientFiles, tmp_path: Path
    ) -> None:
        key = load_pem_private_key(Path(client.key).read_bytes(), None)
        locked = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        )
        (tmp_path / "locked.key").write_bytes(locked)
        host = HostTls("a", 443, (), client.certificate, str(tmp_path / "locked.key"))
        error = check_tls_files(HttpSettings(hosts=(host,))).failure()
        assert error.wanted == "a private key in PEM form, without a password"

    def test_a_transport_says_the_same(self, open_transport: Open, broken: dict[str, str]) -> None:
        host = HostTls("127.0.0.1", 1, client_cert=broken["junk"])
        error = fail(HttpSettings(hosts=(host,)), open_transport, "https://127.0.0.1:1/")
        assert "client_cert of 127.0.0.1:1" in error.reason
