"""Mirrors before origins, and nothing else changed."""

import pickle
from dataclasses import replace

import pytest

from pipeline.addresses import AddressScope
from pipeline.limits import CANDIDATES
from pipeline.mirrors import Mirrors, UrlMirrors, parse_mirrors
from pipeline.names import ImageName, Labels
from pipeline.reference import AppcReference, signature_location
from pipeline.results import Candidate, Expectations, Located
from pipeline.stages.mirror import mirror_candidates


def table(prefix: str, *places: str) -> Mirrors:
    entry = parse_mirrors(prefix, places).unwrap()
    assert isinstance(entry, UrlMirrors)
    return Mirrors(urls=(entry,))


def located(*candidates: Candidate) -> Located:
    name = ImageName("example.com/app")
    return Located(AppcReference(name), candidates, Expectations(name, Labels()))


def beside(image: str) -> Candidate:
    return Candidate(image, signature_location(image))


ORIGIN = beside("https://example.com/images/app.aci")
MIRRORS = table("https://example.com/images", "https://m.example", "https://n.example/x")
PLACES = ["https://m.example/app.aci", "https://n.example/x/app.aci"]


def test_mirrors_come_first_and_in_order() -> None:
    there = mirror_candidates(MIRRORS)(located(ORIGIN)).unwrap()
    assert there == located(
        beside("https://m.example/app.aci"), beside("https://n.example/x/app.aci"), ORIGIN
    )


def test_every_mirror_comes_before_every_origin() -> None:
    other = beside("https://example.com/images/other.aci")
    there = mirror_candidates(MIRRORS)(located(ORIGIN, other)).unwrap()
    assert [each.image.split("/")[2] for each in there.candidates] == [
        *("m.example", "n.example") * 2,
        *("example.com",) * 2,
    ]


def test_what_no_prefix_covers_stays_as_it_is() -> None:
    value = located(beside("https://other.example/app.aci"))
    assert mirror_candidates(MIRRORS)(value).unwrap() is value


def mirrored(
    mirrors: Mirrors, value: Located, *, signature: str | None = None
) -> tuple[Candidate, ...]:
    """Return the places that come out, which are all of archives."""
    places = mirror_candidates(mirrors, signature=signature)(value).unwrap().candidates
    return tuple(each for each in places if isinstance(each, Candidate))


@pytest.mark.parametrize(
    ("signature", "wanted"),
    [
        ("https://example.com/images/sig/app.asc", "https://m.example/sig/app.asc"),
        ("https://keys.example/app.asc", "https://keys.example/app.asc"),
        ("file:///my.asc", "file:///my.asc"),
    ],
)
def test_a_signature_elsewhere(signature: str, wanted: str) -> None:
    """It moves where the same prefix covers it."""
    value = located(Candidate(ORIGIN.image, signature))
    there = mirrored(MIRRORS, value)
    assert there[0].signature == wanted
    assert [each.image for each in there] == [*PLACES, ORIGIN.image]


def test_who_named_a_place() -> None:
    """A mirror is named by the user; a signature that stays is where a server said."""
    named = replace(ORIGIN, named_by=AddressScope.PUBLIC)
    there = mirrored(MIRRORS, located(named))
    assert [each.named_by for each in there] == [None, None, AddressScope.PUBLIC]
    elsewhere = replace(named, signature="https://keys.example/app.asc")
    there = mirrored(MIRRORS, located(elsewhere))
    assert {each.named_by for each in there} == {AddressScope.PUBLIC}


def test_a_signature_that_the_user_named_stays() -> None:
    value = located(ORIGIN)
    there = mirrored(MIRRORS, value, signature=ORIGIN.signature)
    assert {each.signature for each in there} == {ORIGIN.signature}
    assert [each.image for each in there] == [*PLACES, ORIGIN.image]


def test_a_prefix_that_is_one_file() -> None:
    """Its signature is not under the prefix, and lies beside the image all the same."""
    mirrors = table(ORIGIN.image, "https://m.example/b.aci")
    there = mirror_candidates(mirrors)(located(ORIGIN)).unwrap()
    assert there.candidates == (beside("https://m.example/b.aci"), ORIGIN)


def test_no_place_is_tried_twice() -> None:
    mirrors = table("https://a.example", "https://b.example")
    a, b = beside("https://a.example/app.aci"), beside("https://b.example/app.aci")
    assert mirror_candidates(mirrors)(located(a, b)).unwrap().candidates == (b, a)


def test_so_many_places_and_an_origin_among_them() -> None:
    origins = tuple(beside(f"https://example.com/images/{n}.aci") for n in range(CANDIDATES))
    there = mirror_candidates(MIRRORS)(located(*origins)).unwrap()
    assert len(there.candidates) == CANDIDATES
    assert there.candidates[-1] == origins[0]


def test_pickles() -> None:
    assert mirror_candidates(MIRRORS).name == "mirror"
    stage = pickle.loads(pickle.dumps(mirror_candidates(MIRRORS)))
    assert stage(located(ORIGIN)) == mirror_candidates(MIRRORS)(located(ORIGIN))
