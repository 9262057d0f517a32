"""Meta tags, against what rkt reads from the same pages."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.appc.page import MetaTag, parse_page
from pipeline.limits import DISCOVERY_HEAD_BYTES, DISCOVERY_TAGS

DATA = Path(__file__).parents[2] / "data" / "rkt" / "discovery-meta-tags.json"
VECTORS: list[Any] = json.loads(DATA.read_text())["vectors"]

TAG = '<meta name="ac-discovery" content="example.com https://h/{name}.{ext}">'
READ = MetaTag("ac-discovery", "example.com", "https://h/{name}.{ext}")

# Pages where we read something else than rkt, and why.
DIFFERENCES = {
    '<body><p><meta name="ac-discovery" content="example.com '
    'https://h/{name}-{version}-{os}-{arch}.{ext}"></p>': (
        [],
        "discovery tags stand in the head; a body may hold what visitors wrote",
    ),
    '<meta name="ac-discovery" name="x" content="example.com https://h/x">': (
        [{"Name": "ac-discovery", "Prefix": "example.com", "URI": "https://h/x"}],
        "of an attribute that stands twice the first counts (HTML Standard 13.2.5.33)",
    ),
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["in"][:60])
def test_as_rkt_or_as_recorded(vector: Any) -> None:
    theirs = vector["out"]["meta"]
    ours, _ = DIFFERENCES.get(vector["in"], (theirs, ""))
    read = [
        {"Name": tag.purpose, "Prefix": tag.prefix, "URI": tag.location}
        for tag in parse_page(vector["in"].encode())
    ]
    assert read == ours


def test_every_difference_is_one() -> None:
    theirs = {vector["in"]: vector["out"]["meta"] for vector in VECTORS}
    assert all(theirs[page] != ours for page, (ours, _) in DIFFERENCES.items())


@pytest.mark.parametrize(
    ("page", "tags"),
    [
        (f"</head>{TAG}", 0),
        (f"<BODY class=x>{TAG}", 0),
        (f"<title>{TAG}</title>", 0),
        (f"<noscript><p></noscripts>{TAG}</noscript>", 0),
        (f"<script>'</head>'</script><!-- </head> -->{TAG}</head>{TAG}", 1),
        (f"<style></head></style>{TAG}<body>{TAG}", 1),
        (f"<textarea></head><body></textarea>{TAG}", 1),
    ],
)
def test_the_head_ends_where_it_ends(page: str, tags: int) -> None:
    """Tags in its text do not end it, and tags after it do not count."""
    assert parse_page(page.encode()) == (READ,) * tags


def test_bytes_that_are_no_text() -> None:
    assert parse_page(b"\xff\xfe<\xff>" + TAG.encode() + b"\xff") == (READ,)


@pytest.mark.parametrize("declaration", ["<![foo[", "<!x[", "<!doctype html [", "<!-", "<?", "</"])
def test_what_the_parser_trips_over_ends_the_page(declaration: str) -> None:
    assert parse_page((TAG + declaration + TAG).encode())[:1] == (READ,)


def test_so_many_tags_and_no_more() -> None:
    assert len(parse_page(TAG.encode() * (DISCOVERY_TAGS + 1))) == DISCOVERY_TAGS


def test_a_long_head_and_no_more() -> None:
    """Each byte may cost microseconds, so what a page may cost is bounded by its head."""
    padding = b" " * (DISCOVERY_HEAD_BYTES - len(TAG))
    assert parse_page(padding + TAG.encode()) == (READ,)
    assert parse_page(padding + b" " + TAG.encode()) == ()


@pytest.mark.parametrize("page", ["{}<a>", '<meta name="ac-discovery" content="{}">'])
def test_a_reference_to_no_character_ends_the_page(page: str) -> None:
    """Python refuses to read thousands of digits as a number."""
    assert parse_page((TAG + page.format(f"&#{'9' * 5000};") + TAG).encode()) == (READ,)


HOSTILE = [
    "<",
    "<!--",
    "<a ",
    "</",
    "<!",
    "<![",
    "<?",
    "<a x='",
    "<a x= =",
    "&#",
    "<script></",
    "<script><!--",
    "<title><a ",
    "<!-- -",
    "<a\x01",
    "<meta name=",
    "]]",
]


PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
from pipeline.adapters.appc.page import parse_page
for each in sys.argv[1:]:
    filling = each * ((1 << 18) // len(each))
    parse_page(filling.encode())
    parse_page(f"<a {filling}>".encode())
"""


def test_hostile_pages_take_no_longer_than_they_are() -> None:
    """Half a MiB of each takes seconds together; in quadratic time one would take hours.

    In a process of its own, which the system ends after two minutes of processor time.
    """
    subprocess.run([sys.executable, "-c", PROGRAM, *HOSTILE], check=True)


PIECES = (
    *(TAG, "<", ">", "<!--", "-->", "<head>", "</head>", "<script>", "</script>", "'", '"'),
    *("<![", "]]>", "<?", "&amp;", "&#x110000;", "<meta ", "name=", "\0", "é", " "),
)


@given(st.lists(st.sampled_from(PIECES)))
def test_nothing_raises(pieces: list[str]) -> None:
    for tag in parse_page("".join(pieces).encode()):
        assert tag.location
