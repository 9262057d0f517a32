"""Where links lead, in a table of what has which path."""

import pytest

from pipeline.archive.links import follow
from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.limits import ARCHIVE_PATH_SEGMENTS, LINKS_FOLLOWED

LINKS = {
    "lib": b"usr/lib",
    "usr/lib/up": b"../../x",
    "usr/top": b"/lib",
    "dots": b".//usr/./lib/.",
    "above": b"../../../a",
    "circle": b"usr/../circle",
} | {f"l{number}": b"l%d" % (number + 1) for number in range(LINKS_FOLLOWED + 1)}


def step(place: str, name: bytes) -> str | bytes:
    below = f"{place}/{name.decode()}".lstrip("/")
    return LINKS.get(below, below)


@pytest.mark.parametrize(
    ("path", "led"),
    [
        (b"a/b", b"a/b"), (b"lib", b"usr/lib"), (b"lib/a", b"usr/lib/a"), (b"lib/up/y", b"x/y"),
        (b"usr/top/a", b"usr/lib/a"), (b"dots/a", b"usr/lib/a"), (b"above/b", b"a/b"),
        (b"usr/lib", b"usr/lib"), (b"l1/a", b"l%d/a" % (LINKS_FOLLOWED + 1)),
    ],
)  # fmt: skip
def test_where(path: bytes, led: bytes) -> None:
    assert follow(path, "", step).unwrap() == led


@pytest.mark.parametrize("path", [b"circle", b"circle/a", b"l0/a"])
def test_circles_and_long_chains(path: bytes) -> None:
    refused = follow(path, "", step).failure()
    assert isinstance(refused, CorruptArchive)
    assert f'"{path.decode()}" leads through more than 40 links' in refused.message


def test_names() -> None:
    fits = b"/".join([b"a"] * (ARCHIVE_PATH_SEGMENTS - 4))
    assert follow(b"lib/" + fits, "", step).unwrap() == b"usr/lib/" + fits
    too_many = follow(b"lib/a/" + fits + b"/a", "", step)
    assert isinstance(too_many.failure(), ArchiveTooLarge)
