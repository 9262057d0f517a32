"""Locks across processes: ``flock`` on files that are never removed.

The kernel lets go of a lock when its holder dies, however it dies, so no lock is ever stale.
Two threads of one process exclude each other as two processes do.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import LOCK_MODE, Filesystem
from pipeline.errors import StoreUnavailable
from pipeline.limits import STORE_WAIT_SECONDS

_PAUSE_SECONDS: Final = 0.01


@contextmanager
def held(filesystem: Filesystem, path: Path) -> Iterator[None]:
    """Hold the lock at ``path`` for the length of the block; wait for it, within bounds.

    Refuses with StoreUnavailable when another holds it for longer than the limit.
    """
    descriptor = filesystem.open(path, os.O_RDWR | os.O_CREAT, LOCK_MODE)
    try:
        _wait(descriptor, path)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def held_if_free(filesystem: Filesystem, path: Path) -> Iterator[bool]:
    """Hold the lock for the length of the block if nobody has it; yield whether it is held."""
    descriptor = filesystem.open(path, os.O_RDWR | os.O_CREAT, LOCK_MODE)
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock on an open file if nobody has it; closing the file lets go of it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(descriptor: int, path: Path) -> None:
    # flock has no time limit of its own. Pauses are counted rather than timed, so that neither
    # a clock that stands nor one that jumps changes how often we try.
    for _ in range(int(STORE_WAIT_SECONDS / _PAUSE_SECONDS)):
        if try_lock(descriptor):
            return
        time.sleep(_PAUSE_SECONDS)
    raise Refused(StoreUnavailable(str(path), "lock", "another process holds it for too long"))
