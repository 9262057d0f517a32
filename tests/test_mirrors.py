"""The table of mirrors: which entry counts, what it makes of a URL or name, what is refused."""

import pytest
from returns.pipeline import is_successful

from pipeline.limits import MIRRORS
from pipeline.mirrors import (
    NO_MIRRORS,
    MirrorFault,
    Mirrors,
    NameMirrors,
    UrlMirrors,
    UrlTemplate,
    parse_mirror_table,
    parse_mirrors,
    parse_url_prefix,
)
from pipeline.names import ImageName

TEMPLATE = "https://m.example/{name}-{version}.{ext}"


def table(*entries: tuple[str, tuple[str, ...]]) -> Mirrors:
    parsed = [parse_mirrors(prefix, places).unwrap() for prefix, places in entries]
    return Mirrors(
        urls=tuple(each for each in parsed if isinstance(each, UrlMirrors)),
        names=tuple(each for each in parsed if isinstance(each, NameMirrors)),
    )


def places(mirrors: Mirrors, url: str) -> tuple[str, ...]:
    entry = mirrors.for_url(url)
    return () if entry is None else entry.places_of(url)


class TestUrls:
    """A prefix covers what is under it, by origin and by whole segments."""

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/images/a/app.aci",
            "https://example.com:443/images/a/app.aci",
            "HTTPS://EXAMPLE.com/images/a/app.aci",
            "https://example.com/%69mages/a/%61pp.aci",
            "https://example.com/images/a/app.aci#part",
        ],
    )
    def test_covered(self, url: str) -> None:
        mirrors = table(
            ("https://example.com/images/", ("https://m.example/x/", "https://n.example"))
        )
        assert places(mirrors, url) == (
            "https://m.example/x/a/app.aci",
            "https://n.example/a/app.aci",
        )

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/images-evil/app.aci",
            "https://example.com/imagesapp.aci",
            "https://example.com/app.aci",
            "https://example.com.evil.example/images/app.aci",
            "https://evil.example/images/app.aci",
            "https://example.com:8443/images/app.aci",
            "http://example.com/images/app.aci",
            "https://user@example.com/images/app.aci",
            "https://example.com/images/../secret/app.aci",
            "https://example.com/images/%2e%2e/secret/app.aci",
            "https://example.com/images/..%2fsecret/app.aci",
            "https://example.com/images/..%5Csecret/app.aci",
            "https://example.com/Images/app.aci",
            "https://example.com/images%2fapp.aci",
            "https://example.com/images/%zz.aci",
            "https://example.com:99999/images/app.aci",
            "file:///images/app.aci",
            "https:///images/app.aci",
            "",
        ],
    )
    def test_not_covered(self, url: str) -> None:
        assert places(table(("https://example.com/images", ("https://m.example",))), url) == ()

    def test_a_query_is_for_the_origin_alone(self) -> None:
        mirrors = table(("https://example.com", ("https://m.example",)))
        assert places(mirrors, "https://example.com/app.aci?token=s3cret") == ()

    def test_a_whole_host(self) -> None:
        mirrors = table(("https://example.com", ("https://m.example/example.com",)))
        assert places(mirrors, "https://example.com/a.aci") == (
            "https://m.example/example.com/a.aci",
        )

    def test_one_file(self) -> None:
        mirrors = table(("https://example.com/a.aci", ("https://m.example/b.aci",)))
        assert places(mirrors, "https://example.com/a.aci") == ("https://m.example/b.aci",)

    def test_the_longest_prefix_counts_alone(self) -> None:
        entries = (
            ("https://example.com/a", ("https://m.example/a",)),
            ("https://example.com/a/b", ("https://n.example",)),
            ("https://example.com", ("https://o.example",)),
        )
        for ordered in (entries, entries[::-1]):
            mirrors = table(*ordered)
            assert places(mirrors, "https://example.com/a/b/x") == ("https://n.example/x",)
            assert places(mirrors, "https://example.com/a/x") == ("https://m.example/a/x",)

    def test_no_places_are_no_mirrors(self) -> None:
        mirrors = table(
            ("https://example.com", ("https://m.example",)), ("https://example.com/a", ())
        )
        assert places(mirrors, "https://example.com/a/x") == ()

    def test_http_may_be_mirrored_by_https(self) -> None:
        mirrors = table(("http://example.com", ("https://m.example", "http://n.example")))
        assert places(mirrors, "http://example.com:80/x") == (
            "https://m.example/x",
            "http://n.example/x",
        )


