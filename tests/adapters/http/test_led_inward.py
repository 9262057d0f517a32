"""A URL that a server named leads no further inward than that server is."""

import pytest

from pipeline.addresses import AddressScope
from pipeline.errors import PeerRefused
from pipeline.ports import Request
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import FaultServer, http

SCOPES = {
    "127.0.0.1": AddressScope.LOOPBACK,
    "127.0.0.2": AddressScope.PRIVATE,
    "127.0.0.3": AddressScope.PUBLIC,
}
"""As if these addresses of loopback lay elsewhere."""


@pytest.fixture(autouse=True)
def scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.adapters.http.network.scope_of", lambda each: SCOPES[each])


def named_by(url: str, scope: AddressScope) -> Request:
    return Request(url, 1000, 5.0, 5.0, named_by=scope)


@pytest.mark.parametrize("peer", SCOPES)
def test_where_the_answer_came_from(open_transport: Open, peer: str) -> None:
    with FaultServer({"/": http(b"x")}, host=peer) as server:
        response = open_transport().fetch(get(server.url("/")), ListSink()).unwrap()
    assert response.peer is SCOPES[peer]


@pytest.mark.parametrize("peer", SCOPES)
@pytest.mark.parametrize("by", AddressScope)
def test_a_url_that_was_named(open_transport: Open, peer: str, by: AddressScope) -> None:
    with FaultServer({"/": http(b"x")}, host=peer) as server:
        outcome = open_transport().fetch(named_by(server.url("/"), by), ListSink())
        allowed = SCOPES[peer] >= by
        assert len(server.asked) == allowed
    if not allowed:
        assert isinstance(outcome.failure(), PeerRefused)


@pytest.mark.parametrize("target", SCOPES)
@pytest.mark.parametrize("source", SCOPES)
def test_a_redirect(open_transport: Open, source: str, target: str) -> None:
    with FaultServer({"/": http(b"x")}, host=target) as last:
        moved = http(b"", 302, location=last.url("/"))
        with FaultServer({"/": moved}, host=source) as first:
            outcome = open_transport().fetch(get(first.url("/")), ListSink())
        allowed = SCOPES[target] >= SCOPES[source]
        assert len(last.asked) == allowed
    if not allowed:
        assert isinstance(outcome.failure(), PeerRefused)


def test_the_outermost_of_a_chain_counts(open_transport: Open) -> None:
    """Public, and from there only public: not back to where the first one was."""
    with FaultServer({"/": http(b"x")}, host="127.0.0.2") as last:
        to_last = http(b"", 302, location=last.url("/"))
        with FaultServer({"/": to_last}, host="127.0.0.3") as middle:
            to_middle = http(b"", 302, location=middle.url("/"))
            with FaultServer({"/": to_middle}, host="127.0.0.1") as first:
                outcome = open_transport().fetch(get(first.url("/")), ListSink())
        assert last.asked == []
    assert isinstance(outcome.failure(), PeerRefused)


def test_a_kept_connection_is_judged_anew(open_transport: Open) -> None:
    """What one request may use, another must not."""
    transport = open_transport()
    with FaultServer({"/": http(b"x")}, host="127.0.0.1") as server:
        transport.fetch(get(server.url("/")), ListSink()).unwrap()
        named = named_by(server.url("/"), AddressScope.PUBLIC)
        assert isinstance(transport.fetch(named, ListSink()).failure(), PeerRefused)
        transport.fetch(get(server.url("/")), ListSink()).unwrap()
        assert len(server.asked) == 2
