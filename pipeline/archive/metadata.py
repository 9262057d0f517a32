r"""What an entry says beyond path, type and data: mode, times, owner, device, attributes.

Shape: ``Entry -> Result[value, CorruptArchive]``; pure. Only who unpacks wants these, so a scan
does not pay for them: :class:`~pipeline.archive.reader.Entry` keeps the header as it came.

PAX records go before the header's fields (POSIX.1-2017 ``pax`` "pax Extended Header"):
``mtime`` (a decimal fraction), ``uid``, ``gid``, ``uname``, ``gname``; and, from star and GNU
tar 1.35, ``SCHILY.xattr.NAME``, whose names have ``%25`` and ``%3D`` for ``%`` and ``=``.
A device's numbers are read from the header alone.
"""

import re
from dataclasses import dataclass
from typing import Final, final

from returns.result import Failure, Result, Success

from pipeline.archive.reader import XATTR_PREFIX, Entry
from pipeline.archive.tar_header import is_posix_or_gnu, parse_number
from pipeline.errors import CorruptArchive

MODE_BITS: Final = 0o7777
"""Permissions and the setuid, setgid and sticky bits; the file's type stands elsewhere."""

_NANOSECONDS: Final = 10**9
_LAST_ID: Final = 2**32 - 2  # the one above means "leave it alone" to chown(2)
_LAST_SECOND: Final = 2**55  # a thousand million years; beyond, 64 bits of seconds overflow soon
_LAST_DEVICE: Final = 2**32 - 1
_TIME: Final = re.compile(rb"(-?)([0-9]{1,20})(?:\.([0-9]*))?")
_ID: Final = re.compile(rb"[0-9]{1,10}")


@final
@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a file is: numbers from 0 to 2**32 - 2, and names, which may be empty."""

    uid: int
    gid: int
    untrusted_user: bytes
    untrusted_group: bytes


def parse_mode(entry: Entry) -> Result[int, CorruptArchive]:
    """Return the twelve bits of MODE_BITS.

    Errors: CorruptArchive where the field is no number.
    """
    mode = parse_number(entry.block[100:108])
    if mode is None:
        return Failure(_wrong(entry, "mode"))
    return Success(mode & MODE_BITS)


def parse_mtime(entry: Entry) -> Result[int, CorruptArchive]:
    """Return the time of modification in nanoseconds since 1970; what is finer is dropped.

    Errors: CorruptArchive where it is no time, or one that no file system can hold.
    """
    record = entry.records.get(b"mtime")
    if record is None:
        seconds = _signed_number(entry.block[136:148])
        nanoseconds = None if seconds is None else seconds * _NANOSECONDS
    else:
        nanoseconds = _decimal_time(record)
    if nanoseconds is None or abs(nanoseconds) > _LAST_SECOND * _NANOSECONDS:
        return Failure(_wrong(entry, "mtime"))
    return Success(nanoseconds)


def parse_owner(entry: Entry) -> Result[Owner, CorruptArchive]:
    """Return whose the entry is.

    Errors: CorruptArchive where an ID is none.
    """
    uid = _identity(entry, b"uid", entry.block[108:116])
    gid = _identity(entry, b"gid", entry.block[116:124])
    if uid is None or gid is None:
        return Failure(_wrong(entry, "owner"))
    named = is_posix_or_gnu(entry.block)
    user, group = (
        entry.records.get(key, field.partition(b"\0")[0] if named else b"")
        for key, field in ((b"uname", entry.block[265:297]), (b"gname", entry.block[297:329]))
    )
    return Success(Owner(uid, gid, user, group))


def parse_device(entry: Entry) -> Result[tuple[int, int], CorruptArchive]:
    """Return a device node's major and minor number.

    Errors: CorruptArchive where one is none.
    """
    numbers = parse_number(entry.block[329:337]), parse_number(entry.block[337:345])
    major, minor = numbers
    if major is None or minor is None or max(major, minor) > _LAST_DEVICE:
        return Failure(_wrong(entry, "device"))
    return Success((major, minor))


def extended_attributes(entry: Entry) -> tuple[tuple[bytes, bytes], ...]:
    r"""Return names and values of extended attributes, in the order in which they stand.

    >>> records = {b"SCHILY.xattr.user.a%3Db": b"\0", b"mtime": b"1"}
    >>> extended_attributes(Entry(b"a", "file", 0, b"", records=records))
    ((b'user.a=b', b'\x00'),)
    """
    if not entry.records:
        return ()
    return tuple(
        (key[len(XATTR_PREFIX) :].replace(b"%3D", b"=").replace(b"%25", b"%"), value)
        for key, value in entry.records.items()
        if key.startswith(XATTR_PREFIX)
    )


def _signed_number(field: bytes) -> int | None:
    """Read a numeric field in which GNU tar may put a number below zero, in base 256."""
    if field[:1] == b"\xff":
        return int.from_bytes(field, "big", signed=True)
    return parse_number(field)


def _decimal_time(record: bytes) -> int | None:
    r"""Return nanoseconds, rounded down as GNU tar does.

    >>> _decimal_time(b"1.25"), _decimal_time(b"-0.0000000001"), _decimal_time(b".5")
    (1250000000, -1, None)
    """
    match = _TIME.fullmatch(record)
    if match is None:
        return None
    sign, seconds, fraction = match[1], match[2], match[3] or b""
    nanoseconds = int(seconds) * _NANOSECONDS + int(fraction[:9].ljust(9, b"0"))
    if sign:
        return -nanoseconds - (1 if fraction[9:].strip(b"0") else 0)
    return nanoseconds


def _identity(entry: Entry, key: bytes, field: bytes) -> int | None:
    record = entry.records.get(key)
    if record is None:
        number = parse_number(field)
    else:
        number = int(record) if _ID.fullmatch(record) else None
    return number if number is not None and number <= _LAST_ID else None


def _wrong(entry: Entry, what: str) -> CorruptArchive:
    shown = entry.path[:200].decode("utf-8", "backslashreplace")
    return CorruptArchive(f'the {what} of "{shown}" is not one')
