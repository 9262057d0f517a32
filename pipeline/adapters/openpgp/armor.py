"""ASCII armor to bytes: ``bytes -> tuple[bytes, ...]``, one entry a block, or a reason.

Grammar (RFC 9580 section 6.2), each line ended by LF or CR LF, white space at line ends ignored::

    file   = *text 1*( block *text )
    block  = "-----BEGIN PGP <label>-----" *( key ": " value ) "" 1*base64 [ "=" crc24 ]
             "-----END PGP <label>-----"

One pass over the lines, so that time grows with the length alone. Does not look into the bytes,
and does not read cleartext-signed messages.
"""

import binascii
import re
from collections.abc import Iterator

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

_BEGIN = re.compile(rb"-----BEGIN PGP ([A-Z ]{1,40})-----")
_CRC24_START = 0xB704CE
_CRC24_POLYNOMIAL = 0x1864CFB
_WHITE_SPACE = b" \t\r\n"


def dearmor(untrusted: bytes) -> Result[tuple[bytes, ...], str]:
    r"""Return the bytes of each block; input that is binary already is its own only block.

    What a block is called says nothing about what is in it, except that a cleartext-signed
    message is refused. A block must be whole: a missing blank line or END line, a stray
    character or a wrong checksum refuses the file. A missing checksum does not (RFC 9580
    section 6.1).

    Errors: a sentence that says what was wanted.

    >>> text = b"-----BEGIN PGP SIGNATURE-----\n\nwgA=\n-----END PGP SIGNATURE-----\n"
    >>> dearmor(text).unwrap()
    (b'\xc2\x00',)
    >>> dearmor(b"<html>").failure()
    'wanted a line "-----BEGIN PGP ...-----"'
    """
    # A packet's first octet has its high bit set (RFC 9580 section 4.2), text has not.
    if untrusted[:1] >= b"\x80":
        return Success((untrusted,))
    blocks: list[bytes] = []
    lines = iter(untrusted.split(b"\n"))
    for line in lines:
        begin = _BEGIN.fullmatch(line.rstrip(_WHITE_SPACE))
        if begin is None:
            continue
        if begin[1] == b"SIGNED MESSAGE":
            return Failure("wanted detached data, got a cleartext-signed message")
        block = _read_block(lines, begin[1])
        if not is_successful(block):
            return Failure(block.failure())
        blocks.append(block.unwrap())
    if not blocks:
        return Failure('wanted a line "-----BEGIN PGP ...-----"')
    return Success(tuple(blocks))


def _read_block(lines: Iterator[bytes], label: bytes) -> Result[bytes, str]:
    """Read from behind the BEGIN line to the END line."""
    for line in lines:
        if not line.strip(_WHITE_SPACE):
            break
        if b": " not in line:
            return Failure("wanted a blank line before the armored data")
    body: list[bytes] = []
    checksum: bytes | None = None
    for line in lines:
        text, end, rest = line.partition(b"-----END PGP ")
        text = text.strip(_WHITE_SPACE)
        if checksum is not None and text:
            return Failure("wanted the END line after the checksum")
        data, mark, four = text.rpartition(b"=")
        # Padding is never followed by four more characters, so these are the checksum.
        if mark and len(four) == 4:
            text, checksum = data, four
        body.append(text)
        if end:
            # gpg and sqv care little for how the line goes on, so a dash fewer is no reason.
            if not rest.startswith(label + b"----"):
                break
            return _decode(b"".join(body), checksum)
    return Failure(f'wanted a line "-----END PGP {label.decode("ascii")}-----"')


def _decode(body: bytes, checksum: bytes | None) -> Result[bytes, str]:
    try:
        data = binascii.a2b_base64(body.translate(None, _WHITE_SPACE), strict_mode=True)
        wanted = None if checksum is None else binascii.a2b_base64(checksum, strict_mode=True)
    except binascii.Error as error:
        return Failure(f"wanted base64 between the armor lines: {error}")
    if not data:
        return Failure("the armor is empty")
    if wanted is not None and wanted != crc24(data).to_bytes(3, "big"):
        return Failure("the armor's checksum does not match its data")
    return Success(data)


def crc24(data: bytes) -> int:
    """Return the checksum of RFC 9580 section 6.1.

    >>> hex(crc24(b"123456789"))
    '0x21cf02'
    """
    crc = _CRC24_START
    once, twice, thrice = _CRC24_TABLES
    whole = len(data) - len(data) % 3
    # Three octets at a time, as many as the checksum has, which is twice as fast as one.
    for first, second, third in zip(data[:whole:3], data[1:whole:3], data[2:whole:3], strict=True):
        crc = thrice[crc >> 16 ^ first] ^ twice[crc >> 8 & 0xFF ^ second] ^ once[crc & 0xFF ^ third]
    for octet in data[whole:]:
        crc = _after(crc ^ octet << 16)
    return crc


def _after(crc: int) -> int:
    """Return the checksum after one more octet, which is in its highest bits."""
    for _ in range(8):
        crc = crc << 1 ^ (_CRC24_POLYNOMIAL if crc & 0x800000 else 0)
    return crc


_ONCE = tuple(_after(octet << 16) for octet in range(256))
_TWICE = tuple(map(_after, _ONCE))
_CRC24_TABLES = (_ONCE, _TWICE, tuple(map(_after, _TWICE)))
"""What an octet does to the checksum one, two and three octets later."""
