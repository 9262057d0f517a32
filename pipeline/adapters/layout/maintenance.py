"""What keeps a store in order: verify, rebuild, collect, measure; each a function of its folder.

They take the folder rather than an open store: a damaged one does not open. No function raises;
besides what each names, all of them may fail with StoreUnavailable and StoreTooNew.
"""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from returns.result import Result

from pipeline.adapters.layout import (
    changes,
    checking,
    collecting,
    listing,
    measuring,
    rebuilding,
)
from pipeline.adapters.layout.collecting import Collected
from pipeline.adapters.layout.failures import attempt
from pipeline.adapters.layout.filesystem import Filesystem, OsFilesystem
from pipeline.adapters.layout.findings import Checked, Finding
from pipeline.adapters.layout.measuring import Measured
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.rebuilding import Rebuilt
from pipeline.adapters.layout.unused import unused
from pipeline.digest import Digest
from pipeline.errors import StoreError
from pipeline.names import Platform
from pipeline.ports import Clock
from pipeline.results import Stored

__all__ = [
    "Checked",
    "Collected",
    "Finding",
    "Measured",
    "Rebuilt",
    "collect_store",
    "list_unused",
    "measure_store",
    "rebuild_store",
    "remove_unused",
    "verify_store",
    "write_index",
]

_REAL: Final = OsFilesystem()


def verify_store(root: Path, *, filesystem: Filesystem = _REAL) -> Result[Checked, StoreError]:
    """Compare index, blobs and records, and compute every digest again. Changes nothing.

    Damage is a finding, not an error. A store that is not there has none.
    """
    return attempt(partial(checking.check, Place(root, filesystem)), root, "read")


def rebuild_store(
    root: Path, *, clock: Clock, filesystem: Filesystem = _REAL
) -> Result[Rebuilt, StoreError]:
    """Make the index again out of blobs and records, in place of whatever is there.

    Errors: StoreReadOnly, DiskFull; StoreCorrupt where another program's database is in the way.
    """
    action = partial(rebuilding.rebuild, Place(root, filesystem), clock.now())
    return attempt(action, root, "write")


def collect_store(
    root: Path,
    *,
    clock: Clock,
    grace: timedelta,
    dry_run: bool = False,
    filesystem: Filesystem = _REAL,
) -> Result[tuple[Collected, ...], StoreError]:
    """Remove what stopped changes left, and what nobody went on with for ``grace``.

    With ``dry_run`` nothing is removed. Errors: StoreReadOnly; StoreCorrupt without an index.
    """
    place = Place(root, filesystem)
    action = partial(collecting.collect, place, clock.now(), grace, dry_run=dry_run)
    return attempt(action, root, "write")


def list_unused(
    root: Path, *, clock: Clock, age: timedelta, platform: Platform, filesystem: Filesystem = _REAL
) -> Result[tuple[Stored, ...], StoreError]:
    """Return the images that were not used for ``age`` and that no other image needs.

    ``platform`` is what dependencies are looked up by where an image names none.
    """
    action = partial(unused, Place(root, filesystem), clock.now() - age, platform)
    return attempt(action, root, "read")


def remove_unused(
    root: Path, image_id: Digest, *, clock: Clock, age: timedelta, filesystem: Filesystem = _REAL
) -> Result[Stored, StoreError]:
    """Remove an image unless it was used within ``age``; return what it was.

    Errors: ImageNotFound, StoreReadOnly; StoreUnavailable for one that is in use again.
    """
    place = Place(root, filesystem)
    action = partial(changes.remove, place, image_id, unused_since=clock.now() - age)
    return attempt(action, root, "write")


def measure_store(root: Path, *, filesystem: Filesystem = _REAL) -> Result[Measured, StoreError]:
    """Count and add up what lies in a store.

    Errors: StoreCorrupt.
    """
    return attempt(partial(measuring.measure, Place(root, filesystem)), root, "read")


def write_index(root: Path, *, filesystem: Filesystem = _REAL) -> Result[int, StoreError]:
    """Make ``index.json`` say what the index has now; return how many entries that are.

    Changes do so by themselves, but where there are many images, not each of them.

    Errors: StoreReadOnly, DiskFull, StoreCorrupt.
    """
    return attempt(partial(_write_index, Place(root, filesystem)), root, "write")


def _write_index(place: Place) -> int:
    if not place.root.is_dir():
        return 0
    with place.locked():
        return listing.write(place)
