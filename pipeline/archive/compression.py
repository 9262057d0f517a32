"""Tell compressions apart by their magic bytes, and undo them a bounded piece at a time.

Shape: :func:`detect_compression`, ``bytes -> Result[Compression, NotAnImage]``, and
:class:`Decompressor`, chunks in, ``Iterator[Result[bytes, CorruptArchive | ArchiveTooLarge]]``
out. Pure and in process (CVE-2021-20291: an external decompressor is another program to trust).

Formats: gzip (RFC 1952), bzip2, xz (The .xz File Format 1.2.1) and zstd (RFC 8878), each with
any number of members, streams or frames one after another; appc/spec v0.8.11 ``spec/aci.md``
"Image Archives" names the first three. Never by a file's name.

What is refused: input that ends inside a member, and data after the last member that is not a
member itself. Zeros may follow the last gzip member, as gzip(1) lets them (tapes were padded
so), and xz has "stream padding", zeros in fours, in its format.

Bombs: at most CHUNK_BYTES come out at a time; the whole is bounded by ``max_bytes``, its ratio
to what went in by DECOMPRESSION_RATIO, the decoders' memory by XZ_MEMORY_BYTES and
ZSTD_WINDOW_BYTES, the members by COMPRESSED_MEMBERS. What was decompressed is not looked at.
"""

import bz2
import lzma
from collections.abc import Callable, Iterator
from typing import Final, Literal, Protocol, TypeAlias, final

from isal.igzip_lib import IsalError
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success
from zstandard import ZstdError

from pipeline.archive.gzip_member import MAGIC as GZIP_MAGIC
from pipeline.archive.gzip_member import GzipHeaderError, GzipMemberDecompressor
from pipeline.archive.tar_header import BLOCK_BYTES, has_checksum
from pipeline.archive.zstd_frame import MAGIC as ZSTD_MAGIC
from pipeline.archive.zstd_frame import SKIPPABLE, WindowTooLargeError, ZstdFrameDecompressor
from pipeline.errors import ArchiveTooLarge, CorruptArchive, NotAnImage
from pipeline.limits import (
    CHUNK_BYTES,
    COMPRESSED_MEMBERS,
    DECOMPRESSION_RATIO,
    KIB,
    RATIO_GRACE_BYTES,
    XZ_MEMORY_BYTES,
    ZSTD_WINDOW_BYTES,
)

Compression: TypeAlias = Literal["none", "gzip", "bzip2", "xz", "zstd"]
"""How an archive is compressed; ``none`` is a plain tar."""

DETECTION_BYTES: Final = BLOCK_BYTES
"""How much of a file's start :func:`detect_compression` wants to see."""

DecompressionError: TypeAlias = CorruptArchive | ArchiveTooLarge
"""What can be wrong with compressed data."""


def detect_compression(head: bytes) -> Result[Compression, NotAnImage]:
    """Tell what a file is by its first DETECTION_BYTES bytes, or all where it has fewer.

    Errors: NotAnImage where it is none of the formats.

    >>> detect_compression(b"BZh9").unwrap()
    'bzip2'
    >>> detect_compression(b"<html>").failure().reason
    'it starts with "<html>", wanted a tar, or gzip, bzip2, xz or zstd'
    """
    if head.startswith(GZIP_MAGIC):
        return Success("gzip")
    if head.startswith(b"BZh"):
        return Success("bzip2")
    if head.startswith(b"\xfd7zXZ\0"):
        return Success("xz")
    if head.startswith(ZSTD_MAGIC) or head[:4] in SKIPPABLE:
        return Success("zstd")
    # A tar older than POSIX has no magic, only its checksum.
    if head[257:263] in {b"ustar\0", b"ustar "} or has_checksum(head[:BLOCK_BYTES]):
        return Success("none")
    start = f'"{head[:16].decode("latin-1")}"' if head else "nothing: it is empty"
    return Failure(NotAnImage(f"it starts with {start}, wanted a tar, or gzip, bzip2, xz or zstd"))


