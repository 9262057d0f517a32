"""Packet framing: both header formats, every length, and nothing but whole packets."""

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.openpgp.packets import Packet, split_packets
from pipeline.limits import PACKET_PARTS


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


PART = b"\xe9" + b"x" * 512


@pytest.mark.parametrize(
    ("framed", "size"),
    [
        (PART + b"\x00", 512),
        (PART + b"\x03abc", 515),
        (PART + PART + b"\xc0\x00" + b"a" * 192, 1216),
        (PART + b"\xe0x\xe1xx\xff\0\0\0\x01a", 516),
        (b"\xea" + b"x" * 1024 + b"\x00", 1024),
        (PART * (PACKET_PARTS - 1) + b"\x00", 512 * (PACKET_PARTS - 1)),
    ],
)
def test_parts(framed: bytes, size: int) -> None:
    """A body in parts is one body, and what follows it is found (4.2.1.4)."""
    outcome = split_packets(b"\xcb" + framed + b"\xc2\x00", max_packets=2, streamed={11})
    body, behind = outcome.unwrap()
    assert (body.tag, len(body.body)) == (11, size)
    assert behind == Packet(2, b"")


def test_indeterminate() -> None:
    """Everything that follows, nothing as well (4.2.2)."""
    for body in (b"", b"\xc2\x00", b"anything"):
        outcome = split_packets(b"\xc2\x00\xa3" + body, max_packets=2, streamed={8})
        assert outcome.unwrap() == (Packet(2, b""), Packet(8, body))


@pytest.mark.parametrize(
    ("framed", "reason"),
    [
        (b"\xe8" + b"x" * 256 + b"\x00", "has a first part of under 512 bytes"),
        (PART, "has no length"),
        (PART + b"\xc0", "has a cut-off length"),
        (PART + b"\x02a", "has 1 bytes, wanted 2"),
        (PART + b"\xfex", "has 1 bytes, wanted 1073741824"),
        (PART * PACKET_PARTS + b"\x00", f"comes in more than {PACKET_PARTS} parts"),
    ],
)
def test_parts_that_are_refused(framed: bytes, reason: str) -> None:
    """Parts must be there, and not too many."""
    outcome = split_packets(b"\xc2\x00\xcb" + framed, max_packets=2, streamed={11})
    assert outcome.failure() == f"packet at offset 2 {reason}"


def test_only_some_may_be_streamed() -> None:
    """Not those that are not named."""
    for data, reason in ((b"\xc2" + PART, "a partial"), (b"\x8b", "an indeterminate")):
        outcome = split_packets(data, max_packets=1, streamed={8, 11})
        assert outcome.failure() == f"packet at offset 0 has {reason} length"
