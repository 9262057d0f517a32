"""What a list may say, in three forms, and that whatever else it says is refused with its place."""

import json

import pytest

from pipeline.limits import LIST_BYTES, LIST_ENTRIES, REFERENCE_CHARACTERS
from pipeline.oci import OciPlatform
from pipeline.recipes.mirroring import lists
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.lists import ListForm, form_of, parse_list, parse_references
from pipeline.reference import AppcReference, DockerReference
from pipeline.testing.fakes import MemoryPaths

KEY = "0123456789abcdef0123456789abcdef01234567"
BARE = "f" * 64
ARM = OciPlatform("linux", "arm64")


def refusal(content: str | bytes, form: ListForm = "plain") -> str:
    """Return how a list is refused, without its path."""
    raw = content.encode() if isinstance(content, str) else content
    error = parse_list(raw, "list", form).failure()
    assert error.path == "list"
    return f"{error.place}: {error.reason}"


def entries(content: str | bytes, form: ListForm = "plain") -> tuple[MirrorEntry, ...]:
    raw = content.encode() if isinstance(content, str) else content
    return parse_list(raw, "list", form).unwrap()


def document(*images: object, **members: object) -> bytes:
    return json.dumps({"version": 1, "images": images, **members}).encode()


class TestLines:
    """An image a line."""

    def test_everything_that_a_line_may_say(self) -> None:
        text = (
            "# nightly\n\n"
            "docker://r.example/app:1\t platform=linux/aarch64 pull-policy=update signers=2"
            f" signed-by={KEY.upper()},{BARE}\r\n"
            "  example.com/app,version=1  platform=all # for people, platform=amd64\n"
            "https://example.com/a.aci#part"
        )
        assert entries(text) == (
            MirrorEntry("docker://r.example/app:1", ARM, "update", 2, (KEY, BARE), "line 3"),
            MirrorEntry("example.com/app,version=1", "all", place="line 4"),
            MirrorEntry("https://example.com/a.aci#part", place="line 5"),
        )

    @pytest.mark.parametrize(
        ("line", "wanted"),
        [
            ("b platform=amd64", 'line 2, platform: got "amd64", wanted OS/ARCHITECTURE'),
            (
                "b pull-policy=always",
                'line 2, pull-policy: got "always", wanted never, new, update',
            ),
            ("b signers=0", "line 2, signers: got 0, wanted an integer from 1 to 128"),
            ("b signers=two", 'line 2, signers: got "two", wanted an integer'),
            ("b signers=٢", 'line 2, signers: got "٢", wanted an integer'),
            (f"b signers={'9' * 5000}", "line 2, signers: got "),
            ("b signed-by=", 'line 2, signed-by[0]: got "", wanted a fingerprint of 40 hex'),
            (f"b signed-by={KEY}0", "line 2, signed-by[0]: got "),
            (f"b signed-by={KEY},{KEY.upper()}", "line 2, signed-by: wanted each key once"),
            ("b signer=2", 'line 2: got the word "signer=2", wanted platform=, pull-policy='),
            ("b c", 'line 2: got the word "c", wanted platform='),
            ("b platform=all platform=all", "line 2: got platform= twice, wanted each word once"),
            ("platform=all b", "line 2: got platform= first, wanted a reference"),
            ("b\x1b[2J", "line 2: wanted no control character"),
            ("b\x85", "line 2: wanted no control character"),
            ("b\0", "line 2: wanted no control character"),
            ("b\rc", "line 2: wanted no control character"),
            ("# \0", "line 2: wanted no control character"),
            ("b" * (REFERENCE_CHARACTERS + 1), "line 2, reference: got 4097 characters, wanted at"),
            ("b" * 10_000_000, "line 2, reference: got 10000000 characters"),
            ("a", "line 2: is the image and platform of line 1 again"),
        ],
    )
    def test_what_is_no_line_is_refused_with_its_number(self, line: str, wanted: str) -> None:
        assert refusal(f"a\n{line}").startswith(wanted)

    def test_an_unknown_word_that_is_an_url_is_shown_without_its_secret(self) -> None:
        assert "s3cret" not in refusal("a https://user:s3cret@example.com/?token=s3cret")

    def test_the_same_image_for_two_platforms_is_two(self) -> None:
        assert (
            len(entries("a platform=linux/arm64\na platform=linux/amd64\na\na platform=all")) == 4
        )

    def test_spellings_of_one_platform_are_one(self) -> None:
        wanted = "line 2: is the image and platform of line 1 again"
        assert refusal("a platform=linux/arm64\na platform=Linux/aarch64") == wanted


