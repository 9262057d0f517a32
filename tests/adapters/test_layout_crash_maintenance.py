"""A migration, a rebuild or a collection that is stopped before any one of its calls.

As :mod:`tests.adapters.test_layout_crash` does it for commits and removals: whatever was there
before is there, and the same again ends as if nothing had happened.
"""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.layout.filesystem import Filesystem
from pipeline.adapters.layout.maintenance import (
    collect_store,
    measure_store,
    rebuild_store,
    verify_store,
)
from pipeline.errors import DiskFull, StoreCorrupt, StoreError
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH, FixedClock
from tests.adapters.store_world import (
    StoppingFilesystem,
    assert_sound,
    disk_full,
    io_error,
    kill,
    opened,
    quick_folder,
    run_in_child,
)
from tests.adapters.test_layout_crash import NEW, OCI, OCI_NEW, SIGNED, UNSIGNED
from tests.adapters.test_layout_migration import make_format_1, make_format_2

Change = Callable[[Path, Filesystem], Result[object, StoreError]]
DATABASE = "image-pipeline.db"
NOW = FixedClock(datetime.now(UTC))
LATER = FixedClock(EPOCH + timedelta(days=1))


def migrate(root: Path, filesystem: Filesystem) -> Result[object, StoreError]:
    return opened(root, filesystem).remove(SIGNED.image_id)


def rebuild(root: Path, filesystem: Filesystem) -> Result[object, StoreError]:
    return rebuild_store(root, clock=LATER, filesystem=filesystem)


def collect(root: Path, filesystem: Filesystem) -> Result[object, StoreError]:
    return collect_store(root, clock=NOW, grace=timedelta(days=1), filesystem=filesystem)


def make_good(root: Path) -> None:
    for sample in (SIGNED, UNSIGNED, OCI):
        expect_success(put(opened(root), sample, EPOCH), "commit")


def make_messy(root: Path) -> None:
    """Make a store with one of everything that can be left behind."""
    make_good(root)
    for sample in (NEW, OCI_NEW):
        expect_success(put(opened(root), sample, EPOCH), "commit")
        execute(root, "DELETE FROM images WHERE hex = ?", sample.image_id.hex)
    own = OCI_NEW.blobs.keys() - OCI.blobs.keys()
    left = [
        *(root / "blobs" / "sha256" / digest.hex for digest in own),
        root / "blobs" / "sha512" / NEW.image_id.hex,
        root / f"{DATABASE}.new",
        root / "records" / "sha512" / f"{NEW.image_id.hex}.json.new",
        root / "records" / "sha512" / f"{'0' * 128}.json",
        root / "records" / "sha512" / f"{UNSIGNED.image_id.hex}.removed",
        root / "quarantine" / "0123456789abcdef" / "archive-1",
        root / "partials" / ("0" * 64 + "-0") / "data",
        root / "partials" / ("0" * 64 + "-0") / "lock",
        root / "partials" / ("0" * 64 + "-0"),
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True, parents=True)
        if not path.exists():
            path.touch()
    for path in left:
        os.utime(path, (0, 0))


def make_lost(root: Path) -> None:
    make_good(root)
    (root / DATABASE).unlink()


def make_junk(root: Path) -> None:
    make_good(root)
    (root / DATABASE).write_bytes(b"junk" * 999)


def make_doubted(root: Path) -> None:
    """Make a store whose index has a log that was never written into it."""
    make_good(root)
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as reader:
        reader.execute("SELECT count(*) FROM images").fetchone()
        expect_success(opened(root).remove(UNSIGNED.image_id), "remove")
        for suffix in ("", "-wal", "-shm"):
            shutil.copyfile(root / f"{DATABASE}{suffix}", root / f"kept{suffix}")
    for suffix in ("", "-wal", "-shm"):
        (root / f"kept{suffix}").rename(root / f"{DATABASE}{suffix}")


def execute(root: Path, sql: str, *parameters: object) -> None:
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(sql, parameters)
        connection.commit()


