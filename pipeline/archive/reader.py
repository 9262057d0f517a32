"""Read a tar as it streams by: its entries, what is said of them, and their data, in order.

Shape: chunks go into :meth:`TarReader.feed`, ``bytes -> Result[tuple[Part, ...], ArchiveError]``;
:meth:`TarReader.finish` tells whether the end was there. Where the chunks are cut makes no
difference but to how data is cut. Whoever scans an archive and whoever unpacks it read it here,
so that they cannot see two archives in one file (CVE-2025-62518).

The rules (POSIX.1-2017 ``pax``; GNU tar 1.35 manual, "Basic Tar Format"):

1. Every header is well-formed and unambiguous (:mod:`pipeline.archive.tar_header`).
2. Two zero blocks end the archive, and nothing but zeros follows; rkt takes an archive that is
   cut off after its manifest. What is known to be whole may end after any entry, before the zeros
   that fill its data up: umoci 0.4.7 writes such layers, and Go's reader takes them.
3. The limits hold: entries, path, extended header.

Memory: one header, one extended header, and what a global header says of every entry's times
and owner. Data is passed on as views of the chunk that was fed.

Not checked here: which entries an image must have, paths that occur twice, what links point to
and what lies below what. Mode, owner and times are parsed when somebody wants them
(:mod:`pipeline.archive.metadata`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
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
from pipeline.limits import ARCHIVE_ENTRIES, ARCHIVE_HEADER_BYTES, ARCHIVE_PATH_BYTES

ArchiveError: TypeAlias = NotAnImage | CorruptArchive | ArchiveTooLarge | ManifestMissing
"""What can be wrong with an archive before its manifest is parsed."""

XATTR_PREFIX: Final = b"SCHILY.xattr."
"""How the PAX record of an extended attribute starts, in star, GNU tar and libarchive."""

_ZERO_BLOCK: Final = bytes(BLOCK_BYTES)
_NAMING: Final = frozenset({b"path", b"linkpath", b"size"})
_GLOBAL: Final = frozenset({b"mtime", b"uid", b"gid", b"uname", b"gname"})
_NO_RECORDS: Final[Mapping[bytes, bytes]] = {}


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its normalized path (the root is ``b""``), its type, its data's size in bytes.

    ``untrusted_link`` is the target of a hard or symbolic link as it stands in the archive.
    ``block`` is the header and ``records`` what PAX headers say, for
    :mod:`pipeline.archive.metadata`; two entries are equal whatever these are.
    """

    path: bytes
    type: EntryType
    size: int
    untrusted_link: bytes
    block: bytes = field(default=b"", repr=False, compare=False)
    records: Mapping[bytes, bytes] = field(default_factory=dict, repr=False, compare=False)


Part: TypeAlias = Entry | memoryview
"""An entry, or the next bytes of the data of the last entry before it."""


def accept(_entry: Entry) -> ArchiveError | None:
    """Find nothing wrong with any entry."""
    return None


