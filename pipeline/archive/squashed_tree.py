"""What is left of all layers' entries once each has gone over those below it. Pure, in memory.

Entries are numbered as they come. :meth:`SquashedTree.take` puts the next one where it goes, as
``pipeline.adapters.output.tree`` does it with files: a folder over a folder gives it attributes,
anything else takes the place of what is there; what lies on the way and is no folder becomes one,
but for links, which :meth:`SquashedTree.follow` follows before. A hard link is one more name for
the entry that its other end has now, in whatever layer that is. Afterwards the tree tells which
names each entry has.

Memory: a number and the last name of each path and the targets of links, within ARCHIVE_ENTRIES
and FOLDER_PATH_BYTES for everything that was ever there. Data is not looked at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.links import LinkError, follow
from pipeline.archive.reader import ArchiveError, Entry
from pipeline.archive.tar_header import normalize_path
from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.limits import (
    ARCHIVE_ENTRIES,
    ARCHIVE_PATH_BYTES,
    ARCHIVE_PATH_SEGMENTS,
    FOLDER_PATH_BYTES,
)

_UNSPOKEN: Final = -1
_LONGEST_PATH: Final = ARCHIVE_PATH_BYTES - len(b"rootfs//")
"""How long a path may be so that it is one still below ``rootfs/``; it has a name more there."""


@final
@dataclass(eq=False, slots=True)
class Folder:
    """Names, and what each is: the number of an entry, or a folder.

    ``number`` is that of the entry that gives the folder its attributes; below 0 where none does.
    """

    number: int = _UNSPOKEN
    inside: "dict[bytes, Node]" = field(default_factory=dict)


Node: TypeAlias = int | Folder


@final
@dataclass(frozen=True, slots=True)
class Spot:
    """Where an entry goes, and for a hard link where its other end is; no link is on the way."""

    path: bytes
    source: bytes = b""


@final
class SquashedTree:
    """The tree that layers make. After an error it must not be used any more."""

    __slots__ = (
        "_linked",
        "_made",
        "_moved",
        "_number",
        "_path_bytes",
        "_root",
        "_targets",
        "_way",
    )

    def __init__(self) -> None:
        """Start with an empty folder."""
        self._root = Folder()
        self._number = 0
        self._made = 0
        self._path_bytes = 0
        # All names that an entry with hard links ever had, each for its number.
        self._linked: dict[int, set[bytes]] = {}
        # Where entries went that links led elsewhere, and the targets of links.
        self._moved: dict[int, bytes] = {}
        self._targets: dict[int, bytes] = {}
        # The folder that was asked for last, and where it is: most entries have their neighbour's.
        # Emptied by whatever may make, move or remove a link.
        self._way: dict[bytes, bytes] = {}

    def follow(self, path: bytes) -> Result[bytes, LinkError]:
        """Return where an entry with that path goes: links on its way are followed, it is not.

        Errors: as :func:`~pipeline.archive.links.follow`.
        """
        folder, _, name = path.rpartition(b"/")
        if not folder or not self._targets:
            return Success(path)
        way = self._way.get(folder)
        if way is None:
            root: Folder | None = self._root
            followed = follow(folder, root, self._step)
            if not is_successful(followed):
                return followed
            way = followed.unwrap()
            self._way = {folder: way}
        return Success(path if way == folder else b"/".join(filter(None, (way, name))))

    def skip(self) -> None:
        """Count an entry that makes nothing: a marker."""
        self._number += 1

    def take(self, entry: Entry, path: bytes) -> Result[Spot, ArchiveError]:
        """Put the next entry into the tree, at a path that has no link on its way.

        Errors: CorruptArchive for an entry that cannot be there, NotAnImage for a hard link to no
        path, ArchiveTooLarge; what :meth:`follow` fails with for a hard link's other end.
        """
        number = self._number
        self._number += 1
        if len(path) > _LONGEST_PATH:
            return Failure(ArchiveTooLarge("bytes in one path", _LONGEST_PATH))
        if path.count(b"/") + 1 >= ARCHIVE_PATH_SEGMENTS:
            return Failure(ArchiveTooLarge("names in one path", ARCHIVE_PATH_SEGMENTS))
        if not path:
            if entry.type != "directory":
                return Failure(CorruptArchive("its root is something else than a folder"))
            self._root.number = number
            return Success(Spot(path))
        if entry.type == "hardlink":
            return self._link(entry, path)
        if entry.type == "symlink":
            target = entry.untrusted_link
            if not target or b"\0" in target:
                return Failure(CorruptArchive(f'the symbolic link "{_shown(path)}" has no target'))
            self._targets[number] = target
            self._path_bytes += len(target)
            self._way.clear()
        if path != entry.path:
            self._moved[number] = path
        folder, name = self._place(path)
        there = folder.inside.get(name)
        if entry.type == "directory" and isinstance(there, Folder):
            there.number = number
        else:
            if isinstance(there, int):
                self._way.clear()
            folder.inside[name] = Folder(number) if entry.type == "directory" else number
            self._count(path)
        return self._within_limits(Spot(path))

    def at(self, path: bytes) -> Node | None:
        """Return what has that path; None where nothing has."""
        folder, _, name = path.rpartition(b"/")
        parent = self._folder(folder)
        if not name:
            return parent
        return None if parent is None else parent.inside.get(name)

    def names_of(self, number: int, entry: Entry) -> tuple[bytes, ...]:
        """Return the paths that an entry has in the end: its own first, then others, sorted.

        ``number`` is which of all entries it is.
        """
        own = self._moved.get(number, entry.path)
        if entry.type == "directory":
            found = self.at(own)
            return (own,) if isinstance(found, Folder) and found.number == number else ()
        paths = self._linked.get(number, {own})
        return tuple(
            sorted(
                (path for path in paths if self.at(path) == number),
                key=lambda path: (path != own, path),
            )
        )

    def unspoken(self) -> Iterator[bytes]:
        """Return the folders that no entry speaks of, each after the one it is in, sorted there."""
        waiting: list[tuple[bytes, Folder]] = [(b"", self._root)]
        while waiting:
            path, folder = waiting.pop()
            if folder.number == _UNSPOKEN:
                yield path
            at = path + b"/" if path else b""
            waiting.extend(
                (at + name, node)
                for name, node in sorted(folder.inside.items(), key=_name, reverse=True)
                if isinstance(node, Folder)
            )

    def names_in(self, folder: bytes) -> Iterable[bytes]:
        """Return the names in a folder; none where there is no folder."""
        found = self._folder(folder)
        return () if found is None else tuple(found.inside)

    def discard(self, path: bytes) -> None:
        """Remove what has that path, where something has, and all that is in it."""
        folder, _, name = path.rpartition(b"/")
        parent = self._folder(folder)
        if parent is not None:
            parent.inside.pop(name, None)
            self._way.clear()

    def _link(self, entry: Entry, path: bytes) -> Result[Spot, ArchiveError]:
        normalized = normalize_path(entry.untrusted_link)
        if not is_successful(normalized):
            return Failure(normalized.failure())
        folder, name = self._place(path)
        # What is there goes first: the other end may have been in it, or be it.
        folder.inside.pop(name, None)
        self._way.clear()
        followed = self.follow(normalized.unwrap())
        if not is_successful(followed):
            return Failure(followed.failure())
        source = followed.unwrap()
        number = self.at(source)
        if not isinstance(number, int):
            reason = f'"{_shown(path)}" is a hard link to "{_shown(source)}", where no file is'
            return Failure(CorruptArchive(reason))
        folder.inside[name] = number
        self._way.clear()
        self._linked.setdefault(number, {source}).update((source, path))
        self._count(path)
        return self._within_limits(Spot(path, source))

    def _step(self, place: Folder | None, name: bytes) -> Folder | bytes | None:
        node = None if place is None else place.inside.get(name)
        return self._targets.get(node) if isinstance(node, int) else node

    def _folder(self, path: bytes) -> Folder | None:
        folder = self._root
        for name in path.split(b"/") if path else ():
            below = folder.inside.get(name)
            if not isinstance(below, Folder):
                return None
            folder = below
        return folder

    def _place(self, path: bytes) -> tuple[Folder, bytes]:
        """Return the folder in which a path ends, made where it was missing, and its last name."""
        *names, last = path.split(b"/")
        folder = self._root
        for name in names:
            below = folder.inside.get(name)
            if not isinstance(below, Folder):
                below = folder.inside[name] = Folder()
                self._count(name)
            folder = below
        return folder, last

    def _count(self, path: bytes) -> None:
        self._made += 1
        self._path_bytes += len(path)

    def _within_limits(self, spot: Spot) -> Result[Spot, ArchiveTooLarge]:
        """Refuse where too much was made: one entry can stand for many folders, on its path."""
        if self._made > ARCHIVE_ENTRIES:
            return Failure(ArchiveTooLarge("files and folders", ARCHIVE_ENTRIES))
        if self._path_bytes > FOLDER_PATH_BYTES:
            return Failure(ArchiveTooLarge("bytes in its paths", FOLDER_PATH_BYTES))
        return Success(spot)


def _name(item: tuple[bytes, Node]) -> bytes:
    return item[0]


def _shown(path: bytes) -> str:
    return path[:200].decode("utf-8", "backslashreplace")
