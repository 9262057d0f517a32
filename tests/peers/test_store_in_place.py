"""The store's folder is an image layout: skopeo and umoci read registry images where they lie."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.layout import LayoutStore, open_store
from pipeline.adapters.layout.maintenance import rebuild_store, verify_store
from pipeline.oci import OciPlatform
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH
from pipeline.testing.oci_samples import HOST, OciSample
from pipeline.testing.samples import Sample
from tests.peers.nginx import need_tool

pytestmark = pytest.mark.peer

APP = OciSample(layers=(b"base", b"top"), signers="a*")
NAME = f"{HOST}/app:1.0"
MOVED = replace(APP, layers=(b"base", b"moved"))
ODD = replace(APP, repository="a__b", layers=(b"base", b"odd"))
SHA512 = replace(APP, repository="long", layers=(b"long",), algorithm="sha512")
DOCKER = replace(APP, repository="docker", layers=(b"docker",), docker=True)


@pytest.fixture
def store(tmp_path: Path) -> LayoutStore:
    """A store with an image to read, beside others that these versions of both cannot read."""
    opened = open_store(tmp_path / "store", clock=SystemClock()).unwrap()
    for sample in (Sample(), SHA512, DOCKER, APP, ODD):
        expect_success(put(opened, sample, EPOCH), "commit")
    return opened


def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [need_tool(name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def inspected(store: LayoutStore, name: str) -> dict[str, object]:
    done = run("skopeo", "inspect", f"oci:{store.root}:{name}")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def unpacked(store: LayoutStore, name: str, target: Path) -> bytes:
    done = run("umoci", "unpack", "--rootless", "--image", f"{store.root}:{name}", str(target))
    assert done.returncode == 0, done.stderr
    return (target / "rootfs" / "file").read_bytes()


def test_skopeo_inspects_and_copies_an_image(store: LayoutStore, tmp_path: Path) -> None:
    image = inspected(store, NAME)
    assert image["Digest"] == str(APP.image_id)
    assert image["Architecture"] == "amd64"
    copied = run("skopeo", "copy", f"oci:{store.root}:{NAME}", f"oci:{tmp_path / 'copy'}:app")
    assert copied.returncode == 0, copied.stderr
    for digest, content in APP.blobs.items():
        assert (tmp_path / "copy" / "blobs" / "sha256" / digest.hex).read_bytes() == content


def test_umoci_unpacks_an_image(store: LayoutStore, tmp_path: Path) -> None:
    assert unpacked(store, NAME, tmp_path / "bundle") == b"top"
    listed = run("umoci", "list", "--layout", str(store.root))
    assert NAME in listed.stdout.splitlines()


def test_a_tag_that_moves_leads_both_to_the_new_image(store: LayoutStore, tmp_path: Path) -> None:
    expect_success(put(store, MOVED, EPOCH), "commit")
    assert inspected(store, NAME)["Digest"] == str(MOVED.image_id)
    assert unpacked(store, NAME, tmp_path / "bundle") == b"moved"
    assert unpacked(store, str(APP.image_id), tmp_path / "older") == b"top"


def test_of_several_platforms_the_last_to_come_has_the_name(
    store: LayoutStore, tmp_path: Path
) -> None:
    arm = replace(APP, platform=OciPlatform("linux", "arm64", "v8"), layers=(b"arm",))
    expect_success(put(store, arm, EPOCH), "commit")
    assert inspected(store, str(APP.image_id))["Architecture"] == "amd64"
    assert inspected(store, NAME)["Architecture"] == "arm64"
    assert unpacked(store, NAME, tmp_path / "bundle") == b"arm"


def test_names_that_they_do_not_take_are_digests(store: LayoutStore, tmp_path: Path) -> None:
    """Both hold the specification's grammar against a name, before they look at any file."""
    odd = f"{HOST}/a__b:1.0"
    assert "Invalid image" in run("skopeo", "inspect", f"oci:{store.root}:{odd}").stderr
    refused = run("umoci", "stat", "--image", f"{store.root}:{odd}")
    assert "invalid characters" in refused.stderr + refused.stdout
    assert inspected(store, str(ODD.image_id))["Digest"] == str(ODD.image_id)
    assert unpacked(store, str(ODD.image_id), tmp_path / "bundle") == b"odd"


def test_what_is_removed_is_not_found(store: LayoutStore, tmp_path: Path) -> None:
    expect_success(store.remove(APP.image_id), "remove")
    assert run("skopeo", "inspect", f"oci:{store.root}:{NAME}").returncode != 0
    assert run("umoci", "stat", "--image", f"{store.root}:{NAME}").returncode != 0
    assert unpacked(store, str(ODD.image_id), tmp_path / "bundle") == b"odd"


def test_a_rebuilt_store_is_read_as_before(store: LayoutStore, tmp_path: Path) -> None:
    (store.root / "image-pipeline.db").unlink()
    (store.root / "index.json").unlink()
    expect_success(rebuild_store(store.root, clock=SystemClock()), "rebuild")
    assert inspected(store, NAME)["Digest"] == str(APP.image_id)
    assert unpacked(store, NAME, tmp_path / "bundle") == b"top"


def test_reading_in_place_changes_nothing(store: LayoutStore, tmp_path: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}

    before = files()
    inspected(store, NAME)
    unpacked(store, NAME, tmp_path / "bundle")
    assert files() == before
    assert verify_store(store.root).unwrap().findings == ()
