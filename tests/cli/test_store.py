"""``store verify|rebuild|stats``, ``image gc`` and ``image verify`` as a user types them."""

import contextlib
import json
import os
import sqlite3
import time
from pathlib import Path

import pytest

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.layout import open_store
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.oci_samples import OciSample
from tests.support.world import HOST, LABELS, REFERENCE, World, make_image, make_key


@pytest.fixture
def stored(world: World) -> World:
    """A world with one image in the store."""
    world.trust()
    world.publish()
    assert world.run("fetch", "--full", REFERENCE) == 0, world.err
    return world


def blob_of(world: World) -> Path:
    (blob,) = (world.home / "store" / "blobs" / "sha512").iterdir()
    return blob


def flip(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)


class TestStoreVerify:
    """A line a finding; exit code 8 for damage."""

    def test_good(self, stored: World) -> None:
        assert stored.run("store", "verify") == 0
        assert stored.out == ""
        assert "1 image(s), 1 blob(s)" in stored.err

    def test_damaged(self, stored: World) -> None:
        flip(blob_of(stored))
        assert stored.run("store", "verify") == 8
        severity, kind, path, reason = stored.out.rstrip("\n").split("\t")
        assert (severity, kind) == ("damage", "blob-damaged")
        assert path == f"blobs/sha512/{blob_of(stored).name}"
        assert reason.startswith("its digest is sha512:")
        assert "store rebuild" in stored.err

    def test_leftover(self, stored: World) -> None:
        (blob_of(stored).parent / ("0" * 128)).write_bytes(b"left")
        assert stored.run("store", "verify", "--json") == 0
        finding = json.loads(stored.out)
        assert finding["kind"] == "blob-unknown"
        assert finding["damage"] is False

    def test_a_name_that_would_ring_the_bell(self, stored: World) -> None:
        (blob_of(stored).parent / "\x07").touch()
        stored.run("store", "verify")
        assert "file-unknown" in stored.out
        assert "\x07" not in stored.out

    def test_no_store(self, world: World) -> None:
        assert world.run("store", "verify") == 0
        assert not (world.home / "store").exists()


class TestStoreRebuild:
    """Whatever became of the index."""

    def test_a_lost_index(self, stored: World) -> None:
        image_id = f"sha512-{blob_of(stored).name}"
        (stored.home / "store" / "image-pipeline.db").write_bytes(b"junk")
        assert stored.run("image", "list") == 8
        assert "store rebuild" in stored.err
        assert stored.run("store", "rebuild") == 0
        assert stored.out == ""
        assert "1 image(s) in the index, 0 of them unverified" in stored.err
        # It is still proven, and by the same signature.
        assert stored.run("fetch", "--pull-policy=never", "--full", image_id) == 0, stored.err
        assert stored.out == f"{image_id}\n"

    def test_a_lost_proof(self, stored: World) -> None:
        for name in ("image-pipeline.db", f"records/sha512/{blob_of(stored).name}.json"):
            (stored.home / "store" / name).unlink()
        assert stored.run("store", "rebuild") == 0
        assert stored.out == f"sha512-{blob_of(stored).name}\n"
        # 1. Nobody takes it for proven,
        assert stored.run("fetch", "--pull-policy=never", REFERENCE) == 6
        # 2. and a fetch proves it again.
        assert stored.run("fetch", REFERENCE) == 0, stored.err
        assert stored.run("fetch", "--pull-policy=never", REFERENCE) == 0

    def test_what_is_left_out_is_named(self, stored: World) -> None:
        flip(blob_of(stored))
        assert stored.run("store", "rebuild") == 0
        assert "left out: blobs/sha512/" in stored.err
        assert "0 image(s)" in stored.err

    def test_no_store(self, world: World) -> None:
        assert world.run("store", "rebuild") == 8


class TestStoreStats:
    """Sizes for people, bytes for programs."""

    def test_lines(self, stored: World) -> None:
        assert stored.run("store", "stats") == 0
        images, unverified, *_ = stored.out.splitlines()
        assert images.split()[:2] == ["images", "1"]
        assert unverified.split() == ["unverified", "0"]

    def test_json(self, stored: World) -> None:
        assert stored.run("store", "stats", "--json") == 0
        measured = json.loads(stored.out)
        assert measured["images"] == measured["blobs"] == 1
        assert measured["image_bytes"] == measured["blob_bytes"] == blob_of(stored).stat().st_size
        assert measured["listing_lag"] == 0

    def test_an_index_that_lags_behind(self, stored: World) -> None:
        root = stored.home / "store"
        clock = SystemClock()
        store = open_store(root, clock=clock).unwrap()
        expect_success(put(store, OciSample(), clock.now()), "commit")
        (root / "index.json").unlink()
        assert stored.run("store", "stats") == 0
        assert "index.json does not show the last 2 change(s) yet" in stored.err
        assert stored.run("image", "gc") == 0
        assert (root / "index.json").exists()
        assert stored.run("store", "stats") == 0
        assert stored.err == ""