class TestDocuments:
    """YAML and JSON, which say the same."""

    def test_everything_that_yaml_may_say(self) -> None:
        text = f"""
version: 1
defaults: {{platform: all, signers: 2, signed-by: [{KEY}]}}
images:
- docker://r.example/app:1   # for people
- reference: /srv/an image.aci
  platform: linux/arm64
  pull-policy: never
  signers: 1
  signed-by: [{BARE}]
"""
        assert entries(text, "yaml") == (
            MirrorEntry("docker://r.example/app:1", "all", None, 2, (KEY,), "images[0]"),
            MirrorEntry("/srv/an image.aci", ARM, "never", 1, (BARE,), "images[1]"),
        )

    def test_json_says_the_same(self) -> None:
        content = document("a", {"reference": "b", "signers": 3}, defaults={"pull-policy": "new"})
        assert entries(content, "json") == (
            MirrorEntry("a", None, "new", 1, (), "images[0]"),
            MirrorEntry("b", None, "new", 3, (), "images[1]"),
        )
        assert entries(content, "yaml") == entries(content, "json")

    @pytest.mark.parametrize(
        ("content", "wanted"),
        [
            (b"[]", ": got an array, wanted an object"),
            (b"null", ": got nothing, wanted an object"),
            (b'{"images": ["a"]}', ": got no version, wanted one"),
            (b'{"version": 1}', ": got no images, wanted one"),
            (b'{"version": 2, "images": ["a"]}', "version: got 2, wanted 1"),
            (document("a", image="a"), "image: wanted no member but version, images, defaults"),
            (document("a", defaults=None), "defaults: got null, wanted a value"),
            (
                document("a", defaults={"reference": "a"}),
                "defaults.reference: wanted no member but",
            ),
            (document("a", defaults={"signers": 0}), "defaults.signers: got 0, wanted an integer"),
            (document(), ": names no image, wanted at least one"),
            (document("a", None), "images[1]: got nothing, wanted a"),
            (document("a", 1), "images[1]: got 1, wanted an object"),
            (document("a", ""), "images[1]: got an empty text, wanted a reference"),
            (document({"platform": "all"}), "images[0]: got no reference, wanted one"),
            (document({"reference": 1}), "images[0].reference: got a number, wanted a reference"),
            (document({"reference": "a", "tag": "1"}), "images[0].tag: wanted no member but"),
            (
                document({"reference": "a", "platform": "x"}),
                'images[0].platform: got "x", wanted OS',
            ),
            (
                document({"reference": "a", "signers": True}),
                "images[0].signers: got true, wanted an",
            ),
            (document({"reference": "a", "signed-by": KEY}), "images[0].signed-by: got "),
            (document({"reference": "a", "signed-by": []}), "images[0].signed-by: got an array, "),
            (
                document({"reference": "a", "signed-by": [1]}),
                "images[0].signed-by[0]: got 1, wanted",
            ),
            (document("a\0"), "images[0]: wanted a reference without control characters"),
            (document("a", "b", "a"), "images[2]: is the image and platform of images[0] again"),
        ],
    )
    def test_what_is_no_list_is_refused_with_its_place(self, content: bytes, wanted: str) -> None:
        assert refusal(content, "json").startswith(wanted)
        assert refusal(content, "yaml").startswith(wanted)

    def test_a_reference_is_never_shown(self) -> None:
        content = document("https://user:s3cret@example.com/" + "a" * 5000)
        assert "s3cret" not in refusal(content, "json")

    @pytest.mark.parametrize(
        ("content", "wanted"),
        [
            (b'{"version": 1, "version": 1, "images": ["a"]}', "stands there twice"),
            (b'{"version": 1' + b"0" * 5000 + b', "images": ["a"]}', "sensible length"),
            (b'{"version": 1e999, "images": ["a"]}', "wanted one that a double can hold"),
            (b"[" * 100_000, "wanted at most 4 nested arrays and objects"),
            (b'{"version": 1, "images": ["\\ud800"]}', "half of a surrogate pair"),
            (b'{"version": 1, "images": ["a"]}\0', "not JSON at line 1"),
        ],
    )
    def test_hostile_json(self, content: bytes, wanted: str) -> None:
        assert wanted in refusal(content, "json")

    @pytest.mark.parametrize(
        ("content", "wanted"),
        [
            ("version: 1\nversion: 1\nimages: [a]", 'the key "version" stands there twice'),
            ("version: 1\nimages: [a", "not YAML at line 2"),
            ("version: 1\nimages: [&a a, *a]", "line 2: got an alias of this"),
            ("version: 1\nimages: &a [*a]", "line 2: got an alias of this"),
            ("version: 1\nimages: [1.0]", 'got YAML of the kind "float", wanted a text in quotes'),
            ("version: 1\nimages: [10:30]", 'got YAML of the kind "int"'),
            (f"version: {'9' * 5000}\nimages: [a]", 'got YAML of the kind "int"'),
            ("version: 1\nimages: [2026-01-01]", 'got YAML of the kind "timestamp"'),
            ("version: 1\nimages: [!!python/name:os.system a]", 'kind "python/name:os.system"'),
            ("version: 1\nimages: !!set [a]", 'kind "set"'),
            ('version: 1\nimages: ["\\ud800"]', "wanted a text in quotes"),
            ("1: 1", "line 1: wanted a text as key"),
            ("? [a]\n: 1", "wanted fewer nested lists and mappings"),
            ("<<: {version: 1}\nimages: [a]", 'kind "merge"'),
            ("version: 1\n---\nversion: 1", "not YAML at line 2"),
            ("[" * 5, "not YAML"),
            ("[[[[[]]]]]", "wanted fewer nested lists and mappings"),
            ("[" * 100_000, "not YAML"),
            ("\0", "not YAML"),
        ],
    )
    def test_hostile_yaml(self, content: str, wanted: str) -> None:
        assert wanted in refusal(content, "yaml")

    def test_a_billion_laughs_are_not_counted(self) -> None:
        levels = [
            f"{level}: &{level} [{', '.join([f'*{before}'] * 9)}]"
            for before, level in zip("abcdefgh", "bcdefghi", strict=True)
        ]
        bomb = "\n".join(["a: &a [lol]", *levels])
        assert "got an alias of this" in refusal(bomb, "yaml")


