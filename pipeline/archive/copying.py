"""An entry of one tar as a header of another: another path, everything else as it was. Pure.

Shape: ``Entry, path, link -> Result[bytes, CorruptArchive]``. Mode, owner (numbers and names),
time, device, extended attributes and access control lists go along; of other PAX records, and of
what is not written alike by all (GNU's long names, base 256), the meaning. The same entry makes
the same bytes, whatever program wrote it.
"""

from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.metadata import (
    owner_names,
    parse_device,
    parse_mode,
    parse_mtime,
    parse_owner,
)
from pipeline.archive.reader import Entry
from pipeline.archive.tar_header import EntryType
from pipeline.archive.tar_writer import NewEntry, write_header
from pipeline.errors import CorruptArchive

_KEPT_RECORDS: Final = b"SCHILY."
_MOST_DEVICE: Final = 8**7 - 1
"""What seven octal digits hold: more than Linux' 12 bits of major and 20 of minor number."""


def copy_header(
    entry: Entry, path: bytes, link: bytes, kind: EntryType
) -> Result[bytes, CorruptArchive]:
    """Return header blocks; ``path`` is without a closing slash, the root being ``b""``.

    As a ``kind`` other than its own an entry has no data.

    Errors: CorruptArchive for what is no mode, owner, time or device.
    """
    if kind == "directory":
        path = path + b"/" if path else b"./"
    user, group = owner_names(entry)
    header: Result[bytes, CorruptArchive] = Result.do(
        write_header(
            NewEntry(
                path=path,
                type=kind,
                size=entry.size if kind == entry.type else 0,
                link=link,
                mode=mode,
                uid=owner[0],
                gid=owner[1],
                user=user,
                group=group,
                mtime=mtime,
                device=device,
                records={
                    key: value
                    for key, value in entry.records.items()
                    if key.startswith(_KEPT_RECORDS)
                },
            )
        )
        for mode in parse_mode(entry)
        for owner in parse_owner(entry)
        for mtime in parse_mtime(entry)
        for device in _device(entry, kind)
    )
    return header


def _device(entry: Entry, kind: EntryType) -> Result[tuple[int, int], CorruptArchive]:
    if not kind.endswith("-device"):
        return Success((0, 0))
    parsed = parse_device(entry)
    if is_successful(parsed) and max(parsed.unwrap()) > _MOST_DEVICE:
        shown = entry.path[:200].decode("utf-8", "backslashreplace")
        return Failure(CorruptArchive(f'the device of "{shown}" is one that no system has'))
    return parsed
