"""Packet framing: both header formats, every length, and nothing but whole packets."""

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.openpgp.packets import Packet, split_packets


def new_header(tag: int, size: int) -> bytes:
    """Return a header of the current format with the shortest length (RFC 9580 4.2.1)."""
    if size < 192:
        return bytes((0xC0 | tag, size))
    if size < 8384:
        return bytes((0xC0 | tag, (size - 192 >> 8) + 192, size - 192 & 0xFF))
    return bytes((0xC0 | tag, 255)) + size.to_bytes(4, "big")


def old_header(tag: int, size: int, kind: int) -> bytes:
    """Return a header of the old format with a length of 1, 2 or 4 octets (4.2.2)."""
    return bytes((0x80 | tag << 2 | kind,)) + size.to_bytes(1 << kind, "big")


@pytest.mark.parametrize("size", [0, 1, 191, 192, 193, 447, 448, 8383, 8384, 65536])
def test_lengths(size: int) -> None:
    """Each length that the format has two or three spellings for."""
    body = b"x" * size
    headers = [new_header(2, size), Packet(2, body).framed[:6]]
    headers += [old_header(2, size, kind) for kind in (0, 1, 2) if size < 1 << (8 << kind)]
    for header in headers:
        outcome = split_packets(header + body + b"\xc5\x00", max_packets=2)
        assert outcome.unwrap() == (Packet(2, body), Packet(5, b""))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x02\x00", "does not start like one"),
        (b"\xc2", "has no length"),
        (b"\xc2\xc0", "has a cut-off length"),
        (b"\xc2\xff\0\0\0", "has a cut-off length"),
        (b"\x89\0", "has a cut-off length"),
        (b"\xc2\xe0", "has a partial length"),
        (b"\xc2\xfe", "has a partial length"),
        (b"\x8b", "has an indeterminate length"),
        (b"\xc2\xff\xff\xff\xff\xffabc", "has 3 bytes, wanted 4294967295"),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    """What is wrong is said, with the place; nothing is allocated because a header says so."""
    good = b"\xc2\x01a"
    assert split_packets(data, max_packets=9).failure() == f"packet at offset 0 {reason}"
    assert split_packets(good + data, max_packets=9).failure() == f"packet at offset 3 {reason}"


def test_count() -> None:
    """The limit is inclusive."""
    assert is_successful(split_packets(b"\xc2\x00" * 5, max_packets=5))
    assert split_packets(b"\xc2\x00" * 6, max_packets=5).failure() == "more than 5 packets"
