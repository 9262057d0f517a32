"""The parts of a tar, strictly read: header blocks, PAX records, GNU long names, paths.

Grammar (POSIX.1-2017 ``pax`` "ustar Interchange Format" and "pax Header Block"; GNU tar 1.35
manual, section "Basic Tar Format")::

    header  = name[100] mode[8] uid[8] gid[8] size[12] mtime[12] chksum[8] typeflag[1]
              linkname[100] magic[8] uname[32] gname[32] devmajor[8] devminor[8] prefix[155] pad[12]
    number  = *SP *OCTAL *(SP / NUL)  /  %x80 big-endian
    record  = length SP key "=" value LF        ; length counts the whole record, itself too

Shape: ``bytes -> Result[value, CorruptArchive | NotAnImage]``; pure. Where programs are known to
read the same bytes differently, nothing is guessed and the archive is refused: such a difference
lets a scan see other entries than an unpacker does (CVE-2025-62518). Sparse files, multi-volume
parts and vendors' own types are refused for that reason too.

What only an unpacker needs (owner, mode, times, device numbers) is read in
:mod:`pipeline.archive.metadata`.
"""

import zlib
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from returns.result import Failure, Result, Success

from pipeline.errors import CorruptArchive, NotAnImage

BLOCK_BYTES: Final = 512
"""A tar is a sequence of blocks of this many bytes (POSIX.1-2017 ``pax``)."""

EntryType: TypeAlias = Literal[
    "file", "directory", "hardlink", "symlink", "character-device", "block-device", "fifo"
]
"""What an entry makes when it is unpacked."""

ExtensionType: TypeAlias = Literal["pax", "pax-global", "gnu-name", "gnu-link"]
"""What a header is that only speaks about those after it."""

TYPES: Final[dict[bytes, EntryType | ExtensionType]] = {
    b"\0": "file",
    b"0": "file",
    b"7": "file",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "character-device",
    b"4": "block-device",
    b"5": "directory",
    b"6": "fifo",
    b"x": "pax",
    b"g": "pax-global",
    b"L": "gnu-name",
    b"K": "gnu-link",
}
"""Type flags that are understood; any other is refused."""

_POSIX: Final = b"ustar\x0000"
_GNU: Final = b"ustar  \0"
_V7: Final = bytes(8)


@final
@dataclass(frozen=True, slots=True)
class Header:
    """A header block; extensions before it may override all but the type."""

    name: bytes
    type: EntryType | ExtensionType
    size: int
    link: bytes


def has_checksum(block: bytes) -> bool:
    """Tell whether a block of 512 bytes carries a header's checksum.

    The checksum is the sum of all bytes, with its own field taken as spaces.
    """
    if len(block) != BLOCK_BYTES:
        return False
    # Adler-32's low half is 1 plus the sum modulo 65521, and up to 256 bytes sum to less: three
    # parts give the exact sum at a tenth of the cost of sum().
    total = (
        (zlib.adler32(block[:148]) & 0xFFFF)
        + (zlib.adler32(block[156:345]) & 0xFFFF)
        + (zlib.adler32(block[345:]) & 0xFFFF)
    )
    return parse_number(block[148:156]) == total - 3 + 8 * 0x20


def is_posix_or_gnu(block: bytes) -> bool:
    """Tell whether a header has the fields that came with POSIX: owner's names, devices."""
    return block[257:265] in {_POSIX, _GNU}


def parse_number(field: bytes) -> int | None:
    """Read a numeric field, octal or base-256; None where it is neither, or negative.

    >>> parse_number(b"0000644 "), parse_number(b"\\x80\\0\\0\\1"), parse_number(b"0o17")
    (420, 1, None)
    """
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.rstrip(b" \0").lstrip(b" ")
    if not digits:
        return 0
    # int() alone would take signs, underscores and "0o" as well.
    if digits.strip(b"01234567"):
        return None
    return int(digits, 8)


def parse_header(block: bytes) -> Result[Header, CorruptArchive]:
    """Read one header block of 512 bytes that is not all zeros.

    Errors: CorruptArchive for a wrong checksum, a magic or type that is not known, a number
    that is none, and for name parts that other programs would put together differently.
    """
    if not has_checksum(block):
        return Failure(CorruptArchive("a tar header has a wrong checksum"))
    magic = block[257:265]
    if magic not in {_POSIX, _GNU, _V7}:
        return Failure(CorruptArchive("a tar header has an unknown magic"))
    prefix = block[345:500].partition(b"\0")[0]
    if prefix and magic != _POSIX:
        # Old GNU headers have times where POSIX has the name's prefix; some programs join them.
        return Failure(CorruptArchive("a tar header that is not POSIX has a name prefix"))
    if magic == _POSIX and block[500:512].strip(b"\0"):
        # star marks its own layout of the prefix here.
        return Failure(CorruptArchive("a tar header has data after its last field"))
    kind = TYPES.get(block[156:157])
    if kind is None:
        return Failure(
            CorruptArchive(f"a tar entry has type {block[156]:#04x}, wanted a plain one")
        )
    size = parse_number(block[124:136])
    if size is None:
        return Failure(CorruptArchive("a tar entry's size is not a number"))
    name = block[:100].partition(b"\0")[0]
    return Success(
        Header(
            name=b"/".join((prefix, name)) if prefix else name,
            type=kind,
            size=size,
            link=block[157:257].partition(b"\0")[0],
        )
    )