class TestNames:
    """A prefix covers the names under it; a place is another name or a template."""

    def test_renamed(self) -> None:
        mirrors = table(("example.com", ("mirror.corp/example.com", TEMPLATE)))
        assert mirrors.for_name(ImageName("example.com/a/b")) == (
            "mirror.corp/example.com/a/b",
            UrlTemplate(TEMPLATE),
        )
        assert mirrors.for_name(ImageName("example.com")) == (
            "mirror.corp/example.com",
            UrlTemplate(TEMPLATE),
        )

    @pytest.mark.parametrize("name", ["example.com/appendix", "example.co", "x/example.com/app"])
    def test_not_covered(self, name: str) -> None:
        assert table(("example.com/app", ("m.example",))).for_name(ImageName(name)) == ()

    def test_the_longest_prefix_counts_alone(self) -> None:
        entries = (("example.com", ("a.example",)), ("example.com/app", ("b.example",)))
        for ordered in (entries, entries[::-1]):
            assert table(*ordered).for_name(ImageName("example.com/app/x")) == ("b.example/x",)

    def test_nothing_is_mirrored_by_itself(self) -> None:
        assert NO_MIRRORS.for_name(ImageName("example.com/app")) == ()
        assert NO_MIRRORS.for_url("https://example.com/app.aci") is None


@pytest.mark.parametrize(
    ("prefix", "place"),
    [
        ("", "m.example"),
        ("Example.com", "m.example"),
        ("example.com/../x", "m.example"),
        ("example.com", "M.example"),
        ("example.com", ""),
        ("example.com", "https://m.example/"),
        ("example.com", "https://{name}.example/{ext}"),
        ("example.com", "https://m.example{name}/{ext}"),
        ("example.com", "https://m.example?{name}{ext}"),
        ("example.com", "http://m.example/{name}.{ext}"),
        ("example.com", "https://u:p@m.example/{name}.{ext}"),
        ("example.com", "https://m.example/{name}"),
        ("example.com", "https://m.example/app.{ext}"),
        ("ftp://example.com", "ftp://m.example"),
        ("https://", "https://m.example"),
        ("https://example.com/?x", "https://m.example"),
        ("https://example.com/#x", "https://m.example"),
        ("https://example.com/a/../b", "https://m.example"),
        ("https://example.com/%2E/b", "https://m.example"),
        ("https://example.com/a b", "https://m.example"),
        ("https://exämple.com/", "https://m.example"),
        ("https://u:p@example.com/", "https://m.example"),
        ("https://example.com:0/", "https://m.example"),
        ("https://example.com", "http://m.example"),
        ("https://example.com", "m.example"),
        ("https://example.com", "https://m.example/?x={name}"),
        ("https://example.com", "file:///mirror"),
    ],
)
def test_refused(prefix: str, place: str) -> None:
    fault = parse_mirrors(prefix, ("m.example", place) if "://" not in prefix else (place,))
    assert not is_successful(fault)
    assert fault.failure().got in {prefix, place}
    assert fault.failure().wanted


def test_so_many_places_and_no_more() -> None:
    for prefix, place in (("example.com", "m.example/{}"), ("https://e/", "https://m.example/{}")):
        many = tuple(place.format(number) for number in range(MIRRORS + 1))
        assert is_successful(parse_mirrors(prefix, many[1:]))
        assert parse_mirrors(prefix, many).failure().wanted == f"at most {MIRRORS}"


@pytest.mark.parametrize(
    "text", ["https://example.com/a", "https://[::1]:8443", "http://example.com:443/%2F"]
)
def test_a_prefix_is_shown_as_it_is_read(text: str) -> None:
    assert str(parse_url_prefix(text).unwrap()) == text


class TestTables:
    """A whole table is read entry by entry, and is as good as its worst one."""

    def test_names_and_urls(self) -> None:
        entries = {
            "https://example.com/images/": ["https://m/a", "https://n/"],
            "example.com": [TEMPLATE],
            "example.com/app": [],
        }
        wanted = table(*((prefix, tuple(to)) for prefix, to in entries.items()))
        assert parse_mirror_table(entries).unwrap() == wanted
        assert parse_mirror_table({}).unwrap() == NO_MIRRORS

    def test_a_fault_names_the_entry(self) -> None:
        read = parse_mirror_table({"example.com": ["m.example"], "https://h/": ["http://m/"]})
        assert read.failure() == MirrorFault("http://m/", "https, as in the prefix")

    def test_two_spellings_of_a_prefix(self) -> None:
        read = parse_mirror_table({"https://h/a": ["https://m/"], "HTTPS://H:443/a/": []})
        assert read.failure() == MirrorFault("HTTPS://H:443/a/", "each prefix once")