def state(root: Path) -> object:
    """Everything that a repeat must come to: all rows and all files of the store's own."""
    folders = (root / "blobs", root / "records", root / "partials", root / "quarantine")
    files = {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b""
        for folder in folders
        for path in folder.rglob("*")
    }
    # Of a rebuild that is done twice, the copy that it kept is that of its first outcome.
    passing = {"partials", "quarantine", f"{DATABASE}-wal", f"{DATABASE}-shm"}
    names = {
        path.name
        for path in root.iterdir()
        if path.name not in passing and ".replaced" not in path.name
    }
    with contextlib.closing(sqlite3.connect(root / DATABASE)) as connection:
        tables = ("images", "manifests", "signatures", "manifest_proofs", "blobs", "remotes")
        rows = [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables
        ]
        version = connection.execute("PRAGMA user_version").fetchone()
    findings = verify_store(root, filesystem=StoppingFilesystem()).unwrap().findings
    listed = root / "index.json"
    entries = json.loads(listed.read_bytes())["manifests"] if listed.exists() else []
    return files, names, rows, version, findings, entries, measure_store(root).unwrap().listing_lag


CASES: list[tuple[Callable[[Path], None], Change, Callable[[], None]]] = [
    (make_format_1, migrate, io_error),
    (make_format_1, migrate, disk_full),
    (make_format_1, migrate, kill),
    (make_format_1, rebuild, io_error),
    (make_format_2, migrate, kill),
    (make_messy, collect, io_error),
    (make_messy, collect, kill),
    (make_lost, rebuild, disk_full),
    (make_junk, rebuild, kill),
    (make_doubted, rebuild, kill),
]


@pytest.mark.parametrize(
    ("make", "change", "stop"), CASES, ids=["-".join(f.__name__ for f in case) for case in CASES]
)
def test_maintenance_stopped_before_any_call_loses_nothing(
    make: Callable[[Path], None], change: Change, stop: Callable[[], None]
) -> None:
    with quick_folder() as folder:
        make(folder / "template")

        def copy(name: str) -> Path:
            return shutil.copytree(folder / "template", folder / name)

        before = opened(copy("before")).list_images().value_or(())
        damaged = make in {make_lost, make_junk}
        whole = StoppingFilesystem()
        expect_success(change(copy("after"), whole), "change")
        listed = opened(folder / "after").list_images().unwrap()
        after = state(folder / "after")
        assert len(whole.calls) > 10
        for number, call in enumerate(whole.calls, 1):
            root = copy(str(number))
            error = run_stopped(change, root, StoppingFilesystem(number, stop), stop)
            if stop is disk_full and error is not None:
                assert isinstance(error, DiskFull), call
            # 1. It opens, and has what it had, or what it was to have.
            found = opened(root).list_images()
            if not damaged or is_successful(found):
                assert found.unwrap() in (before, listed), call
            else:
                assert isinstance(found.failure(), StoreCorrupt), call
            # 2. It is not damaged, where it was not damaged before.
            if not damaged:
                assert_sound(root)
                checked = verify_store(root, filesystem=StoppingFilesystem()).unwrap()
                assert not checked.is_damaged, (call, checked.findings)
            # 3. The same again ends as if nothing had happened.
            if (
                make in {make_format_1, make_format_2}
                and found.unwrap() == listed
                and change is migrate
            ):
                continue
            expect_success(change(root, StoppingFilesystem()), f"change again after {call}")
            assert state(root) == after, call
            shutil.rmtree(root)


def run_stopped(
    change: Change, root: Path, filesystem: StoppingFilesystem, stop: Callable[[], None]
) -> StoreError | None:
    if stop is kill:
        assert run_in_child(lambda: discard(change(root, filesystem))) == -signal.SIGKILL
        return None
    outcome = change(root, filesystem)
    return None if is_successful(outcome) else outcome.failure()


def discard(outcome: object) -> None:
    """Take an outcome that nobody will see."""
