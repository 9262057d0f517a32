"""Scan the tar of an image as it streams by: its layout is right, and here is its manifest.

Shape: chunks go into :meth:`ArchiveScanner.feed`, ``bytes -> Result[tuple[Entry, ...], Err]``;
:meth:`ArchiveScanner.finish` gives the manifest's bytes. Where the chunks are cut makes no
difference. Nothing is written anywhere, and data other than the manifest's is skipped unread.

The rules (appc/spec v0.8.11 ``spec/aci.md`` "Image Archives"):

1. Every header is well-formed and unambiguous (:mod:`pipeline.archive.tar_header`).
2. At the root stand ``manifest``, a regular file, and ``rootfs``, a directory or only entries
   below it; nothing else. As in rkt, ``./manifest`` is ``manifest`` and ``./`` itself may be
   there; unlike rkt, ``a/../manifest`` and ``manifest/`` are refused.
3. No path occurs twice, however it is written.
4. Two zero blocks end the archive, and nothing but zeros follows; rkt takes an archive that is
   cut off after its manifest.
5. The limits hold: entries, path, extended header and manifest.

Memory: eight bytes an entry (a digest of its path, for rule 3), one extended header, and the
manifest. Two different paths with the same 64-bit digest would be refused as one; among 100,000
entries that has a chance of one in three thousand million.

Not checked here: what links point to and what lies below what. Nothing is unpacked, and whoever
unpacks must resolve every path under its own root anyhow.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.tar_header import (
    BLOCK_BYTES,
    EntryType,
    ExtensionType,
    Header,
    effective_size,
    is_plain_path,
    normalize_path,
    parse_header,
    parse_long_name,
    parse_pax,
)
from pipeline.errors import ArchiveTooLarge, CorruptArchive, ManifestMissing, NotAnImage
from pipeline.limits import (
    ARCHIVE_ENTRIES,
    ARCHIVE_HEADER_BYTES,
    ARCHIVE_PATH_BYTES,
    MANIFEST_BYTES,
)

MANIFEST_PATH: Final = b"manifest"
ROOTFS_PATH: Final = b"rootfs"

ArchiveError: TypeAlias = NotAnImage | CorruptArchive | ArchiveTooLarge | ManifestMissing
"""What can be wrong with an archive before its manifest is parsed."""

_ZERO_BLOCK: Final = bytes(BLOCK_BYTES)

_SEEN_BUCKETS: Final = 64
"""Digests of paths are compared a bucket at a time, so that the comparison stays small too."""


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its normalized path (the root is ``b""``), its type, its data's size in bytes.

    ``link`` is the target of a hard or symbolic link as it stands in the archive, unchecked.
    """

    path: bytes
    type: EntryType
    size: int
    untrusted_link: bytes


