"""Whiteouts of OCI layers: entries that remove what the layers below have.

Source: OCI image-spec v1.1.0 ``layer.md`` "Whiteouts". ``.wh.NAME`` removes NAME, and
``.wh..wh..opq`` everything beside itself, of the layers below alone: what the same layer has
stays, wherever in the tar the marker stands. No marker ever appears in the tree, AUFS's own
(``.wh..wh.plnk`` and such) neither.

Memory: the paths that one layer has, within FOLDER_PATH_BYTES.
"""

import os
from typing import Final, final

from pipeline.adapters.output.failures import Refused
from pipeline.adapters.output.folders import names_in
from pipeline.adapters.output.tree import Tree
from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.limits import FOLDER_PATH_BYTES

PREFIX: Final = b".wh."
_OPAQUE: Final = b".wh..wh..opq"


@final
class Whiteouts:
    """What one layer removes; a new value for each layer."""

    __slots__ = ("_own", "_path_bytes", "_tree")

    def __init__(self, tree: Tree) -> None:
        """Take the tree that the layers below have made."""
        self._tree = tree
        self._own: set[bytes] = set()
        self._path_bytes = 0

    def take(self, path: bytes) -> bool:
        """Tell whether an entry is a marker, and act on it; remember any other as the layer's."""
        folder, _, name = path.rpartition(b"/")
        if any(each.startswith(PREFIX) for each in folder.split(b"/")):
            # Below a marker is nothing; AUFS keeps folders of its own there.
            return True
        if not name.startswith(PREFIX):
            self._remember(path)
            return False
        if name == _OPAQUE:
            self._hide_in(folder)
        else:
            hidden = name[len(PREFIX) :]
            if hidden in {b"", b".", b".."}:
                shown = path[:200].decode("utf-8", "backslashreplace")
                raise Refused(CorruptArchive(f'the whiteout "{shown}" names nothing'))
            self._hide(folder, hidden)
        return True

    def _remember(self, path: bytes) -> None:
        while path and path not in self._own:
            self._own.add(path)
            self._path_bytes += len(path)
            if self._path_bytes > FOLDER_PATH_BYTES:
                raise Refused(ArchiveTooLarge("bytes in a layer's paths", FOLDER_PATH_BYTES))
            path = path.rpartition(b"/")[0]

    def _hide(self, folder: bytes, name: bytes) -> None:
        """Remove one name, but what this layer has of it."""
        path = b"/".join((folder, name)) if folder else name
        if path in self._own:
            self._hide_in(path)
            return
        parent = self._tree.look_up(folder)
        if parent is None:
            return
        try:
            self._tree.remove(name, parent, path)
        except FileNotFoundError:
            return
        finally:
            os.close(parent)

    def _hide_in(self, folder: bytes) -> None:
        """Remove what is in a folder, but what this layer has there."""
        opened = self._tree.look_up(folder)
        if opened is None:
            return
        try:
            names = names_in(opened)
        finally:
            os.close(opened)
        for name in names:
            self._hide(folder, name)