class TestImageGc:
    """What nobody needs goes; images only when asked for."""

    def test_an_orphan(self, stored: World) -> None:
        orphan = blob_of(stored).parent / ("0" * 128)
        orphan.write_bytes(b"left")
        assert stored.run("image", "gc") == 0
        assert stored.out == ""
        old = time.time() - 2 * 86400
        os.utime(orphan, (old, old))
        assert stored.run("image", "gc", "--dry-run") == 0
        assert orphan.exists()
        assert "to remove" in stored.err
        assert stored.run("image", "gc") == 0
        assert stored.out == f"blob\t4\tblobs/sha512/{'0' * 128}\n"
        assert not orphan.exists()
        assert stored.run("image", "list", "--no-legend") == 0
        assert stored.out

    def test_the_grace_period(self, stored: World) -> None:
        orphan = blob_of(stored).parent / ("0" * 128)
        orphan.write_bytes(b"left")
        then = time.time() - 3600
        os.utime(orphan, (then, then))
        assert stored.run("image", "gc", "--grace-period=1h30m", "--json") == 0
        assert stored.out == ""
        assert stored.run("image", "gc", "--grace-period=30m", "--json") == 0
        assert json.loads(stored.out)["kind"] == "blob"

    def test_unused_images(self, stored: World) -> None:
        assert stored.run("image", "gc", "--unused-for=1h") == 0
        assert stored.out == ""
        assert stored.run("image", "gc", "--unused-for=0s", "--dry-run") == 0
        kind, size, image_id = stored.out.rstrip("\n").split("\t")
        assert (kind, image_id) == ("image", f"sha512-{blob_of(stored).name}")
        assert int(size) == blob_of(stored).stat().st_size
        assert stored.run("image", "gc", "--unused-for=0s") == 0
        assert stored.store_files() == []

    def test_a_store_hit_is_a_use(self, stored: World) -> None:
        path = stored.home / "store" / "image-pipeline.db"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE images SET last_used_at = 0")
            connection.commit()
        assert stored.run("image", "list") == 0
        assert stored.run("image", "gc", "--unused-for=1h", "--dry-run") == 0
        assert stored.out.startswith("image\t")
        assert stored.run("fetch", "--pull-policy=never", REFERENCE) == 0
        assert stored.run("image", "gc", "--unused-for=1h", "--dry-run") == 0
        assert stored.out == ""

    @pytest.mark.parametrize("text", ["", "1", "h", "1h1h", "1m1h", "-1h", "1.5h", "x"])
    def test_what_is_no_duration(self, world: World, text: str) -> None:
        assert world.run("image", "gc", f"--grace-period={text}") == 2


class TestImageVerify:
    """Digests again, signatures again, by today's keys."""

    def test_good(self, stored: World) -> None:
        for arguments in ([REFERENCE], ["--all"], [f"sha512-{blob_of(stored).name[:12]}"]):
            assert stored.run("image", "verify", *arguments) == 0, stored.err
            assert stored.out == f"sha512-{blob_of(stored).name[:32]}\tgood\n"
            assert "Example Images" in stored.err

    def test_damaged(self, stored: World) -> None:
        flip(blob_of(stored))
        assert stored.run("image", "verify", REFERENCE) == 8
        assert stored.out.endswith("\tstore-corrupt\n")

    @pytest.mark.parametrize("harm", ["cut off", "gone"])
    def test_one_that_counts_as_not_there(self, stored: World, harm: str) -> None:
        blob = blob_of(stored)
        if harm == "gone":
            blob.unlink()
        else:
            blob.chmod(0o644)
            os.truncate(blob, 10)
        assert stored.run("image", "verify", "--all") == 8
        assert stored.out == f"sha512-{blob.name[:32]}\timage-not-found\n"

    def test_no_longer_trusted(self, stored: World) -> None:
        key = stored.home / "config" / "trustedkeys"
        for path in key.rglob("*"):
            if path.is_file():
                path.unlink()
        assert stored.run("image", "verify", "--all", "--json") == 6
        document = json.loads(stored.out)
        assert document["error"]["kind"] == "unknown-signer"
        assert stored.run("image", "verify", "--all", "--insecure-options=image") == 0

    def test_the_signature_is_judged_again(self, stored: World) -> None:
        """Also where the keystore says what it said when the image was fetched."""
        record = next((stored.home / "store" / "records" / "sha512").iterdir())
        document = json.loads(record.read_bytes())
        for digest in document["provenance"]["digests"]:
            digest["value"] = "00" * (len(digest["value"]) // 2)
        record.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")))
        assert stored.run("store", "rebuild") == 0
        assert stored.run("fetch", "--pull-policy=never", REFERENCE) == 0
        assert stored.run("image", "verify", REFERENCE) == 6
        assert stored.out.endswith("\tbad-signature\n")

    def test_never_proven(self, world: World) -> None:
        Path("app.aci").write_bytes(make_image())
        assert world.run("fetch", "--insecure-options=image", "./app.aci") == 0, world.err
        assert world.run("image", "verify", "--all") == 6
        assert world.out.endswith("\tunproven\n")

    def test_damage_is_worse_than_no_proof(self, stored: World) -> None:
        other = make_image(labels=LABELS | {"version": "9"})
        stored.key, kept = make_key("Nobody"), stored.key
        stored.publish(other, "/other.aci")
        stored.key = kept
        url = f"https://{HOST}/other.aci"
        assert stored.run("fetch", "--insecure-options=image", url) == 0, stored.err
        assert stored.run("image", "verify", "--all") == 6
        assert stored.run("image", "verify", REFERENCE, "sha512-ffff", "--json") == 8
        assert len(stored.out.splitlines()) == 1

    def test_nothing_or_both(self, world: World) -> None:
        assert world.run("image", "verify") == 2
        assert world.run("image", "verify", "--all", "x") == 2

    def test_an_empty_store(self, world: World) -> None:
        assert world.run("image", "verify", "--all") == 0
        assert world.out == ""