class _Decoder(Protocol):
    """What decoders of one member have in common: :mod:`bz2`'s interface."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)


_DECODERS: Final[dict[Compression, Callable[[], _Decoder]]] = {
    "gzip": GzipMemberDecompressor,
    "bzip2": bz2.BZ2Decompressor,
    "xz": _xz,
    "zstd": ZstdFrameDecompressor,
}

_PADDING_UNIT: Final[dict[Compression, int]] = {"gzip": 1, "xz": 4}
"""After a member of these, zeros may stand in such a multiple."""

_SMALLEST_STEP: Final = 4 * KIB


@final
class Decompressor:
    """A push decompressor of one file. After a Failure it must not be fed again."""

    __slots__ = (
        "_bytes_in",
        "_bytes_out",
        "_compression",
        "_decoder",
        "_max_bytes",
        "_members",
        "_padding",
    )

    def __init__(self, compression: Compression, *, max_bytes: int) -> None:
        """Start before the first byte; ``max_bytes`` bounds all that comes out together."""
        self._compression: Compression = compression
        self._max_bytes = max_bytes
        self._decoder = None if compression == "none" else _DECODERS[compression]()
        self._members = 1
        self._padding = 0
        self._bytes_in = 0
        self._bytes_out = 0

    def feed(self, chunk: bytes) -> Iterator[Result[bytes, DecompressionError]]:
        """Take the next bytes and give what they expand to, at most CHUNK_BYTES at a time.

        A plain tar's chunks come out as they are. The iterator must be run to its end before
        the next call; a Failure is its last value.

        Errors: CorruptArchive where the data is broken, ArchiveTooLarge beyond a limit.
        """
        self._bytes_in += len(chunk)
        if self._decoder is None:
            yield self._count(chunk)
            return
        position = 0
        # A decoder copies what it is given beyond its member's end. Steps that start small in
        # each member, and double, keep the cost of a million tiny members linear.
        step = _SMALLEST_STEP
        while position < len(chunk):
            if self._decoder.eof:
                window = chunk[position : position + _SMALLEST_STEP]
                zeros = len(window) - len(window.lstrip(b"\0"))
                position += zeros
                self._padding += zeros
                problem = self._begin_member() if zeros < len(window) else None
                if problem is not None:
                    yield Failure(problem)
                    return
                step = _SMALLEST_STEP
                continue
            given = chunk[position : position + step]
            position += len(given)
            step = min(2 * step, CHUNK_BYTES)
            while given or not (self._decoder.needs_input or self._decoder.eof):
                outcome = _decode(self._decoder, given).bind(self._count)
                if not is_successful(outcome):
                    yield outcome
                    return
                if outcome.unwrap():
                    yield outcome
                given = b""
            position -= len(self._decoder.unused_data)

    def finish(self) -> Result[None, CorruptArchive]:
        """Say that no more bytes come.

        Errors: CorruptArchive where the last member is cut off, or its padding is not right.
        """
        if self._decoder is None:
            return Success(None)
        if not self._decoder.eof:
            return Failure(CorruptArchive(f"its {self._compression} data is cut off"))
        unit = _PADDING_UNIT.get(self._compression)
        if self._padding and (unit is None or self._padding % unit):
            return Failure(CorruptArchive(f"zeros follow the end of its {self._compression} data"))
        return Success(None)

    def _begin_member(self) -> DecompressionError | None:
        # gzip(1) ignores whatever follows padding, others read on: two readers, two archives.
        if self._padding and (self._compression != "xz" or self._padding % 4):
            return CorruptArchive(f"data follows the end of its {self._compression} data")
        self._members += 1
        if self._members > COMPRESSED_MEMBERS:
            return ArchiveTooLarge(f"{self._compression} members", COMPRESSED_MEMBERS)
        self._padding = 0
        self._decoder = _DECODERS[self._compression]()
        return None

    def _count(self, piece: bytes) -> Result[bytes, DecompressionError]:
        self._bytes_out += len(piece)
        if self._bytes_out > self._max_bytes:
            return Failure(ArchiveTooLarge("bytes", self._max_bytes))
        grace = max(RATIO_GRACE_BYTES, self._bytes_in * DECOMPRESSION_RATIO)
        if self._bytes_out > grace:
            return Failure(ArchiveTooLarge("bytes for each compressed byte", DECOMPRESSION_RATIO))
        return Success(piece)


def _decode(decoder: _Decoder, data: bytes) -> Result[bytes, DecompressionError]:
    try:
        return Success(decoder.decompress(data, CHUNK_BYTES))
    except WindowTooLargeError:
        return Failure(ArchiveTooLarge("bytes in a zstd window", ZSTD_WINDOW_BYTES))
    except lzma.LZMAError as error:
        # The limit on memory has no class of its own.
        if "memory" in str(error).lower():
            return Failure(ArchiveTooLarge("bytes of memory to decode", XZ_MEMORY_BYTES))
        return Failure(CorruptArchive(f"xz: {error}"))
    except (GzipHeaderError, IsalError, OSError, ZstdError) as error:  # type: ignore[misc] # isal's stub: a value
        return Failure(CorruptArchive(str(error)))
