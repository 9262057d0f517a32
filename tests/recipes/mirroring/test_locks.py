"""A lock file is written in one way, and read in no other."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from returns.pipeline import is_successful

from pipeline.digest import Digest
from pipeline.errors import OutputUnavailable
from pipeline.oci import OciPlatform
from pipeline.recipes.mirroring import locks
from pipeline.recipes.mirroring.differences import check_list
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.locks import (
    LockedImage,
    encode_lock,
    lock_image,
    parse_lock,
    write_lock,
)
from tests.recipes.mirroring.images import ALICE, BOB, IMAGE_ID, signed_image

ALICES, BOBS = ALICE.primary.hex, BOB.primary.hex
FIRST = LockedImage("docker://r.example/app:1", "linux/arm64", IMAGE_ID, (ALICES, BOBS))
SECOND = LockedImage("example.com/b", "", Digest("sha512", "2" * 128), ())
WRITTEN = f"""{{
  "version": 1,
  "images": [
    {{
      "reference": "docker://r.example/app:1",
      "platform": "linux/arm64",
      "digest": "sha256:{"1" * 64}",
      "signers": [
        "{ALICES}",
        "{BOBS}"
      ]
    }},
    {{
      "reference": "example.com/b",
      "platform": "",
      "digest": "sha512:{"2" * 128}",
      "signers": []
    }}
  ]
}}
"""


def refusal(content: str | bytes) -> str:
    """Return how a lock file is refused, without its path."""
    raw = content.encode() if isinstance(content, str) else content
    error = parse_lock(raw, "lock").failure()
    assert error.path == "lock"
    return f"{error.place}: {error.reason}"


def document(*images: object) -> bytes:
    return json.dumps({"version": 1, "images": images}).encode()


def image(**members: object) -> dict[str, object]:
    plain = {"reference": "a", "platform": "", "digest": str(IMAGE_ID), "signers": []}
    return plain | members


class TestWriting:
    """One member a line, in order, whatever order images come in."""

    def test_what_is_written(self) -> None:
        assert encode_lock((SECOND, FIRST, SECOND)).decode() == WRITTEN
        assert parse_lock(WRITTEN.encode(), "lock").unwrap() == (FIRST, SECOND)

    def test_of_nothing(self) -> None:
        assert parse_lock(encode_lock(()), "lock").unwrap() == ()

    def test_what_terminals_obey_is_escaped(self) -> None:
        assert encode_lock((replace(SECOND, reference="\u202ea"),)).isascii()

    def test_the_file_is_replaced_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "images.lock"
        path.write_text("before")
        with path.open() as before:
            assert is_successful(write_lock(path, (FIRST, SECOND)))
            assert before.read() == "before"
        assert path.read_text() == WRITTEN
        assert stat.S_ISREG(path.lstat().st_mode)
        assert os.listdir(tmp_path) == ["images.lock"]

    def test_where_no_file_can_be(self, tmp_path: Path) -> None:
        error = write_lock(tmp_path / "none" / "images.lock", ()).failure()
        assert isinstance(error, OutputUnavailable)


class TestReading:
    """Whatever is not as it was written is refused."""

    @pytest.mark.parametrize(
        ("content", "wanted"),
        [
            (b"", ": not JSON at line 1"),
            (b"\xff", ": byte 1 is not UTF-8"),
            (b"[]", ": got an array, wanted an object"),
            (b"[" * 100_000, ": wanted at most 4 nested arrays and objects"),
            (b'{"version": 1, "version": 1}', ': the member "version" stands there twice'),
            (b'{"version": 2, "images": []}', "version: got 2, wanted 1"),
            (b'{"version": 1, "images": [], "x": 1}', "x: wanted no member but version, images"),
            (b'{"version": 1, "images": {}}', "images: got an object, wanted an array"),
            (document("a"), 'images[0]: got "a", wanted an object'),
            (document({"reference": "a"}), "images[0]: got no platform, wanted one"),
            (document(image(tag="1")), "images[0].tag: wanted no member but reference, platform"),
            (document(image(reference="")), "images[0].reference: got an empty text, wanted a ref"),
            (document(image(platform="all")), 'images[0].platform: got "all", wanted OS/ARCH'),
            (document(image(platform="linux/arm64\n")), "images[0].platform: got "),
            (document(image(digest="sha256:1")), 'images[0].digest: got "sha256:1", wanted 64 low'),
            (document(image(signers="a")), 'images[0].signers: got "a", wanted an array'),
            (document(image(signers=["a"])), 'images[0].signers[0]: got "a", wanted a fingerprint'),
            (document(image(signers=[BOBS, ALICES])), "images[0].signers: wanted each signer once"),
            (document(image(signers=[BOBS, BOBS])), "images[0].signers: wanted each signer once"),
            (document(image(), image()), "images[1]: wanted each image once, in order"),
            (
                document(image(reference="b"), image()),
                "images[1]: wanted each image once, in order",
            ),
        ],
    )
    def test_with_its_place(self, content: bytes, wanted: str) -> None:
        assert refusal(content).startswith(wanted)

    @pytest.mark.parametrize(
        "content",
        [
            WRITTEN.replace("\n", "\r\n"),
            WRITTEN.rstrip("\n"),
            WRITTEN.replace("  ", "\t"),
            WRITTEN.replace(ALICES, ALICES.upper()),
            WRITTEN.replace("sha256:", "sha256-"),
            WRITTEN.replace("docker", "\\u0064ocker"),
            json.dumps(json.loads(WRITTEN)),
        ],
    )
    def test_in_another_spelling(self, content: str) -> None:
        assert refusal(content) == ": got other spelling or space than --lock writes"

    def test_too_many_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(locks, "LOCK_BYTES", len(WRITTEN))
        assert is_successful(parse_lock(WRITTEN.encode(), "lock"))
        assert "wanted at most" in refusal(f"{WRITTEN} ")


class TestLocking:
    """What is locked of an image is keyed by what was asked for."""

    @pytest.mark.parametrize(
        ("asked", "labels", "platform"),
        [
            (None, {"os": "linux", "arch": "aarch64"}, ""),
            (OciPlatform("linux", "arm", "v7"), {"os": "linux", "arch": "amd64"}, "linux/arm/v7"),
            ("all", {"os": "linux", "arch": "aarch64"}, "linux/arm64"),
            ("all", {"os": "linux", "arch": "armv7l"}, "linux/arm/v7"),
            ("all", {"os": "linux"}, ""),
            ("all", {"os": "a b", "arch": "amd64"}, ""),
            ("all", {}, ""),
        ],
    )
    def test_platforms(
        self, asked: OciPlatform | None, labels: dict[str, str], platform: str
    ) -> None:
        stored = signed_image(BOB, ALICE, **labels)
        wanted = LockedImage("a", platform, IMAGE_ID, (ALICES, BOBS))
        assert lock_image(MirrorEntry("a", asked), stored) == wanted
        assert parse_lock(encode_lock((wanted,)), "lock").unwrap() == (wanted,)

    def test_no_secret_is_written_and_the_list_that_has_it_is_as_locked(self) -> None:
        entry = MirrorEntry("https://example.com/a.aci?token=s3cret")
        locked = lock_image(entry, signed_image(BOB))
        content = encode_lock((locked,))
        assert b"s3cret" not in content
        read = parse_lock(content, "lock").unwrap()
        assert check_list((entry,), read).unwrap() == (read,)
