"""``image list``: columns, order, and how much of it."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.image_listing import FIELDS, Fields
from pipeline.testing.makers import make_archive, make_manifest
from tests.support.world import HOST, World


@pytest.fixture
def three(world: World) -> World:
    """Three images, imported in this order: b is the largest, c was fetched last."""
    for name, size in (("a", 10), ("b", 100_000), ("c", 20_000)):
        labels = {"version": f"1.{size}", "os": "linux", "arch": "amd64"}
        archive = make_archive(make_manifest(f"{HOST}/{name}", labels), {"x": bytes(size)})
        (world.home / f"{name}.aci").write_bytes(gzip.compress(archive, mtime=0))
        assert world.run("--insecure-options=image", "fetch", f"./{name}.aci") == 0
    return world


def names(world: World, *options: str) -> list[str]:
    assert world.run("image", "list", "--fields=name", "--no-legend", *options) == 0, world.err
    return [line.split("/")[1].split(":")[0] for line in world.out.splitlines()]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ((), "cba"),
        (("--order=asc",), "abc"),
        (("--sort=name",), "abc"),
        (("--sort=name", "--order=desc"), "cba"),
        (("--sort=size",), "bca"),
        (("--sort=size", "--order=asc"), "acb"),
        (("--sort=last-used", "--order=asc"), "abc"),
        (("--sort=source",), "abc"),
        (("--limit=2",), "cb"),
        (("--limit=2", "--sort=name"), "ab"),
        (("--limit=9",), "cba"),
    ],
)
def test_order_and_limit(three: World, options: tuple[str, ...], wanted: str) -> None:
    assert names(three, *options) == list(wanted)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_more_than_a_page(three: World, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr("pipeline.cli.image_listing._PAGE", page)
    assert names(three) == list("cba")
    assert names(three, "--limit=2") == list("cb")
    assert names(three, "--sort=name", "--limit=2") == list("ab")


def test_fields_are_columns_in_the_order_that_was_asked_for(three: World) -> None:
    assert three.run("image", "list", "--fields=latest,size,name,signers", "--sort=name") == 0
    header, first, *_ = three.out.splitlines()
    assert header.split() == ["LATEST", "SIZE", "NAME", "SIGNED", "BY"]
    assert first.split() == ["no", "10.0", "KiB", f"{HOST}/a:1.10", "unverified"]


def test_every_field_is_shown(three: World) -> None:
    assert three.run("image", "list", f"--fields={','.join(FIELDS)}") == 0
    assert "arch=amd64,os=linux,version=1.20000" in three.out
    assert f"file://{three.home}/c.aci" in three.out
    assert three.run("image", "list", "--fields=id", "--no-legend", "--full", "--limit=1") == 0
    assert len(three.out.strip()) == len("sha512-") + 128


def test_json_has_everything_whatever_the_fields(three: World) -> None:
    assert three.run("image", "list", "--json", "--fields=id", "--limit=1") == 0
    (document,) = (json.loads(line) for line in three.out.splitlines())
    assert document["name"] == f"{HOST}/c"
    assert document["latest"] is False
    assert document["last_used"] is not None


@pytest.mark.parametrize("words", ["", "colour", "id,", "id,,name", "ID", "id name"])
def test_unknown_fields_are_refused(three: World, words: str) -> None:
    assert three.run("image", "list", f"--fields={words}") == 2
    assert "unknown field" in three.err
    assert "wanted one or more of id, name" in three.err


@given(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1))
def test_fields_read_as_they_are_written(chosen: list[str]) -> None:
    assert Fields().convert(",".join(chosen), None, None) == tuple(chosen)
