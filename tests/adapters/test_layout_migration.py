"""A store of an earlier format is served as it is, and brought up to date by the first change."""

import contextlib
import gzip
import shutil
import sqlite3
import tarfile
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from pipeline.adapters.layout import open_store, records, schema
from pipeline.adapters.layout.facts import facts_of
from pipeline.adapters.layout.maintenance import (
    Rebuilt,
    measure_store,
    rebuild_store,
    verify_store,
)
from pipeline.errors import DiskFull, ImageNotFound, StoreUnavailable
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import NAME, URL, Sample
from tests.adapters.store_world import (
    StoppingFilesystem,
    assert_sound,
    disk_full,
    opened,
)

SIGNED = Sample(version="1", signers="a", content=b"signed", max_age_seconds=5)
UNSIGNED = Sample(version="2", content=b"unsigned", url=f"{URL}?2")
LATEST = Sample(
    version="3", asked_version=None, url=f"{URL}?3", signers="bc", leniency=("weak-hash",)
)
OTHER = Sample(version="4")
OCI = OciSample(signers="a*")
DATA = Path(__file__).resolve().parents[1] / "data"
DATABASE = DATA / "store-format-1.db.gz"
"""What version 0.1.0 wrote when it committed the three, a minute after another."""
FORMAT_2 = DATA / "store-format-2.tar.gz"
"""What the program wrote before it knew registry images, the same way; without the blobs."""


def make_format_1(root: Path) -> None:
    """Make a store as version 0.1.0 left it."""
    (root / "blobs" / "sha512").mkdir(parents=True)
    for sample in (SIGNED, UNSIGNED, LATEST):
        (root / "blobs" / "sha512" / sample.image_id.hex).write_bytes(sample.archive)
    (root / "image-pipeline.db").write_bytes(gzip.decompress(DATABASE.read_bytes()))


def make_format_2(root: Path) -> None:
    """Make a store as it was left before there were registry images."""
    root.mkdir(parents=True)
    with tarfile.open(FORMAT_2) as archive:
        archive.extractall(root, filter="data")
    (root / "blobs" / "sha512").mkdir(parents=True)
    for sample in (SIGNED, UNSIGNED, LATEST):
        (root / "blobs" / "sha512" / sample.image_id.hex).write_bytes(sample.archive)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_format_1(tmp_path / "store")
    return tmp_path / "store"


def format_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)


def test_an_earlier_format_is_served_without_a_change(root: Path) -> None:
    before = (root / "image-pipeline.db").read_bytes()
    store = open_store(root, clock=FixedClock(EPOCH + timedelta(days=9))).unwrap()
    listed = [image.image_id for image in store.list_images().unwrap()]
    assert listed == [sample.image_id for sample in (LATEST, UNSIGNED, SIGNED)]
    assert store.find(NAME, Labels()).unwrap().image_id == LATEST.image_id
    assert store.find(NAME, SIGNED.labels).unwrap().image_id == SIGNED.image_id
    assert store.lookup(URL).unwrap() is not None
    store.touch(SIGNED.image_id)
    assert (root / "image-pipeline.db").read_bytes() == before
    assert not (root / "records").exists()


def test_the_first_change_brings_it_up_to_date(root: Path) -> None:
    before = opened(root).list_images().unwrap()
    kept = (root / "image-pipeline.db").read_bytes()
    expect_success(opened(root).remove(UNSIGNED.image_id), "remove")
    assert format_of(root / "image-pipeline.db") == schema.FORMAT_VERSION
    # 1. Nothing else has changed, and every image has its record.
    assert opened(root).list_images().unwrap() == (before[0], before[2])
    for image in (before[0], before[2]):
        facts = opened(root).place.read(partial(facts_of, hex_digits=image.image_id.hex))
        assert facts == records.read(root, image.image_id)
        assert facts is not None
        assert facts.provenance == image.provenance
    # 2. What format 2 looks versions up by is filled in.
    assert opened(root).find(NAME, SIGNED.labels).unwrap().image_id == SIGNED.image_id
    # 3. The backup is the database as it was.
    backup = root / "image-pipeline.db.1.bak"
    assert format_of(backup) == 1
    shutil.copyfile(backup, root / "image-pipeline.db")
    (root / "blobs" / "sha512" / UNSIGNED.image_id.hex).write_bytes(UNSIGNED.archive)
    assert opened(root).list_images().unwrap() == before
    assert kept[:16] == backup.read_bytes()[:16]
    assert_sound(root)


def test_the_backup_is_durable_before_anything_is_changed(root: Path) -> None:
    filesystem = StoppingFilesystem()
    expect_success(opened(root, filesystem).remove(SIGNED.image_id), "remove")
    backup = root / "image-pipeline.db.1.bak"
    named = filesystem.calls.index(f"rename {backup}")
    assert filesystem.calls.index(f"sync {backup}.new") < named
    assert filesystem.calls.index(f"sync {root}", named) < filesystem.calls.index("sql ALTER TABLE")