@pytest.mark.parametrize("form", ["plain", "yaml", "json"])
class TestEveryForm:
    """What counts however a list is written."""

    def test_what_is_no_text(self, form: ListForm) -> None:
        assert refusal(b"\xff", form) == ": byte 1 is not UTF-8"
        assert refusal(b"\xef\xbb\xbfa", form).startswith(": begins with a byte order mark")

    def test_nothing_is_no_list(self, form: ListForm) -> None:
        assert refusal("", form) != ""

    def test_too_many_bytes(self, form: ListForm) -> None:
        assert refusal(b" " * (LIST_BYTES + 1), form) == f": got more than {LIST_BYTES} bytes"


@pytest.mark.parametrize("content", ["", "\n# nothing\n \n"])
def test_a_list_of_lines_names_an_image(content: str) -> None:
    assert refusal(content) == ": names no image, wanted at least one"


def test_a_hundred_thousand_images_pass() -> None:
    assert LIST_ENTRIES >= 100_000
    names = (f"docker://registry.example.com/team/app:{number}" for number in range(100_000))
    assert len(entries("\n".join(names))) == 100_000


def test_too_many_images_do_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "LIST_ENTRIES", 2)
    assert len(entries("a\n\nb\n")) == 2
    assert len(entries(document("a", "b"), "json")) == 2
    assert refusal("a\n\nb\nc") == "line 4: wanted at most 2 images"
    assert refusal(document(*"abc"), "json") == "images: got 3 elements, wanted at most 2"
    assert refusal(document(*"abc"), "yaml") == "images: got 3 elements, wanted at most 2"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("a.yaml", "yaml"),
        ("a.YML", "yaml"),
        ("a.json", "json"),
        ("a.txt", "plain"),
        ("-", "plain"),
        ("", "plain"),
        ("yaml", "plain"),
        ("a.yaml/list", "plain"),
    ],
)
def test_the_suffix_tells_the_form(path: str, form: ListForm) -> None:
    assert form_of(path) == form


def test_references_are_read_before_any_is_asked_for() -> None:
    paths = MemoryPaths()
    good = entries("docker://r.example/app:1\nexample.com/app")
    read = parse_references(good, "list", paths).unwrap()
    assert [type(each) for each in read] == [DockerReference, AppcReference]
    error = parse_references(entries("a\nftp://user:s3cret@b"), "list", paths).failure()
    assert error.place == "line 2"
    assert "the scheme" in error.message
    assert "s3cret" not in error.message
