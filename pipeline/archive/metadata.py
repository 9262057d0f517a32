r"""What an entry says beyond path, type and data: mode, times, owner, device, attributes.

Shape: ``Entry -> Result[value, CorruptArchive]``; pure. Only who unpacks wants these, so a scan
does not pay for them: :class:`~pipeline.archive.reader.Entry` keeps the header as it came.

PAX records go before the header's fields (POSIX.1-2017 ``pax`` "pax Extended Header"):
``mtime`` (a decimal fraction), ``uid``, ``gid``, ``uname``, ``gname``; and, from star and GNU
tar 1.35, ``SCHILY.xattr.NAME``, whose names have ``%25`` and ``%3D`` for ``%`` and ``=``.
A device's numbers are read from the header alone.
"""

import re
from functools import lru_cache
from typing import Final

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
# Most entries of an archive have one of few modes and owners.
_number: Final = lru_cache(maxsize=1024)(parse_number)
_TIME: Final = re.compile(rb"(-?)([0-9]{1,20})(?:\.([0-9]*))?")
_ID: Final = re.compile(rb"[0-9]{1,10}")


def parse_mode(entry: Entry) -> Result[int, CorruptArchive]:
    """Return the twelve bits of MODE_BITS.

    Errors: CorruptArchive where the field is no number.
    """
    mode = _number(entry.block[100:108])
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


def parse_owner(entry: Entry) -> Result[tuple[int, int], CorruptArchive]:
    """Return the numbers of the user and the group whose the entry is, from 0 to 2**32 - 2.

    Errors: CorruptArchive where one is none.
    """
    uid = _identity(entry, b"uid", entry.block[108:116])
    gid = _identity(entry, b"gid", entry.block[116:124])
    if uid is None or gid is None:
        return Failure(_wrong(entry, "owner"))
    return Success((uid, gid))


def owner_names(entry: Entry) -> tuple[bytes, bytes]:
    """Return the names of the user and the group, unchecked; each may be empty."""
    block = entry.block if is_posix_or_gnu(entry.block) else b""
    return (
        entry.records.get(b"uname", block[265:297].partition(b"\0")[0]),
        entry.records.get(b"gname", block[297:329].partition(b"\0")[0]),
    )


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
    if record is not None and _ID.fullmatch(record) is None:
        return None
    number = _number(field) if record is None else int(record)
    return number if number is not None and number <= _LAST_ID else None


def _wrong(entry: Entry, what: str) -> CorruptArchive:
    shown = entry.path[:200].decode("utf-8", "backslashreplace")
    return CorruptArchive(f'the {what} of "{shown}" is not one')