def test_what_an_earlier_try_left_is_replaced(root: Path) -> None:
    for name in ("image-pipeline.db.1.bak", "image-pipeline.db.1.bak.new"):
        (root / name).write_bytes(b"half of a copy")
    expect_success(opened(root).remove(SIGNED.image_id), "remove")
    assert format_of(root / "image-pipeline.db.1.bak") == 1
    assert not (root / "image-pipeline.db.1.bak.new").exists()


def test_without_room_for_a_backup_nothing_is_changed(root: Path) -> None:
    before = (root / "image-pipeline.db").read_bytes()
    whole = StoppingFilesystem()
    copy = root.with_name("copy")
    shutil.copytree(root, copy)
    expect_success(put(opened(copy, whole), OTHER, EPOCH), "commit")
    for call in ("sql VACUUM INTO", f"sync {copy}/image-pipeline.db.1.bak.new"):
        number = whole.calls.index(call) + 1
        full = shutil.copytree(root, root.with_name(f"full-{number}"))
        outcome = put(opened(full, StoppingFilesystem(number, disk_full)), OTHER, EPOCH)
        assert isinstance(outcome.failure(), DiskFull)
        assert (full / "image-pipeline.db").read_bytes() == before
        # A copy that is no good takes no space.
        assert not list(full.glob("*.bak*"))


def test_a_row_that_cannot_be_read_does_not_stop_it(root: Path) -> None:
    with contextlib.closing(sqlite3.connect(root / "image-pipeline.db")) as connection:
        connection.execute("UPDATE images SET labels = '[' WHERE hex = ?", (UNSIGNED.image_id.hex,))
        connection.commit()
    expect_success(opened(root).remove(SIGNED.image_id), "remove")
    assert records.read(root, LATEST.image_id) is not None
    assert records.read(root, UNSIGNED.image_id) is None


def test_a_new_store_has_no_backup(tmp_path: Path) -> None:
    expect_success(put(opened(tmp_path), SIGNED, EPOCH), "commit")
    assert not list(tmp_path.glob("*.bak*"))


def test_versions_are_found_whatever_they_are(tmp_path: Path) -> None:
    """Also where a text is none that a column can hold."""
    store = opened(tmp_path / "store")
    name = ImageName("example.com/odd")
    for version in ("'", "é", "1", "null"):
        sample = replace(SIGNED, name=name, version=version)
        expect_success(put(store, sample, EPOCH), "commit")
        assert store.find(name, sample.labels).unwrap().image_id == sample.image_id
    missing = Labels((Label(LabelName("version"), "\ud800"),))
    assert not isinstance(store.find(name, missing).failure(), StoreUnavailable)


class TestFormat2:
    """A store that knows archives alone, with records."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        make_format_2(tmp_path / "store")
        return tmp_path / "store"

    def test_it_is_served_without_a_change(self, root: Path) -> None:
        files = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        store = open_store(root, clock=FixedClock(EPOCH + timedelta(days=9))).unwrap()
        listed = [image.image_id for image in store.list_images().unwrap()]
        assert listed == [sample.image_id for sample in (LATEST, UNSIGNED, SIGNED)]
        assert [image.provenance for image in store.list_images().unwrap()] == [
            sample.provenance for sample in (LATEST, UNSIGNED, SIGNED)
        ]
        assert store.find(NAME, SIGNED.labels).unwrap().image_id == SIGNED.image_id
        assert store.resolve(SIGNED.image_id.hex[:9]).unwrap().image_id == SIGNED.image_id
        assert isinstance(store.resolve("ab", "sha256").failure(), ImageNotFound)
        assert store.lookup(URL).unwrap() is not None
        assert store.lookup("docker://docker.io/library/app:1#linux/amd64").unwrap() is None
        with store.open_blob(SIGNED.image_id).unwrap() as file:
            assert file.read() == SIGNED.archive
        assert isinstance(store.open_blob(OCI.image_id).failure(), ImageNotFound)
        assert measure_store(root).unwrap().images == 3
        # Its records are read: they are what is written today of the same facts.
        assert verify_store(root).unwrap().findings == ()
        after = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        passing = {root / "locks" / "store", *root.glob("*.db-*")}
        assert {path: after[path] for path in after.keys() - passing} == files

    def test_a_registry_image_brings_it_up_to_date(self, root: Path) -> None:
        before = opened(root).list_images().unwrap()
        written = {path: path.read_bytes() for path in (root / "records").rglob("*.json")}
        clock = FixedClock(EPOCH + timedelta(days=1))
        expect_success(put(opened(root, clock=clock), OCI, clock.now()), "commit")
        assert format_of(root / "image-pipeline.db") == schema.FORMAT_VERSION
        assert format_of(root / "image-pipeline.db.2.bak") == 2
        image, *others = opened(root).list_images().unwrap()
        assert image.image_id == OCI.image_id
        assert tuple(others) == before
        assert {path: path.read_bytes() for path in written} == written
        assert verify_store(root).unwrap().findings == ()
        assert_sound(root)

    def test_it_is_rebuilt_without_its_index(self, root: Path) -> None:
        before = opened(root).list_images().unwrap()
        (root / "image-pipeline.db").unlink()
        clock = FixedClock(EPOCH)
        assert rebuild_store(root, clock=clock).unwrap() == Rebuilt(3, (), ())
        assert opened(root).list_images().unwrap() == before
