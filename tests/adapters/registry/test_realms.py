"""Where tokens are asked for is a registry's word, and is not believed blindly (CVE-2026-48978)."""

import pytest

from pipeline.addresses import AddressScope
from pipeline.documents import fetch_document
from pipeline.errors import AuthenticationFailed, PeerRefused, RealmRefused
from pipeline.testing.fakes import Page
from tests.adapters.registry.hub import REALM, URL, USER, Hub, Logins, challenge, get

PLAIN = URL.replace("https:", "http:")
PLAIN_REALM = REALM.replace("https:", "http:")


@pytest.mark.parametrize(
    ("realm", "wanted"),
    [
        (PLAIN_REALM, "an https URL"),
        ("https://user:c4nary@auth.example/token", "an https URL without a user name"),
        ("https://user@auth.example/token", "an https URL without a user name"),
        ("https:///token", "an https URL without a user name"),
        ("https://[::1/token", "an https URL without a user name"),
        ("https://auth.example:0/", "an https URL without a user name"),
        ("https://auth.example:x/", "an https URL without a user name"),
        ("https://auth.example/a token", "an https URL without a user name"),
        ("file:///etc/passwd", "an https URL without a user name"),
        ("/token", "an https URL without a user name"),
        ("", "an https URL without a user name"),
    ],
)
def test_what_is_no_place_for_tokens(realm: str, wanted: str) -> None:
    hub = Hub(Logins(USER), challenges=(challenge(realm),))
    error = hub.ask().failure()
    assert error == RealmRefused("hub.example", realm, wanted)
    assert "c4nary" not in error.message
    assert len(hub.requests) == 1


@pytest.mark.parametrize("peer", [*AddressScope, None])
def test_it_lies_no_further_inward_than_the_registry(peer: AddressScope | None) -> None:
    """Where nobody sees where the registry is, it must be public."""
    hub = Hub(Logins(USER), peer=peer)
    hub.ask().unwrap()
    named_by = [each.named_by for each in hub.requests]
    assert named_by == [None, AddressScope.PUBLIC if peer is None else peer, None]


def test_what_lies_further_inward_is_said_to_be_the_registrys_word() -> None:
    wanted = "a public address"
    hub = Hub(on_token=lambda each: PeerRefused(each.url, "169.254.169.254", wanted))
    error = hub.ask().failure()
    assert error == RealmRefused("hub.example", REALM, wanted)
    assert error.message == f"hub.example names {REALM} for tokens: wanted a public address"


class TestOverHttp:
    """A registry that the user said is insecure is told what anybody gets, and no more."""

    @pytest.mark.parametrize("realm", [REALM, PLAIN_REALM])
    def test_a_token_for_anybody(self, realm: str) -> None:
        hub = Hub(Logins(USER), challenges=(challenge(realm),))
        assert hub.ask(PLAIN).unwrap().untrusted_body == b"content"
        assert hub.urls() == [PLAIN, realm, PLAIN]
        assert hub.proofs() == ["", "", "Bearer c4nary-t0ken-1"]
        assert all(each.headers == () for each in hub.requests)
        assert hub.requests[2].plain_headers != ()
        # Nor is anybody else's proof sent for it, whatever is set for the place.
        assert hub.requests[1].is_anonymous
        assert hub.logins.asked == []

    @pytest.mark.parametrize("field", ["Basic realm=x", challenge()])
    def test_no_credentials(self, field: str) -> None:
        hub = Hub(Logins(USER), challenges=(field,))
        # An anonymous token is given, and the registry does not take it.
        hub.on_content = lambda _: Page(status=401, challenges=(field,), peer=hub.peer)
        error = hub.ask(PLAIN).failure()
        reason = "it wants credentials, which are sent over https alone"
        assert error == AuthenticationFailed("hub.example", reason)
        assert hub.logins.asked == []
        assert not any("Basic" in each for each in hub.proofs())

    def test_a_token_over_https_never_goes_over_http(self) -> None:
        """One host over both is two registries."""
        hub = Hub(Logins(USER))
        transport = hub.transport
        fetch_document(transport, get()).unwrap()
        fetch_document(transport, get(PLAIN)).unwrap()
        shown = [each for each in hub.requests if each.url.startswith("http:")]
        assert [each.plain_headers[:1] == () for each in shown] == [True, False]
        assert "c4nary-t0ken-1" not in repr([each.plain_headers[0][1].value for each in shown[1:]])


def test_a_token_is_not_shown_to_who_names_the_same_service() -> None:
    """Another registry, a stranger's, names the first one's realm, service and repository."""
    hub = Hub(Logins(USER))
    transport = hub.transport
    fetch_document(transport, get()).unwrap()
    stranger = URL.replace("hub.example", "stranger.example")
    fetch_document(transport, get(stranger)).unwrap()
    other_port = URL.replace("hub.example", "hub.example:8443")
    fetch_document(transport, get(other_port)).unwrap()
    assert [each[0] for each in hub.logins.asked] == [
        "hub.example",
        "stranger.example",
        "hub.example:8443",
    ]
    proofs = dict(zip([each.url for each in hub.requests], hub.proofs(), strict=True))
    assert proofs[URL] == "Bearer c4nary-t0ken-1"
    assert proofs[stranger] == "Bearer c4nary-t0ken-2"
    assert proofs[other_port] == "Bearer c4nary-t0ken-3"


def test_no_text_tells() -> None:
    """Not a transport, a request, an answer or an error."""
    hub = Hub(Logins(USER))
    outcome = hub.ask()
    hub.on_content = lambda _: Page(status=401, challenges=(challenge(),))
    refused = hub.ask().failure()
    texts = f"{hub.transport!r} {hub.requests!r} {outcome!r} {refused!r} {refused.message}"
    assert "c4nary" not in f"{texts} {refused.hint} {hub.logins!r}"
