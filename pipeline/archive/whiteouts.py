"""Whiteouts of OCI layers: entries that remove what the layers below have.

Source: OCI image-spec v1.1.0 ``layer.md`` "Whiteouts". ``.wh.NAME`` removes NAME, and
``.wh..wh..opq`` everything beside itself, of the layers below alone: what the same layer has
stays, wherever in the tar the marker stands. No marker ever appears in the tree, AUFS's own
(``.wh..wh.plnk`` and such) neither.

Shape: ``bytes -> Result[bool, CorruptArchive | ArchiveTooLarge]``, and calls of :class:`Tree`. What
the tree is made of, files or numbers, makes no difference here.

Memory: the paths that one layer has, within FOLDER_PATH_BYTES.
"""

from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias, final

from returns.result import Failure, Result, Success

from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.limits import FOLDER_PATH_BYTES

WHITEOUT_PREFIX: Final = b".wh."
"""What names of markers begin with; nothing else in a layer may have such a name."""

WhiteoutError: TypeAlias = CorruptArchive | ArchiveTooLarge
"""What can be wrong with a marker, and with the paths among which it stands."""

_OPAQUE: Final = b".wh..wh..opq"


class Tree(Protocol):
    """What the layers below have made, and this one so far."""

    def names_in(self, folder: bytes) -> Iterable[bytes]:
        """Return the names in a folder; none where there is no folder."""
        ...

    def discard(self, path: bytes) -> None:
        """Remove what has that path, where something has, and all that is in it."""
        ...


@final
class Whiteouts:
    """What one layer removes; a new value for each layer."""

    __slots__ = ("_cleared", "_own", "_path_bytes", "_tree")

    def __init__(self, tree: Tree) -> None:
        """Take the tree that the layers below have made."""
        self._tree = tree
        self._own: set[bytes] = set()
        self._cleared: set[bytes] = set()
        self._path_bytes = 0

    def take(self, path: bytes) -> Result[bool, WhiteoutError]:
        """Tell whether an entry is a marker, and act on it; remember any other as the layer's.

        Errors: CorruptArchive for a marker that names nothing; ArchiveTooLarge.
        """
        folder, _, name = path.rpartition(b"/")
        if any(each.startswith(WHITEOUT_PREFIX) for each in folder.split(b"/")):
            # Below a marker is nothing; AUFS keeps folders of its own there.
            return Success(True)
        if not name.startswith(WHITEOUT_PREFIX):
            return self._remember(path)
        if name == _OPAQUE:
            self._hide_in(folder)
            return Success(True)
        hidden = name[len(WHITEOUT_PREFIX) :]
        if hidden in {b"", b".", b".."}:
            shown = path[:200].decode("utf-8", "backslashreplace")
            return Failure(CorruptArchive(f'the whiteout "{shown}" names nothing'))
        self._hide(b"/".join((folder, hidden)) if folder else hidden)
        return Success(True)

    def _remember(self, path: bytes) -> Result[bool, WhiteoutError]:
        while path and path not in self._own:
            self._own.add(path)
            self._path_bytes += len(path)
            if self._path_bytes > FOLDER_PATH_BYTES:
                return Failure(ArchiveTooLarge("bytes in a layer's paths", FOLDER_PATH_BYTES))
            path = path.rpartition(b"/")[0]
        return Success(False)

    def _hide(self, path: bytes) -> None:
        """Remove what has that path, but what this layer has of it."""
        if path in self._own:
            self._hide_in(path)
        else:
            self._tree.discard(path)

    def _hide_in(self, folder: bytes) -> None:
        """Remove what is in a folder, but what this layer has there.

        Once is enough, since nothing of the layers below comes back: a million markers must not
        have a million names looked at each. A folder of which the layer has nothing is empty then.
        """
        if folder in self._cleared:
            return
        if not folder or folder in self._own:
            self._cleared.add(folder)
        for name in self._tree.names_in(folder):
            self._hide(b"/".join((folder, name)) if folder else name)
