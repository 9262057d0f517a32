"""A store that is stopped before any one of its calls opens again, whole, and goes on.

Each change of a store is run once for each call that it makes to the system or the database,
and is stopped there: by an error of the disk, by a full disk, by Ctrl-C, and by ``kill -9``.
"""

import contextlib
import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.layout import LayoutStore
from pipeline.adapters.layout.maintenance import collect_store, verify_store
from pipeline.errors import DiskFull, ImageNotFound, StoreError
from pipeline.results import Freshness, Stored, Validators
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import URL, Sample
from tests.adapters.store_world import (
    StoppingFilesystem,
    assert_sound,
    disk_full,
    interrupt,
    io_error,
    kill,
    opened,
    quick_folder,
    run_in_child,
)

SIGNED = Sample(version="1", signers="a", content=b"signed", max_age_seconds=5)
UNSIGNED = Sample(version="2", content=b"unsigned", url=f"{URL}?2")
NEW = Sample(version="3", content=b"new" * 1000, asked_version=None, url=f"{URL}?3")
OCI = OciSample(layers=(b"shared", b"one"), signers="a*", max_age_seconds=5)
OCI_NEW = OciSample(repository="new", layers=(b"shared", b"two", b"three"))

Change = Callable[[LayoutStore], Result[object, StoreError]]


def commit(store: LayoutStore, sample: Sample | OciSample) -> Result[object, StoreError]:
    """Commit as the stages do, which hand on each failure."""
    with store.quarantine() as session:
        return session.bind(lambda quarantine: sample.in_quarantine(quarantine, EPOCH)).bind(
            store.commit
        )


def commit_new(store: LayoutStore) -> Result[object, StoreError]:
    return commit(store, NEW)


def commit_proof(store: LayoutStore) -> Result[object, StoreError]:
    return commit(store, replace(UNSIGNED, signers="b"))


def remove_signed(store: LayoutStore) -> Result[object, StoreError]:
    return store.remove(SIGNED.image_id)


def commit_oci(store: LayoutStore) -> Result[object, StoreError]:
    return commit(store, OCI_NEW)


def commit_oci_proof(store: LayoutStore) -> Result[object, StoreError]:
    return commit(store, replace(OCI, signers="b", asked_digest=True))


def remove_oci(store: LayoutStore) -> Result[object, StoreError]:
    """Remove one of two images that share a layer."""
    return store.remove(OCI.image_id)


def refresh_signed(store: LayoutStore) -> Result[object, StoreError]:
    return store.refresh(SIGNED.url, Validators("e"), Freshness(EPOCH, 9))


CHANGES: list[Change] = [
    commit_new,
    commit_proof,
    remove_signed,
    refresh_signed,
    commit_oci,
    commit_oci_proof,
    remove_oci,
]
REMOVALS = (remove_signed, remove_oci)


@dataclass(frozen=True)
class Facts:
    """Everything that a store knows, and the files on its disk, to compare."""

    images: tuple[Stored, ...]
    rows: tuple[tuple[object, ...], ...]
    files: frozenset[tuple[str, bytes]]
    listed: object


def facts(root: Path) -> Facts:
    """Check the store, and read all of it."""
    assert_sound(root)
    checked = verify_store(root, filesystem=StoppingFilesystem()).unwrap()
    assert not checked.is_damaged, checked.findings
    database = root / "image-pipeline.db"
    images = opened(root).list_images().unwrap()
    rows: list[tuple[object, ...]] = []
    if images:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            rows += connection.execute(
                "SELECT hex, version, latest_at, last_used_at, raw "
                "FROM images JOIN manifests ON image = id ORDER BY hex"
            )
            rows += connection.execute(
                "SELECT images.hex, blobs.hex, size "
                "FROM images JOIN blobs ON image = id ORDER BY 1, 2"
            )
            rows += connection.execute(
                "SELECT hex, url, etag, last_modified, fetched_at, max_age_seconds "
                "FROM images JOIN remotes ON image = id ORDER BY url"
            )
    files = [*(root / "blobs").glob("*/*"), *(root / "records").glob("*/*")]
    named = frozenset((file.name, file.read_bytes()) for file in files)
    index = root / "index.json"
    listed = json.loads(index.read_bytes())["manifests"] if index.exists() else []
    return Facts(images, tuple(rows), named, listed)


