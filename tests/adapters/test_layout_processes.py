"""The store among other processes and users, on small, full and read-only disks."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.layout import LayoutStore, locks, open_store
from pipeline.adapters.layout.filesystem import OsFilesystem
from pipeline.adapters.layout.maintenance import (
    Checked,
    Collected,
    collect_store,
    measure_store,
    rebuild_store,
    verify_store,
)
from pipeline.errors import DiskFull, ImageNotFound, StoreError, StoreReadOnly, StoreUnavailable
from pipeline.names import Labels
from pipeline.results import Extracted, Freshness, QuarantinedBlob, Validators
from pipeline.testing.conformance import expect_success, extracted_of, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.samples import NAME, URL, Sample
from tests.adapters.store_world import (
    StoppingFilesystem,
    assert_sound,
    become_nobody,
    fork,
    mount_read_only,
    mount_small,
    opened,
    public_folder,
    require_child,
    run_in_child,
)

SAMPLE = Sample(content=b"content")
SAMPLES = [Sample(version=str(number), url=f"{URL}?{number}") for number in range(3)]


PROCESSES = 8
COMMITS = 50


def test_processes_that_change_the_same_images_lose_nothing(tmp_path: Path) -> None:
    """Removals, collections and rebuilds go on beside the commits."""
    root = tmp_path / "store"

    def work(seed: int) -> None:
        chance = random.Random(seed)
        store = opened(root)
        # One image is this process' own: nobody else removes it.
        own = Sample(version=f"own-{seed}", url=f"{URL}?own-{seed}")
        expect_success(put(store, own, EPOCH), "commit its own image")
        for number in range(COMMITS):
            sample = chance.choice(SAMPLES)
            stored = expect_success(put(store, sample, EPOCH), "commit")
            assert stored.image_id == sample.image_id
            if number % 4 == 0:
                removed = store.remove(chance.choice(SAMPLES).image_id)
                assert is_successful(removed) or isinstance(removed.failure(), ImageNotFound)
            if number % 10 == seed:
                expect_success(collect_now(root), "collect")
            if number % 25 == seed:
                rebuilt = rebuild_store(root, clock=FixedClock(), filesystem=StoppingFilesystem())
                expect_success(rebuilt, "rebuild")
            if number % 5 == 0:
                assert_all_readable(store)
            assert store.resolve(own.image_id.hex).unwrap().image_id == own.image_id

    children = []
    for seed in range(PROCESSES):
        child = fork()
        if child == 0:
            os._exit(run_in_child(lambda: work(seed)))  # noqa: B023 - the child runs it at once
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * PROCESSES
    assert_sound(root)
    expect_success(put(opened(root), SAMPLE, EPOCH), "commit afterwards")
    assert list((root / "quarantine").iterdir()) == []
    assert verify_store(root).unwrap().findings == ()
    assert len(opened(root).list_images().unwrap()) >= PROCESSES


def assert_all_readable(store: LayoutStore) -> None:
    for image in expect_success(store.list_images(), "list"):
        archive = store.open_archive(image.image_id)
        if is_successful(archive):
            with archive.unwrap() as file:
                assert len(file.read()) == image.archive_bytes
        else:
            assert isinstance(archive.failure(), ImageNotFound)


def collect_now(root: Path) -> Result[tuple[Collected, ...], StoreError]:
    """Collect as if everything that is there had been there for long."""
    late = FixedClock(datetime.now(UTC) + timedelta(days=1))
    grace = timedelta(0)
    return collect_store(root, clock=late, grace=grace, filesystem=StoppingFilesystem())


def test_threads_that_commit_at_once_each_succeed(tmp_path: Path) -> None:
    store = opened(tmp_path / "store")
    outcomes = []

    def work() -> None:
        outcomes.append(put(store, SAMPLE, EPOCH))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = sorted(expect_success(outcome, "commit").outcome for outcome in outcomes)
    assert kinds == ["already-stored"] * 3 + ["new"]


def test_a_lock_that_is_never_let_go_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path / "store")
    expect_success(put(store, SAMPLE, EPOCH), "commit")
    monkeypatch.setattr(locks, "STORE_WAIT_SECONDS", 0.05)
    with locks.held(OsFilesystem(), tmp_path / "store" / "locks" / "store"):
        error = store.remove(SAMPLE.image_id).failure()
    assert isinstance(error, StoreUnavailable)
    assert error.doing == "lock"
    assert is_successful(store.remove(SAMPLE.image_id))


KILLED_SESSION = """
import os, signal, sys
from pathlib import Path
from pipeline.adapters.clock import SystemClock
from pipeline.adapters.layout import open_store

store = open_store(Path(sys.argv[1]), clock=SystemClock()).unwrap()
with store.quarantine() as session:
    writer = session.unwrap().create("archive").unwrap()
    writer.write(b"x" * 100_000).unwrap()
    print("ready", flush=True)
    sys.stdin.read()
