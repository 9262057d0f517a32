"""The folder of a body on its way: what is in it, and the lock of whoever is at it.

Its lock goes with it, so a lock counts only if its path still leads to it.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import LOCK_MODE, QUARANTINE_MODE, Filesystem
from pipeline.adapters.layout.locks import try_lock
from pipeline.errors import StoreUnavailable

DATA: Final = "data"
STATE: Final = "state.json"
LOCK: Final = "lock"

_PAUSE_SECONDS: Final = 0.05


def locked(filesystem: Filesystem, folder: Path, wait_seconds: float) -> int:
    """Make the folder where it is missing, lock it and return the lock; wait, within bounds."""
    deadline = time.monotonic() + wait_seconds
    while True:
        with suppress(FileExistsError):
            filesystem.make_folder(folder, QUARANTINE_MODE)
        # Its holder may remove it between any two of these calls, and then it is no lock any more.
        with suppress(FileNotFoundError):
            lock = filesystem.open(folder / LOCK, os.O_RDWR | os.O_CREAT, LOCK_MODE)
            if try_lock(lock):
                if _is_same_file(lock, folder / LOCK):
                    return lock
                os.close(lock)
                continue
            os.close(lock)
        if time.monotonic() >= deadline:
            reason = "another process is fetching the same and takes too long"
            raise Refused(StoreUnavailable(str(folder), "lock", reason))
        time.sleep(_PAUSE_SECONDS)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        named = os.lstat(path)
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


def try_take(filesystem: Filesystem, folder: Path) -> int | None:
    """Lock a partial and return the lock; None where somebody is at it, or it is gone."""
    try:
        lock = filesystem.open(folder / LOCK, os.O_RDWR, 0)
    except FileNotFoundError:
        return None
    if try_lock(lock) and _is_same_file(lock, folder / LOCK):
        return lock
    os.close(lock)
    return None


def remove(filesystem: Filesystem, folder: Path) -> None:
    """Remove a partial whose lock is held, the lock last; what cannot go stays for a collection."""
    with suppress(OSError):
        for name in (DATA, f"{STATE}.new", STATE, LOCK):
            with suppress(FileNotFoundError):
                filesystem.unlink(folder / name)
        filesystem.remove_folder(folder)
