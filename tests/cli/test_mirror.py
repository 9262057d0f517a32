"""``mirror`` in a terminal: demands of a list, lock files, dry runs, and what can be wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ExitCode
from tests.support.world import (
    HOST,
    IMAGE_PATH,
    PAGE,
    REFERENCE,
    World,
    make_image,
    make_key,
    sign,
)

SECOND = f"{HOST}/other:1.2.0,os=linux,arch=amd64"
SECOND_PATH = f"/images/{HOST}/other-1.2.0-linux-amd64.aci"

Mirror = Callable[..., int]


@pytest.fixture
def fingerprint(world: World) -> str:
    """The maker's, who has published two images and is trusted for both."""
    world.publish()
    world.publish(make_image(f"{HOST}/other"), SECOND_PATH)
    world.site.pages["/other"] = PAGE.replace(f"{HOST}/app", f"{HOST}/other").encode()
    world.trust()
    world.trust(f"{HOST}/other")
    return str(world.key.fingerprint).lower()


@pytest.fixture
def mirror(world: World, fingerprint: str) -> Mirror:
    def run(lines: str, *arguments: str) -> int:
        list_file = world.home / "images.txt"
        list_file.write_text(lines)
        return world.run("mirror", str(list_file), "--to", str(world.home / "mirror"), *arguments)

    return run


def documents(world: World) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.out.splitlines()]


def stored(world: World) -> list[str]:
    """The names of all images that the target has."""
    assert world.run("--store", str(world.home / "mirror"), "image", "list", "--json") == 0
    return sorted(each["name"] for each in documents(world))


def test_a_list_is_fetched_and_reported(world: World, mirror: Mirror, fingerprint: str) -> None:
    assert mirror(f"{REFERENCE}\n{SECOND}\n", "--json") == 0
    lines = sorted(documents(world), key=lambda line: str(line["reference"]))
    assert [(line["reference"], line["outcome"]) for line in lines] == [
        (REFERENCE, "new"),
        (SECOND, "new"),
    ]
    assert all(line["signers"] == [fingerprint] for line in lines)
    assert "2 images, 0 failed, of 2 in the list" in world.err
    assert stored(world) == [f"{HOST}/app", f"{HOST}/other"]
    assert mirror(f"{REFERENCE}\n{SECOND}\n") == 0
    assert world.out.splitlines()[-1].startswith("2 images, 0 failed, of 2 in the list")


@pytest.mark.parametrize(
    ("demand", "message"), [("signers=2", "wanted 2"), (f"signed-by={'0' * 40}", "wanted a sign")]
)
def test_what_is_not_signed_as_the_list_demands_is_never_visible(
    world: World, mirror: Mirror, demand: str, message: str
) -> None:
    assert mirror(f"{REFERENCE} {demand}\n{SECOND}\n") == ExitCode.VERIFICATION
    assert message in world.err
    assert stored(world) == [f"{HOST}/other"]


def test_what_the_target_has_is_held_to_the_list_as_well(
    world: World, mirror: Mirror, fingerprint: str
) -> None:
    assert mirror(f"{REFERENCE} signed-by={fingerprint}\n") == 0
    assert mirror(f"{REFERENCE} pull-policy=new signed-by={'0' * 40}\n") == ExitCode.VERIFICATION
    assert "wanted a signature by" in world.err


def test_an_unverified_image_is_signed_by_nobody(
    world: World, mirror: Mirror, fingerprint: str
) -> None:
    assert mirror(f"{REFERENCE}\n", "--insecure-options=image") == 0
    code = mirror(f"{SECOND} signed-by={fingerprint}\n", "--insecure-options=image")
    assert code == ExitCode.VERIFICATION
    assert stored(world) == [f"{HOST}/app"]