@final
class ArchiveScanner:
    """A push parser of one archive. After a Failure it must not be fed again."""

    __slots__ = (
        "_entries",
        "_extensions",
        "_handle",
        "_has_rootfs",
        "_headers",
        "_held",
        "_manifest",
        "_needed",
        "_overrides",
        "_seen",
        "_skip",
    )

    def __init__(self) -> None:
        """Start before the first header."""
        self._held = bytearray()
        self._skip = 0
        self._needed = BLOCK_BYTES
        # What to do with the next ``_needed`` bytes; None after the end-of-archive marker.
        self._handle: Callable[[bytes], ArchiveError | None] | None = self._on_header
        self._headers = 0
        self._extensions: set[ExtensionType] = set()
        self._overrides: dict[bytes, bytes] = {}
        self._entries: list[Entry] = []
        self._seen = [array("Q") for _ in range(_SEEN_BUCKETS)]
        self._manifest: bytes | None = None
        self._has_rootfs = False

    def feed(self, chunk: bytes) -> Result[tuple[Entry, ...], ArchiveError]:
        """Take the next bytes, of any number; return the entries whose headers they complete.

        Errors: NotAnImage for a wrong layout, CorruptArchive for a broken or ambiguous tar,
        ArchiveTooLarge beyond a limit.
        """
        position = 0
        while position < len(chunk):
            if self._skip:
                step = min(self._skip, len(chunk) - position)
                self._skip -= step
                position += step
                continue
            if self._handle is None:
                if chunk.count(0, position) != len(chunk) - position:
                    return Failure(CorruptArchive("data follows the end of the archive"))
                break
            missing = self._needed - len(self._held)
            part = chunk[position : position + missing]
            position += len(part)
            if len(part) < missing or self._held:
                self._held += part
                if len(part) < missing:
                    break
                part = bytes(self._held)
                self._held.clear()
            problem = self._handle(part)
            if problem is not None:
                return Failure(problem)
        entries = tuple(self._entries)
        self._entries.clear()
        return Success(entries)

    def finish(self) -> Result[bytes, ArchiveError]:
        """Say that no more bytes come; return the manifest's bytes as they lie in the archive.

        Errors: CorruptArchive where the end marker is missing, ManifestMissing without
        manifest or rootfs, NotAnImage where a path occurs twice.
        """
        if self._handle is not None or self._skip:
            return Failure(CorruptArchive("it is cut off before the end of its tar"))
        if self._manifest is None:
            return Failure(ManifestMissing(MANIFEST_PATH.decode()))
        if not self._has_rootfs:
            return Failure(ManifestMissing(ROOTFS_PATH.decode()))
        if any(len(set(bucket)) != len(bucket) for bucket in self._seen):
            return Failure(NotAnImage("an entry's path occurs twice"))
        return Success(self._manifest)

    def _expect(self, size: int, handle: Callable[[bytes], ArchiveError | None]) -> None:
        self._needed, self._handle = size, handle

    def _on_header(self, block: bytes) -> ArchiveError | None:
        if block == _ZERO_BLOCK:
            if self._extensions:
                return CorruptArchive("an extended header is not followed by an entry")
            self._expect(BLOCK_BYTES, self._on_second_zero_block)
            return None
        self._headers += 1
        if self._headers > ARCHIVE_ENTRIES:
            return ArchiveTooLarge("entries", ARCHIVE_ENTRIES)
        parsed = parse_header(block)
        if not is_successful(parsed):
            return parsed.failure()
        header = parsed.unwrap()
        kind = header.type
        if kind == "pax" or kind == "pax-global" or kind == "gnu-name" or kind == "gnu-link":
            return self._begin_extension(header, kind)
        return self._begin_entry(header, kind)

    def _on_second_zero_block(self, block: bytes) -> ArchiveError | None:
        if block != _ZERO_BLOCK:
            return CorruptArchive("a lone zero block stands between its entries")
        self._handle = None
        return None

    def _begin_extension(self, header: Header, kind: ExtensionType) -> ArchiveError | None:
        if header.size > ARCHIVE_HEADER_BYTES:
            return ArchiveTooLarge("bytes in an extended header", ARCHIVE_HEADER_BYTES)
        # A header before an entry speaks for that entry alone, so nothing may come between;
        # which of two of a kind counts is for each program to guess.
        if kind in self._extensions or (kind == "pax-global" and self._extensions):
            return CorruptArchive("an extended header is not followed by an entry")
        if kind != "pax-global":
            self._extensions.add(kind)
        self._expect(_padded(header.size), partial(self._on_extension, kind, header.size))
        return None

    def _on_extension(self, kind: ExtensionType, size: int, data: bytes) -> ArchiveError | None:
        self._expect(BLOCK_BYTES, self._on_header)
        if kind == "pax" or kind == "pax-global":
            records = parse_pax(data[:size])
            if not is_successful(records):
                return records.failure()
            overrides = {
                key: value
                for key, value in records.unwrap().items()
                if key in {b"path", b"linkpath", b"size"}
            }
            if kind == "pax-global" and overrides:
                return CorruptArchive("a global PAX header names a path or a size")
        else:
            name = parse_long_name(data[:size])
            if not is_successful(name):
                return name.failure()
            overrides = {b"path" if kind == "gnu-name" else b"linkpath": name.unwrap()}
        if overrides.keys() & self._overrides.keys():
            return CorruptArchive("PAX and GNU headers both name an entry")
        self._overrides.update(overrides)
        return None

    def _begin_entry(self, header: Header, kind: EntryType) -> ArchiveError | None:
        overrides, self._overrides = self._overrides, {}
        self._extensions.clear()
        name = overrides.get(b"path", header.name)
        link = overrides.get(b"linkpath", header.link)
        if len(name) > ARCHIVE_PATH_BYTES or len(link) > ARCHIVE_PATH_BYTES:
            return ArchiveTooLarge("bytes in one path", ARCHIVE_PATH_BYTES)
        size = header.size
        if b"size" in overrides:
            sized = effective_size(size, overrides[b"size"])
            if not is_successful(sized):
                return sized.failure()
            size = sized.unwrap()
        if kind == "file" and name.endswith(b"/"):
            # How archives older than POSIX mark a directory.
            kind = "directory"
        if size and kind != "file":
            # Whether data follows then differs from program to program.
            return CorruptArchive(f"a {kind} has {size} bytes of data, wanted none")
        if not is_plain_path(name):
            normalized = normalize_path(name)
            if not is_successful(normalized):
                return normalized.failure()
            name = normalized.unwrap()
        entry = Entry(name, kind, size, link)
        problem = self._layout_problem(entry)
        if problem is not None:
            return problem
        self._entries.append(entry)
        if entry.path == MANIFEST_PATH:
            self._expect(_padded(size), partial(self._on_manifest, size))
            return None
        self._skip = _padded(size)
        self._expect(BLOCK_BYTES, self._on_header)
        return None

    def _on_manifest(self, size: int, data: bytes) -> ArchiveError | None:
        self._manifest = data[:size]
        self._expect(BLOCK_BYTES, self._on_header)
        return None

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
        return _wrong_type(entry, "file")


def _wrong_type(entry: Entry, wanted: EntryType) -> NotAnImage | None:
    if entry.type == wanted:
        return None
    shown = entry.path.decode("utf-8", "backslashreplace") or "."
    return NotAnImage(f"{shown} is a {entry.type}, wanted a {wanted}")


def _padded(size: int) -> int:
    return size + -size % BLOCK_BYTES