def parse_pax(content: bytes) -> Result[dict[bytes, bytes], CorruptArchive]:
    r"""Read the records of a PAX header.

    Errors: CorruptArchive for a record that is malformed or given twice, or for sparse files.

    >>> parse_pax(b"12 path=a/b\n").unwrap()
    {b'path': b'a/b'}
    """
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(content):
        digits = content[position : position + 8].partition(b" ")[0]
        if not digits.isdigit():
            return Failure(CorruptArchive("a PAX record does not start with its length"))
        record = content[position : position + int(digits)]
        position += int(digits)
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if len(record) != int(digits) or record[-1:] != b"\n" or not (key and equals):
            return Failure(CorruptArchive("a PAX record is malformed"))
        if key in records:
            return Failure(CorruptArchive("a PAX header gives a value twice"))
        if key.startswith(b"GNU.sparse."):
            return Failure(CorruptArchive("the archive has a sparse file, wanted plain ones"))
        records[key] = value
    return Success(records)


def parse_long_name(content: bytes) -> Result[bytes, CorruptArchive]:
    """Read what a GNU long name or long link header holds: a path and its closing NULs."""
    name = content.rstrip(b"\0")
    if not name or b"\0" in name:
        return Failure(CorruptArchive("a GNU long name is empty or has a NUL in it"))
    return Success(name)


def effective_size(header_size: int, untrusted_pax_size: bytes) -> Result[int, CorruptArchive]:
    """Return the size of an entry's data where a PAX header gives one as well.

    POSIX lets PAX override the header's field at any time. Programs that ignore the override
    go on reading inside the data (CVE-2025-62518), so the two must agree, unless the field, 11
    octal digits, cannot hold the size and says 0.

    Errors: CorruptArchive where they differ otherwise, or PAX gives no number.
    """
    # 20 digits hold any 64-bit size; int() of many more would take quadratic time.
    if not untrusted_pax_size.isdigit() or len(untrusted_pax_size) > 20:
        return Failure(CorruptArchive("a PAX size is not a number"))
    size = int(untrusted_pax_size)
    if size != header_size and (header_size != 0 or size < 8**11):
        return Failure(
            CorruptArchive(f"an entry's size is {header_size} in its header and {size} in PAX")
        )
    return Success(size)


def is_plain_path(untrusted_name: bytes) -> bool:
    """Tell whether :func:`normalize_path` would return the path as it is; most are plain.

    >>> is_plain_path(b"rootfs/bin"), is_plain_path(b"rootfs/.profile")
    (True, False)
    """
    return (
        untrusted_name[:1] not in {b"", b".", b"/"}
        and untrusted_name[-1:] != b"/"
        and b"/." not in untrusted_name
        and b"//" not in untrusted_name
        and b"\0" not in untrusted_name
    )


def normalize_path(untrusted_name: bytes) -> Result[bytes, NotAnImage]:
    r"""Return a path without ``.`` segments and doubled or closing slashes; the root is ``b""``.

    Errors: NotAnImage for a path that is empty, absolute, leads upwards or has a NUL.

    >>> normalize_path(b"./rootfs//bin/").unwrap()
    b'rootfs/bin'
    >>> normalize_path(b"rootfs/../manifest").failure().reason
    'an entry\'s path is "rootfs/../manifest", wanted one without ".."'
    """
    if not untrusted_name:
        return Failure(NotAnImage("an entry has no path"))
    shown = f'"{untrusted_name[:200].decode("utf-8", "backslashreplace")}"'
    if b"\0" in untrusted_name:
        return Failure(NotAnImage("an entry's path has a NUL in it"))
    if untrusted_name[:1] == b"/":
        return Failure(NotAnImage(f"an entry's path is {shown}, wanted a relative one"))
    segments = untrusted_name.split(b"/")
    if b".." in segments:
        return Failure(NotAnImage(f'an entry\'s path is {shown}, wanted one without ".."'))
    return Success(b"/".join(part for part in segments if part not in {b"", b"."}))
