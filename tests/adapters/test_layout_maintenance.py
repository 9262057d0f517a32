"""Verifying, rebuilding, collecting and measuring a store, and what each leaves alone."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.adapters.layout import index, locks, records
from pipeline.adapters.layout.facts import UNKNOWN
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.findings import Checked, Kind
from pipeline.adapters.layout.maintenance import (
    Collected,
    Rebuilt,
    collect_store,
    list_unused,
    measure_store,
    rebuild_store,
    remove_unused,
    verify_store,
)
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt, StoreTooNew, StoreUnavailable
from pipeline.names import ImageName, Labels, Platform
from pipeline.results import Freshness, NoProof, Validators
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.makers import make_archive, make_manifest
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import NAME, URL, Sample
from tests.adapters.store_world import StoppingFilesystem, assert_sound, opened
from tests.adapters.test_layout_migration import make_format_1

SIGNED = Sample(version="1", signers="a", content=b"signed", max_age_seconds=5)
UNSIGNED = Sample(version="2", content=b"unsigned", url=f"{URL}?2")
LATEST = Sample(version="3", asked_version=None, url=f"{URL}?3", signers="bc")
OTHER = Sample(version="9")
OCI = OciSample(layers=(b"shared", b"one"), signers="a*")
OCI_TWO = OciSample(repository="two", layers=(b"shared", b"two"))
PLATFORM = Platform("linux", "amd64")
DATABASE = "image-pipeline.db"


def blob_of(root: Path, sample: Sample | OciSample) -> Path:
    return path_of(root, sample.image_id)


def path_of(root: Path, digest: Digest) -> Path:
    return root / "blobs" / digest.algorithm / digest.hex


def record_of(root: Path, sample: Sample | OciSample) -> Path:
    image_id = sample.image_id
    return root / "records" / image_id.algorithm / f"{image_id.hex}.json"


def verify(root: Path) -> Checked:
    return verify_store(root, filesystem=StoppingFilesystem()).unwrap()


def kinds(root: Path) -> list[Kind]:
    return [finding.kind for finding in verify(root).findings]


def rebuild(root: Path) -> Rebuilt:
    clock = FixedClock(EPOCH + timedelta(days=30))
    return rebuild_store(root, clock=clock, filesystem=StoppingFilesystem()).unwrap()


def collect(root: Path, hours: float = 24, *, dry_run: bool = False) -> tuple[Collected, ...]:
    outcome = collect_store(
        root,
        clock=FixedClock(datetime.now(UTC)),
        grace=timedelta(hours=hours),
        dry_run=dry_run,
        filesystem=StoppingFilesystem(),
    )
    return outcome.unwrap()


def make_old(path: Path) -> None:
    """Have it look as nobody has changed it for two days."""
    then = (datetime.now(UTC) - timedelta(days=2)).timestamp()
    os.utime(path, (then, then))


def execute(root: Path, sql: str, *parameters: object) -> None:
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        # Digests stand in columns by their digits.
        values = [each.hex if isinstance(each, Digest) else each for each in parameters]
        connection.execute(sql, values)
        connection.commit()


def execute_freely(root: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(sql)
        connection.commit()


def spoil_an_index(root: Path) -> None:
    """Have SQLite take an index for one over another column."""
    execute_freely(
        root,
        "UPDATE sqlite_master SET sql = replace(sql, '(imported_at', '(archive_bytes') "
        "WHERE name = 'images_by_import'",
    )


def everything(root: Path) -> object:
    """All rows, to compare; ``id`` orders equal times of import."""
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as connection:
        tables = ("images", "manifests", "signatures", "manifest_proofs", "blobs", "remotes")
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables
        ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    for sample in (SIGNED, UNSIGNED, LATEST):
        expect_success(put(opened(folder), sample, EPOCH), "commit")
    return folder


class TestVerify:
    """Every kind of damage is found, and nothing else is called so."""

    def test_a_good_store(self, root: Path) -> None:
        size = sum(len(sample.archive) for sample in (SIGNED, UNSIGNED, LATEST))
        assert verify(root) == Checked(3, 3, size, ())

    def test_no_store(self, tmp_path: Path) -> None:
        assert verify(tmp_path / "store") == Checked(0, 0, 0, ())
        assert not (tmp_path / "store").exists()

    @pytest.mark.parametrize(
        ("kind", "harm"),
        [
            ("blob-missing", lambda root: blob_of(root, SIGNED).unlink()),
            ("blob-damaged", lambda root: flip(blob_of(root, SIGNED))),
            ("blob-damaged", lambda root: cut_off(blob_of(root, SIGNED))),
            ("blob-damaged", lambda root: put_a_link(blob_of(root, SIGNED))),
            ("blob-damaged", lambda root: put_a_folder(blob_of(root, SIGNED))),
            ("record-missing", lambda root: record_of(root, SIGNED).unlink()),
            ("record-damaged", lambda root: cut_off(record_of(root, SIGNED))),
            ("record-damaged", lambda root: put_a_link(record_of(root, SIGNED))),
            (
                "record-damaged",
                lambda root: shutil.copyfile(record_of(root, UNSIGNED), record_of(root, SIGNED)),
            ),
            ("record-differs", lambda root: execute(root, "UPDATE images SET imported_at = 1")),
            ("record-differs", lambda root: execute(root, "UPDATE images SET latest_at = 2")),
            (
                "record-differs",
                lambda root: execute(root, "UPDATE images SET source = 'elsewhere'"),
            ),
            ("row-damaged", lambda root: execute(root, "UPDATE images SET labels = '['")),
            ("row-damaged", lambda root: execute(root, "UPDATE manifests SET raw = '{}'")),
            ("row-differs", lambda root: execute(root, "UPDATE images SET name = 'a/b'")),
            ("row-differs", lambda root: execute(root, "UPDATE images SET labels = '[]'")),
            ("row-differs", lambda root: execute(root, "UPDATE images SET archive_bytes = 1")),
            ("row-differs", lambda root: execute(root, "UPDATE manifests SET raw = X'7b7d'")),
            ("row-differs", lambda root: execute(root, "DELETE FROM manifests")),
            ("database-damaged", lambda root: (root / DATABASE).write_bytes(b"junk" * 9999)),
            ("database-damaged", lambda root: cut_off(root / DATABASE)),
            ("database-damaged", lambda root: execute(root, "DROP TABLE remotes")),
            ("database-damaged", spoil_an_index),
            ("database-damaged", lambda root: execute_freely(root, "UPDATE remotes SET image = 9")),
            ("database-missing", lambda root: (root / DATABASE).unlink()),
            ("database-missing", lambda root: (root / DATABASE).write_bytes(b"")),
        ],
    )
    def test_damage(self, root: Path, kind: Kind, harm: Callable[[Path], object]) -> None:
        harm(root)
        checked = verify(root)
        assert kind in [finding.kind for finding in checked.findings]
        assert checked.is_damaged
        # What is damage is said of what is damaged alone.
        if harm.__code__.co_names[0] in {"blob_of", "flip", "record_of"}:
            assert len(checked.findings) == 1

    @pytest.mark.parametrize(
        ("kind", "leave"),
        [
            ("blob-unknown", lambda root: blob_of(root, OTHER).write_bytes(OTHER.archive)),
            ("file-unknown", lambda root: (root / "blobs" / "sha512" / "notes").touch()),
            ("record-unknown", lambda root: record_of(root, OTHER).touch()),
            ("file-unknown", lambda root: (root / "records" / "sha512" / "notes").touch()),
            ("draft", lambda root: record_of(root, OTHER).with_suffix(".json.new").touch()),
            ("draft", lambda root: (root / f"{DATABASE}.new").touch()),
            ("draft", lambda root: (root / f"{DATABASE}.new-wal").touch()),
            ("record-ahead", lambda root: execute(root, "UPDATE images SET latest_at = NULL")),
            ("record-ahead", lambda root: execute(root, "DELETE FROM signatures")),
        ],
    )
    def test_leftovers_are_no_damage(
        self, root: Path, kind: Kind, leave: Callable[[Path], object]
    ) -> None:
        leave(root)
        checked = verify(root)
        assert kind in {finding.kind for finding in checked.findings}
        assert not checked.is_damaged

    @pytest.mark.parametrize("wholly", [True, False])
    def test_an_image_that_is_removed_meanwhile_is_no_finding(
        self, root: Path, wholly: bool
    ) -> None:
        filesystem = StoppingFilesystem()

        def note(call: str) -> None:
            # The names have been taken stock of, and no archive has been read.
            if call == "sql PRAGMA integrity_check(10)":
                execute(root, "DELETE FROM images WHERE hex = ?", SIGNED.image_id.hex)
                if wholly:
                    opened(root).remove(SIGNED.image_id)

        filesystem.note = note  # type: ignore[method-assign] # this one call is waited for
        assert verify_store(root, filesystem=filesystem).unwrap().findings == ()

    def test_a_later_format_is_not_looked_at(self, root: Path) -> None:
        execute(root, "PRAGMA user_version = 99")
        assert isinstance(verify_store(root).failure(), StoreTooNew)


def flip(path: Path, position: int = 700) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2 + 1)


def put_a_link(path: Path) -> None:
    path.rename(path.parent.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent.parent / "elsewhere")


def put_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


class TestRebuild:
    """What was there before is there again, whatever became of the index."""

    @pytest.mark.parametrize(
        "harm",
        [
            lambda root: (root / DATABASE).unlink(),
            lambda root: (root / DATABASE).write_bytes(b""),
            lambda root: (root / DATABASE).write_bytes(b"junk" * 9999),
            lambda root: cut_off(root / DATABASE),
            lambda root: os.truncate(root / DATABASE, 100),
            lambda root: execute(root, "DROP TABLE remotes"),
            lambda root: execute(root, "UPDATE images SET labels = '['"),
            lambda root: execute(root, "DELETE FROM images"),
            lambda root: None,
        ],
    )
    def test_everything_comes_back(self, root: Path, harm: Callable[[Path], object]) -> None:
        before = everything(root)
        listed = opened(root).list_images().unwrap()
        files = record_of(root, SIGNED).read_bytes()
        harm(root)
        assert rebuild(root) == Rebuilt(3, (), ())
        assert everything(root) == before
        assert opened(root).list_images().unwrap() == listed
        assert opened(root).find(NAME, Labels()).unwrap().image_id == LATEST.image_id
        assert opened(root).lookup(f"{URL}?3").unwrap() is not None
        assert record_of(root, SIGNED).read_bytes() == files
        assert kinds(root) == []
        assert_sound(root)

    def test_the_old_index_is_kept(self, root: Path) -> None:
        (root / DATABASE).write_bytes(b"junk" * 9999)
        (root / f"{DATABASE}-wal").write_bytes(b"its log")
        rebuild(root)
        assert (root / f"{DATABASE}.replaced").read_bytes() == b"junk" * 9999
        assert (root / f"{DATABASE}.replaced-wal").read_bytes() == b"its log"
        assert not (root / f"{DATABASE}-wal").exists()

    def test_uses_and_urls_asked_again_come_from_the_old_index(self, root: Path) -> None:
        later = Freshness(EPOCH + timedelta(days=9), 77)
        expect_success(opened(root).refresh(URL, Validators("new"), later), "refresh")
        before = everything(root)
        rebuild(root)
        assert everything(root) == before

    def test_an_image_without_a_record_comes_back_unverified(self, root: Path) -> None:
        record_of(root, SIGNED).unlink()
        (root / DATABASE).unlink()
        assert rebuild(root) == Rebuilt(3, (SIGNED.image_id,), ())
        image = opened(root).resolve(SIGNED.image_id.hex).unwrap()
        assert image.provenance == UNKNOWN
        assert isinstance(image.provenance, NoProof)
        assert "nothing says how" in image.provenance.reason
        assert image.imported_at == EPOCH + timedelta(days=30)
        assert kinds(root) == []

    def test_a_missing_record_is_written_from_the_old_index(self, root: Path) -> None:
        kept = record_of(root, SIGNED).read_bytes()
        record_of(root, SIGNED).unlink()
        assert rebuild(root) == Rebuilt(3, (), ())
        assert record_of(root, SIGNED).read_bytes() == kept

    def test_an_unreadable_record_is_replaced_and_named(self, root: Path) -> None:
        kept = record_of(root, SIGNED).read_bytes()
        record_of(root, SIGNED).write_bytes(kept + b" ")
        rebuilt = rebuild(root)
        assert [finding.kind for finding in rebuilt.left_out] == ["record-damaged"]
        assert record_of(root, SIGNED).read_bytes() == kept

    def test_what_is_no_image_is_left_and_named(self, root: Path) -> None:
        flip(blob_of(root, SIGNED))
        wrong = [
            b"no tar",
            make_archive(b"{}"),
            make_archive(make_manifest("example.com/app"))[:-1024] + b"x" * 1024,
        ]
        for content in wrong:
            name = Digest("sha512", hashlib.sha512(content).hexdigest()).hex
            (root / "blobs" / "sha512" / name).write_bytes(content)
        (root / "blobs" / "sha512" / "notes").write_bytes(b"mine")
        before = {path: path.read_bytes() for path in (root / "blobs").glob("*/*")}
        rebuilt = rebuild(root)
        assert rebuilt.images == 2
        found = sorted(finding.kind for finding in rebuilt.left_out)
        assert found == ["blob-damaged"] * 4 + ["file-unknown"]
        assert {path: path.read_bytes() for path in (root / "blobs").glob("*/*")} == before

    def test_an_archive_that_no_row_knew_is_an_image_again(self, root: Path) -> None:
        execute(root, "DELETE FROM images WHERE hex = ?", SIGNED.image_id.hex)
        assert kinds(root) == ["blob-unknown", "record-unknown"]
        assert rebuild(root) == Rebuilt(3, (), ())
        image = opened(root).resolve(SIGNED.image_id.hex).unwrap()
        assert image.provenance == SIGNED.provenance

    def test_an_earlier_format_loses_nothing(self, tmp_path: Path) -> None:
        make_format_1(tmp_path / "store")
        before = opened(tmp_path / "store").list_images().unwrap()
        assert rebuild(tmp_path / "store") == Rebuilt(3, (), ())
        assert opened(tmp_path / "store").list_images().unwrap() == before
        assert kinds(tmp_path / "store") == []

    def test_a_url_is_that_images_that_was_fetched_last(self, root: Path) -> None:
        """In whatever order the archives are read."""
        a, b = f"{URL}?a", f"{URL}?b"
        history = [(SIGNED, a), (UNSIGNED, a), (UNSIGNED, b), (SIGNED, b)]
        for minute, (sample, url) in enumerate(history):
            now = EPOCH + timedelta(minutes=minute)
            expect_success(put(opened(root), replace(sample, url=url), now), "commit")
        (root / DATABASE).unlink()
        rebuild(root)
        for url, sample in ((a, UNSIGNED), (b, SIGNED)):
            entry = opened(root).lookup(url).unwrap()
            assert entry is not None
            assert entry.image.image_id == sample.image_id

    def test_one_that_stops_before_the_new_name_leaves_the_old_index_whole(
        self, root: Path
    ) -> None:
        """Also what stood in its log alone, which goes before the new one comes."""

        class Interrupted(StoppingFilesystem):
            def rename(self, source: Path, target: Path) -> None:
                if target.name == DATABASE:
                    raise KeyboardInterrupt
                super().rename(source, target)

        with contextlib.closing(sqlite3.connect(root / DATABASE)) as reader:
            reader.execute("SELECT count(*) FROM images").fetchone()
            expect_success(put(opened(root), OTHER, EPOCH), "commit")
            assert (root / f"{DATABASE}-wal").stat().st_size > 0
            with pytest.raises(KeyboardInterrupt):
                rebuild_store(root, clock=FixedClock(), filesystem=Interrupted())
            assert not (root / f"{DATABASE}-wal").exists()
        assert len(opened(root).list_images().unwrap()) == 4
        assert kinds(root) == []

    def test_whoever_reads_for_too_long_is_not_deprived_of_the_log(self, root: Path) -> None:
        class Impatient(StoppingFilesystem):
            def connect(self, uri: str) -> sqlite3.Connection:
                connection = super().connect(uri)
                connection.execute("PRAGMA busy_timeout = 0")
                return connection

        with contextlib.closing(sqlite3.connect(root / DATABASE)) as reader:
            expect_success(put(opened(root), OTHER, EPOCH), "commit")
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM images").fetchone() == (4,)
            expect_success(opened(root).remove(OTHER.image_id), "remove")
            outcome = rebuild_store(root, clock=FixedClock(), filesystem=Impatient())
            assert isinstance(outcome.failure(), StoreUnavailable)
            assert (root / f"{DATABASE}-wal").exists()
        assert len(opened(root).list_images().unwrap()) == 3
        assert kinds(root) == []

    def test_records_of_two_indexes_may_claim_the_same_place(self, root: Path) -> None:
        facts = records.read(root, SIGNED.image_id)
        assert facts is not None
        for sample in (UNSIGNED, LATEST):
            own = records.read(root, sample.image_id)
            assert own is not None
            moved = replace(own, order=facts.order)
            records.write(StoppingFilesystem(), root, sample.image_id, moved)
        (root / DATABASE).unlink()
        assert rebuild(root) == Rebuilt(3, (), ())
        assert kinds(root) == []

    def test_another_programs_database_is_left_alone(self, root: Path) -> None:
        execute(root, "PRAGMA application_id = 7")
        before = (root / DATABASE).read_bytes()
        error = rebuild_store(root, clock=FixedClock()).failure()
        assert isinstance(error, StoreCorrupt)
        assert (root / DATABASE).read_bytes() == before

    def test_a_later_format_is_left_alone(self, root: Path) -> None:
        execute(root, "PRAGMA user_version = 99")
        assert isinstance(rebuild_store(root, clock=FixedClock()).failure(), StoreTooNew)

    def test_no_store_is_no_store(self, tmp_path: Path) -> None:
        error = rebuild_store(tmp_path / "store", clock=FixedClock()).failure()
        assert isinstance(error, StoreUnavailable)
        assert not (tmp_path / "store").exists()

    def test_whoever_has_the_old_index_open_does_no_harm_to_the_new_one(self, root: Path) -> None:
        """SQLite removes a log by its name: that of the new index, in the worst case."""
        with contextlib.closing(sqlite3.connect(root / DATABASE)) as reader:
            assert reader.execute("SELECT count(*) FROM images").fetchone() == (3,)
            rebuild(root)
            with contextlib.closing(sqlite3.connect(root / DATABASE)) as holder:
                holder.execute("SELECT count(*) FROM images").fetchone()
                expect_success(put(opened(root), OTHER, EPOCH), "commit")
                assert (root / f"{DATABASE}-wal").stat().st_size > 0
                assert reader.execute("SELECT count(*) FROM images").fetchone() == (3,)
                reader.close()
                assert (root / f"{DATABASE}-wal").stat().st_size > 0
        assert len(opened(root).list_images().unwrap()) == 4
        assert kinds(root) == []

    def test_an_answer_of_an_index_that_was_replaced_meanwhile_does_not_count(
        self, root: Path
    ) -> None:
        place = opened(root).place
        asked = []

        def query(connection: sqlite3.Connection) -> int:
            asked.append(connection)
            if len(asked) == 1:
                execute(root, "DELETE FROM images")
                rebuild(root)
                raise sqlite3.DatabaseError("what was read is of two databases")
            return len(index.every_id(connection))

        assert place.read(query) == 3
        assert len(asked) == 2

    def test_a_store_that_has_lost_its_index_takes_no_more_images(self, root: Path) -> None:
        """A new index would know one image, and the others would look like leftovers."""
        (root / DATABASE).unlink()
        error = put(opened(root), OTHER, EPOCH).failure()
        assert isinstance(error, StoreCorrupt)
        assert "store rebuild" in error.hint
        assert rebuild(root).images == 3
        expect_success(put(opened(root), OTHER, EPOCH), "commit")


class TestRecord:
    """A record is exactly what this program writes, or it is refused."""

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("order", True),
            ("order", "1"),
            ("order", 2**70),
            ("imported_at", 1.0),
            ("source", 1),
            ("latest_at", "never"),
            ("version", 2),
            ("image", "sha512-00"),
            ("unknown", 1),
            ("remotes", {}),
            ("remotes", [{}]),
            ("provenance", {}),
            ("provenance", {"unverified_reason": 1}),
            ("provenance", {"unverified_reason": "x", "signature": ""}),
        ],
    )
    def test_a_member(self, root: Path, member: str, value: object) -> None:
        document = json.loads(record_of(root, SIGNED).read_bytes())
        changed = json.dumps(document | {member: value}, sort_keys=True, separators=(",", ":"))
        record_of(root, SIGNED).write_text(changed)
        assert kinds(root) == ["record-damaged"]

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 99_999, b"null"])
    def test_another_document(self, root: Path, content: bytes) -> None:
        record_of(root, SIGNED).write_bytes(content)
        assert kinds(root) == ["record-damaged"]

    def test_a_member_that_stands_there_twice(self, root: Path) -> None:
        content = record_of(root, SIGNED).read_bytes()
        record_of(root, SIGNED).write_bytes(content.replace(b"{", b'{"order":1,', 1))
        assert kinds(root) == ["record-damaged"]

    def test_a_huge_one_is_not_read(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        size = record_of(root, SIGNED).stat().st_size
        monkeypatch.setattr(records, "RECORD_BYTES", size)
        assert kinds(root) == ["record-damaged"] * (record_of(root, LATEST).stat().st_size > size)
        with record_of(root, SIGNED).open("ab") as file:
            file.truncate(size + 1)
        monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} is read"))
        with pytest.raises(Refused):
            records.read(root, SIGNED.image_id)

    def test_a_huge_one_is_not_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(records, "RECORD_BYTES", 100)
        assert isinstance(put(opened(tmp_path), SIGNED, EPOCH).failure(), StoreUnavailable)
        assert not blob_of(tmp_path, SIGNED).exists()

    def test_no_secret_is_in_it(self, tmp_path: Path) -> None:
        sample = Sample(url="https://example.com/app.aci?token=s3cret")
        expect_success(put(opened(tmp_path), sample, EPOCH), "commit")
        assert b"s3cret" not in record_of(tmp_path, sample).read_bytes()


class TestCollect:
    """What nobody needs goes; what anybody may need stays."""

    def test_an_orphan_goes_with_its_record_after_the_grace_period(self, root: Path) -> None:
        expect_success(put(opened(root), OTHER, EPOCH), "commit")
        execute(root, "DELETE FROM images WHERE hex = ?", OTHER.image_id.hex)
        assert collect(root) == ()
        make_old(blob_of(root, OTHER))
        would = collect(root, dry_run=True)
        assert blob_of(root, OTHER).exists()
        assert collect(root) == would
        assert [(each.kind, each.path) for each in would] == [
            ("blob", f"blobs/sha512/{OTHER.image_id.hex}"),
            ("record", f"records/sha512/{OTHER.image_id.hex}.json"),
        ]
        assert would[0].size == len(OTHER.archive)
        assert kinds(root) == []
        assert len(opened(root).list_images().unwrap()) == 3
        assert collect(root) == ()

    def test_a_record_without_a_blob_goes(self, root: Path) -> None:
        record_of(root, OTHER).touch()
        assert [each.kind for each in collect(root)] == ["record"]

    def test_images_stay_however_old(self, root: Path) -> None:
        for sample in (SIGNED, UNSIGNED, LATEST):
            make_old(blob_of(root, sample))
        assert collect(root, 0) == ()
        assert kinds(root) == []

    def test_other_files_stay(self, root: Path) -> None:
        theirs = [root / "blobs" / "sha512" / "notes", root / "records" / "sha512" / "notes"]
        theirs += [root / "blobs" / "sha256" / ("0" * 63), root / f"{DATABASE}.1.bak"]
        theirs += [root / "blobs" / "blake3" / ("0" * 64), root / "index.json.bak"]
        for path in theirs:
            path.parent.mkdir(exist_ok=True)
            path.touch()
            make_old(path)
        assert collect(root, 0) == ()
        assert all(path.exists() for path in theirs)

    def test_without_an_index_nothing_goes(self, root: Path) -> None:
        (root / DATABASE).unlink()
        for sample in (SIGNED, UNSIGNED, LATEST):
            make_old(blob_of(root, sample))
        outcome = collect_store(root, clock=FixedClock(), grace=timedelta(0))
        assert isinstance(outcome.failure(), StoreCorrupt)
        assert blob_of(root, SIGNED).exists()

    def test_what_says_that_an_image_is_removed_says_nothing_beside_its_archive(
        self, root: Path
    ) -> None:
        record_of(root, SIGNED).with_suffix(".removed").touch()
        assert kinds(root) == ["record-unknown"]
        assert [each.kind for each in collect(root)] == ["removal"]
        assert len(opened(root).list_images().unwrap()) == 3
        assert kinds(root) == []

    def test_drafts_go(self, root: Path) -> None:
        drafts = [root / f"{DATABASE}.new", root / "oci-layout.new"]
        drafts.append(record_of(root, SIGNED).with_suffix(".json.new"))
        for path in drafts:
            path.touch()
        assert {each.kind for each in collect(root)} == {"draft"}
        assert not any(path.exists() for path in drafts)
        assert kinds(root) == []

    def test_a_dead_session_goes_and_a_live_one_stays(self, root: Path) -> None:
        dead = root / "quarantine" / "0123456789abcdef"
        dead.mkdir()
        (dead / "archive-1").write_bytes(b"x" * 100)
        with opened(root).quarantine() as session:
            session.unwrap().create("archive").unwrap().write(b"here")
            dead.mkdir(exist_ok=True)
            (dead / "archive-1").write_bytes(b"x" * 100)
            assert collect(root, dry_run=True) == (
                Collected("session", f"quarantine/{dead.name}", 100),
            )
            assert dead.exists()
            assert [each.kind for each in collect(root)] == ["session"]
            assert not dead.exists()
            assert len(list((root / "quarantine").iterdir())) == 1

    def test_a_partial_goes_when_nobody_went_on_with_it(self, root: Path) -> None:
        partial = root / "partials" / ("0" * 64 + "-0")
        partial.mkdir(parents=True)
        for name in ("data", "state.json", "lock"):
            (partial / name).write_bytes(b"12345")
        assert collect(root) == ()
        for path in (*partial.iterdir(), partial):
            make_old(path)
        # 1. Never one that somebody is at.
        with locks.held(StoppingFilesystem(), partial / "lock"):
            assert collect(root) == ()
        # 2. Its newest part counts.
        (partial / "data").touch()
        assert collect(root) == ()
        make_old(partial / "data")
        assert [each.kind for each in collect(root, dry_run=True)] == ["partial"]
        assert collect(root) == (Collected("partial", f"partials/{partial.name}", 15),)
        assert not partial.exists()

    def test_no_store(self, tmp_path: Path) -> None:
        assert collect(tmp_path / "store") == ()
        assert not (tmp_path / "store").exists()


def dependent(name: str, *dependencies: Mapping[str, object]) -> Sample:
    """A sample whose manifest names dependencies."""
    return DependentSample(ImageName(name), dependencies=dependencies)


class DependentSample(Sample):  # type: ignore[misc] # final for users; a test may add a member
    """A sample with dependencies."""

    dependencies: tuple[Mapping[str, object], ...]

    def __init__(self, name: ImageName, dependencies: tuple[Mapping[str, object], ...]) -> None:
        super().__init__(name=name, url=f"https://{name}.aci")
        object.__setattr__(self, "dependencies", dependencies)

    @property
    def manifest(self) -> bytes:
        labels = {str(label.name): label.value for label in self.labels.items}
        return make_manifest(self.name, labels, self.dependencies)


class TestUnused:
    """Images go by their last use, and only where no image that stays needs them."""

    def unused(self, root: Path, days: float) -> set[str]:
        clock = FixedClock(EPOCH + timedelta(days=10))
        age = timedelta(days=days)
        found = list_unused(root, clock=clock, age=age, platform=PLATFORM).unwrap()
        return {image.name for image in found}

    def commit(self, root: Path, sample: Sample, day: int) -> None:
        clock = FixedClock(EPOCH + timedelta(days=day))
        expect_success(put(opened(root, clock=clock), sample, clock.now()), "commit")

    def test_by_last_use(self, tmp_path: Path) -> None:
        for day, name in enumerate(("e.com/a", "e.com/b", "e.com/c")):
            self.commit(tmp_path, Sample(name=ImageName(name)), day)
        assert self.unused(tmp_path, 9.5) == {"e.com/a"}
        assert self.unused(tmp_path, 8.5) == {"e.com/a", "e.com/b"}
        used = Sample(name=ImageName("e.com/a")).image_id
        opened(tmp_path, clock=FixedClock(EPOCH + timedelta(days=5))).touch(used)
        assert self.unused(tmp_path, 8.5) == {"e.com/b"}

    def test_what_a_kept_image_needs_stays(self, tmp_path: Path) -> None:
        by_id = dependent("e.com/by-id")
        self.commit(tmp_path, dependent("e.com/bottom"), 0)
        self.commit(tmp_path, dependent("e.com/middle", {"imageName": "e.com/bottom"}), 0)
        self.commit(tmp_path, by_id, 0)
        self.commit(tmp_path, dependent("e.com/alone"), 0)
        needs = {"imageName": "e.com/by-id", "imageID": by_id.image_id.image_id}
        top = dependent("e.com/top", {"imageName": "e.com/middle"}, needs)
        self.commit(tmp_path, top, 9)
        assert self.unused(tmp_path, 5) == {"e.com/alone"}
        # What only unused images need goes with them.
        assert len(self.unused(tmp_path, 0.5)) == 5

    def test_an_older_version_of_a_dependency_goes(self, tmp_path: Path) -> None:
        name = ImageName("e.com/base")
        old, new = Sample(name=name, version="1"), Sample(name=name, version="2")
        self.commit(tmp_path, old, 0)
        self.commit(tmp_path, new, 1)
        self.commit(tmp_path, dependent("e.com/top", {"imageName": "e.com/base"}), 9)
        clock = FixedClock(EPOCH + timedelta(days=10))
        age = timedelta(days=5)
        found = list_unused(tmp_path, clock=clock, age=age, platform=PLATFORM).unwrap()
        assert [image.image_id for image in found] == [old.image_id]

    def test_one_that_was_used_meanwhile_stays(self, tmp_path: Path) -> None:
        self.commit(tmp_path, SIGNED, 0)
        clock = FixedClock(EPOCH + timedelta(days=10))
        opened(tmp_path, clock=clock).touch(SIGNED.image_id)
        outcome = remove_unused(tmp_path, SIGNED.image_id, clock=clock, age=timedelta(days=5))
        assert isinstance(outcome.failure(), StoreUnavailable)
        assert len(opened(tmp_path).list_images().unwrap()) == 1
        clock.advance(6 * 86400)
        outcome = remove_unused(tmp_path, SIGNED.image_id, clock=clock, age=timedelta(days=5))
        assert outcome.unwrap().image_id == SIGNED.image_id

    def test_uses_of_an_earlier_formats_images_count_from_the_first_collection(
        self, tmp_path: Path
    ) -> None:
        make_format_1(tmp_path / "store")
        assert self.unused(tmp_path / "store", 0) == set()
        collect(tmp_path / "store")
        late = FixedClock(datetime.now(UTC) + timedelta(days=2))
        for days, wanted in ((3, 0), (1, 3)):
            age = timedelta(days=days)
            found = list_unused(tmp_path / "store", clock=late, age=age, platform=PLATFORM)
            assert len(found.unwrap()) == wanted


def test_measuring_counts_and_adds_up(root: Path) -> None:
    blob_of(root, OTHER).write_bytes(b"x" * 50)
    (root / f"{DATABASE}.1.bak").write_bytes(b"x" * 60)
    partial = root / "partials" / ("0" * 64 + "-0")
    partial.mkdir(parents=True)
    (partial / "data").write_bytes(b"x" * 70)
    size = sum(len(sample.archive) for sample in (SIGNED, UNSIGNED, LATEST))
    measured = measure_store(root).unwrap()
    assert (measured.images, measured.image_bytes, measured.unverified) == (3, size, 1)
    assert (measured.blobs, measured.blob_bytes) == (4, size + 50)
    assert (measured.partials, measured.partial_bytes) == (1, 70)
    assert (measured.sessions, measured.backup_bytes) == (0, 60)
    assert measured.database_bytes >= (root / DATABASE).stat().st_size
    assert measured.record_bytes > 3 * 200


def test_measuring_makes_no_store(tmp_path: Path) -> None:
    assert measure_store(tmp_path / "store").unwrap().images == 0
    assert not (tmp_path / "store").exists()
