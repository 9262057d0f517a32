"""Discoveries: ours conform, and broken ones are noticed."""

from dataclasses import dataclass, replace

import pytest
from returns.result import Result, Success

from pipeline.adapters import AppcDiscovery
from pipeline.addresses import AddressScope
from pipeline.errors import (
    DiscoveryError,
)
from pipeline.names import ImageName, Labels
from pipeline.results import Candidate, KeyPlace
from pipeline.testing.conformance import (
    NonConformance,
    check_discovery,
)
from pipeline.testing.fakes import (
    MemoryTransport,
    Page,
    StaticDiscovery,
)

KNOWN, UNKNOWN = ImageName("example.com/app"), ImageName("example.com/nothing")
PLACE = Candidate("https://example.com/app.aci", "https://example.com/app.aci.asc")
KEY_PLACE = KeyPlace("https://example.com/key.asc")


def test_the_discovery_in_memory_conforms() -> None:
    discovery = StaticDiscovery({KNOWN: (PLACE,)}, {KNOWN: (KEY_PLACE,)})
    check_discovery(discovery, known=KNOWN, unknown=UNKNOWN)


def test_the_discovery_by_meta_tags_conforms() -> None:
    tags = (
        '<meta name="ac-discovery" content="example.com/app https://h.example/{name}.{ext}">'
        '<meta name="ac-discovery-pubkeys" content="example.com/app https://h.example/key">'
    )
    page = Page(tags.encode(), peer=AddressScope.PUBLIC)
    web = MemoryTransport({"https://example.com/app?ac-discovery=1": page})
    check_discovery(AppcDiscovery(web), known=KNOWN, unknown=UNKNOWN)


@dataclass(slots=True)
class BrokenDiscovery:
    """Says of images and keys what it is told to, of known and unknown ones."""

    places: tuple[Candidate, ...] = (PLACE,)
    keys: tuple[KeyPlace, ...] = (KEY_PLACE,)
    finds_unknown: bool = False
    finds_unknown_keys: bool = False
    calls_it: ImageName = UNKNOWN
    calls_keys: ImageName = UNKNOWN
    shuffles: bool = False
    asked: int = 0

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        self.asked += 1
        if name == UNKNOWN and not self.finds_unknown:
            return StaticDiscovery().endpoints(self.calls_it, labels)
        return Success(self.places[:: -1 if self.shuffles and self.asked % 2 else 1])

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        if name == UNKNOWN and not self.finds_unknown_keys:
            return StaticDiscovery().public_keys(self.calls_keys)
        return Success(self.keys)


@pytest.mark.parametrize(
    ("discovery", "promise"),
    [
        (BrokenDiscovery(places=()), "one place of an image"),
        (BrokenDiscovery(keys=()), "one place of a key"),
        (BrokenDiscovery(places=(replace(PLACE, image="/srv/app.aci"),)), "URL, got '/srv"),
        (BrokenDiscovery(places=(replace(PLACE, signature="app.asc"),)), "URL, got 'app"),
        (BrokenDiscovery(places=(replace(PLACE, signature=PLACE.image),)), "not the image"),
        (BrokenDiscovery(keys=(KeyPlace("ftp://h/key"),)), "URL, got 'ftp"),
        (BrokenDiscovery(finds_unknown=True), "nowhere is a failure"),
        (BrokenDiscovery(finds_unknown_keys=True), "keys that are nowhere"),
        (BrokenDiscovery(calls_it=KNOWN), "names what was looked for"),
        (BrokenDiscovery(calls_keys=KNOWN), "names whose keys"),
        (
            BrokenDiscovery(places=(PLACE, replace(PLACE, image="https://m/app")), shuffles=True),
            "same order",
        ),
    ],
)
def test_a_broken_discovery_is_noticed(discovery: BrokenDiscovery, promise: str) -> None:
    with pytest.raises(NonConformance, match=promise):
        check_discovery(discovery, known=KNOWN, unknown=UNKNOWN)


def test_a_discovery_that_cannot_find_the_known_is_noticed() -> None:
    with pytest.raises(NonConformance, match="could not find an image"):
        check_discovery(StaticDiscovery(), known=KNOWN, unknown=UNKNOWN)
    with pytest.raises(NonConformance, match="could not find keys"):
        check_discovery(StaticDiscovery({KNOWN: (PLACE,)}), known=KNOWN, unknown=UNKNOWN)
