r"""Write one tar header, with a PAX header before it where its fields cannot hold a value. Pure.

Shape: ``NewEntry -> bytes``, whole blocks; the entry's data, filled up to blocks, follows it.

Format: POSIX.1-2017 ``pax`` "ustar Interchange Format" and "pax Header Block". The same entry
makes the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, final

from pipeline.archive.tar_header import BLOCK_BYTES, TYPES, EntryType

END_OF_ARCHIVE: Final = bytes(2 * BLOCK_BYTES)

# Not b"7", which some read as a file and others not at all.
_FLAGS: Final = {kind: flag for flag, kind in TYPES.items() if b"0" <= flag <= b"6"}
_PLAIN_MODES: Final = {"file": 0o644, "directory": 0o755, "symlink": 0o777}
_NANOSECONDS: Final = 10**9
_NAME_BYTES: Final = 100
_OWNER_BYTES: Final = 31


@final
@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to write. ``records`` are PAX records of which the header has no field."""

    path: bytes
    type: EntryType
    size: int
    link: bytes
    mode: int
    uid: int
    gid: int
    user: bytes
    group: bytes
    mtime: int
    """Nanoseconds since 1970."""
    device: tuple[int, int]
    records: Mapping[bytes, bytes]


def write_header(entry: NewEntry) -> bytes:
    """Return the entry's header blocks."""
    seconds, fraction = divmod(entry.mtime, _NANOSECONDS)
    records = dict(entry.records)
    name = _text(b"path", entry.path, _NAME_BYTES, records)
    link = _text(b"linkpath", entry.link, _NAME_BYTES, records)
    size = _number(b"size", entry.size, 11, records)
    uid = _number(b"uid", entry.uid, 7, records)
    gid = _number(b"gid", entry.gid, 7, records)
    user = _text(b"uname", entry.user, _OWNER_BYTES, records)
    group = _text(b"gname", entry.group, _OWNER_BYTES, records)
    mtime = b"%011o" % seconds if 0 <= seconds < 8**11 else b"0" * 11
    if fraction or not 0 <= seconds < 8**11:
        records[b"mtime"] = _decimal(entry.mtime)
    major, minor = entry.device
    header = _block(
        name,
        entry.mode,
        (uid, gid, size, mtime),
        _FLAGS[entry.type],
        link,
        (user, group, b"%07o" % major, b"%07o" % minor),
    )
    if not records:
        return header
    content = b"".join(_record(key, records[key]) for key in sorted(records))
    extended = _block(
        b"PaxHeaders/" + name.rstrip(b"/").rpartition(b"/")[2][:80],
        0o644,
        (b"0" * 7, b"0" * 7, b"%011o" % len(content), b"0" * 11),
        b"x",
        b"",
        (b"", b"", b"0" * 7, b"0" * 7),
    )
    return extended + content + padding(len(content)) + header


def plain_header(
    path: bytes, kind: Literal["file", "directory", "symlink"], *, size: int = 0, link: bytes = b""
) -> bytes:
    """Return the header of an entry of which nothing more is known: owner and time are 0."""
    return write_header(
        NewEntry(
            path=path,
            type=kind,
            size=size,
            link=link,
            mode=_PLAIN_MODES[kind],
            uid=0,
            gid=0,
            user=b"",
            group=b"",
            mtime=0,
            device=(0, 0),
            records={},
        )
    )


def padding(size: int) -> bytes:
    """Return the zeros that fill data of this size up to whole blocks."""
    return bytes(-size % BLOCK_BYTES)


def _block(
    name: bytes,
    mode: int,
    numbers: tuple[bytes, bytes, bytes, bytes],
    flag: bytes,
    link: bytes,
    owner: tuple[bytes, bytes, bytes, bytes],
) -> bytes:
    uid, gid, size, mtime = numbers
    user, group, major, minor = owner
    block = b"".join(
        (
            name.ljust(100, b"\0"),
            b"%07o\0" % mode,
            uid + b"\0",
            gid + b"\0",
            size + b"\0",
            mtime + b"\0",
            b" " * 8,
            flag,
            link.ljust(100, b"\0"),
            b"ustar\x0000",
            user.ljust(32, b"\0"),
            group.ljust(32, b"\0"),
            major + b"\0",
            minor + b"\0",
            bytes(155 + 12),
        )
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _text(key: bytes, value: bytes, most: int, records: dict[bytes, bytes]) -> bytes:
    """Return what fits into the header; what does not goes into a record, too."""
    if len(value) > most:
        records[key] = value
    return value[:most]


def _number(key: bytes, value: int, digits: int, records: dict[bytes, bytes]) -> bytes:
    """Return octal digits; what has more goes into a record, and the field says 0."""
    if value >= 8**digits:
        records[key] = b"%d" % value
        value = 0
    return b"%0*o" % (digits, value)


def _decimal(nanoseconds: int) -> bytes:
    """Return a time as PAX writes it.

    >>> _decimal(1_500_000_000), _decimal(-1), _decimal(8**11 * 10**9)
    (b'1.5', b'-0.000000001', b'8589934592')
    """
    seconds, fraction = divmod(abs(nanoseconds), _NANOSECONDS)
    digits = (
        (b"%d.%09d" % (seconds, fraction)).rstrip(b"0").rstrip(b".")
        if fraction
        else b"%d" % seconds
    )
    return b"-" + digits if nanoseconds < 0 else digits


def _record(key: bytes, value: bytes) -> bytes:
    r"""Return a record; its length counts its own digits, too.

    >>> _record(b"path", b"a/b")
    b'12 path=a/b\n'
    """
    rest = b" %b=%b\n" % (key, value)
    length = len(rest) + len(b"%d" % len(rest))
    if len(b"%d" % length) + len(rest) > length:
        length += 1
    return b"%d" % length + rest
