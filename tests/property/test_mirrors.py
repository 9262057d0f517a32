"""Mirrors change where bytes come from, and nothing else."""

from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from pipeline.limits import CANDIDATES
from pipeline.mirrors import Mirrors, NameMirrors, UrlMirrors, UrlTemplate, parse_mirrors
from pipeline.names import covers, find_fault
from pipeline.reference import ArchiveReference, signature_location
from pipeline.results import Candidate, Located
from pipeline.stages.mirror import mirror_candidates
from pipeline.testing.strategies import archive_references, image_names, texts

segments = st.sampled_from(
    ("a", "b", "a-b", "%41", "a%2fb", "", ".", "..", "%2E", "x.aci", "é", "a?b")
)
origins = st.sampled_from(
    ("https://h", "http://h", "https://h:443", "https://h:8", "https://H", "https://i", "file://")
)
urls = st.builds(
    lambda origin, path: "/".join((origin, *path)), origins, st.lists(segments, max_size=3)
)
places = st.sampled_from(("https://m", "https://m/a", "https://n:8/", "http://m"))


@st.composite
def url_tables(draw: st.DrawFn) -> Mirrors:
    """Tables of URL prefixes, each prefix once."""
    entries = {}
    for prefix in draw(st.lists(urls, max_size=4)):
        parsed = parse_mirrors(prefix, tuple(draw(st.lists(places, max_size=3))))
        entry = parsed.value_or(None)
        if isinstance(entry, UrlMirrors):
            entries[entry.prefix] = entry
    return Mirrors(urls=tuple(entries.values()))


@st.composite
def located(draw: st.DrawFn) -> Located:
    """What discovery may have found."""
    wild = st.one_of(urls, archive_references().map(lambda reference: reference.url))
    images = draw(st.lists(wild, min_size=1, max_size=20))
    candidates = tuple(
        Candidate(image, draw(st.one_of(st.just(signature_location(image)), urls)))
        for image in images
    )
    return Located(ArchiveReference("https://h/x.aci"), candidates)


class TestCandidates:
    """The stage that puts mirrors first."""

    @given(url_tables(), located())
    def test_the_origins_come_last_in_their_order(self, mirrors: Mirrors, value: Located) -> None:
        there = mirror_candidates(mirrors)(value).unwrap()
        assert (there.reference, there.expected) == (value.reference, value.expected)
        if there.candidates == value.candidates:
            return
        assert len(there.candidates) <= CANDIDATES
        made = {
            place
            for each in value.candidates
            if (entry := mirrors.for_url(each.image)) is not None
            for place in entry.places_of(each.image)
        }
        at_origin = [each for each in there.candidates if each.image not in made]
        unmade = [each for each in dict.fromkeys(value.candidates) if each.image not in made]
        assert at_origin == unmade[: len(at_origin)]
        assert list(there.candidates[len(there.candidates) - len(at_origin) :]) == at_origin
        assert set(there.candidates) & set(value.candidates)

    @given(url_tables(), located())
    def test_https_stays_https(self, mirrors: Mirrors, value: Located) -> None:
        for candidate in value.candidates:
            if urlsplit(candidate.image).scheme == "https":
                alone = Located(value.reference, (candidate,))
                there = mirror_candidates(mirrors)(alone).unwrap()
                assert {urlsplit(each.image).scheme for each in there.candidates} == {"https"}

    @given(url_tables(), urls)
    def test_a_mirrored_url_is_under_the_mirror(self, mirrors: Mirrors, url: str) -> None:
        entry = mirrors.for_url(url)
        if entry is not None:
            for place, there in zip(entry.to, entry.places_of(url), strict=False):
                assert there == str(place) or there.startswith(f"{place}/")
                assert ".." not in urlsplit(there).path.split("/")

    @given(located())
    def test_without_mirrors_nothing_changes(self, value: Located) -> None:
        assert mirror_candidates(Mirrors())(value).unwrap() is value

    @given(url_tables(), texts(max_size=40))
    def test_junk_is_no_url(self, mirrors: Mirrors, junk: str) -> None:
        entry = mirrors.for_url(junk)
        assert entry is None or urlsplit(junk).scheme.lower() in {"http", "https"}


class TestNames:
    """Names that are looked for elsewhere."""

    @given(image_names(), image_names(), image_names())
    def test_a_mirrored_name_is_a_name(self, prefix: str, place: str, name: str) -> None:
        entry = parse_mirrors(prefix, (place,)).unwrap()
        assert isinstance(entry, NameMirrors)
        found = Mirrors(names=(entry,)).for_name(name)  # type: ignore[arg-type]  # drawn as one
        assert bool(found) == covers(prefix, name)
        for each in found:
            assert not isinstance(each, UrlTemplate)
            assert find_fault(each) is None
            assert covers(place, each)

    @given(texts(max_size=30), st.lists(texts(max_size=30), max_size=10))
    def test_junk_never_raises(self, prefix: str, junk: list[str]) -> None:
        parse_mirrors(prefix, tuple(junk))
        parse_mirrors(f"https://{prefix}", tuple(f"https://{each}" for each in junk))
