"""The real registry lets us in: by nothing, by a password, by tokens; and skopeo the same way."""

import hashlib
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from gzip import compress
from pathlib import Path
from random import Random

import pytest
import trustme
from returns.result import Failure, Result

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import ConnectTo, HttpSettings, HttpTransport, InsecureOrigin
from pipeline.adapters.registry import AuthenticatingTransport
from pipeline.adapters.retrying import RetryingTransport
from pipeline.documents import fetch_document
from pipeline.errors import AuthenticationFailed, DiskFull, RealmRefused, TransportError
from pipeline.logins import IdentityToken, Login, RegistryToken, UserPassword
from pipeline.ports import Request
from pipeline.secret import Secret
from pipeline.testing.fakes import EventLog
from tests.adapters.registry.hub import Logins
from tests.peers.registry import Registry, skopeo
from tests.peers.token_server import TokenServer
from tests.support.sinks import ResumableSink

pytestmark = pytest.mark.peer

USERS = {"c4nary-user": "c4nary-p4ss"}
LOGIN = UserPassword(Secret("c4nary-user"), Secret("c4nary-p4ss"))
WRONG = UserPassword(Secret("c4nary-user"), Secret("c4nary-wr0ng"))
LAYER = compress(Random(6).randbytes(3_000_000), mtime=0)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry that has an image of one layer in three repositories."""
    folder = tmp_path_factory.mktemp("filled")
    layout = folder / "layout"
    (layout / "blobs/sha256").mkdir(parents=True)

    def blob(content: bytes, kind: str) -> dict[str, object]:
        name = hashlib.sha256(content).hexdigest()
        (layout / "blobs/sha256" / name).write_bytes(content)
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}

    layer = blob(LAYER, "layer.v1.tar+gzip")
    root = {"type": "layers", "diff_ids": [f"sha256:{'0' * 64}"]}
    config = blob(
        json.dumps({"architecture": "amd64", "os": "linux", "rootfs": root}).encode(),
        "config.v1+json",
    )
    manifest = {"schemaVersion": 2, "config": config, "layers": [layer]}
    index = {
        "schemaVersion": 2,
        "manifests": [blob(json.dumps(manifest).encode(), "manifest.v1+json")],
    }
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    with Registry(folder / "registry") as registry:
        for name in ("app", "team/app"):
            to = f"docker://{registry.host}/{name}:1.0"
            skopeo("copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", to)
    return folder / "registry"


@dataclass(slots=True)
class Client:
    """What a pull is made of; ``transport`` proves, asks again, and speaks HTTP."""

    transport: AuthenticatingTransport
    logins: Logins
    log: EventLog
    registry: str

    def pull(self, repository: str = "team/app") -> Result[bytes, TransportError]:
        """Fetch a manifest and its first layer, and return that."""
        base = f"{self.registry}/v2/{repository}"
        manifest = fetch_document(self.transport, request(f"{base}/manifests/1.0"))
        return manifest.bind(
            lambda document: fetch_document(
                self.transport, request(f"{base}/blobs/{layer_of(document.untrusted_body)}")
            )
        ).map(lambda document: document.untrusted_body)


def request(url: str) -> Request:
    accept = "application/vnd.oci.image.manifest.v1+json"
    return Request(url, 1 << 24, 10.0, 30.0, accept=accept)


def layer_of(manifest: bytes) -> str:
    return str(json.loads(manifest)["layers"][0]["digest"])


Connect = Callable[..., Client]


@pytest.fixture
def connect(ca_file: str) -> Iterator[Connect]:
    with ExitStack() as closing:

        def make(registry: Registry, login: Login | None = None, *, name: str = "") -> Client:
            scheme = "http" if registry.certificate is None else "https"
            log, logins, clock = EventLog(), Logins(login), SystemClock()
            # A port of http is allowed by name alone, the token service's among them.
            service = registry.token_service
            named = [registry.host, *([] if service is None else [service.realm.split("/")[2]])]
            insecure = tuple(
                InsecureOrigin("http", each.partition(":")[0], int(each.partition(":")[2]))
                for each in named
            )
            rules = (ConnectTo(name, 443, "127.0.0.1", registry.port),) if name else ()
            settings = HttpSettings(ca_file=ca_file, insecure=insecure, connect_to=rules)
            http = closing.enter_context(HttpTransport(settings, clock, log))
            retrying = RetryingTransport(http, clock, log, jitter=lambda: 0.0)
            transport = AuthenticatingTransport(retrying, logins, clock)
            return Client(transport, logins, log, f"{scheme}://{name or registry.host}")

        yield make


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


@pytest.fixture
def tls(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", "registry.example")


def test_anybody_over_http(filled: Path, connect: Connect) -> None:
    with Registry(filled) as registry:
        client = connect(registry)
        assert client.pull().unwrap() == LAYER
        assert client.logins.asked == []


class TestPasswords:
    def test_right(self, filled: Path, connect: Connect, tls: trustme.LeafCert) -> None:
        with Registry(filled, tls, USERS) as registry:
            client = connect(registry, LOGIN)
            assert client.pull().unwrap() == LAYER
            statuses = [each.rpartition(" ")[2] for each in registry.requests]
        assert statuses == ["401", "200", "200"]
        assert client.logins.asked == [(registry.host, "team/app")]

    @pytest.mark.parametrize(
        ("login", "reason"),
        [
            (WRONG, "it refuses the credentials that are set for it"),
            (None, "it wants credentials, and none are set for it"),
        ],
    )
    def test_wrong(
        self,
        filled: Path,
        connect: Connect,
        tls: trustme.LeafCert,
        login: Login | None,
        reason: str,
    ) -> None:
        with Registry(filled, tls, USERS) as registry:
            error = connect(registry, login).pull().failure()
        assert error == AuthenticationFailed(registry.host, reason)

    def test_never_over_http(self, filled: Path, connect: Connect) -> None:
        with Registry(filled, users=USERS) as registry:
            client = connect(registry, LOGIN)
            error = client.pull().failure()
        reason = "it wants credentials, which are sent over https alone"
        assert error == AuthenticationFailed(registry.host, reason)
        assert client.logins.asked == []


class TestTokens:
    @pytest.fixture
    def tokens(self, tmp_path: Path, tls: trustme.LeafCert) -> Iterator[TokenServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.configure_cert(context)
        with TokenServer(tmp_path / "tokens", context) as server:
            yield server

    @pytest.fixture
    def registry(
        self, filled: Path, tls: trustme.LeafCert, tokens: TokenServer
    ) -> Iterator[Registry]:
        with Registry(filled, tls, token_service=tokens.service) as running:
            yield running

    def test_for_anybody(self, registry: Registry, tokens: TokenServer, connect: Connect) -> None:
        client = connect(registry)
        assert client.pull().unwrap() == LAYER
        assert client.pull("app").unwrap() == LAYER
        assert tokens.scopes == ["repository:team/app:pull", "repository:app:pull"]
        assert [each.rpartition(" ")[2] for each in registry.requests] == ["401", "200", "200"] * 2

    def test_for_a_user(self, registry: Registry, tokens: TokenServer, connect: Connect) -> None:
        tokens.users = USERS
        assert connect(registry, LOGIN).pull().unwrap() == LAYER
        said = "says its token service"
        refused = f"it refuses the credentials that are set for it, {said}"
        missing = f"it wants credentials, and none are set for it, {said}"
        for login, reason in ((WRONG, refused), (None, missing)):
            error = connect(registry, login).pull().failure()
            assert error == AuthenticationFailed(registry.host, reason)

    def test_by_an_identity_token(
        self, registry: Registry, tokens: TokenServer, connect: Connect
    ) -> None:
        tokens.identities = frozenset({"c4nary-identity"})
        good, bad = (IdentityToken(Secret(each)) for each in ("c4nary-identity", "c4nary-other"))
        assert connect(registry, good).pull().unwrap() == LAYER
        assert [each.method for each in tokens.asked] == ["POST"]
        error = connect(registry, bad).pull().failure()
        assert isinstance(error, AuthenticationFailed)

    def test_by_an_identity_token_where_there_is_no_post(
        self, registry: Registry, tokens: TokenServer, connect: Connect
    ) -> None:
        tokens.users = {"": "c4nary-identity"}
        login = IdentityToken(Secret("c4nary-identity"))
        assert connect(registry, login).pull().unwrap() == LAYER
        assert [each.method for each in tokens.asked] == ["POST", "GET"]

    def test_that_are_set(self, registry: Registry, tokens: TokenServer, connect: Connect) -> None:
        connect(registry).pull().unwrap()
        login = RegistryToken(Secret(tokens.given[0]))
        assert connect(registry, login).pull().unwrap() == LAYER
        assert isinstance(connect(registry, login).pull("app").failure(), AuthenticationFailed)
        assert len(tokens.given) == 1

    def test_for_something_else(
        self, registry: Registry, tokens: TokenServer, connect: Connect
    ) -> None:
        """The registry says insufficient_scope, and names what was asked for already."""
        tokens.granted = lambda scope: scope.replace("team/app", "app")
        error = connect(registry).pull().failure()
        reason = "it wants credentials, and none are set for it"
        assert error == AuthenticationFailed(registry.host, reason)
        assert tokens.scopes == ["repository:team/app:pull"]

    def test_that_expire_between_requests(
        self, registry: Registry, tokens: TokenServer, connect: Connect
    ) -> None:
        tokens.seconds = 2.0
        client = connect(registry)
        client.pull().unwrap()
        time.sleep(4)
        assert client.pull().unwrap() == LAYER
        assert len(tokens.given) == 2
        assert [each.rpartition(" ")[2] for each in registry.requests] == [
            *("401", "200", "200"),
            *("401", "200", "200"),
        ]

    def test_that_expire_in_the_middle_of_a_transfer(
        self, registry: Registry, tokens: TokenServer, connect: Connect
    ) -> None:
        """The connection breaks, the token has expired, and a new one goes on where it was."""
        tokens.seconds = 2.0
        client = connect(registry)
        base = f"{client.registry}/v2/team/app"
        manifest = fetch_document(client.transport, request(f"{base}/manifests/1.0")).unwrap()
        url = f"{base}/blobs/{layer_of(manifest.untrusted_body)}"
        # What breaks it is that the sink is full, for now.
        sink = ResumableSink(room=2_000_000, content_addressed=True)
        asked = replace(request(url), content_addressed=True)
        assert isinstance(client.transport.fetch(asked, sink).failure(), DiskFull)
        assert sink.content
        time.sleep(4)
        sink.room = len(LAYER)
        client.transport.fetch(asked, sink).unwrap()
        assert bytes(sink.content) == LAYER
        assert sink.written == len(LAYER)
        assert len(tokens.given) == 2
        assert [each.rpartition(" ")[2] for each in registry.requests][-2:] == ["401", "206"]

    def test_are_asked_for_once_by_many_threads(
        self, registry: Registry, tokens: TokenServer, connect: Connect
    ) -> None:
        client = connect(registry)
        with ThreadPoolExecutor(4) as threads:
            pulled = list(threads.map(lambda _: client.pull().unwrap(), range(4)))
        assert pulled == [LAYER] * 4
        assert len(tokens.given) == 1

    def test_skopeo_is_let_in_the_same_way(
        self, registry: Registry, tokens: TokenServer, connect: Connect, tmp_path: Path
    ) -> None:
        """What is tested against is no invention of ours."""
        tokens.users = USERS
        connect(registry, LOGIN).pull().unwrap()
        skopeo(
            "inspect",
            "--tls-verify=false",
            "--creds=c4nary-user:c4nary-p4ss",
            f"docker://{registry.host}/team/app:1.0",
        )
        ours, *theirs = tokens.asked
        assert [each.method for each in theirs] == ["GET"] * len(theirs)
        assert theirs[0].headers["authorization"] == ours.headers["authorization"]
        assert set(tokens.scopes) == {"repository:team/app:pull"}

    def test_over_http_for_anybody_alone(
        self, filled: Path, tmp_path: Path, connect: Connect
    ) -> None:
        with (
            TokenServer(tmp_path / "plain") as tokens,
            Registry(filled, token_service=tokens.service) as registry,
        ):
            client = connect(registry, LOGIN)
            assert client.pull().unwrap() == LAYER
            tokens.users = USERS
            error = connect(registry, LOGIN).pull().failure()
        assert isinstance(error, AuthenticationFailed)
        assert client.logins.asked == []
        assert not any("authorization" in each.headers for each in tokens.asked)

    def test_a_realm_further_inward(
        self, registry: Registry, tokens: TokenServer, connect: Connect
    ) -> None:
        """CVE-2026-48978: of a registry that may be anywhere, the service is on this machine."""
        error = connect(registry, LOGIN, name="registry.example").pull().failure()
        realm = tokens.service.realm
        assert error == RealmRefused("registry.example", realm, "a public address")
        assert tokens.asked == []

    def test_a_realm_over_http(
        self, filled: Path, tmp_path: Path, tls: trustme.LeafCert, connect: Connect
    ) -> None:
        with TokenServer(tmp_path / "plain") as tokens:
            with Registry(filled, tls, token_service=tokens.service) as registry:
                error = connect(registry, LOGIN).pull().failure()
            assert error == RealmRefused(registry.host, tokens.service.realm, "an https URL")
            assert tokens.asked == []

    @pytest.mark.parametrize("login", [LOGIN, WRONG, IdentityToken(Secret("c4nary-identity"))])
    def test_no_text_tells(
        self,
        registry: Registry,
        tokens: TokenServer,
        connect: Connect,
        caplog: pytest.LogCaptureFixture,
        login: Login,
    ) -> None:
        """Not an error, an event, a debug log or a ``repr``: no password, and no token."""
        caplog.set_level(logging.DEBUG)
        tokens.users, tokens.identities = USERS, frozenset({"c4nary-identity"})
        client = connect(registry, login)
        outcome = client.pull()
        told = f"{client!r} {outcome!r} {client.log.events!r} {caplog.text}"
        if isinstance(outcome, Failure):
            told += f"{outcome.failure().message} {outcome.failure().hint}"
        assert caplog.records
        for secret in ("c4nary", "YzRuYXJ5", *tokens.given):
            assert secret not in told
