"""Scan the tar of an image as it streams by: its layout is right, and here is its manifest.

Shape: chunks go into :meth:`ArchiveScanner.feed`, ``bytes -> Result[tuple[Part, ...], Err]``;
:meth:`ArchiveScanner.finish` gives the manifest's bytes. Nothing is written anywhere.

The rules (appc/spec v0.8.11 ``spec/aci.md`` "Image Archives"), beside those of any tar
(:mod:`pipeline.archive.reader`):

1. At the root stand ``manifest``, a regular file, and ``rootfs``, a directory or only entries
   below it; nothing else. As in rkt, ``./manifest`` is ``manifest`` and ``./`` itself may be
   there; unlike rkt, ``a/../manifest`` and ``manifest/`` are refused.
2. No path occurs twice, however it is written.
3. The manifest is within its limit.

Memory: eight bytes an entry (a digest of its path, for rule 2), and the manifest. Two different
paths with the same 64-bit digest would be refused as one; among 100,000 entries that has a
chance of one in three thousand million.

Not checked here: what links point to and what lies below what. Nothing is unpacked, and whoever
unpacks must resolve every path under its own root anyhow.
"""

from array import array
from hashlib import blake2b
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.reader import ArchiveError, Entry, Part, TarReader
from pipeline.archive.tar_header import EntryType
from pipeline.errors import ArchiveTooLarge, ManifestMissing, NotAnImage
from pipeline.limits import MANIFEST_BYTES

MANIFEST_PATH: Final = b"manifest"
ROOTFS_PATH: Final = b"rootfs"

_SEEN_BUCKETS: Final = 64
"""Digests of paths are compared a bucket at a time, so that the comparison stays small too."""


@final
class ArchiveScanner:
    """A push parser of one image's archive. After a Failure it must not be fed again."""

    __slots__ = ("_has_rootfs", "_manifest", "_missing", "_reader", "_seen")

    def __init__(self, *, manifest_only: bool = False) -> None:
        """Start before the first header; every entry is checked, whichever become parts."""
        only = MANIFEST_PATH if manifest_only else None
        self._reader = TarReader(self._layout_problem, only=only)
        self._seen = [array("Q") for _ in range(_SEEN_BUCKETS)]
        self._manifest: bytearray | None = None
        self._missing = 0
        self._has_rootfs = False

    def feed(self, chunk: bytes) -> Result[tuple[Part, ...], ArchiveError]:
        """Take the next bytes, of any number; return the entries and data that they complete.

        Errors: NotAnImage for a wrong layout, CorruptArchive for a broken or ambiguous tar,
        ArchiveTooLarge beyond a limit.
        """
        awaited = self._missing
        read = self._reader.feed(chunk)
        if is_successful(read) and (awaited or self._missing):
            self._keep_manifest(read.unwrap(), is_open=bool(awaited))
        return read

    def finish(self) -> Result[bytes, ArchiveError]:
        """Say that no more bytes come; return the manifest's bytes as they lie in the archive.

        Errors: CorruptArchive where the end marker is missing, ManifestMissing without
        manifest or rootfs, NotAnImage where a path occurs twice.
        """
        ended = self._reader.finish()
        if not is_successful(ended):
            return Failure(ended.failure())
        if self._manifest is None:
            return Failure(ManifestMissing(MANIFEST_PATH.decode()))
        if not self._has_rootfs:
            return Failure(ManifestMissing(ROOTFS_PATH.decode()))
        if any(len(set(bucket)) != len(bucket) for bucket in self._seen):
            return Failure(NotAnImage("an entry's path occurs twice"))
        return Success(bytes(self._manifest))

    def _keep_manifest(self, parts: tuple[Part, ...], *, is_open: bool) -> None:
        """Keep the data that belongs to the manifest: ``is_open`` where it began before."""
        for part in parts:
            if isinstance(part, Entry):
                is_open = part.path == MANIFEST_PATH
            elif is_open and self._manifest is not None:
                self._manifest += part
                self._missing -= len(part)

    def _layout_problem(self, entry: Entry) -> ArchiveError | None:
        path = entry.path
        digest = int.from_bytes(blake2b(path, digest_size=8).digest(), "little")
        self._seen[digest % _SEEN_BUCKETS].append(digest)
        if path[:7] == b"rootfs/":
            self._has_rootfs = True
            return None
        if path == ROOTFS_PATH:
            self._has_rootfs = True
            return _wrong_type(entry, "directory")
        if not path:
            return _wrong_type(entry, "directory")
        if path != MANIFEST_PATH:
            shown = path[:200].decode("utf-8", "backslashreplace")
            return NotAnImage(f'"{shown}" stands beside manifest and rootfs')
        if self._manifest is not None:
            return NotAnImage("it has more than one manifest")
        if entry.size > MANIFEST_BYTES:
            return ArchiveTooLarge("bytes in its manifest", MANIFEST_BYTES)
        self._manifest, self._missing = bytearray(), entry.size
        return _wrong_type(entry, "file")


def _wrong_type(entry: Entry, wanted: EntryType) -> NotAnImage | None:
    if entry.type == wanted:
        return None
    shown = entry.path.decode("utf-8", "backslashreplace") or "."
    return NotAnImage(f"{shown} is a {entry.type}, wanted a {wanted}")