def sessions(root: Path) -> int:
    return sum(1 for _ in (root / "quarantine").glob("*"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "store"
    for sample in (SIGNED, UNSIGNED, OCI, replace(OCI_NEW, layers=(b"shared",))):
        expect_success(put(opened(root), sample, EPOCH), "commit")
    return root


STOPS: list[Callable[[], None]] = [io_error, disk_full, interrupt, kill]

CASES = [
    pytest.param(change, present, stop, id=f"{stop.__name__}-{change.__name__}-{present}")
    for change in CHANGES
    for present in (True, False)
    if present or change in {commit_new, commit_oci}
    for stop in STOPS
    if stop in {io_error, kill} or not present
]


@pytest.mark.parametrize(("change", "present", "stop"), CASES)
def test_a_change_stopped_before_any_call_leaves_a_sound_store(
    change: Change, present: bool, stop: Callable[[], None], template: Path
) -> None:
    with quick_folder() as folder:

        def copy(name: str) -> Path:
            root = folder / name
            if present:
                shutil.copytree(template, root)
            return root

        before = facts(copy("before"))
        whole = StoppingFilesystem()
        expect_success(change(opened(copy("after"), whole)), "change")
        after = facts(folder / "after")
        assert len(whole.calls) > 5
        for number, call in enumerate(whole.calls, 1):
            root = copy(str(number))
            failed = _run_stopped(change, root, StoppingFilesystem(number, stop), stop)
            found = facts(root)
            # For whoever asks, the change happened or it did not.
            assert _answers(found) in (_answers(before), _answers(after)), call
            # Other programs see one or the other, too.
            assert found.listed in (before.listed, after.listed), call
            if failed is not None and change not in REMOVALS:
                assert found == before, call
            if failed is not None and stop is disk_full:
                assert isinstance(failed, DiskFull), call
            if stop is not kill and not call.startswith(("unlink", "remove_folder")):
                assert sessions(root) == 0, call
            again = change(opened(root))
            assert is_successful(again) or isinstance(again.failure(), ImageNotFound), call
            if change is remove_oci:
                # What no image needs any more, and no row names, is for a collection to find.
                collect(root)
            assert facts(root) == after, call
            assert sessions(root) == 0, call


def _answers(found: Facts) -> Facts:
    return replace(found, files=frozenset(), listed=[])


def collect(root: Path) -> None:
    late = FixedClock(datetime.now(UTC) + timedelta(days=1))
    expect_success(
        collect_store(root, clock=late, grace=timedelta(0), filesystem=StoppingFilesystem()),
        "collect",
    )


def _run_stopped(
    change: Change, root: Path, filesystem: StoppingFilesystem, stop: Callable[[], None]
) -> StoreError | None:
    """Run the change; return its failure where it came to one."""
    store = opened(root, filesystem)
    if stop is kill:
        assert run_in_child(lambda: _discard(change(store))) == -signal.SIGKILL
        return None
    if stop is interrupt:
        with pytest.raises(KeyboardInterrupt):
            change(store)
        return None
    outcome = change(store)
    return None if is_successful(outcome) else outcome.failure()


def _discard(outcome: object) -> None:
    """Take an outcome that nobody will see."""


def test_content_is_durable_before_its_name_and_its_name_before_its_row(tmp_path: Path) -> None:
    """The order of writing to the disk, which no crash of a program alone can show."""
    filesystem = StoppingFilesystem()
    root = tmp_path / "store"
    expect_success(commit_new(opened(root, filesystem)), "commit")
    blob = root / "blobs" / "sha512" / NEW.image_id.hex
    calls = filesystem.calls
    named = calls.index(f"rename {blob}")
    content = [n for n, call in enumerate(calls) if "sync" in call and "/archive-1" in call]
    record = root / "records" / "sha512" / f"{NEW.image_id.hex}.json"
    kept = calls.index(f"rename {record}")
    folder = calls.index(f"sync {blob.parent}", named)
    recorded = len(calls) - 1 - calls[::-1].index("sql COMMIT")
    assert len(content) == 1
    assert content[0] < named < folder < recorded
    assert calls.index(f"sync {record}.new") < kept < calls.index(f"sync {record.parent}", kept)
    assert calls.index(f"sync {record.parent}", kept) < named
    for parent in (root / "blobs", root, root / "records"):
        assert f"sync {parent}" in calls[:named]
    assert calls.index("sql PRAGMA synchronous") < recorded
    # The locks are taken between: others never wait for the content to become durable.
    assert content[0] < calls.index(f"open {root / 'locks' / 'store'}") < named


def test_every_blob_is_durable_before_the_row_and_the_manifest_is_the_last(tmp_path: Path) -> None:
    filesystem = StoppingFilesystem()
    root = tmp_path / "store"
    expect_success(commit_oci(opened(root, filesystem)), "commit")
    calls = filesystem.calls
    blobs = [root / "blobs" / "sha256" / digest.hex for digest in OCI_NEW.blobs]
    named = {blob: calls.index(f"rename {blob}") for blob in blobs}
    content = [n for n, call in enumerate(calls) if "sync" in call and "/quarantine/" in call]
    assert len(content) == len(blobs)
    assert max(content) < calls.index(f"open {root / 'locks' / 'store'}") < min(named.values())
    assert max(named, key=lambda blob: named[blob]).name == OCI_NEW.image_id.hex
    folder = calls.index(f"sync {blobs[0].parent}", max(named.values()))
    recorded = len(calls) - 1 - calls[::-1].index("sql COMMIT")
    listed = calls.index(f"rename {root / 'index.json'}", recorded)
    assert max(named.values()) < folder < recorded < listed
    assert calls.index(f"sync {root / 'index.json.new'}", recorded) < listed


def test_what_another_image_needs_is_not_moved(tmp_path: Path) -> None:
    expect_success(put(opened(tmp_path), OCI, EPOCH), "commit")
    shared = OCI.blobs.keys() & OCI_NEW.blobs.keys()
    assert shared
    filesystem = StoppingFilesystem()
    expect_success(commit_oci(opened(tmp_path, filesystem)), "commit")
    expect_success(opened(tmp_path, filesystem).remove(OCI.image_id), "remove")
    for digest in shared:
        path = tmp_path / "blobs" / "sha256" / digest.hex
        assert f"rename {path}" not in filesystem.calls
        assert f"unlink {path}" not in filesystem.calls
        assert path.exists()
