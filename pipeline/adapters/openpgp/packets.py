"""Packet framing: ``bytes -> tuple[Packet, ...]``, or a reason (RFC 9580 section 4.2).

Both header formats, whole packets only. Partial and indeterminate lengths exist for data
packets, which have no business in a signature file or a keyring, and are refused. Lengths are
compared with what is there before anything is sliced. Does not look into bodies.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success


class Tag(IntEnum):
    """Packet types that are told apart here (RFC 9580 section 5)."""

    SIGNATURE = 2
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    MARKER = 10
    TRUST = 12
    USER_ID = 13
    PUBLIC_SUBKEY = 14
    USER_ATTRIBUTE = 17


@final
@dataclass(frozen=True, slots=True)
class Packet:
    """A packet's type and body; the type may be one that is not in :class:`Tag`."""

    tag: int
    body: bytes

    @property
    def framed(self) -> bytes:
        """The packet with a header of the current format and a five-octet length."""
        return bytes((0xC0 | self.tag, 0xFF)) + len(self.body).to_bytes(4, "big") + self.body


@final
@dataclass(frozen=True, slots=True)
class _Header:
    tag: int
    start: int
    length: int


def split_packets(untrusted: bytes, *, max_packets: int) -> Result[tuple[Packet, ...], str]:
    """Cut a sequence of packets apart; the whole input must be packets.

    Errors: a sentence that says what is wrong, with the offset in bytes.

    >>> [packet.tag for packet in split_packets(b"\\xc2\\x01a\\x88\\x00", max_packets=2).unwrap()]
    [2, 2]
    >>> split_packets(b"\\xc2\\x05a", max_packets=2).failure()
    'packet at offset 0 has 1 bytes, wanted 5'
    """
    packets: list[Packet] = []
    offset = 0
    while offset < len(untrusted):
        if len(packets) == max_packets:
            return Failure(f"more than {max_packets} packets")
        outcome = _read_header(untrusted, offset)
        if not is_successful(outcome):
            return Failure(f"packet at offset {offset} {outcome.failure()}")
        header = outcome.unwrap()
        left = len(untrusted) - header.start
        if header.length > left:
            return Failure(f"packet at offset {offset} has {left} bytes, wanted {header.length}")
        offset = header.start + header.length
        packets.append(Packet(header.tag, untrusted[header.start : offset]))
    return Success(tuple(packets))


def _read_header(data: bytes, offset: int) -> Result[_Header, str]:
    first = data[offset]
    if not first & 0x80:
        return Failure("does not start like one")
    if not first & 0x40:
        # Section 4.2.2, the old format: the type of length stands in the lowest two bits.
        if first & 0x03 == 3:
            return Failure("has an indeterminate length")
        return _fixed_length(data, first >> 2 & 0x0F, offset + 1, 1 << (first & 0x03))
    # Section 4.2.1: the first length octet tells how many follow.
    tag, octet = first & 0x3F, data[offset + 1 : offset + 2]
    if not octet:
        return Failure("has no length")
    if octet[0] < 192:
        return Success(_Header(tag, offset + 2, octet[0]))
    if octet[0] < 224:
        low = data[offset + 2 : offset + 3]
        if not low:
            return Failure("has a cut-off length")
        return Success(_Header(tag, offset + 3, (octet[0] - 192 << 8) + low[0] + 192))
    if octet[0] < 255:
        return Failure("has a partial length")
    return _fixed_length(data, tag, offset + 2, 4)


def _fixed_length(data: bytes, tag: int, start: int, octets: int) -> Result[_Header, str]:
    length = data[start : start + octets]
    if len(length) < octets:
        return Failure("has a cut-off length")
    return Success(_Header(tag, start + octets, int.from_bytes(length, "big")))
