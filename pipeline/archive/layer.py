"""An image's files as the tar of one OCI layer: ``rootfs/x`` becomes ``x``, the rest stays.

Shape: parts of an image's archive go into :meth:`LayerWriter.take`, which gives the layer's bytes;
:meth:`LayerWriter.finish` gives its end. Pure. The same archive makes the same bytes.

Refused is what a layer would say something else with: a file called ``.wh.x`` is there the removal
of ``x``. Source: OCI image-spec v1.1.0 ``layer.md``.
"""

from typing import TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.copying import copy_header
from pipeline.archive.reader import Entry, Part
from pipeline.archive.selection import Placement
from pipeline.archive.tar_header import normalize_path
from pipeline.archive.tar_writer import END_OF_ARCHIVE, padding
from pipeline.archive.whiteouts import WHITEOUT_PREFIX
from pipeline.errors import CorruptArchive, NotAnImage, NotExportable

LayerError: TypeAlias = CorruptArchive | NotAnImage | NotExportable
"""What keeps an entry from being written."""


@final
class LayerWriter:
    """Writes one layer; after a Failure it must not be used again."""

    __slots__ = ("_missing", "_padding", "_selection")

    def __init__(self, selection: Placement) -> None:
        """Take what of the image goes into the layer, and where."""
        self._selection = selection
        self._missing = 0
        self._padding = b""

    def take(self, part: Part) -> Result[bytes | memoryview, LayerError]:
        """Take the next part of an image's archive; return the bytes that it makes.

        Errors: NotExportable, and CorruptArchive or NotAnImage for what is no mode, time or path.
        """
        if isinstance(part, memoryview):
            if not self._missing:
                return Success(b"")
            self._missing -= len(part)
            return Success(part if self._missing else b"".join((part, self._padding)))
        self._missing = 0
        path = self._selection.place(part.path, is_folder=part.type == "directory")
        if path is None:
            return Success(b"")
        if any(name.startswith(WHITEOUT_PREFIX) for name in path.split(b"/")):
            shown = part.path[:200].decode("utf-8", "backslashreplace")
            return Failure(NotExportable(f'in a layer, "{shown}" would be a removal'))
        link = self._link(part)
        if not is_successful(link):
            return Failure(link.failure())
        self._missing, self._padding = part.size, padding(part.size)
        return copy_header(part, path, link.unwrap(), part.type)

    def finish(self) -> bytes:
        """Return the end of the layer."""
        return END_OF_ARCHIVE

    def _link(self, entry: Entry) -> Result[bytes, LayerError]:
        """Return a link's target, for a hard link as a path in the layer."""
        if entry.type != "hardlink":
            return Success(entry.untrusted_link if entry.type == "symlink" else b"")
        source = normalize_path(entry.untrusted_link)
        if not is_successful(source):
            return Failure(source.failure())
        place = self._selection.place(source.unwrap(), is_folder=False)
        if place is None:
            shown = entry.path[:200].decode("utf-8", "backslashreplace")
            return Failure(NotExportable(f'"{shown}" is a hard link to a file that is left out'))
        return Success(place)
