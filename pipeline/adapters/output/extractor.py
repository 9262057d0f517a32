"""An archive's entries, one after another, into a :class:`~pipeline.adapters.output.tree.Tree`.

What becomes of each type is in docs/extraction.md. Nothing here opens anything by a path. Calls
raise ``OSError``, and :class:`~pipeline.adapters.output.failures.Refused`.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, assert_never, final

from pipeline.adapters.output.attributes import AttributeWriter, LeftOut, Tally, drop_attributes
from pipeline.adapters.output.failures import Refused, required
from pipeline.adapters.output.files import NEW_FILE, PRIVATE_FILE, write_all
from pipeline.adapters.output.tree import Tree
from pipeline.archive.layering import Layering
from pipeline.archive.metadata import parse_device, parse_mtime
from pipeline.archive.reader import Entry, Part
from pipeline.archive.selection import Placement
from pipeline.archive.squashed_tree import Spot
from pipeline.archive.tar_header import normalize_path
from pipeline.errors import CorruptArchive

_NODE: Final = {
    "fifo": stat.S_IFIFO,
    "character-device": stat.S_IFCHR,
    "block-device": stat.S_IFBLK,
}


@final
@dataclass(frozen=True, slots=True)
class ExtractionOptions:
    """What is done only when somebody asks for it by name; most of it needs root.

    ``devices`` makes device nodes; ``same_owner`` gives files to the users whose numbers the
    archive has; ``setuid`` keeps setuid and setgid bits and file capabilities.
    """

    devices: bool = False
    same_owner: bool = False
    setuid: bool = False


UNPRIVILEGED: Final = ExtractionOptions()
"""Nothing that needs root, and nothing that makes anybody more than they are."""


@final
@dataclass(frozen=True, slots=True)
class ExtractionReport:
    """What was made: how many entries became files, their bytes, and what was left out."""

    entries: int
    size: int
    left_out: tuple[LeftOut, ...]


@final
class Extractor:
    """Puts archives into one tree, each over those before it."""

    __slots__ = ("_attributes", "_entries", "_file", "_options", "_size", "_tally", "_tree")

    def __init__(self, tree: Tree, options: ExtractionOptions) -> None:
        """Start with an empty tree."""
        self._tree = tree
        self._options = options
        self._tally = Tally()
        self._attributes = AttributeWriter(options.same_owner, options.setuid, self._tally)
        # The file whose data comes next.
        self._file: tuple[int, Entry] | None = None
        self._entries = 0
        self._size = 0

    def take(self, part: Part, selection: Placement, layering: Layering | None) -> None:
        """Take the next part of an archive; data of what was not selected is dropped.

        ``layering`` says where a layer's entries go; an image's own paths do.
        """
        if isinstance(part, memoryview):
            if self._file is not None:
                write_all(self._file[0], part)
                self._size += len(part)
            return
        self.end_file()
        spot = _own_spot(part) if layering is None else required(layering.take(part))
        if spot is None:
            return
        path = selection.place(spot.path, is_folder=part.type == "directory")
        if path is not None and self._make(path, part, partial(_source, spot, selection)):
            self._entries += 1

    def end_file(self) -> None:
        """Complete the file whose data has come: another entry begins, or the archive ended."""
        if self._file is None:
            return
        descriptor, entry = self._file
        self._attributes.complete(descriptor, entry)
        self._file = None
        os.close(descriptor)

    def finish(self) -> ExtractionReport:
        """Give folders their modes and times."""
        self._tree.finish()
        return ExtractionReport(self._entries, self._size, tuple(self._tally.found.values()))

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            os.close(self._file[0])
            self._file = None
        self._tree.close()

    def _make(self, path: bytes, entry: Entry, source: Callable[[], bytes]) -> bool:
        match entry.type:
            case "directory":
                self._make_folder(path, entry)
            case "file":
                self._file = self._tree.make(path, _create), entry
            case "hardlink":
                self._tree.make_hardlink(path, source())
            case "symlink":
                self._tree.make(path, partial(self._make_symlink, entry))
            case "fifo":
                self._tree.make(path, partial(self._make_node, entry, 0))
            case "character-device" | "block-device":
                if not self._options.devices:
                    # What was there is gone all the same: it is not what the image has.
                    self._tree.clear(path)
                    self._tally.add("device nodes", entry.path)
                    return False
                device = os.makedev(*required(parse_device(entry)))
                self._tree.make(path, partial(self._make_node, entry, device))
            case never:
                assert_never(never)
        return True

    def _make_folder(self, path: bytes, entry: Entry) -> None:
        descriptor, was_there = self._tree.make_folder(path)
        try:
            if was_there:
                drop_attributes(descriptor)
            self._attributes.begin(descriptor, entry)
        finally:
            os.close(descriptor)
        mode, mtime = self._attributes.mode(entry), required(parse_mtime(entry))
        self._tree.end_folder(path, mode, mtime)

    def _make_symlink(self, entry: Entry, name: bytes, parent: int) -> None:
        target = entry.untrusted_link
        if not target or b"\0" in target:
            shown = entry.path[:200].decode("utf-8", "backslashreplace")
            raise Refused(CorruptArchive(f'the symbolic link "{shown}" has no target'))
        os.symlink(target, name, dir_fd=parent)
        self._attributes.complete_unopened(name, parent, entry)

    def _make_node(self, entry: Entry, device: int, name: bytes, parent: int) -> None:
        os.mknod(name, _NODE[entry.type] | PRIVATE_FILE, device, dir_fd=parent)
        self._attributes.complete_unopened(name, parent, entry)


def _create(name: bytes, parent: int) -> int:
    return os.open(name, NEW_FILE, PRIVATE_FILE, dir_fd=parent)


def _own_spot(entry: Entry) -> Spot:
    """Return where an image's entry goes: no link is followed between its own path and there."""
    if entry.type != "hardlink":
        return Spot(entry.path)
    return Spot(entry.path, required(normalize_path(entry.untrusted_link)))


def _source(spot: Spot, selection: Placement) -> bytes:
    """Return the place of a hard link's other end, which must be one that is selected, too."""
    place = selection.place(spot.source, is_folder=False)
    if place is None:
        shown, end = (
            each[:200].decode("utf-8", "backslashreplace") for each in (spot.path, spot.source)
        )
        raise Refused(CorruptArchive(f'"{shown}" is a hard link to "{end}", which is left out'))
    return place