"""


def start_session(root: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_SESSION, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def stop_session(process: "subprocess.Popen[bytes]", number: int) -> None:
    with process:
        process.send_signal(number)


def test_what_a_killed_process_left_in_quarantine_goes_with_the_next_session(
    tmp_path: Path,
) -> None:
    quarantine = tmp_path / "quarantine"
    process = start_session(tmp_path)
    (left,) = quarantine.iterdir()
    assert (left / "archive-1").stat().st_size == 100_000
    # 1. A session whose process lives stays.
    with opened(tmp_path).quarantine() as session:
        session.unwrap()
        assert left in set(quarantine.iterdir())
    # 2. One whose process was killed goes.
    stop_session(process, signal.SIGKILL)
    assert left.exists()
    with opened(tmp_path).quarantine() as session:
        session.unwrap()
        assert left not in set(quarantine.iterdir())
    assert list(quarantine.iterdir()) == []


def test_a_session_without_a_lock_goes_too(tmp_path: Path) -> None:
    left = tmp_path / "quarantine" / "0123456789abcdef"
    left.mkdir(parents=True)
    (left / "archive-1").touch()
    with opened(tmp_path).quarantine():
        assert not left.exists()


def test_a_session_is_emptied_on_ctrl_c(tmp_path: Path) -> None:
    def interrupted() -> None:
        with opened(tmp_path).quarantine() as session:
            writer = session.unwrap().create("archive").unwrap()
            writer.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_one_sessions_files_are_not_anothers(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with store.quarantine() as one, store.quarantine() as other:
        blob = extracted_of(SAMPLE, one.unwrap(), EPOCH).archive
        assert isinstance(other.unwrap().open(blob).failure(), StoreUnavailable)
        with one.unwrap().open(blob).unwrap() as file:
            assert file.read() == SAMPLE.archive


def assert_read_only(root: Path, extracted: Extracted) -> None:
    """Assert that a store that cannot be written serves what it has and refuses the rest."""
    store = open_store(root, clock=FixedClock()).unwrap()
    (image,) = store.list_images().unwrap()
    assert image.image_id == SAMPLE.image_id
    assert store.resolve(SAMPLE.image_id.hex[:12]).unwrap() == image
    assert store.find(NAME, Labels()).unwrap() == image
    assert store.manifest(image.image_id).unwrap() == SAMPLE.manifest
    with store.open_archive(image.image_id).unwrap() as file:
        assert file.read() == SAMPLE.archive
    entry = store.lookup(URL).unwrap()
    assert entry is not None
    refused = StoreReadOnly(str(root))
    with store.quarantine() as session:
        assert session.failure() == refused
    assert store.commit(extracted).failure() == refused
    assert store.remove(image.image_id).failure() == refused
    assert store.refresh(URL, Validators(), Freshness(EPOCH)).failure() == refused
    store.touch(image.image_id)
    assert store.list_images().unwrap() == (image,)
    assert store.list_page(5).unwrap() == (image,)
    checked = verify_store(root).unwrap()
    assert (checked.images, checked.findings) == (1, ())
    assert measure_store(root).unwrap().images == 1
    late = FixedClock(EPOCH + timedelta(days=9))
    store = open_store(root, clock=late).unwrap()
    store.touch(image.image_id)
    assert collect_store(root, clock=late, grace=timedelta(0)).failure() == refused
    assert rebuild_store(root, clock=late).failure() == refused


def with_something_in_quarantine(root: Path) -> Extracted:
    """Make a store with one image, and another on its way."""
    expect_success(put(opened(root), SAMPLE, EPOCH), "commit")
    other = Sample(version="2")
    session = root / "quarantine" / "0123456789abcdef"
    session.mkdir()
    (session / "archive-1").write_bytes(other.archive)
    blob = QuarantinedBlob(f"{session.name}/archive-1", len(other.archive))
    return other.extracted(blob, EPOCH)


def test_a_store_on_a_read_only_medium_is_served(tmp_path: Path) -> None:
    """Also for root, on whom permissions do not bind."""
    extracted = with_something_in_quarantine(tmp_path / "store")

    def body() -> None:
        mount_read_only(tmp_path / "store")
        assert_read_only(tmp_path / "store", extracted)

    require_child(body)


def test_a_store_of_another_user_is_served() -> None:
    """Tried as a user on whom permissions bind."""
    with public_folder() as folder:
        root = folder / "store"
        extracted = with_something_in_quarantine(root)
        for path in [root, *root.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)

        def body() -> None:
            become_nobody()
            assert_read_only(root, extracted)

        try:
            require_child(body)
        finally:
            for path in [root, *root.rglob("*")]:
                path.chmod(0o755)


class DyingConnection(sqlite3.Connection):
    """Ends the process after its first change, in place of closing."""

    def close(self) -> None:
        if self.total_changes:
            os._exit(9)
        super().close()


class DyingFilesystem(StoppingFilesystem):
    """Lets a process make one change, and leave its log behind."""

    def connect(self, uri: str) -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, isolation_level=None, factory=DyingConnection)


def leave_a_log(root: Path) -> None:
    expect_success(put(opened(root), Sample(version="2"), EPOCH), "commit")
    expect_success(opened(root).remove(Sample(version="2").image_id), "remove")
    store = opened(root, DyingFilesystem())
    assert run_in_child(lambda: _discard(put(store, SAMPLE, EPOCH))) == 9
    assert (root / "image-pipeline.db-wal").stat().st_size > 0


def test_a_log_that_a_crash_left_is_read_from_a_read_only_medium(tmp_path: Path) -> None:
    root = tmp_path / "store"
    leave_a_log(root)

    def body() -> None:
        mount_read_only(root)
        (image,) = open_store(root, clock=FixedClock()).unwrap().list_images().unwrap()
        assert image.image_id == SAMPLE.image_id

    require_child(body)
    assert opened(root).resolve(SAMPLE.image_id.hex).unwrap().name == NAME


def test_a_log_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    """Without its log the database would say that the image is not there."""
    root = tmp_path / "store"
    leave_a_log(root)
    (root / "image-pipeline.db-shm").unlink()

    def body() -> None:
        mount_read_only(root)
        assert isinstance(opened(root).list_images().failure(), StoreUnavailable)

    require_child(body)


def _discard(outcome: object) -> None:
    """Take an outcome that nobody will see."""


def test_a_full_disk_stores_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    def body() -> None:
        mount_small(tmp_path / "disk", "1m")
        root = tmp_path / "disk" / "store"
        store = open_store(root, clock=FixedClock()).unwrap()
        kept = [Sample(version=str(number), content=b"x" * 100_000) for number in range(4)]
        for sample in kept:
            expect_success(put(store, sample, EPOCH), "commit")
        # 1. One that does not fit while it is being written.
        with store.quarantine() as session:
            writer = session.unwrap().create("archive").unwrap()
            error = writer.write(b"x" * 2**20).failure()
            assert isinstance(error, DiskFull)
        # 2. One that fits, where its record does not.
        with store.quarantine() as session:
            extracted = extracted_of(Sample(version="9"), session.unwrap(), EPOCH)
            _fill(tmp_path / "disk" / "filler")
            assert isinstance(store.commit(extracted).failure(), DiskFull)
        # 3. With no byte left, everything is served, and removing makes room.
        _fill(tmp_path / "disk" / "filler")
        assert_served(root, kept)
        assert len(list((root / "blobs" / "sha512").iterdir())) == len(kept)
        removed = expect_success(store.remove(kept[0].image_id), "remove")
        assert removed.image_id == kept[0].image_id
        assert_served(root, kept[1:])
        expect_success(put(store, Sample(version="9"), EPOCH), "commit")
        assert_sound(root)

    require_child(body)


def test_an_image_is_removed_on_a_disk_where_even_that_takes_space(tmp_path: Path) -> None:
    """What its archive took may be too little for the index to forget it in."""

    def body() -> None:
        disk = tmp_path / "disk"
        mount_small(disk, "1m")
        root = disk / "store"
        store = open_store(root, clock=FixedClock()).unwrap()
        kept = [Sample(version=str(number)) for number in range(3)]
        for sample in kept:
            expect_success(put(store, sample, EPOCH), "commit")
        _fill(disk / "filler")
        gone = kept[0].image_id
        removed = expect_success(store.remove(gone), "remove")
        assert removed.image_id == gone
        assert_served(root, kept[1:])
        # 1. It is no damage, and a collection ends it.
        checked = verify_store(root).unwrap()
        assert [finding.kind for finding in checked.findings] == ["removal-unfinished"]
        assert not checked.is_damaged
        assert isinstance(store.remove(Sample(version="9").image_id).failure(), ImageNotFound)
        (disk / "filler").unlink()
        expect_success(collect_now(root), "collect")
        assert verify_store(root).unwrap() == Checked(2, 2, 2 * removed.archive_bytes, ())
        # 2. Or it is stored again.
        _fill(disk / "filler")
        expect_success(store.remove(kept[1].image_id), "remove")
        (disk / "filler").unlink()
        assert expect_success(put(store, kept[1], EPOCH), "commit").outcome == "new"
        assert verify_store(root).unwrap().findings == ()
        assert_served(root, kept[1:])

    require_child(body)


def assert_served(root: Path, samples: list[Sample]) -> None:
    store = open_store(root, clock=FixedClock()).unwrap()
    listed = {image.image_id for image in store.list_images().unwrap()}
    assert listed == {sample.image_id for sample in samples}
    for sample in samples:
        with store.open_archive(sample.image_id).unwrap() as file:
            assert file.read() == sample.archive


def _fill(path: Path) -> None:
    """Take every byte that is left."""
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