@final
class TarReader:
    """A push parser of one tar. After a Failure it must not be fed again."""

    __slots__ = (
        "_check",
        "_data",
        "_entries",
        "_extensions",
        "_global",
        "_handle",
        "_held",
        "_needed",
        "_only",
        "_overrides",
        "_parts",
        "_records",
        "_skip",
    )

    def __init__(
        self,
        check: Callable[[Entry], ArchiveError | None] = accept,
        *,
        only: bytes | None = None,
    ) -> None:
        """Start before the first header; ``check`` may refuse an entry before its data comes.

        Where ``only`` is a path, no other entry and its data become parts: who wants one
        document of an archive need not be handed a million files.
        """
        self._check = check
        self._only = only
        self._held = bytearray()
        self._data = 0
        self._skip = 0
        self._needed = BLOCK_BYTES
        # What to do with the next ``_needed`` bytes; None after the end-of-archive marker.
        self._handle: Callable[[bytes], ArchiveError | None] | None = self._on_header
        self._entries = 0
        self._extensions: set[ExtensionType] = set()
        self._overrides: dict[bytes, bytes] = {}
        self._records = _NO_RECORDS
        self._global: dict[bytes, bytes] = {}
        self._parts: list[Part] = []

    def feed(self, chunk: bytes) -> Result[tuple[Part, ...], ArchiveError]:
        """Take the next bytes, of any number; return the entries and data that they complete.

        Errors: NotAnImage for an impossible path, CorruptArchive for a broken or ambiguous tar,
        ArchiveTooLarge beyond a limit; whatever ``check`` refuses with.
        """
        view = memoryview(chunk)
        position = 0
        while position < len(chunk):
            if self._data:
                part = view[position : position + self._data]
                self._data -= len(part)
                position += len(part)
                self._parts.append(part)
                if self._data:
                    break
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
            piece = chunk[position : position + missing]
            position += len(piece)
            if len(piece) < missing or self._held:
                self._held += piece
                if len(piece) < missing:
                    break
                piece = bytes(self._held)
                self._held.clear()
            problem = self._handle(piece)
            if problem is not None:
                return Failure(problem)
        parts = tuple(self._parts)
        self._parts.clear()
        return Success(parts)

    def finish(self, *, is_known_whole: bool = False) -> Result[None, CorruptArchive]:
        """Say that no more bytes come; ``is_known_whole`` where their digest was compared.

        Errors: CorruptArchive where the end marker is missing, of what is known to be whole where
        an entry is.
        """
        between = self._handle == self._on_header and not (self._held or self._extensions)
        if is_known_whole and between and not self._data:
            return Success(None)
        if self._handle is not None or self._data or self._skip:
            return Failure(CorruptArchive("it is cut off before the end of its tar"))
        return Success(None)

    def _expect(self, size: int, handle: Callable[[bytes], ArchiveError | None]) -> None:
        self._needed, self._handle = size, handle

    def _on_header(self, block: bytes) -> ArchiveError | None:
        if block == _ZERO_BLOCK:
            if self._extensions:
                return CorruptArchive("an extended header is not followed by an entry")
            self._expect(BLOCK_BYTES, self._on_second_zero_block)
            return None
        self._entries += 1
        if self._entries > ARCHIVE_ENTRIES:
            return ArchiveTooLarge("entries", ARCHIVE_ENTRIES)
        parsed = parse_header(block)
        if not is_successful(parsed):
            return parsed.failure()
        header = parsed.unwrap()
        kind = header.type
        if kind == "pax" or kind == "pax-global" or kind == "gnu-name" or kind == "gnu-link":
            return self._begin_extension(header, kind)
        return self._begin_entry(header, kind, block)

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
        if kind == "gnu-name" or kind == "gnu-link":
            name = parse_long_name(data[:size])
            if not is_successful(name):
                return name.failure()
            overrides = {b"path" if kind == "gnu-name" else b"linkpath": name.unwrap()}
        else:
            parsed = parse_pax(data[:size])
            if not is_successful(parsed):
                return parsed.failure()
            records = parsed.unwrap()
            if kind == "pax-global":
                return self._on_global(records)
            self._records = records
            overrides = {key: value for key, value in records.items() if key in _NAMING}
        if overrides.keys() & self._overrides.keys():
            return CorruptArchive("PAX and GNU headers both name an entry")
        self._overrides.update(overrides)
        return None

    def _on_global(self, records: Mapping[bytes, bytes]) -> ArchiveError | None:
        """Keep what is said of all entries after this one; programs differ on much of it."""
        if _NAMING & records.keys():
            return CorruptArchive("a global PAX header names a path or a size")
        if any(key.startswith(XATTR_PREFIX) for key in records):
            return CorruptArchive("a global PAX header gives extended attributes")
        self._global |= {key: records[key] for key in _GLOBAL & records.keys()}
        return None

    def _begin_entry(self, header: Header, kind: EntryType, block: bytes) -> ArchiveError | None:
        name, link, size, records = header.name, header.link, header.size, _NO_RECORDS
        if self._extensions:
            overrides, self._overrides = self._overrides, {}
            records, self._records = self._records, _NO_RECORDS
            self._extensions.clear()
            name = overrides.get(b"path", name)
            link = overrides.get(b"linkpath", link)
            if b"size" in overrides:
                sized = effective_size(size, overrides[b"size"])
                if not is_successful(sized):
                    return sized.failure()
                size = sized.unwrap()
        if len(name) > ARCHIVE_PATH_BYTES or len(link) > ARCHIVE_PATH_BYTES:
            return ArchiveTooLarge("bytes in one path", ARCHIVE_PATH_BYTES)
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
        if self._global:
            records = {**self._global, **records}
        entry = Entry(name, kind, size, link, block, records)
        problem = self._check(entry)
        if problem is not None:
            return problem
        if self._only is None or name == self._only:
            self._parts.append(entry)
            self._data, self._skip = size, -size % BLOCK_BYTES
        else:
            self._skip = _padded(size)
        self._expect(BLOCK_BYTES, self._on_header)
        return None


def _padded(size: int) -> int:
    return size + -size % BLOCK_BYTES
