"""Decompress one zstd frame with a bound on what each call returns.

The ``zstandard`` package decompresses a piece of input whole, however much comes out, and says
nothing when the input ends inside a frame. A zstd frame is a row of blocks that expand to at
most 128 KiB each (RFC 8878 section 3.1.1.2), so this reads the blocks' headers, three bytes
each, and passes on a few blocks at a time. The interface is that of ``bz2.BZ2Decompressor``.

Shape: ``decompress(data, max_length) -> bytes``; raises :exc:`zstandard.ZstdError`, which
:mod:`pipeline.archive.compression` maps, and :exc:`WindowTooLargeError`.
"""

from typing import Final, Literal, final

from zstandard import ZstdDecompressor, ZstdError, frame_header_size, get_frame_parameters

from pipeline.limits import KIB, ZSTD_WINDOW_BYTES

MAGIC: Final = b"\x28\xb5\x2f\xfd"
"""How a frame starts (RFC 8878 section 3.1.1)."""

SKIPPABLE: Final = frozenset(bytes([n]) + b"\x2a\x4d\x18" for n in range(0x50, 0x60))
"""How a frame starts that holds no data of ours (RFC 8878 section 3.1.2)."""

_BLOCK_BYTES: Final = 128 * KIB
_RLE_BLOCK: Final = 1
_LONGEST_FRAME_HEADER: Final = 18
_BLOCK_HEADER_BYTES: Final = 3


class WindowTooLargeError(Exception):
    """The frame would have the decoder allocate more than ZSTD_WINDOW_BYTES."""


@final
class ZstdFrameDecompressor:
    """A decompressor of one frame, skippable or not, as :mod:`bz2` and :mod:`lzma` have."""

    __slots__ = ("_buffer", "_checksum_bytes", "_expects", "_next", "_object", "eof")

    def __init__(self) -> None:
        """Start before the frame's magic."""
        self._object = ZstdDecompressor().decompressobj(write_size=_BLOCK_BYTES)
        self._buffer = bytearray()
        self._checksum_bytes = 0
        # What stands ``_next`` bytes after the buffer's start; everything before may go on.
        self._expects: Literal["frame", "block", "end"] = "frame"
        self._next = 0
        self.eof: bool = False

    @property
    def needs_input(self) -> bool:
        """Whether nothing more can come out before more data goes in."""
        available = len(self._buffer) - self._next
        return not self.eof and (self._expects != "block" or available < _BLOCK_HEADER_BYTES)

    @property
    def unused_data(self) -> bytes:
        """What was given beyond the frame's end."""
        return bytes(self._buffer) if self.eof else b""

    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes:
        """Take more data; return at most ``max_length`` bytes, or 256 KiB where that is more."""
        self._buffer += data
        if self._expects == "frame":
            self._read_frame_header()
        # A block that was begun in an earlier call may come out as well.
        for _ in range(max(1, max_length // _BLOCK_BYTES - 1)):
            if self._expects == "block":
                self._read_block_header()
        passed_on = bytes(self._buffer[: self._next])
        del self._buffer[: self._next]
        self._next -= len(passed_on)
        output = self._object.decompress(passed_on) if passed_on else b""
        self.eof = self._object.eof
        return output

    def _read_frame_header(self) -> None:
        head = bytes(self._buffer[:_LONGEST_FRAME_HEADER])
        if head[:4] in SKIPPABLE:
            if len(head) >= 8:
                self._next, self._expects = 8 + int.from_bytes(head[4:8], "little"), "end"
        elif len(head) >= 4 and not head.startswith(MAGIC):
            raise ZstdError("no frame starts here")
        elif len(head) >= 5 and len(head) >= frame_header_size(head):
            parameters = get_frame_parameters(head)
            if parameters.window_size > ZSTD_WINDOW_BYTES:
                raise WindowTooLargeError
            self._checksum_bytes = 4 if parameters.has_checksum else 0
            self._next, self._expects = frame_header_size(head), "block"

    def _read_block_header(self) -> None:
        header = self._buffer[self._next : self._next + _BLOCK_HEADER_BYTES]
        if len(header) < _BLOCK_HEADER_BYTES:
            return
        # RFC 8878 section 3.1.1.2: one bit "last block", two bits type, 21 bits size.
        bits = int.from_bytes(header, "little")
        content = 1 if (bits >> 1) & 3 == _RLE_BLOCK else bits >> 3
        self._next += _BLOCK_HEADER_BYTES + content
        if bits & 1:
            self._next += self._checksum_bytes
            self._expects = "end"
