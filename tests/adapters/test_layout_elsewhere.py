"""A store whose quarantine is elsewhere, on another disk too: the same promises."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from returns.pipeline import is_successful

from pipeline.adapters import LayoutStore, SystemClock, open_store
from pipeline.errors import DiskFull, StoreUnavailable
from pipeline.ports import Clock
from pipeline.testing.conformance import check_store, extracted_of
from pipeline.testing.fakes import EPOCH
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample
from tests.adapters.store_world import (
    StoppingFilesystem,
    assert_sound,
    disk_full,
    interrupt,
    never,
)

SHARED_MEMORY = Path("/dev/shm")
"""Another file system than that of the tests' folders, on every Linux."""


@pytest.fixture(params=["same disk", "another disk"])
def scratch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder beside the store, or on another file system."""
    if request.param == "same disk":
        yield tmp_path / "scratch"
        return
    with TemporaryDirectory(dir=SHARED_MEMORY) as folder:
        assert Path(folder).stat().st_dev != tmp_path.stat().st_dev, "wanted another file system"
        yield Path(folder) / "scratch"


@pytest.fixture
def store(tmp_path: Path, scratch: Path) -> LayoutStore:
    return open_store(tmp_path / "store", clock=SystemClock(), quarantine=scratch).unwrap()


def files(folder: Path) -> list[Path]:
    """Return what lies in quarantine, but for locks."""
    found = (folder / "quarantine").rglob("*")
    return sorted(path for path in found if path.is_file() and path.name != "lock")


def test_it_keeps_what_the_ports_promise(tmp_path: Path, scratch: Path) -> None:
    numbers = count()

    def make(clock: Clock) -> LayoutStore:
        number = next(numbers)
        folder, quarantine = tmp_path / f"store{number}", scratch / f"{number}"
        return open_store(folder, clock=clock, quarantine=quarantine).unwrap()

    check_store(make)


@pytest.mark.parametrize("sample", [Sample(), OciSample()], ids=["archive", "registry image"])
def test_bytes_lie_there_until_they_are_committed(
    store: LayoutStore, scratch: Path, sample: Sample | OciSample
) -> None:
    with store.quarantine() as opened:
        extracted = extracted_of(sample, opened.unwrap(), EPOCH)
        assert files(scratch) != []
        assert not store.root.exists()
        store.commit(extracted).unwrap()
        assert files(store.root) == []
    assert files(scratch) == []
    again = open_store(store.root, clock=SystemClock()).unwrap()
    assert again.resolve(sample.image_id.hex, sample.image_id.algorithm) == store.resolve(
        sample.image_id.hex, sample.image_id.algorithm
    )


@pytest.mark.parametrize("stop", [disk_full, interrupt])
@pytest.mark.parametrize("sample", [Sample(), OciSample()], ids=["archive", "registry image"])
def test_a_commit_stopped_before_any_call_leaves_a_sound_store_and_the_original(
    tmp_path: Path, sample: Sample | OciSample, stop: Callable[[], None]
) -> None:
    whole = _commit_stopped(tmp_path / "whole", sample, 0, never)
    # Copies, their durability, their names, and what is recorded of them.
    assert len(whole) > 20
    for number in range(1, len(whole) + 1):
        _commit_stopped(tmp_path / f"{number}", sample, number, stop)


def _commit_stopped(
    folder: Path, sample: Sample | OciSample, number: int, stop: Callable[[], None]
) -> list[str]:
    """Commit, stopped before a call of that number; then once more. Return the calls."""
    filesystem, root, clock = StoppingFilesystem(), folder / "store", SystemClock()
    store = open_store(
        root, clock=clock, quarantine=folder / "scratch", filesystem=filesystem
    ).unwrap()
    with store.quarantine() as opened:
        extracted = extracted_of(sample, opened.unwrap(), EPOCH)
        filesystem.calls.clear()
        filesystem.stop_at, filesystem.stop = number, stop
        with suppress(KeyboardInterrupt):
            outcome = store.commit(extracted)
            if not is_successful(outcome):
                assert isinstance(outcome.failure(), DiskFull)
                assert store.list_images().unwrap() == ()
        calls = list(filesystem.calls)
        filesystem.stop_at = 0
        assert_sound(root)
        if not calls[-1].startswith(("unlink", "remove_folder")):
            assert files(root) == [], calls[-1]
        assert is_successful(store.commit(extracted))
    assert_sound(root)
    return calls


def test_a_file_that_was_cut_off_meanwhile_is_refused(store: LayoutStore, scratch: Path) -> None:
    with store.quarantine() as opened:
        extracted = extracted_of(Sample(content=b"a" * 100), opened.unwrap(), EPOCH)
        path = scratch / "quarantine" / extracted.archive.key
        path.chmod(0o600)
        os.truncate(path, 10)
        assert isinstance(store.commit(extracted).failure(), StoreUnavailable)
    assert store.list_images().unwrap() == ()
    assert files(store.root) == []