class TestLockFiles:
    """--lock writes, --locked demands, diff compares."""

    def test_what_was_locked_is_fetched_again(self, world: World, mirror: Mirror) -> None:
        lock = world.home / "images.lock"
        assert mirror(f"{REFERENCE}\n{SECOND}\n", "--lock", str(lock)) == 0
        written = lock.read_bytes()
        assert [each["reference"] for each in json.loads(written)["images"]] == [REFERENCE, SECOND]
        assert mirror(f"{REFERENCE}\n{SECOND}\n", "--locked", str(lock)) == 0
        assert mirror(f"{REFERENCE}\n{SECOND}\n", "--lock", str(lock)) == 0
        assert lock.read_bytes() == written

    def test_another_image_is_refused_before_it_is_visible(
        self, world: World, mirror: Mirror
    ) -> None:
        lock = world.home / "images.lock"
        assert mirror(f"{REFERENCE}\n", "--lock", str(lock)) == 0
        before = stored(world)
        world.publish(make_image(content=b"another"))
        assert mirror(f"{REFERENCE}\n", "--locked", str(lock)) == ExitCode.MIRROR
        assert "is not as locked: the digest is sha512:" in world.err
        assert world.run("--store", str(world.home / "mirror"), "image", "list", "--json") == 0
        assert len(documents(world)) == len(before) == 1

    def test_another_signer_is_refused(self, world: World, mirror: Mirror) -> None:
        lock = world.home / "images.lock"
        assert mirror(f"{REFERENCE}\n", "--lock", str(lock)) == 0
        assert world.run("--store", str(world.home / "mirror"), "image", "rm", REFERENCE) == 0
        other = make_key("Somebody else")
        world.trust(key=other)
        world.site.pages[f"{IMAGE_PATH}.asc"] = sign(other, make_image())
        assert mirror(f"{REFERENCE}\n", "--locked", str(lock)) == ExitCode.MIRROR
        assert "who signed it is" in world.err
        assert stored(world) == []

    @pytest.mark.parametrize("lines", [f"{REFERENCE}\n{SECOND}\n", f"{SECOND}\n"])
    def test_list_and_lock_file_must_agree_before_anybody_is_asked(
        self, world: World, mirror: Mirror, lines: str
    ) -> None:
        lock = world.home / "images.lock"
        assert mirror(f"{REFERENCE}\n", "--lock", str(lock)) == 0
        world.site.requests.clear()
        assert mirror(lines, "--locked", str(lock)) == ExitCode.MIRROR
        assert "is not as locked" in world.err
        assert world.site.requests == []

    def test_a_failure_leaves_the_lock_file_as_it_was(self, world: World, mirror: Mirror) -> None:
        lock = world.home / "images.lock"
        assert mirror(f"{REFERENCE}\n", "--lock", str(lock)) == 0
        written = lock.read_bytes()
        missing = f"{HOST}/app:9,os=linux,arch=amd64"
        assert mirror(f"{REFERENCE}\n{missing}\n", "--lock", str(lock)) == ExitCode.DOWNLOAD
        assert lock.read_bytes() == written
        assert "is as it was" in world.err

    def test_differences(self, world: World, mirror: Mirror) -> None:
        old, new = world.home / "old", world.home / "new"
        assert mirror(f"{REFERENCE}\n", "--lock", str(old)) == 0
        world.publish(make_image(content=b"another"))
        assert mirror(f"{REFERENCE}\n{SECOND}\n", "--lock", str(new)) == 0
        assert world.run("mirror", "diff", str(old), str(new), "--json") == 0
        assert [(each["reference"], each["what"]) for each in documents(world)] == [
            (REFERENCE, "digest"),
            (SECOND, "added"),
        ]
        assert world.run("mirror", "diff", str(old), str(new)) == 0
        assert world.out.startswith("CHANGE")
        assert world.run("mirror", "diff", str(old), str(old)) == 0
        assert world.out == ""

    def test_a_lock_file_that_was_changed_is_refused(self, world: World, mirror: Mirror) -> None:
        lock = world.home / "images.lock"
        assert mirror(f"{REFERENCE}\n", "--lock", str(lock)) == 0
        lock.write_bytes(lock.read_bytes() + b"\n")
        assert mirror(f"{REFERENCE}\n", "--locked", str(lock)) == ExitCode.MIRROR
        assert "than --lock writes" in world.err

    @pytest.mark.parametrize("other", ["--locked=x", "--dry-run"])
    def test_usage(self, mirror: Mirror, other: str) -> None:
        assert mirror(f"{REFERENCE}\n", "--lock=x", other) == ExitCode.USAGE


class TestDryRun:
    """What would travel is said, and nothing does."""

    def test_archives_are_not_known_before(self, world: World, mirror: Mirror) -> None:
        assert mirror(f"{REFERENCE}\n", "--dry-run", "--json") == 0
        assert documents(world) == [{"reference": REFERENCE, "outcome": "unknown"}]
        assert not any(path.endswith(".aci") for path in world.site.asked_for())
        assert not (world.home / "mirror").exists()
        assert mirror(f"{REFERENCE}\n", "--dry-run") == 0
        assert "of 1 images nobody knows before" in world.out


def test_a_reference_that_is_none_is_refused_before_anybody_is_asked(
    world: World, mirror: Mirror
) -> None:
    assert mirror(f"{REFERENCE}\nNO IMAGE\n") == ExitCode.MIRROR
    assert "line 2" in world.err
    assert world.site.asked_for() == [each for each in world.site.asked_for() if "key" in each]


def test_a_list_that_is_not_there(world: World, tmp_path: Path) -> None:
    code = world.run("mirror", str(tmp_path / "none"), "--to", str(tmp_path / "mirror"))
    assert code == ExitCode.MIRROR
    assert "No such file" in world.err


def test_the_schema_is_shown(world: World) -> None:
    assert world.run("mirror", "--list-schema") == 0
    assert json.loads(world.out)["required"] == ["version", "images"]


def test_fail_fast_says_what_was_not_tried(world: World, mirror: Mirror) -> None:
    missing = f"{HOST}/app:9,os=linux,arch=amd64"
    code = mirror(f"{missing}\n{REFERENCE}\n{SECOND}\n", "--fail-fast", "--json", "--jobs=1")
    assert code == ExitCode.DOWNLOAD
    lines = documents(world)
    kinds = [line.get("error", {}).get("kind") for line in lines]
    assert kinds == ["signature-unavailable", "not-tried", "not-tried"]
    assert [each["kind"] for each in lines[0]["error"]["causes"]] == ["http-status"]
    assert "not tried" not in world.err


def test_the_exit_code_is_that_of_what_failed_not_of_what_was_not_tried(
    world: World, mirror: Mirror
) -> None:
    nowhere = f"docker://{HOST}:1/nowhere"  # nobody is trusted for it
    assert mirror(f"{REFERENCE}\n{nowhere}\n", "--fail-fast") == ExitCode.VERIFICATION
    assert "0 images, 2 failed" in world.out
