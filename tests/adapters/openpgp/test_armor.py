"""Armor: every way to spell a block is among the made cases; here is what dearmor alone shows."""

import base64

import pytest

from pipeline.adapters.openpgp.armor import crc24, dearmor
from tests.adapters.openpgp.forge import armored, checksum

BYTES = bytes(range(0x80, 0xFF))


def test_blocks_in_order() -> None:
    """Several blocks, with text around them, are several entries."""
    text = b"one\n" + armored(BYTES) + b"two\n" + armored(b"\xc2\x00", "PUBLIC KEY BLOCK")
    assert dearmor(text).unwrap() == (BYTES, b"\xc2\x00")


def test_binary_passes() -> None:
    """What starts with a packet's high bit is no text."""
    assert dearmor(BYTES).unwrap() == (BYTES,)


@pytest.mark.parametrize("size", range(8))
def test_every_padding(size: int) -> None:
    """With and without padding, the checksum on its own line or on the last."""
    data = BYTES[: size + 1]
    assert dearmor(armored(data)).unwrap() == (data,)
    crc = b"=" + base64.b64encode(checksum(data))
    assert dearmor(armored(data).replace(b"\n" + crc, crc)).unwrap() == (data,)
    assert dearmor(armored(data).replace(b"\n" + crc, b"")).unwrap() == (data,)


def test_checksum_is_the_specification_s() -> None:
    """The table agrees with RFC 9580's own loop, written out in the forge."""
    for size in (0, 1, 2, 3, 64, 127):
        assert crc24(BYTES[:size]).to_bytes(3, "big") == checksum(BYTES[:size])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"BEGIN", b"BEGINN"), 'wanted a line "-----BEGIN PGP ...-----"'),
        ((b"\n\n", b"\nx\n\n"), "wanted a blank line before the armored data"),
        ((b"\n=", b"\n*\n="), "wanted base64 between the armor lines"),
        ((b"-----END", b"----END"), "wanted the END line after the checksum"),
        ((b"\n=", b"\n=AAAA\n="), "wanted the END line after the checksum"),
        ((b"END PGP SIG", b"END PGP Sig"), 'wanted a line "-----END PGP SIGNATURE-----"'),
        ((b"SIGNATURE", b"SIGNED MESSAGE"), "got a cleartext-signed message"),
    ],
)
def test_reasons(change: tuple[bytes, bytes], reason: str) -> None:
    """What is wrong is said."""
    assert reason in dearmor(armored(BYTES).replace(*change, 1)).failure()


def test_bad_checksum() -> None:
    """One bit in the data is noticed."""
    text = armored(BYTES)
    assert dearmor(text.replace(b"\n\ng", b"\n\nh")).failure() == (
        "the armor's checksum does not match its data"
    )
