"""Packet framing: ``bytes -> tuple[Packet, ...]``, or a reason (RFC 9580 section 4.2).

Both header formats, whole packets only. Partial and indeterminate lengths exist for data
packets, which have no business in a signature file or a keyring; only who reads a message lets
those packets have them. Lengths are compared with what is there before anything is sliced. Does
not look into bodies.
"""

from collections.abc import Container
from dataclasses import dataclass
from enum import IntEnum
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.limits import PACKET_PARTS


class Tag(IntEnum):
    """Packet types that are told apart here (RFC 9580 section 5)."""

    SIGNATURE = 2
    ONE_PASS_SIGNATURE = 4
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    COMPRESSED_DATA = 8
    MARKER = 10
    LITERAL_DATA = 11
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


_FIRST_PART_BYTES = 512
"""Section 4.2.1.4; sq holds writers to it."""


@final
@dataclass(frozen=True, slots=True)
class _Header:
    """Where a body, or the next part of it, starts, and its octets; ``partial`` where more come."""

    tag: int
    start: int
    length: int
    partial: bool = False


def split_packets(
    untrusted: bytes, *, max_packets: int, streamed: Container[int] = ()
) -> Result[tuple[Packet, ...], str]:
    """Cut a sequence of packets apart; the whole input must be packets.

    Those of the types ``streamed`` may come in parts, or go on to the end of the input.

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
        header = _read_header(untrusted, offset, streamed)
        if not is_successful(header):
            return Failure(f"packet at offset {offset} {header.failure()}")
        outcome = _read_body(untrusted, header.unwrap())
        if not is_successful(outcome):
            return Failure(f"packet at offset {offset} {outcome.failure()}")
        body, offset = outcome.unwrap()
        packets.append(Packet(header.unwrap().tag, body))
    return Success(tuple(packets))


def _read_body(data: bytes, header: _Header) -> Result[tuple[bytes, int], str]:
    """Return a body, its parts joined, and the offset behind it."""
    body = bytearray()
    for _ in range(PACKET_PARTS):
        left = len(data) - header.start
        if header.length > left:
            return Failure(f"has {left} bytes, wanted {header.length}")
        end = header.start + header.length
        body += data[header.start : end]
        if not header.partial:
            return Success((bytes(body), end))
        outcome = _read_length(data, header.tag, end)
        if not is_successful(outcome):
            return Failure(outcome.failure())
        header = outcome.unwrap()
    return Failure(f"comes in more than {PACKET_PARTS} parts")


def _read_header(data: bytes, offset: int, streamed: Container[int]) -> Result[_Header, str]:
    first = data[offset]
    if not first & 0x80:
        return Failure("does not start like one")
    if not first & 0x40:
        # Section 4.2.2, the old format: the type of length stands in the lowest two bits.
        tag = first >> 2 & 0x0F
        if first & 0x03 != 3:
            return _fixed_length(data, tag, offset + 1, 1 << (first & 0x03))
        if tag not in streamed:
            return Failure("has an indeterminate length")
        return Success(_Header(tag, offset + 1, len(data) - offset - 1))
    tag = first & 0x3F
    outcome = _read_length(data, tag, offset + 1)
    if is_successful(outcome) and outcome.unwrap().partial:
        if tag not in streamed:
            return Failure("has a partial length")
        if outcome.unwrap().length < _FIRST_PART_BYTES:
            return Failure(f"has a first part of under {_FIRST_PART_BYTES} bytes")
    return outcome


def _read_length(data: bytes, tag: int, offset: int) -> Result[_Header, str]:
    """Read a length of section 4.2.1, whose first octet tells how many follow."""
    octet = data[offset : offset + 1]
    if not octet:
        return Failure("has no length")
    if octet[0] < 192:
        return Success(_Header(tag, offset + 1, octet[0]))
    if octet[0] < 224:
        low = data[offset + 1 : offset + 2]
        if not low:
            return Failure("has a cut-off length")
        return Success(_Header(tag, offset + 2, (octet[0] - 192 << 8) + low[0] + 192))
    if octet[0] < 255:
        return Success(_Header(tag, offset + 1, 1 << (octet[0] & 0x1F), partial=True))
    return _fixed_length(data, tag, offset + 1, 4)


def _fixed_length(data: bytes, tag: int, start: int, octets: int) -> Result[_Header, str]:
    length = data[start : start + octets]
    if len(length) < octets:
        return Failure("has a cut-off length")
    return Success(_Header(tag, start + octets, int.from_bytes(length, "big")))
