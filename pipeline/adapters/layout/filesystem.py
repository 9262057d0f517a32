"""The system calls that change a store, behind one small port.

Everything the layout does to the disk goes through a :class:`Filesystem`, so that a test can
stop the program before any one of these calls. Calls raise ``OSError`` (``connect`` and its
connections ``sqlite3.Error``), which the package maps in :mod:`.failures` and nowhere else.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final, Protocol, final

from pipeline.limits import CHUNK_BYTES, STORE_WAIT_SECONDS

BLOB_MODE: Final = 0o444
"""Files never change once they are whole, and nobody should change them by mistake."""

QUARANTINE_MODE: Final = 0o700
"""What is not proven yet is nobody else's to read, and to exchange between two looks at it."""

PARTIAL_MODE: Final = 0o600
"""What is on its way is written to, by whoever fetches it."""

DRAFT_SUFFIX: Final = ".new"
"""What the name of a file in the making ends in."""

LOCK_MODE: Final = 0o666
"""Whoever may write the folder may take its locks; the umask decides who that is."""


class Filesystem(Protocol):
    """What a store does to a disk; each call either happens or raises."""

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        """Make one folder, whose parent exists; the umask takes from ``mode``."""
        ...

    def open(self, path: Path, flags: int, mode: int) -> int:
        """Open a file and return its descriptor; links at its end are not followed."""
        ...

    def write(self, descriptor: int, chunk: memoryview) -> int:
        """Write some of ``chunk`` and return how many bytes."""
        ...

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file off after ``size`` bytes."""
        ...

    def set_mode(self, descriptor: int, mode: int) -> None:
        """Set an open file's permissions."""
        ...

    def free_bytes(self, folder: Path) -> int:
        """Return how many bytes this user may still write where ``folder`` is."""
        ...

    def sync(self, descriptor: int) -> None:
        """Return once a file's content, or a folder's entries, outlast a power cut."""
        ...

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name at once, in place of whatever had it."""
        ...

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, which nothing has yet; a link itself is not followed."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        ...

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        ...

    def connect(self, uri: str) -> sqlite3.Connection:
        """Open a database without implicit transactions."""
        ...


@final
class OsFilesystem:
    """The real calls."""

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        """Make one folder."""
        path.mkdir(mode)

    def open(self, path: Path, flags: int, mode: int) -> int:
        """Open a file; the descriptor is not inherited by other programs."""
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, mode)

    def write(self, descriptor: int, chunk: memoryview) -> int:
        """Write some of ``chunk``."""
        return os.write(descriptor, chunk)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file off."""
        os.ftruncate(descriptor, size)

    def set_mode(self, descriptor: int, mode: int) -> None:
        """Set an open file's permissions."""
        os.fchmod(descriptor, mode)

    def free_bytes(self, folder: Path) -> int:
        """Ask the file system; what is kept for root does not count."""
        status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize

    def sync(self, descriptor: int) -> None:
        """Flush to the device."""
        os.fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Rename, replacing."""
        source.replace(target)

    def link(self, source: Path, target: Path) -> None:
        """Link, replacing nothing."""
        os.link(source, target, follow_symlinks=False)

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def connect(self, uri: str) -> sqlite3.Connection:
        """Open a database; waits for other processes' transactions are bounded."""
        return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=STORE_WAIT_SECONDS)


def make_folders(filesystem: Filesystem, path: Path) -> None:
    """Make a folder and its parents where they are missing, durably."""
    if path.is_dir():
        return
    make_folders(filesystem, path.parent)
    try:
        filesystem.make_folder(path)
    except FileExistsError:
        # Another process was faster, unless it is no folder.
        if not path.is_dir():
            raise
    sync_path(filesystem, path.parent)


def sync_path(filesystem: Filesystem, path: Path) -> None:
    """Make a file's content or a folder's entries durable."""
    descriptor = filesystem.open(path, os.O_RDONLY, 0)
    try:
        filesystem.sync(descriptor)
    finally:
        os.close(descriptor)


def write_all(filesystem: Filesystem, descriptor: int, chunk: bytes) -> None:
    """Write the whole chunk; the kernel may take it in parts."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[filesystem.write(descriptor, rest) :]


def drop_file(filesystem: Filesystem, path: Path) -> bool:
    """Remove a file, not yet durably; False where there is none."""
    try:
        filesystem.unlink(path)
    except FileNotFoundError:
        return False
    return True


def copy_file(filesystem: Filesystem, source: Path, target: Path) -> None:
    """Copy a file, whole and durable, in place of whatever is at ``target``."""
    draft = target.with_name(f"{target.name}{DRAFT_SUFFIX}")
    with source.open("rb") as file:
        descriptor = filesystem.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, LOCK_MODE)
        try:
            while chunk := file.read(CHUNK_BYTES):
                write_all(filesystem, descriptor, chunk)
            filesystem.sync(descriptor)
        finally:
            os.close(descriptor)
    filesystem.rename(draft, target)
    sync_path(filesystem, target.parent)


def place_file(filesystem: Filesystem, path: Path, content: bytes) -> None:
    """Put a small file in place, whole and durable, by way of ``NAME.new`` beside it.

    Only one process at a time may do this for a path; what a crashed one left is overwritten.
    """
    draft = path.with_name(f"{path.name}{DRAFT_SUFFIX}")
    descriptor = filesystem.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, LOCK_MODE)
    try:
        write_all(filesystem, descriptor, content)
        filesystem.sync(descriptor)
    finally:
        os.close(descriptor)
    filesystem.rename(draft, path)
    sync_path(filesystem, path.parent)
