"""Folders by descriptor: one name at a time, and a link is never followed.

A path of several names is resolved by the kernel through whatever links lie on it; a single name
under a descriptor, with ``O_NOFOLLOW``, is not. Nothing in this package resolves anything else
(CVE-2021-29136, CVE-2025-4517: names that looked safe as text). Calls raise ``OSError``.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

_HANDLE: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READABLE: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

PRIVATE_FOLDER: Final = 0o700
"""What a folder is until it is complete: its own mode may forbid to write into it."""


def open_handle(name: bytes, parent: int) -> int:
    """Open a folder as a place to look names up in; a link to one raises NotADirectoryError."""
    return os.open(name, _HANDLE, dir_fd=parent)


def open_readable(name: bytes, parent: int) -> int:
    """Open a folder so that it can be listed and its mode and times be set."""
    return os.open(name, _READABLE, dir_fd=parent)


def names_in(folder: int) -> list[bytes]:
    """List a folder that was opened as readable."""
    return [os.fsencode(name) for name in os.listdir(folder)]


@final
@dataclass(slots=True)
class _Emptied:
    """A folder that is being removed: what is left in it, and its path below the first one."""

    name: bytes
    path: bytes
    descriptor: int
    names: list[bytes]


def remove(
    name: bytes, parent: int, path: bytes = b"", gone: Callable[[bytes], None] = lambda _: None
) -> None:
    """Remove whatever has this name, a folder with all that is in it, whatever modes it has.

    ``path`` is how the caller calls it; ``gone`` is told each removed folder's path in these words.
    """
    try:
        os.unlink(name, dir_fd=parent)
    except IsADirectoryError:
        pass
    else:
        return
    # Not recursive: somebody may have made the folder deeper than Python's stack.
    stack = [_open_to_empty(name, parent, path)]
    try:
        while stack:
            folder = stack[-1]
            if folder.names:
                child = folder.names.pop()
                try:
                    os.unlink(child, dir_fd=folder.descriptor)
                except IsADirectoryError:
                    below = b"/".join((folder.path, child))
                    stack.append(_open_to_empty(child, folder.descriptor, below))
                continue
            stack.pop()
            os.close(folder.descriptor)
            os.rmdir(folder.name, dir_fd=stack[-1].descriptor if stack else parent)
            gone(folder.path)
    finally:
        for folder in stack:
            os.close(folder.descriptor)


def _open_to_empty(name: bytes, parent: int, path: bytes) -> _Emptied:
    handle = open_handle(name, parent)
    try:
        try:
            descriptor = open_readable(b".", handle)
        except PermissionError:
            # Its owner may, once its mode says so; the handle's own name in /proc is no link.
            os.chmod(f"/proc/self/fd/{handle}", PRIVATE_FOLDER)  # noqa: PTH101 - no path at all
            descriptor = open_readable(b".", handle)
    finally:
        os.close(handle)
    try:
        if os.fstat(descriptor).st_mode & PRIVATE_FOLDER != PRIVATE_FOLDER:
            os.fchmod(descriptor, PRIVATE_FOLDER)
        return _Emptied(name, path, descriptor, names_in(descriptor))
    except OSError:
        os.close(descriptor)
        raise
