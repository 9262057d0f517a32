"""What holds for every discovery, whatever the pages say."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.appc import AppcDiscovery
from pipeline.events import Noticed
from pipeline.names import ImageName, Labels
from pipeline.testing.fakes import EventLog, MemoryTransport, Page
from pipeline.testing.strategies import image_names

SEGMENTS = st.sampled_from(["a", "ab", "b", "example.com"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)


class TestWalk:
    """The page nearest to the name that has a tag for it answers, and nobody else's tag does."""

    @given(name=PATHS, tags=st.dictionaries(PATHS, st.lists(PATHS, max_size=3), max_size=5))
    def test_nearest_page_with_a_prefix_of_whole_segments(
        self, name: str, tags: dict[str, list[str]]
    ) -> None:
        pages = {
            f"https://{at}?ac-discovery=1": Page(
                "".join(
                    f'<meta name="ac-discovery" content="{prefix} https://h/{at}/{prefix}">'
                    for prefix in prefixes
                ).encode()
            )
            for at, prefixes in tags.items()
        }
        transport = MemoryTransport(dict(pages), chunk_bytes=1 << 20)
        found = AppcDiscovery(transport, observer=EventLog()).endpoints(ImageName(name), Labels())
        wanted: list[str] = []
        at = name
        while not wanted:
            speaking = [p for p in tags.get(at, []) if f"{name}/".startswith(f"{p}/")]
            wanted = [f"https://h/{at}/{prefix}" for prefix in dict.fromkeys(speaking)]
            at, slash, _ = at.rpartition("/")
            if not slash:
                break
        assert [each.image for each in found.value_or(())] == wanted


class TestHostilePages:
    """Whatever stands on a page: nothing raises, and no place is used that is not https."""

    @given(
        name=image_names(),
        location=st.text() | st.text("htps:/{name}.%?#@[]<> ", max_size=30),
        before=st.text(max_size=10),
    )
    def test_places_are_https_or_dropped(self, name: ImageName, location: str, before: str) -> None:
        page = f'{before}<meta name="ac-discovery" content="{name} {location}">'
        url = f"https://{name}?ac-discovery=1"
        log = EventLog()
        transport = MemoryTransport(
            {url: Page(page.encode("utf-8", "replace"))}, chunk_bytes=1 << 20
        )
        discovery = AppcDiscovery(transport, observer=log)
        for place in discovery.endpoints(name, Labels()).value_or(()):
            assert place.image.startswith("https://")
            assert place.signature.startswith("https://")
        for event in log.events:
            assert isinstance(event, Noticed)
            kinds = {unicodedata.category(character) for character in event.message}
            assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
