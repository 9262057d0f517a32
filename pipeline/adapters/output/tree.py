"""A tree of files under one descriptor: every path in it leads to a place in it.

The steps by which an entry's path becomes a place (the code repeats the numbers):

1. The path has at most ARCHIVE_PATH_SEGMENTS names; none is empty, ``.`` or ``..``
   (:func:`~pipeline.archive.tar_header.normalize_path` saw to that).
2. Each name but the last is looked up in the folder before it, by descriptor, and must be a
   folder. Where there is nothing, one is made; where there is anything else, a symbolic link
   above all, that is removed and a folder is made in its stead (appc/spec v0.8.11 ``spec/aci.md``;
   OCI image-spec v1.1.0 ``layer.md`` "Changeset over existing files"). Whoever wants links
   of layers followed has done so before (:mod:`pipeline.archive.layering`); here none is.
3. What has the last name already is removed, unless it and the entry are both folders. New files
   are made with ``O_EXCL``, so that nothing is ever written through a link, hard or symbolic.
4. The other end of a hard link is looked up as in 2, but nothing is made or removed for it, and
   ``linkat`` does not follow a link at its end.

The tree must be nobody else's while it is made: its folders have the mode 0700 until
:meth:`Tree.finish` gives them their own, the innermost first. Calls raise ``OSError``, and
:class:`~pipeline.adapters.output.failures.Refused`.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, final

from pipeline.adapters.output.failures import Refused
from pipeline.adapters.output.folders import (
    PRIVATE_FOLDER,
    open_handle,
    open_readable,
    remove,
)
from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.limits import ARCHIVE_ENTRIES, ARCHIVE_PATH_SEGMENTS, FOLDER_PATH_BYTES

Made = TypeVar("Made")

DEFAULT_MODE: Final = 0o755
"""What a folder gets of which the archive says nothing."""


@final
@dataclass(frozen=True, slots=True)
class _Ending:
    """What a folder gets at the end; no time where no entry spoke of the folder."""

    mode: int
    mtime: int | None


@final
class Tree:
    """Files and folders below one folder, which the caller made and keeps open."""

    __slots__ = ("_endings", "_made", "_parent", "_parent_path", "_path_bytes", "_root")

    def __init__(self, root: int) -> None:
        """Take the readable descriptor of an empty folder."""
        self._root = root
        # The folder of the last entry stays open: most entries have their neighbour's.
        self._parent: int | None = None
        self._parent_path = b""
        self._made = 0
        self._endings = {b"": _Ending(DEFAULT_MODE, None)}
        self._path_bytes = 0

    def close(self) -> None:
        """Close what is open, but the root."""
        if self._parent is not None:
            os.close(self._parent)
        self._parent, self._parent_path = None, b""

    def make(self, path: bytes, make: Callable[[bytes, int], Made]) -> Made:
        """Have something made that is no folder: ``make`` gets its name and its folder.

        It is called again where that name was taken and is free now.
        """
        if not path:
            raise Refused(CorruptArchive("its root is something else than a folder"))
        parent, name = self._place(path)
        self._count()
        try:
            return make(name, parent)
        except FileExistsError:
            # 3. Removed, never opened: what is there may be a link to anywhere.
            remove(name, parent, path, self._forget)
            return make(name, parent)

    def clear(self, path: bytes) -> None:
        """Leave a place empty: what goes there is not made, and what was there has gone."""
        parent, name = self._place(path)
        with suppress(FileNotFoundError):
            remove(name, parent, path, self._forget)

    def make_hardlink(self, path: bytes, source: bytes) -> None:
        """Give what is at ``source``, in the tree, a second name.

        Refuses with CorruptArchive where nothing is there, or a folder.
        """
        source_folder, _, source_name = source.rpartition(b"/")
        # 4. Nothing is made or removed for the other end, and no link is followed to it.
        try:
            folder = self._descend(self._root, b"", source_folder, makes=False)
        except (FileNotFoundError, NotADirectoryError):
            raise Refused(_no_source(path, source)) from None
        try:
            self.make(path, partial(_link, source_name, folder))
        except (FileNotFoundError, IsADirectoryError):
            raise Refused(_no_source(path, source)) from None
        finally:
            os.close(folder)

    def make_folder(self, path: bytes) -> tuple[int, bool]:
        """Make a folder, or keep the one that is there.

        Returns its readable descriptor, which the caller closes, and whether it was there.
        """
        if not path:
            return os.dup(self._root), True
        parent, name = self._place(path)
        try:
            self._make_private(name, parent, path)
        except FileExistsError:
            try:
                return open_readable(name, parent), True
            except NotADirectoryError:
                remove(name, parent, path, self._forget)
                self._make_private(name, parent, path)
        return open_readable(name, parent), False

    def end_folder(self, path: bytes, mode: int, mtime: int) -> None:
        """Say which mode and time (nanoseconds since 1970) a folder gets at the end."""
        self._endings[path] = _Ending(mode, mtime)

    def discard(self, path: bytes) -> None:
        """Remove what has that path, where something has, and all that is in it."""
        folder, _, name = path.rpartition(b"/")
        parent = self._look_up(folder)
        if parent is None:
            return
        self.close()
        try:
            with suppress(FileNotFoundError):
                remove(name, parent, path, self._forget)
        finally:
            os.close(parent)

    def finish(self) -> None:
        """Give every folder its mode and time: none is written into after that."""
        # In this order a folder comes after all that is in it.
        for path in sorted(self._endings, reverse=True):
            if path:
                parent, name = self._place(path)
                folder = open_readable(name, parent)
            else:
                folder = os.dup(self._root)
            try:
                ending = self._endings[path]
                os.fchmod(folder, ending.mode)
                if ending.mtime is not None:
                    os.utime(folder, ns=(ending.mtime, ending.mtime))
            finally:
                os.close(folder)

    def _look_up(self, path: bytes) -> int | None:
        """Return a folder's readable descriptor, which the caller closes; None where it is none."""
        try:
            handle = self._descend(self._root, b"", path, makes=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return open_readable(b".", handle)
        finally:
            os.close(handle)

    def _place(self, path: bytes) -> tuple[int, bytes]:
        """Return the folder in which a path ends, made where it was missing, and its last name."""
        # 1. Every name costs a call, a folder on disk, and a descriptor when it is removed again.
        if path.count(b"/") >= ARCHIVE_PATH_SEGMENTS:
            raise Refused(ArchiveTooLarge("names in one path", ARCHIVE_PATH_SEGMENTS))
        folder, _, name = path.rpartition(b"/")
        if self._parent is None or folder != self._parent_path:
            at = self._parent_path + b"/"
            if self._parent is not None and at != b"/" and folder.startswith(at):
                found = self._descend(self._parent, at, folder[len(at) :], makes=True)
            else:
                found = self._descend(self._root, b"", folder, makes=True)
            self.close()
            self._parent, self._parent_path = found, folder
        return self._parent, name

    def _descend(self, start: int, at: bytes, path: bytes, *, makes: bool) -> int:
        """Open the folder at ``path`` below ``start``; where ``makes`` is set, it is made."""
        folder = os.dup(start)
        for name in path.split(b"/") if path else ():
            # 2. One name at a time, and nothing but a folder will do.
            at += name
            try:
                below = self._enter(name, folder, at) if makes else open_handle(name, folder)
            finally:
                os.close(folder)
            folder = below
            at += b"/"
        return folder

    def _enter(self, name: bytes, parent: int, path: bytes) -> int:
        try:
            return open_handle(name, parent)
        except FileNotFoundError:
            pass
        except NotADirectoryError:
            os.unlink(name, dir_fd=parent)
        self._make_private(name, parent, path)
        return open_handle(name, parent)

    def _make_private(self, name: bytes, parent: int, path: bytes) -> None:
        os.mkdir(name, PRIVATE_FOLDER, dir_fd=parent)
        self._count()
        self._endings[path] = _Ending(DEFAULT_MODE, None)
        self._path_bytes += len(path)
        if self._path_bytes > FOLDER_PATH_BYTES:
            raise Refused(ArchiveTooLarge("bytes in its folders' paths", FOLDER_PATH_BYTES))

    def _count(self) -> None:
        """Count what is made: one entry can stand for many folders, on its path."""
        self._made += 1
        if self._made > ARCHIVE_ENTRIES:
            raise Refused(ArchiveTooLarge("files and folders", ARCHIVE_ENTRIES))

    def _forget(self, path: bytes) -> None:
        self._endings.pop(path, None)
        self._path_bytes -= len(path)


def _link(source: bytes, folder: int, name: bytes, parent: int) -> None:
    if stat.S_ISDIR(os.stat(source, dir_fd=folder, follow_symlinks=False).st_mode):
        raise IsADirectoryError
    os.link(source, name, src_dir_fd=folder, dst_dir_fd=parent, follow_symlinks=False)


def _no_source(path: bytes, source: bytes) -> CorruptArchive:
    shown, end = (each[:200].decode("utf-8", "backslashreplace") for each in (path, source))
    return CorruptArchive(f'"{shown}" is a hard link to "{end}", where no file is')
