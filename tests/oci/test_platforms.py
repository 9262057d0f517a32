"""Platforms: how they are written, which is chosen, what appc calls them."""

import json
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.digest import Digest
from pipeline.names import Platform, this_platform
from pipeline.oci import INDEX_TYPE, MANIFEST_TYPE, Descriptor, IndexEntry, OciIndex, OciPlatform
from pipeline.oci.platforms import (
    appc_labels,
    available,
    candidates,
    choose,
    oci_platform,
    parse_platform,
    this_oci_platform,
)

DATA = Path(__file__).parents[1] / "data" / "rkt"
UNKNOWN = OciPlatform("unknown", "unknown")


def vectors(name: str) -> list[Any]:
    loaded = json.loads((DATA / f"{name}.json").read_text())["vectors"]
    assert isinstance(loaded, list)
    return loaded


def index_of(*platforms: str | None, marked: int | None = None) -> OciIndex:
    """Return an index with an entry for each platform, in order; ``marked`` is no image."""
    entries = []
    for position, text in enumerate(platforms):
        digest = Digest("sha256", f"{position:064x}")
        platform = None if text is None else OciPlatform(*text.split("/"))
        notes = {"vnd.docker.reference.type": "attestation-manifest"} if position == marked else {}
        entries.append(IndexEntry(Descriptor(MANIFEST_TYPE, digest, 1), platform, notes))
    return OciIndex(INDEX_TYPE, tuple(entries), b"")


class TestParse:
    """The table of containerd v1.7 ``platforms/database.go``, but for bare words."""

    @pytest.mark.parametrize(
        ("text", "platform"),
        [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/x86-64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v2", "linux/amd64/v2"),
            ("linux/i386", "linux/386"),
            ("linux/386", "linux/386"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm64/8", "linux/arm64"),
            ("linux/aarch64/v9", "linux/arm64/v9"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/arm/v5", "linux/arm/v5"),
            ("linux/arm/6", "linux/arm/v6"),
            ("LINUX/ARM64", "linux/arm64"),
            ("windows/amd64", "windows/amd64"),
            ("linux/riscv64", "linux/riscv64"),
        ],
    )
    def test_spellings(self, text: str, platform: str) -> None:
        assert str(parse_platform(text).unwrap()) == platform

    @pytest.mark.parametrize(
        "text", ["", "linux", "linux/", "/amd64", "linux//v7", "a/b/c/d", "linux/a b", "linux/é"]
    )
    def test_what_is_none(self, text: str) -> None:
        assert "wanted OS/ARCHITECTURE" in parse_platform(text).failure()


class TestCandidates:
    """The table of containers/image v5.24.1 ``platform_matcher.go``."""

    @pytest.mark.parametrize(
        ("wanted", "variants"),
        [
            ("amd64", [""]),
            ("amd64/v3", ["v3", ""]),
            ("arm", ["", "v8", "v7", "v6", "v5"]),
            ("arm/v8", ["v8", "v7", "v6", "v5", ""]),
            ("arm/v7", ["v7", "v6", "v5", ""]),
            ("arm/v6", ["v6", "v5", ""]),
            ("arm/v5", ["v5", ""]),
            ("arm/odd", ["odd", ""]),
            ("arm64", ["", "v8"]),
            ("arm64/v8", ["v8", ""]),
            ("arm64/v9", ["v9", ""]),
        ],
    )
    def test_variants(self, wanted: str, variants: list[str]) -> None:
        found = candidates(OciPlatform("linux", *wanted.split("/")))
        assert [each.variant for each in found] == variants
        assert {(each.os, each.architecture) for each in found} == {
            ("linux", wanted.partition("/")[0])
        }


class TestChoose:
    @pytest.mark.parametrize(
        ("platforms", "wanted", "position"),
        [
            (["linux/amd64", "linux/arm/v7", "linux/arm/v6"], "linux/arm/v6", 2),
            (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", 1),
            (["linux/arm/v7"], "linux/arm/v6", None),
            (["linux/arm64/v8"], "linux/arm64", 0),
            (["linux/arm64/v8", "linux/arm64"], "linux/arm64", 1),
            (["linux/amd64", "linux/amd64"], "linux/amd64", 0),
            (["windows/amd64"], "linux/amd64", None),
            (["linux/amd64/v3"], "linux/amd64", None),
            ([None, "linux/amd64"], "linux/amd64", 1),
            (["linux/s390x", None, None], "linux/amd64", 1),
            (["unknown/unknown", "linux/amd64"], "linux/amd64", 1),
            (["unknown/unknown"], "unknown/unknown", None),
            ([], "linux/amd64", None),
        ],
    )
    def test_the_first_candidate_that_is_there(
        self, platforms: list[str | None], wanted: str, position: int | None
    ) -> None:
        index = index_of(*platforms)
        found = choose(index, OciPlatform(*wanted.split("/")))
        assert found == (None if position is None else index.entries[position])

    def test_what_says_something_about_an_image_is_none(self) -> None:
        for platforms in (["linux/amd64", "linux/amd64"], [None, "linux/amd64"]):
            index = index_of(*platforms, marked=0)
            assert choose(index, OciPlatform("linux", "amd64")) == index.entries[1]
        assert choose(index_of(None, marked=0), OciPlatform("linux", "amd64")) is None

    def test_what_there_is(self) -> None:
        index = index_of("linux/arm/v7", None, "unknown/unknown", "linux/amd64", "linux/arm/v7")
        assert available(index) == ("linux/arm/v7", "linux/amd64")
        assert available(index_of("linux/amd64", marked=0)) == ()


class TestAppc:
    @pytest.mark.parametrize("vector", vectors("os-arch-to-go"), ids=lambda each: str(each["in"]))
    def test_vector_to_go(self, vector: dict[str, Any]) -> None:
        """Of Linux alone: for other systems, appc's function looks Go's words up as if appc's."""
        given, wanted = vector["in"], vector["out"]
        if "error" not in wanted and given["os"] == "linux":
            flavor = wanted["flavor"]
            assert oci_platform(Platform(given["os"], given["arch"])) == OciPlatform(
                wanted["os"], wanted["arch"], flavor and f"v{flavor}"
            )

    @pytest.mark.parametrize("vector", vectors("os-arch-to-appc"), ids=lambda each: str(each["in"]))
    def test_vector_to_appc(self, vector: dict[str, Any]) -> None:
        given, wanted = vector["in"], vector["out"]
        if "error" not in wanted:
            variant = given["flavor"] and f"v{given['flavor']}"
            found = appc_labels(OciPlatform(given["os"], given["arch"], variant))
            assert {label.name: label.value for label in found} == wanted

    @pytest.mark.parametrize(
        ("platform", "arch"),
        [
            (OciPlatform("linux", "arm64", "v8"), "aarch64"),
            (OciPlatform("linux", "arm64", "v9"), "aarch64"),
            (OciPlatform("linux", "arm64be"), "aarch64_be"),
            (OciPlatform("linux", "arm", "v5"), "armv6l"),
            (OciPlatform("linux", "arm", "v8"), "armv7l"),
            (OciPlatform("linux", "amd64", "v3"), "amd64"),
            (OciPlatform("linux", "riscv64"), "riscv64"),
        ],
    )
    def test_variants(self, platform: OciPlatform, arch: str) -> None:
        assert [label.value for label in appc_labels(platform)] == ["linux", arch]

    def test_nothing_is_no_label(self) -> None:
        assert appc_labels(OciPlatform("", "")) == ()

    def test_this_machine(self) -> None:
        assert this_oci_platform() == oci_platform(this_platform())
        assert is_successful(parse_platform(str(this_oci_platform())))
