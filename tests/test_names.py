"""Names, labels and platforms as checked values."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from returns.pipeline import is_successful

from pipeline.manifest import PLATFORMS
from pipeline.names import (
    ARCHITECTURES,
    Label,
    LabelName,
    Labels,
    Platform,
    covers,
    find_fault,
    parse_identifier,
    parse_image_name,
    parse_label_name,
    this_platform,
)
from pipeline.testing import strategies
from tests.support.vectors import shown

DATA = Path(__file__).parent / "data" / "rkt" / "ac-identifier.json"
VECTORS: list[Any] = json.loads(DATA.read_text())["vectors"]

DIFFERENCES = {
    "app//a": "an empty segment between slashes: names become paths and URLs",
    "a/../b": "a segment that walks up: names become paths and URLs",
}


@pytest.mark.parametrize("vector", VECTORS, ids=shown)
def test_identifier_vector(vector: dict[str, Any]) -> None:
    accepted = is_successful(parse_identifier(vector["in"]))
    assert accepted == (vector["out"]["ok"] is not (vector["in"] in DIFFERENCES))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", None),
        ("exAmple", 2),
        ("-a", 0),
        ("a/", 1),
        ("a//b", 2),
        ("a/./b", 2),
        ("a/b/../c", 4),
        ("a\n", 1),
        ("a\N{DIGIT ONE}\N{ARABIC-INDIC DIGIT ONE}", 2),
    ],
)
def test_fault_points_at_the_character(text: str, position: int | None) -> None:
    fault = find_fault(text)
    assert fault is not None
    assert fault.position == position
    assert parse_identifier(text).failure() == fault.wanted


@pytest.mark.parametrize("text", ["a--b", "a..b", "a~~b", "a/b.c/d_e", "quay.io/x/y__z", "a./b"])
def test_runs_inside_a_segment_are_names(text: str) -> None:
    assert parse_image_name(text).unwrap() == text
    assert parse_label_name(text).unwrap() == text


class TestCovers:
    @pytest.mark.parametrize("name", ["a.b/c", "a.b/c/d", "a.b/c/d/e"])
    def test_itself_and_what_is_below(self, name: str) -> None:
        assert covers("a.b/c", name)

    @pytest.mark.parametrize("name", ["a.b", "a.b/cd", "a.b/c-d", "x/a.b/c", ""])
    def test_nothing_else(self, name: str) -> None:
        assert not covers("a.b/c", name)

    def test_slashes_at_the_end_of_a_prefix_say_nothing(self) -> None:
        """Pages write them."""
        assert covers("a.b/c//", "a.b/c/d")
        assert covers("a.b/", "a.b")
        assert not covers("/a.b", "a.b")
        assert not covers("a.bX/", "a.b")

    @given(strategies.image_names(), strategies.image_names())
    def test_agrees_with_paths(self, prefix: str, name: str) -> None:
        assert covers(prefix, name) == f"{name}/".startswith(f"{prefix}/")
        assert covers(prefix, f"{prefix}/{name}")
        assert not covers(prefix, f"{prefix}{name}")


class TestLabels:
    VERSION = Label(LabelName("version"), "1")
    OS = Label(LabelName("os"), "linux")

    def test_order_does_not_matter(self) -> None:
        assert Labels((self.VERSION, self.OS)) == Labels((self.OS, self.VERSION))
        assert Labels((self.VERSION, self.OS)).items == (self.OS, self.VERSION)

    def test_duplicates_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^label names must be distinct$"):
            Labels((self.VERSION, Label(LabelName("version"), "2")))

    def test_defaults_fill_gaps_alone(self) -> None:
        platform = Platform("freebsd", "i386")
        filled = Labels((self.OS,)).with_defaults(platform.labels)
        assert (filled.get("os"), filled.get("arch")) == ("linux", "i386")
        assert filled.get("version") is None


class TestPlatform:
    def test_every_linux_architecture_is_one_that_manifests_may_have(self) -> None:
        assert set(ARCHITECTURES.values()) <= PLATFORMS["linux"]

    def test_this_platform(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.machine", lambda: "X86_64")
        monkeypatch.setattr("platform.system", lambda: "Linux")
        assert this_platform() == Platform("linux", "amd64")
        monkeypatch.setattr("platform.machine", lambda: "riscv64")
        assert this_platform() == Platform("linux", "riscv64")
