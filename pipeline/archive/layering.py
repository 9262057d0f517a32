"""Layers over each other: where each entry goes, and what goes for it. Pure.

    Entry -> Result[Spot | None, ArchiveError]

Whoever unpacks layers and whoever squashes them ask here, so that they cannot make two trees of the
same layers. The steps (the code repeats the numbers):

1. Links on an entry's way are followed, within the tree that the layers have made so far
   (:mod:`pipeline.archive.links`). A layer that has ``lib/x`` and no folder ``lib`` means the
   ``lib`` that is there: with ``lib -> usr/lib`` below it, the entry is ``usr/lib/x``. Not the last
   name: an entry for ``lib`` itself takes the link's place.
2. A marker removes what has its path then, in the layers below (:mod:`pipeline.archive.whiteouts`).
3. Anything else goes into the tree (:mod:`pipeline.archive.squashed_tree`).

Limits: ARCHIVE_ENTRIES for all layers together, markers too, beside those of the tree: a folder
that every layer has again makes nothing, and takes its time.

What comes out has no link on its way in the tree as it is then; nobody after this follows any.

Source: OCI image-spec v1.1.0 ``layer.md`` "Applying Changesets", which says nothing of links on the
way; umoci and containerd apply layers to one root, and follow them there.
"""

from collections.abc import Callable, Iterable
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.reader import ArchiveError, Entry
from pipeline.archive.squashed_tree import Spot, SquashedTree
from pipeline.archive.whiteouts import WHITEOUT_PREFIX, Whiteouts
from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.limits import ARCHIVE_ENTRIES

_MARKED: Final = b"/" + WHITEOUT_PREFIX


def forget(_path: bytes) -> None:
    """Do nothing about a path that goes: it is only in the tree of names."""


@final
class Layering:
    """The layers of one image, the lowest first. After a Failure it must not be used any more."""

    __slots__ = ("_discard", "_entries", "_whiteouts", "tree")

    def __init__(self) -> None:
        """Start with an empty tree, and before the first layer."""
        self.tree: SquashedTree = SquashedTree()
        self._entries = 0
        self.begin()

    def begin(self, discard: Callable[[bytes], None] = forget) -> None:
        """Begin another layer; ``discard`` is told each path that a marker of it removes."""
        self._discard = discard
        self._whiteouts = Whiteouts(self)

    def take(self, entry: Entry) -> Result[Spot | None, ArchiveError]:
        """Take the layer's next entry; return where it goes, None for a marker, which goes nowhere.

        Errors: CorruptArchive for links in a circle, a marker that names nothing, an entry that
        cannot be where it is; NotAnImage for a hard link to no path; ArchiveTooLarge.
        """
        self._entries += 1
        if self._entries > ARCHIVE_ENTRIES:
            return Failure(ArchiveTooLarge("entries", ARCHIVE_ENTRIES))
        # 1.
        followed = self.tree.follow(entry.path)
        if not is_successful(followed):
            return Failure(followed.failure())
        path = followed.unwrap()
        if path != entry.path and _is_below_marker(path) and not _is_below_marker(entry.path):
            shown = entry.path[:200].decode("utf-8", "backslashreplace")
            return Failure(CorruptArchive(f'a link on the way to "{shown}" leads to a whiteout'))
        # 2.
        is_marker = self._whiteouts.take(path)
        if not is_successful(is_marker):
            return Failure(is_marker.failure())
        if is_marker.unwrap():
            self.tree.skip()
            return Success(None)
        # 3.
        return self.tree.take(entry, path)

    def names_in(self, folder: bytes) -> Iterable[bytes]:
        """Return the names in a folder; none where there is no folder."""
        return self.tree.names_in(folder)

    def discard(self, path: bytes) -> None:
        """Remove what has that path, where something has, and all that is in it."""
        self.tree.discard(path)
        self._discard(path)


def _is_below_marker(path: bytes) -> bool:
    return _MARKED in b"/" + path.rpartition(b"/")[0]
