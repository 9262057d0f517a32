"""Decompress one gzip member: the header is read here, the rest by ISA-L.

ISA-L is twice as fast as zlib, but (version 2.31) it loses its place in a header with two or
more optional fields that is cut between two calls, and it lets reserved flags pass, which RFC
1952 section 2.3.1.2 forbids: they may stand for fields that other programs read. So the header
is read here, strictly, and ISA-L gets what follows: the deflate data and the trailer, whose
CRC-32 and size it checks. The interface is that of ``bz2.BZ2Decompressor``.

Shape: ``decompress(data, max_length) -> bytes``; raises :exc:`GzipHeaderError` and ISA-L's
``IsalError``, which :mod:`pipeline.archive.compression` maps.
"""

import zlib
from typing import Final, final

from isal.igzip_lib import DECOMP_GZIP_NO_HDR_VER, IgzipDecompressor

from pipeline.limits import GZIP_HEADER_BYTES

MAGIC: Final = b"\x1f\x8b\x08"
"""How a member starts: two magic bytes, and the only method there is (section 2.3.1)."""

_HEADER_CRC, _EXTRA, _NAME, _COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0
_FIXED_BYTES: Final = 10


class GzipHeaderError(Exception):
    """The header is not one of gzip's, or longer than GZIP_HEADER_BYTES."""


@final
class GzipMemberDecompressor:
    """A decompressor of one member, as :mod:`bz2` and :mod:`lzma` have."""

    __slots__ = ("_body", "_head", "_in_header")

    def __init__(self) -> None:
        """Start before the member's magic."""
        self._body = IgzipDecompressor(flag=DECOMP_GZIP_NO_HDR_VER)
        self._head = b""
        self._in_header = True

    @property
    def eof(self) -> bool:
        """Whether the member, its trailer too, has been read to its end."""
        return self._body.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing more can come out before more data goes in."""
        return self._in_header or self._body.needs_input

    @property
    def unused_data(self) -> bytes:
        """What was given beyond the member's end."""
        return self._body.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Take more data; return at most ``max_length`` bytes."""
        if self._in_header:
            self._head += data
            length = header_length(self._head)
            if length is None:
                return b""
            data, self._head, self._in_header = self._head[length:], b"", False
        return self._body.decompress(data, max_length)


def header_length(head: bytes) -> int | None:
    r"""Return where a member's header ends (section 2.3); None where ``head`` ends before that.

    Raises GzipHeaderError for another magic or method, a reserved flag, a wrong header CRC, or
    a header that is too long.

    >>> header_length(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03name\0data")
    15
    """
    if head[:3] != MAGIC[: len(head)]:
        raise GzipHeaderError("no gzip member starts here")
    end = _optional_fields_end(head)
    if end is None:
        if len(head) > GZIP_HEADER_BYTES:
            raise GzipHeaderError(f"a gzip header has more than {GZIP_HEADER_BYTES} bytes")
        return None
    if not head[3] & _HEADER_CRC:
        return end
    if len(head) < end + 2:
        return None
    if int.from_bytes(head[end : end + 2], "little") != zlib.crc32(head[:end]) & 0xFFFF:
        raise GzipHeaderError("a gzip header has a wrong checksum")
    return end + 2


def _optional_fields_end(head: bytes) -> int | None:
    end = _FIXED_BYTES
    if len(head) < end:
        return None
    flags = head[3]
    if flags & _RESERVED:
        raise GzipHeaderError("a gzip header has a reserved flag")
    if flags & _EXTRA:
        end += 2 + int.from_bytes(head[end : end + 2], "little")
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            closing_nul = head.find(b"\0", end)
            if closing_nul < 0:
                return None
            end = closing_nul + 1
    return end if len(head) >= end else None
