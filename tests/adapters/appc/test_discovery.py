"""The walk from a name to its host, against what rkt asks and finds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.appc import AppcDiscovery
from pipeline.addresses import AddressScope
from pipeline.errors import DiscoveryFailed, HttpStatus, NoMatchingTag, TlsFailed, TransportError
from pipeline.events import Noticed
from pipeline.limits import CANDIDATES, DISCOVERY_PAGE_BYTES, DOCUMENT_SECONDS, KEY_URLS
from pipeline.names import Label, LabelName, Labels, parse_image_name
from pipeline.results import Candidate, KeyPlace
from pipeline.testing.fakes import EventLog, MemoryTransport, Page

DATA = Path(__file__).parents[2] / "data" / "rkt" / "discovery-walk.json"
VECTORS: list[Any] = json.loads(DATA.read_text())["vectors"]

NAME = parse_image_name("example.com/foo/bar").unwrap()
LABELS = Labels((Label(LabelName("version"), "1"), Label(LabelName("os"), "linux")))

SEGMENTS = "a prefix covers whole segments; rkt compares strings, and finds something"
ENCODED = "values are percent-encoded, so that they cannot name another place"
EXT = "{ext} is the file's kind; a label of that name does not change it"


# By what is sought for which name (no other vector does), and by label.
OTHER_NAMES = {
    ("aci", "example.commerce/x"): SEGMENTS,
    ("keys", "example.commerce/x"): SEGMENTS,
    ("aci", "example.com/foo"): SEGMENTS,
}
OTHER_LABELS = {("version", "a b/../c?d#e"): ENCODED, ("ext", "zip"): EXT}


def difference(vector: Any) -> str:
    """Return why we answer otherwise than rkt, or "" where we do not."""
    given = vector["in"]
    by_name = OTHER_NAMES.get((given["what"], given["name"]))
    if by_name is not None:
        return by_name
    # Keys are not templates, so labels make no difference to them.
    labels = given["labels"].items() if given["what"] == "aci" else ()
    return next((OTHER_LABELS[each] for each in labels if each in OTHER_LABELS), "")


def discover(vector: Any) -> tuple[Any, list[str]]:
    """Return what is found (None for a failure) and the URLs that were asked."""
    given = vector["in"]
    pages: dict[str, Any] = {
        url: Page(page["body"].encode(), page["status"]) for url, page in given["pages"].items()
    }
    transport = MemoryTransport(pages, chunk_bytes=1 << 20)
    discovery = AppcDiscovery(
        transport, observer=EventLog(), allow_http="http" in given.get("insecure", [])
    )
    name = parse_image_name(given["name"]).unwrap()
    labels = Labels(tuple(Label(LabelName(k), v) for k, v in given["labels"].items()))
    found: Any
    if given["what"] == "aci":
        found = discovery.endpoints(name, labels).map(
            lambda places: [{"ACI": each.image, "ASC": each.signature} for each in places]
        )
    else:
        found = discovery.public_keys(name).map(lambda places: [each.url for each in places])
    return found.value_or(None), [request.url for request in transport.requests]


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda v: f"{v['in']['what']} {v['in']['name']} {v['in']['labels']}"
)
def test_as_rkt_or_as_recorded(vector: Any) -> None:
    theirs = vector["out"].get("endpoints") or vector["out"].get("keys")
    asked_by_them = [request["url"] for request in vector["out"]["requests"]]
    if not is_successful(parse_image_name(vector["in"]["name"])):
        # An empty segment, which is refused before anything is asked.
        assert theirs is None
        return
    ours, asked = discover(vector)
    why = difference(vector)
    if why == SEGMENTS:
        assert ours is None
        assert theirs is not None
        assert asked[: len(asked_by_them)] == asked_by_them
        return
    assert asked == asked_by_them
    assert (ours == theirs) is (why == "")
    if why == ENCODED:
        assert ours[0]["ACI"].endswith("bar-a%20b%2F..%2Fc%3Fd%23e-linux-amd64.aci")
    if why == EXT:
        assert ours[0]["ACI"].endswith(".aci")


def page(*contents: str, name: str = "ac-discovery") -> Page:
    return Page("".join(f'<meta name="{name}" content="{each}">' for each in contents).encode())


def endpoints(
    pages: dict[str, Any], *, allow_http: bool = False
) -> tuple[Any, EventLog, MemoryTransport]:
    log, transport = EventLog(), MemoryTransport(pages, chunk_bytes=1 << 20)
    discovery = AppcDiscovery(transport, observer=log, allow_http=allow_http)
    return discovery.endpoints(NAME, LABELS), log, transport


OWN = "https://example.com/foo/bar?ac-discovery=1"
PARENT = "https://example.com/foo?ac-discovery=1"
HOST = "https://example.com?ac-discovery=1"


def test_every_place_in_order_and_each_once() -> None:
    """rkt tries the first alone."""
    contents = ("example.com https://b/x", "example.com https://a/{ext}", "example.com https://b/x")
    outcome, _, _ = endpoints({OWN: page(*contents)})
    assert outcome.unwrap() == (
        Candidate("https://b/x", "https://b/x", AddressScope.PUBLIC),
        Candidate("https://a/aci", "https://a/aci.asc", AddressScope.PUBLIC),
    )


def test_every_attempt_is_told() -> None:
    refused = TlsFailed(PARENT, "certificate has expired")
    pages = {PARENT: refused, HOST: page("other.com https://h/x", "example.com https://h/{colour}")}
    outcome, _, _ = endpoints(pages)
    error = outcome.failure()
    assert error == DiscoveryFailed(
        NAME,
        "image",
        (
            HttpStatus(OWN, 404),
            refused,
            NoMatchingTag(
                HOST,
                "ac-discovery",
                prefixes=("other.com", "example.com"),
                incomplete=("https://h/{colour}",),
            ),
        ),
    )
    assert "1. " in error.message
    assert "3. " in error.message


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://h/x", "it is not https"),
        ("file:///etc/passwd", "it is neither https nor http"),
        ("https://user:secret@h/x", "it holds a user name or password"),
        ("https://h/../x", 'its path holds a segment "." or ".."'),
        ("https://h/a b", "it holds characters that no URL does"),
    ],
)
def test_an_unusable_place_is_dropped_and_told(location: str, reason: str) -> None:
    outcome, log, _ = endpoints({OWN: page(f"example.com {location}", "example.com https://h/y")})
    assert [each.image for each in outcome.unwrap()] == ["https://h/y"]
    (event,) = log.events
    assert isinstance(event, Noticed)
    assert reason in event.message
    failed, _, _ = endpoints({OWN: page(f"example.com {location}")})
    assert reason in failed.failure().message
    assert "secret" not in event.message + failed.failure().message


def test_http_places_only_where_http_is_allowed() -> None:
    pages = {OWN: page("example.com http://h/x")}
    assert not is_successful(endpoints(pages)[0])
    assert endpoints(pages, allow_http=True)[0].unwrap()[0].image == "http://h/x"


@pytest.mark.parametrize("over_https", [TlsFailed(OWN, "no"), Page(b"", 202), Page(b"", 500)])
def test_http_pages_only_where_allowed_and_after_https(over_https: Page | TransportError) -> None:
    plain = OWN.replace("https:", "http:")
    pages = {OWN: over_https, plain: page("example.com https://h/x")}
    outcome, _, transport = endpoints(pages, allow_http=True)
    assert is_successful(outcome)
    assert [request.url for request in transport.requests] == [OWN, plain]
    outcome, _, transport = endpoints(pages)
    assert not is_successful(outcome)
    assert all(request.url.startswith("https:") for request in transport.requests)


def test_a_page_that_was_read_over_https_is_the_answer() -> None:
    """What stands on it counts, also that nothing does: plain HTTP could say anything."""
    plain = OWN.replace("https:", "http:")
    pages = {OWN: Page(b"nothing"), plain: page("example.com https://evil/x")}
    outcome, _, transport = endpoints(pages, allow_http=True)
    assert not is_successful(outcome)
    assert plain not in [request.url for request in transport.requests]


def test_requests_are_limited() -> None:
    _, _, transport = endpoints({OWN: page("example.com https://h/x")})
    (request,) = transport.requests
    assert request.max_bytes == DISCOVERY_PAGE_BYTES
    assert request.total_seconds == DOCUMENT_SECONDS


def test_a_page_that_is_too_large_is_no_page() -> None:
    large = Page(page("example.com https://h/x").body + b" " * DISCOVERY_PAGE_BYTES)
    outcome, _, _ = endpoints({OWN: large, PARENT: page("example.com https://h/y")})
    assert outcome.unwrap()[0].image == "https://h/y"


def test_places_are_bounded() -> None:
    many = page(*(f"example.com https://h/{n}" for n in range(99)))
    outcome, _, _ = endpoints({OWN: many})
    wanted = [f"https://h/{n}" for n in range(CANDIDATES)]
    assert [candidate.image for candidate in outcome.unwrap()] == wanted


def test_keys_are_looked_up_for_themselves_and_bounded() -> None:
    keys = page(*(f"example.com https://h/{n}" for n in range(99)), name="ac-discovery-pubkeys")
    transport = MemoryTransport({OWN: page("example.com https://h/x"), HOST: keys})
    found = AppcDiscovery(transport, observer=EventLog()).public_keys(NAME)
    assert found.unwrap() == tuple(
        KeyPlace(f"https://h/{n}", AddressScope.PUBLIC) for n in range(KEY_URLS)
    )
    assert [request.url for request in transport.requests] == [OWN, PARENT, HOST]


@pytest.mark.parametrize("peer", [None, *AddressScope])
def test_places_say_where_the_server_is_that_named_them(peer: AddressScope | None) -> None:
    """So that a stranger's page cannot have us ask what only we can reach."""
    images = replace(page("example.com https://h/x"), peer=peer)
    keys = replace(page("example.com https://h/k", name="ac-discovery-pubkeys"), peer=peer)
    discovery = AppcDiscovery(MemoryTransport({OWN: images, PARENT: keys}), observer=EventLog())
    found = discovery.endpoints(NAME, Labels()).unwrap()
    # Where nobody can tell, what is named has to be public.
    named_by = AddressScope.PUBLIC if peer is None else peer
    assert found == (Candidate("https://h/x", "https://h/x", named_by),)
    assert discovery.public_keys(NAME).unwrap() == (KeyPlace("https://h/k", named_by),)


def test_no_keys() -> None:
    error = AppcDiscovery(MemoryTransport({}), observer=EventLog()).public_keys(NAME).failure()
    assert error.sought == "public key"
    assert len(error.attempts) == 3
