"""A registry and its token service in memory, which note what they are shown."""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from returns.result import Failure, Result, Success

from pipeline.adapters.registry import AuthenticatingTransport
from pipeline.addresses import AddressScope
from pipeline.documents import Document, fetch_document
from pipeline.errors import ConfigurationError, StoreError, TransportError
from pipeline.logins import IdentityToken, Login, RegistryToken, UserPassword
from pipeline.ports import Request, Response, Sink
from pipeline.secret import Secret
from pipeline.testing.fakes import FixedClock, MemoryTransport, Page

URL = "https://hub.example/v2/team/app/manifests/1.0"
SCOPE = "repository:team/app:pull"
REALM = "https://auth.example/token"
USER = UserPassword(Secret("c4nary-user"), Secret("c4nary-p4ss"))
IDENTITY = IdentityToken(Secret("c4nary-identity"))
OWN = RegistryToken(Secret("c4nary-own"))


def get(url: str = URL) -> Request:
    return Request(url, 1 << 16, 5.0, 100.0)


def challenge(realm: str = REALM, scope: str = SCOPE, error: str = "") -> str:
    told = f',error="{error}"' if error else ""
    return f'Bearer realm="{realm}",service="hub",scope="{scope}"{told}'


@dataclass(slots=True)
class Logins:
    """Registry credentials that note who asked for them."""

    login: Login | ConfigurationError | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def login_for(self, registry: str, repository: str) -> Result[Login | None, ConfigurationError]:
        self.asked.append((registry, repository))
        if isinstance(self.login, ConfigurationError):
            return Failure(self.login)
        return Success(self.login)


@dataclass(slots=True)
class Hub:
    """A transport to both. A token is good for ``seconds``, whatever is said of it.

    ``tokens`` are those that were given, ``refused`` says which of them count no more; ``scopes``
    are what they were asked for. ``on_token`` and ``on_content`` may answer in their place.
    """

    logins: Logins = field(default_factory=Logins)
    clock: FixedClock = field(default_factory=FixedClock)
    seconds: int = 300
    peer: AddressScope | None = AddressScope.PUBLIC
    challenges: tuple[str, ...] = (challenge(),)
    on_token: Callable[[Request], Page | TransportError | None] = lambda _: None
    on_content: Callable[[Request], Page | TransportError | None] = lambda _: None
    requests: list[Request] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    valid: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def transport(self) -> AuthenticatingTransport:
        return AuthenticatingTransport(self, self.logins, self.clock)

    def ask(self, url: str = URL) -> Result[Document, TransportError]:
        return fetch_document(self.transport, get(url))

    def urls(self) -> list[str]:
        return [each.url.partition("?")[0] for each in self.requests]

    def proofs(self) -> list[str]:
        """What each request said of who asks."""
        return [
            next((value.value for _, value in (*each.headers, *each.plain_headers)), "")
            for each in self.requests
        ]

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        with self.lock:
            self.requests.append(request)
            page = self._answer(request)
        if not isinstance(page, Page):
            return Failure(page)
        return MemoryTransport({request.url: page}, self.clock).fetch(request, sink)

    def _answer(self, request: Request) -> Page | TransportError:
        if "/v2/" not in request.url:
            return self.on_token(request) or self._give(request)
        proof = dict(request.headers + request.plain_headers).get("Authorization")
        kind, _, value = ("" if proof is None else proof.value).partition(" ")
        now = self.clock.monotonic()
        is_in = self.valid.get(value, 0.0) > now if kind == "Bearer" else kind == "Basic"
        if is_in:
            return self.on_content(request) or Page(b"content")
        return Page(status=401, challenges=self.challenges, peer=self.peer)

    def _give(self, request: Request) -> Page:
        fields = {name: value.value for name, value in request.form}
        fields |= {name: one[0] for name, one in parse_qs(urlsplit(request.url).query).items()}
        self.scopes.append(fields["scope"])
        token = f"c4nary-t0ken-{len(self.valid) + 1}"
        self.valid[token] = self.clock.monotonic() + self.seconds
        return Page(json.dumps({"token": token, "expires_in": self.seconds}).encode())


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
