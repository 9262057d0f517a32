"""Registries below a path of a host: each is let in by what is its own, and by nobody else's."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.containers.auth_json import parse_auth_file
from pipeline.adapters.containers.helpers import CredentialHelpers
from pipeline.adapters.containers.logins import FileLogins
from pipeline.adapters.registry import AuthenticatingTransport
from pipeline.documents import Document, fetch_document
from pipeline.errors import (
    AuthenticationFailed,
    HttpStatus,
    RealmRefused,
    StoreError,
    TransportError,
)
from pipeline.events import SILENCE
from pipeline.ports import Request, Response, Sink
from pipeline.testing.fakes import FixedClock, Page
from tests.adapters.registry.hub import REALM, SCOPE, USER, Hub, Logins, basic, challenge, get

US, EU = "https://hub.example/us/v2", "https://hub.example/eu/v2"
IMAGE = "team/app/manifests/1.0"
ONE, TWO = (f"Bearer c4nary-t0ken-{number}" for number in (1, 2))


@dataclass(slots=True)
class Redirected:
    """A transport that is redirected, and refused there."""

    error: HttpStatus

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        return Failure(self.error)


def ask(hub: Hub, *urls: str, roots: Iterable[str] = (US, EU)) -> Result[Document, TransportError]:
    """Ask for one URL after another; return how the last was answered."""
    transport = AuthenticatingTransport(hub, hub.logins, hub.clock, roots)
    for url in urls[:-1]:
        fetch_document(transport, get(url)).unwrap()
    return fetch_document(transport, get(urls[-1]))


def test_a_token_for_it() -> None:
    hub = Hub(Logins(USER))
    url = f"{US}/{IMAGE}"
    assert ask(hub, url).unwrap().untrusted_body == b"content"
    assert hub.urls() == [url, REALM, url]
    assert hub.proofs() == ["", basic("c4nary-user", "c4nary-p4ss"), ONE]
    assert hub.scopes == [SCOPE]


def test_a_password_for_it() -> None:
    hub = Hub(Logins(USER), challenges=('Basic realm="x"',))
    assert is_successful(ask(hub, f"{US}/{IMAGE}"))
    assert hub.proofs() == ["", basic("c4nary-user", "c4nary-p4ss")]


@pytest.mark.parametrize(
    "roots", [(), (EU,), ("http://hub.example/us/v2",), ("junk", "file:///us")]
)
def test_a_path_that_nobody_named_is_told_nothing(roots: tuple[str, ...]) -> None:
    hub = Hub(Logins(USER))
    assert isinstance(ask(hub, f"{US}/{IMAGE}", roots=roots).failure(), HttpStatus)
    assert hub.proofs() == [""]
    assert hub.logins.asked == []


@pytest.mark.parametrize(
    ("root", "looked_up", "scope"),
    [
        ("https://hub.example/us/v2", "us/team/app", "team/app"),
        ("https://hub.example/us/v2/", "us/team/app", "team/app"),
        ("https://hub.example/a/b/v2", "a/b/team/app", "team/app"),
        ("https://hub.example/us/v2/proxy", "us/proxy/team/app", "proxy/team/app"),
        ("https://hub.example/v2/proxy", "proxy/team/app", "proxy/team/app"),
        ("https://hub.example/v2", "team/app", "team/app"),
    ],
)
def test_what_it_is_asked_for_and_looked_up_by(root: str, looked_up: str, scope: str) -> None:
    """Behind ``/v2`` stands a name; before it, which registry of the host it is."""
    hub = Hub(Logins(USER))
    assert is_successful(ask(hub, f"{root.rstrip('/')}/{IMAGE}", roots=(root,)))
    assert hub.logins.asked == [("hub.example", looked_up)]
    assert hub.scopes == [f"repository:{scope}:pull"]


def test_without_v2(monkeypatch: pytest.MonkeyPatch) -> None:
    """``override_path`` of hosts.toml: repositories lie right below the path."""
    root, url = "https://hub.example/images", f"https://hub.example/images/{IMAGE}"
    hub = Hub(Logins(USER), challenges=('Basic realm="x"',))
    monkeypatch.setattr(
        Hub, "_answer",
        lambda self, request: Page(b"content") if request.headers else Page(
            status=401, challenges=self.challenges, peer=self.peer
        ),
    )  # fmt: skip
    assert ask(hub, url, roots=(root,)).unwrap().untrusted_body == b"content"
    assert hub.logins.asked == [("hub.example", "images/team/app")]


def test_the_longest_root_counts() -> None:
    hub = Hub(Logins(USER))
    deep = "https://hub.example/us/v2/deep/v2"
    assert is_successful(ask(hub, f"{US}/{IMAGE}", roots=("https://hub.example", US, deep)))
    assert hub.logins.asked == [("hub.example", "us/team/app")]


def test_one_is_not_told_what_the_other_was() -> None:
    hub = Hub()
    us, eu, own = f"{US}/{IMAGE}", f"{EU}/{IMAGE}", f"https://hub.example/v2/{IMAGE}"
    assert is_successful(ask(hub, us, us, eu, own))
    assert len(hub.scopes) == 3
    assert hub.proofs() == ["", "", ONE, ONE, "", "", TWO, "", "", "Bearer c4nary-t0ken-3"]


def test_its_proof_stays_below_its_path() -> None:
    hub = Hub()
    assert is_successful(ask(hub, f"{US}/{IMAGE}", f"https://hub.example/v2/{IMAGE}"))
    below = [each.headers_below for each in hub.requests if each.headers]
    assert below == ["/us/", "/"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://hub.example/eu/v2/team/app/manifests/1.0",
        "https://hub.example/v2/team/app/manifests/1.0",
        "https://hub.example/us/../eu/v2/x",
        "https://hub.example/us%2f../eu/v2/x",
        "https://hub.example/usa/v2/x",
        "https://hub.example:444/us/v2/x",
    ],
)
def test_whoever_it_redirects_to_is_not_believed(elsewhere: str) -> None:
    """A 401 of another registry on the same host names its own token service."""
    hub = Hub(Logins(USER))
    refused = HttpStatus(elsewhere, 401, untrusted_challenges=(challenge(),))
    transport = AuthenticatingTransport(Redirected(refused), hub.logins, hub.clock, (US, EU))
    assert fetch_document(transport, get(f"{US}/{IMAGE}")).failure() == refused
    assert hub.logins.asked == []


def test_what_is_set_for_a_path_is_for_registries_there() -> None:
    """Of ``auth.json``: ``hub.example/us`` is the registry there, or its namesake at the root."""
    entries = b'{"auths": {"hub.example/us": {"auth": "dXM6MQ=="},'
    entries += b'"hub.example/team": {"auth": "dGVhbTox"}}}'
    file = parse_auth_file(Path("auth.json"), entries).unwrap()
    clock = FixedClock()
    logins = FileLogins((file,), CredentialHelpers({}, clock, SILENCE))
    hub = Hub(challenges=('Basic realm="x"',))
    transport = AuthenticatingTransport(hub, logins, clock, (US, EU))
    assert is_successful(fetch_document(transport, get(f"{US}/{IMAGE}")))
    assert hub.proofs() == ["", basic("us", "1")]
    error = fetch_document(transport, get(f"{EU}/{IMAGE}")).failure()
    reason = "it wants credentials, and none are set for it"
    assert error == AuthenticationFailed("hub.example/eu", reason)
    assert len(hub.requests) == 3


def test_what_it_is_called_in_errors() -> None:
    hub = Hub(challenges=(challenge("http://auth.example/"),))
    error = ask(hub, f"{US}/{IMAGE}").failure()
    assert error == RealmRefused("hub.example/us", "http://auth.example/", "an https URL")
