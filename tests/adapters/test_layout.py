"""The store on disk: what lies where, what is refused, and what outsiders do to its files."""

import contextlib
import json
import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.layout import LayoutStore, index, locks, open_store
from pipeline.adapters.layout.schema import APPLICATION_ID, FORMAT_VERSION
from pipeline.digest import Digest
from pipeline.errors import (
    AmbiguousImage,
    ImageNotFound,
    StoreCorrupt,
    StoreError,
    StoreTooNew,
    StoreUnavailable,
)
from pipeline.limits import USE_NOTED_SECONDS
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.results import Freshness, QuarantinedBlob, Validators
from pipeline.stages.store import store_image
from pipeline.testing.conformance import expect_success, extracted_of, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.samples import NAME, URL, Sample
from tests.adapters.store_world import StoppingFilesystem, assert_sound, opened

SAMPLE = Sample(content=b"content")


def blob_of(root: Path, sample: Sample = SAMPLE) -> Path:
    return root / "blobs" / "sha512" / sample.image_id.hex


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    expect_success(put(opened(folder), SAMPLE, EPOCH), "commit")
    return folder


def test_a_store_is_an_oci_image_layout(root: Path) -> None:
    assert json.loads((root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((root / "index.json").read_bytes())
    assert index["schemaVersion"] == 2
    assert index["manifests"] == []
    assert blob_of(root).read_bytes() == SAMPLE.archive
    assert blob_of(root).stat().st_mode & 0o222 == 0
    assert sorted(path.name for path in root.iterdir()) == [
        "blobs",
        "image-pipeline.db",
        "index.json",
        "locks",
        "oci-layout",
        "quarantine",
        "records",
    ]
    assert list((root / "quarantine").iterdir()) == []


@pytest.mark.parametrize("index", ["theirs", '{"manifests": [{}]}', "[]", "[" * 99_999, "{}"])
def test_another_programs_layout_is_refused_and_left_alone(tmp_path: Path, index: str) -> None:
    """What it has would look like leftovers here."""
    (tmp_path / "index.json").write_text(index)
    error = put(opened(tmp_path), SAMPLE, EPOCH).failure()
    assert isinstance(error, StoreUnavailable)
    assert "another program" in error.message
    assert (tmp_path / "index.json").read_text() == index
    assert not blob_of(tmp_path).exists()


def test_an_empty_layout_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"schemaVersion": 2, "manifests": []}')
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    expect_success(put(opened(tmp_path), SAMPLE, EPOCH), "commit")


def test_the_real_calls_make_the_same_store(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a" / "b", clock=SystemClock()).unwrap()
    expect_success(put(store, SAMPLE, EPOCH), "commit")
    assert_sound(store.root)
    with contextlib.closing(sqlite3.connect(store.root / "image-pipeline.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert is_successful(store.remove(SAMPLE.image_id))
    assert not blob_of(store.root).exists()


def test_reading_creates_nothing(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store = open_store(root, clock=FixedClock()).unwrap()
    assert store.list_images().unwrap() == ()
    assert isinstance(store.resolve("abcd").failure(), ImageNotFound)
    assert isinstance(store.find(NAME, Labels()).failure(), ImageNotFound)
    assert isinstance(store.manifest(SAMPLE.image_id).failure(), ImageNotFound)
    assert isinstance(store.open_archive(SAMPLE.image_id).failure(), ImageNotFound)
    assert isinstance(store.remove(SAMPLE.image_id).failure(), ImageNotFound)
    assert store.lookup(URL).unwrap() is None
    assert is_successful(store.refresh(URL, Validators(), Freshness(EPOCH)))
    assert not root.exists()


def test_a_store_and_its_stage_can_be_pickled(root: Path) -> None:
    store = open_store(root, clock=SystemClock()).unwrap()
    stage = pickle.loads(pickle.dumps(store_image(store=store)))
    assert stage.name == "store"
    with store.quarantine() as session:
        stored = stage(extracted_of(SAMPLE, session.unwrap(), EPOCH)).unwrap()
    assert stored.outcome == "already-stored"


def test_an_image_whose_blob_is_gone_is_not_there_and_heals(root: Path) -> None:
    blob_of(root).unlink()
    store = opened(root)
    assert store.list_images().unwrap() == ()
    assert isinstance(store.resolve(SAMPLE.image_id.hex).failure(), ImageNotFound)
    assert isinstance(store.find(NAME, Labels()).failure(), ImageNotFound)
    assert isinstance(store.manifest(SAMPLE.image_id).failure(), ImageNotFound)
    assert isinstance(store.open_archive(SAMPLE.image_id).failure(), ImageNotFound)
    assert store.lookup(URL).unwrap() is None
    assert expect_success(put(store, SAMPLE, EPOCH), "commit").outcome == "new"
    assert store.resolve(SAMPLE.image_id.hex).unwrap().image_id == SAMPLE.image_id
    assert_sound(root)


def test_an_image_whose_blob_is_cut_off_is_not_there_and_heals(root: Path) -> None:
    blob_of(root).chmod(0o644)
    os.truncate(blob_of(root), 10)
    store = opened(root)
    assert store.list_images().unwrap() == ()
    assert isinstance(store.open_archive(SAMPLE.image_id).failure(), ImageNotFound)
    assert expect_success(put(store, SAMPLE, EPOCH), "commit").outcome == "new"
    assert_sound(root)


def test_a_link_in_place_of_a_blob_is_not_followed(root: Path) -> None:
    elsewhere = root.parent / "elsewhere"
    blob_of(root).rename(elsewhere)
    blob_of(root).symlink_to(elsewhere)
    assert opened(root).list_images().unwrap() == ()


def test_a_gone_blob_does_not_make_a_prefix_ambiguous(root: Path) -> None:
    others = (Sample(content=str(number).encode()) for number in range(1000))
    twin = next(o for o in others if o.image_id.hex[:2] == SAMPLE.image_id.hex[:2])
    store = opened(root)
    expect_success(put(store, twin, EPOCH), "commit")
    assert isinstance(store.resolve(twin.image_id.hex[:2]).failure(), AmbiguousImage)
    blob_of(root).unlink()
    assert store.resolve(twin.image_id.hex[:2]).unwrap().image_id == twin.image_id


def test_a_blob_without_a_row_is_replaced_by_what_was_verified(root: Path) -> None:
    other = Sample(version="2")
    blob_of(root, other).write_bytes(b"x" * len(other.archive))
    store = opened(root)
    assert isinstance(store.resolve(other.image_id.hex).failure(), ImageNotFound)
    assert expect_success(put(store, other, EPOCH), "commit").outcome == "new"
    assert_sound(root)


def test_a_removal_takes_a_blob_without_a_row(root: Path) -> None:
    other = Sample(version="2")
    blob_of(root, other).write_bytes(b"left by a crash")
    assert isinstance(opened(root).remove(other.image_id).failure(), ImageNotFound)
    assert not blob_of(root, other).exists()


def test_a_removal_takes_the_record_too(root: Path) -> None:
    record = root / "records" / "sha512" / f"{SAMPLE.image_id.hex}.json"
    kept = record.read_bytes()
    assert is_successful(opened(root).remove(SAMPLE.image_id))
    assert not record.exists()
    # One that a crash left is taken up by the same removal again.
    record.write_bytes(kept)
    assert isinstance(opened(root).remove(SAMPLE.image_id).failure(), ImageNotFound)
    assert not record.exists()


def test_no_file_outside_quarantine_can_be_committed(root: Path) -> None:
    other = Sample(version="2")
    outside = root.parent / "outside-1"
    outside.write_bytes(other.archive)
    for key in ("../../outside-1", str(outside), "0123456789abcdef/../../../outside-1"):
        blob = QuarantinedBlob(key, len(other.archive))
        (root / "quarantine" / "0123456789abcdef").mkdir(exist_ok=True)
        outcome = opened(root).commit(other.extracted(blob, EPOCH))
        assert isinstance(outcome.failure(), StoreUnavailable)
        assert outside.exists()


def test_what_is_in_quarantine_is_nobody_elses(tmp_path: Path) -> None:
    """Whoever could exchange a file there could have it stored as what was verified."""
    before = os.umask(0)
    try:
        with opened(tmp_path / "store").quarantine():
            (session,) = (tmp_path / "store" / "quarantine").iterdir()
            assert session.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_no_secret_of_a_url_is_written_down(tmp_path: Path) -> None:
    url = "https://example.com/app.aci?token=s3cret"
    store = opened(tmp_path)
    expect_success(put(store, Sample(url=url), EPOCH), "commit")
    assert store.lookup(url).unwrap() is not None
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"s3cret" in path.read_bytes() for path in files)


def test_a_later_format_is_refused(root: Path) -> None:
    with contextlib.closing(sqlite3.connect(root / "image-pipeline.db")) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    wanted = StoreTooNew(str(root / "image-pipeline.db"), FORMAT_VERSION + 1, FORMAT_VERSION)
    before = (root / "image-pipeline.db").read_bytes()
    assert open_store(root, clock=FixedClock()).failure() == wanted
    assert opened(root).list_images().failure() == wanted
    assert put(opened(root), Sample(version="2"), EPOCH).failure() == wanted
    assert opened(root).remove(SAMPLE.image_id).failure() == wanted
    assert (root / "image-pipeline.db").read_bytes() == before


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "image-pipeline.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert isinstance(open_store(tmp_path, clock=FixedClock()).failure(), StoreCorrupt)
    assert isinstance(put(opened(tmp_path), SAMPLE, EPOCH).failure(), StoreCorrupt)
    assert not blob_of(tmp_path).exists()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image-pipeline.db").write_bytes(b"no database" * 1000)
    assert isinstance(open_store(tmp_path, clock=FixedClock()).failure(), StoreCorrupt)


class RacingFilesystem(StoppingFilesystem):
    """Another process makes the database while this one reads its header."""

    def note(self, call: str) -> None:
        super().note(call)
        if call == "sql PRAGMA user_version":
            with (
                contextlib.closing(sqlite3.connect(self.database, timeout=0)) as other,
                contextlib.suppress(sqlite3.OperationalError),
            ):
                other.execute("CREATE TABLE IF NOT EXISTS anything (at_all)")
                other.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                other.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
                other.commit()

    database: Path = Path()


def test_a_database_in_the_making_is_not_another_programs(tmp_path: Path) -> None:
    racing = RacingFilesystem()
    racing.database = tmp_path / "image-pipeline.db"
    racing.database.touch()
    assert expect_success(opened(tmp_path, racing).list_images(), "list") == ()


def test_a_database_that_was_never_begun_is_an_empty_store(tmp_path: Path) -> None:
    (tmp_path / "image-pipeline.db").touch()
    store = open_store(tmp_path, clock=FixedClock()).unwrap()
    assert store.list_images().unwrap() == ()
    expect_success(put(store, SAMPLE, EPOCH), "commit")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("labels", "["),
        ("labels", "[1]"),
        ("labels", '[["a", "b"], ["a", "c"]]'),
        ("unverified_reason", "{"),
        ("imported_at", 2**62),
    ],
)
def test_a_record_that_cannot_be_read_is_named(root: Path, column: str, value: object) -> None:
    with contextlib.closing(sqlite3.connect(root / "image-pipeline.db")) as connection:
        connection.execute(f"UPDATE images SET {column} = ?", (value,))
        connection.commit()
    error = opened(root).list_images().failure()
    assert isinstance(error, StoreCorrupt)
    assert SAMPLE.image_id.image_id in error.path


def test_pages_are_the_listing_in_parts(tmp_path: Path) -> None:
    store = opened(tmp_path / "store")
    assert store.list_page(3).unwrap() == ()
    samples = [Sample(version=str(number)) for number in range(7)]
    for sample in samples:
        expect_success(put(store, sample, EPOCH), "commit")
    blob_of(store.root, samples[3]).unlink()
    whole = store.list_images().unwrap()
    assert len(whole) == 6
    pages = []
    after = None
    while page := store.list_page(2, after).unwrap():
        pages.append(page)
        after = page[-1].image_id
    assert [len(page) for page in pages] == [2, 2, 2]
    assert tuple(image for page in pages for image in page) == whole
    assert store.list_page(2, Sample(version="never").image_id).unwrap() == ()


def test_the_last_use_is_noted_to_the_hour(root: Path) -> None:
    clock = FixedClock(EPOCH)
    filesystem = StoppingFilesystem()
    store = opened(root, filesystem, clock)

    def last_used() -> datetime | None:
        return store.place.read(partial(index.last_used, hex_digits=SAMPLE.image_id.hex))

    assert last_used() == EPOCH
    clock.advance(USE_NOTED_SECONDS - 1)
    store.touch(SAMPLE.image_id)
    assert last_used() == EPOCH
    # A use that need not be noted takes no lock and no transaction.
    assert not any("locks" in call or "BEGIN IMM" in call for call in filesystem.calls)
    clock.advance(1)
    store.touch(SAMPLE.image_id)
    assert last_used() == clock.now()
    refreshed_at = clock.now() + timedelta(seconds=1)
    expect_success(store.refresh(URL, Validators(), Freshness(refreshed_at)), "refresh")
    assert last_used() == refreshed_at
    store.touch(Sample(version="never").image_id)
    store.touch(Digest("sha256", "0" * 64))


def test_noting_a_use_waits_for_nobody(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits"))
    store = opened(root, clock=FixedClock(EPOCH + timedelta(days=1)))
    filesystem = StoppingFilesystem()
    with locks.held(filesystem, root / "locks" / "store"):
        store.touch(SAMPLE.image_id)
    used = store.place.read(partial(index.last_used, hex_digits=SAMPLE.image_id.hex))
    assert used == EPOCH


def test_noting_a_use_makes_no_store(tmp_path: Path) -> None:
    opened(tmp_path / "store").touch(SAMPLE.image_id)
    assert not (tmp_path / "store").exists()


def test_a_store_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert isinstance(open_store(file, clock=FixedClock()).failure(), StoreUnavailable)
    assert isinstance(put_nothing(file / "below"), StoreUnavailable)


def put_nothing(root: Path) -> StoreError:
    with opened(root).quarantine() as session:
        return session.failure()


def test_a_path_that_no_file_can_have_is_refused() -> None:
    with opened(Path("a\0b")).quarantine() as session:
        assert isinstance(session.failure(), StoreUnavailable)


def test_a_text_that_no_column_can_hold_is_refused_and_nothing_stays(tmp_path: Path) -> None:
    half_a_character = Sample(validators=Validators("\ud800"))
    outcome = put(opened(tmp_path), half_a_character, EPOCH)
    assert isinstance(outcome.failure(), StoreUnavailable)
    assert not blob_of(tmp_path, half_a_character).exists()
    assert opened(tmp_path).list_images().unwrap() == ()


def test_foreign_text_comes_back_as_it_went_in(tmp_path: Path) -> None:
    label = Label(LabelName("note"), "'; DROP TABLE images; --\ud800\0é")
    store = opened(tmp_path)
    with store.quarantine() as session:
        plain = extracted_of(SAMPLE, session.unwrap(), EPOCH)
        labels = Labels((label,))
        object.__setattr__(plain.manifest, "labels", labels)
        expect_success(store.commit(plain), "commit")
    assert store.find(NAME, labels).unwrap().labels == labels


def test_a_store_may_have_any_folder_name(tmp_path: Path) -> None:
    root = tmp_path / "a b?mode=memory#%41é"
    expect_success(put(opened(root), SAMPLE, EPOCH), "commit")
    assert (root / "image-pipeline.db").exists()
    assert opened(root).resolve(SAMPLE.image_id.hex).unwrap().image_id == SAMPLE.image_id


def test_a_moved_store_is_the_same_store(root: Path) -> None:
    moved = root.with_name("moved")
    shutil.move(root, moved)
    assert opened(moved).resolve(SAMPLE.image_id.hex).unwrap().name == NAME


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        (lambda store: store.resolve("ab"), "sqlite_autoindex_images_1"),
        (lambda store: store.find(ImageName("example.com/none"), Labels()), "images_by_name"),
        (lambda store: store.lookup("https://example.com/none"), "PRIMARY KEY"),
        (lambda store: store.find(NAME, SAMPLE.labels), "images_by_version"),
        (lambda store: store.list_images(), "images_by_import"),
        (lambda store: store.list_page(5, SAMPLE.image_id), "images_by_import (imported_at<?"),
    ],
)
def test_questions_go_through_an_index(
    root: Path, question: Callable[[LayoutStore], object], wanted: str
) -> None:
    filesystem = ExplainingFilesystem()
    question(opened(root, filesystem))
    assert any(wanted in plan for plan in filesystem.plans)
    assert not any("TEMP B-TREE" in plan for plan in filesystem.plans)


class ExplainingFilesystem(StoppingFilesystem):
    """Has SQLite say how it would answer each question."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[str] = []

    def note(self, call: str) -> None:
        """Ignore calls."""

    def connect(self, uri: str) -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        connection.set_trace_callback(lambda sql: self._explain(uri, sql))
        return connection

    def _explain(self, uri: str, sql: str) -> None:
        if sql.startswith("SELECT") and "sqlite_master" not in sql:
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
                rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
            self.plans.extend(row[3] for row in rows)
