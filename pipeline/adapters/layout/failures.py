"""Where the operating system's and SQLite's exceptions become errors of the store.

Inside the package calls raise; each public method runs its body through :func:`attempt`. A body
that refuses for a reason of its own raises :class:`Refused`, which unwinds it (and rolls back
its transaction) on the way out.
"""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar, final

from returns.result import Failure, Result, Success

from pipeline.errors import (
    DiskFull,
    StoreCorrupt,
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
)

Value = TypeVar("Value")

Doing: TypeAlias = Literal["read", "write"]
"""What was tried; a store that may not be written can still be read."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})
_PRIMARY_CODE: Final = 0xFF
"""SQLite's extended result codes hold the primary one in their low byte."""

FULL_CODES: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
"""SQLite's codes for no space: for the log or the file, and for the log's shared index."""

# SQLITE_ERROR is a statement that does not fit the tables: they are not those that we made.
_DAMAGED_CODES: Final = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
)


@final
class Refused(Exception):  # noqa: N818 - it carries an error of ours; it is not one itself
    """Ends a body with an error of the store. Never leaves the package."""

    def __init__(self, error: StoreError) -> None:
        """Keep the error."""
        super().__init__(error)
        self.error = error


def attempt(action: Callable[[], Value], path: Path, doing: Doing) -> Result[Value, StoreError]:
    """Run ``action``; ``path`` is what to name where the exception names nothing.

    Errors: whatever the action refuses with, and DiskFull, StoreReadOnly, StoreCorrupt or
    StoreUnavailable for what the system or the database raises.
    """
    try:
        return Success(action())
    except Refused as refused:
        return Failure(refused.error)
    except OSError as error:
        return Failure(_from_system(error, path, doing))
    except sqlite3.Error as error:
        return Failure(_from_database(error, path, doing))
    except (ValueError, OverflowError) as error:
        # Python itself refuses what no file or column can hold: a path with a NUL, a text with
        # half a surrogate pair, a number over 64 bits.
        return Failure(StoreUnavailable(str(path), doing, str(error)))


def is_full(error: sqlite3.Error | OSError) -> bool:
    """Tell whether an error is that no space is left."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return code_of(error) in FULL_CODES


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether a database's error is that the file is none, or not what SQLite wrote."""
    return code_of(error) & _PRIMARY_CODE in _DAMAGED_CODES


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's extended result code; 0 for errors of Python's own module."""
    code: object = getattr(error, "sqlite_errorcode", 0)
    return code if isinstance(code, int) else 0


def _from_system(error: OSError, path: Path, doing: Doing) -> StoreError:
    where = str(path) if error.filename is None else str(error.filename)
    if error.errno in _FULL:
        return DiskFull(where)
    if doing == "write" and error.errno == errno.EROFS:
        return StoreReadOnly(str(path))
    if doing == "write" and error.errno in _FORBIDDEN and path.is_dir():
        return StoreReadOnly(str(path))
    return StoreUnavailable(where, doing, error.strerror or str(error))


def _from_database(error: sqlite3.Error, path: Path, doing: Doing) -> StoreError:
    code = code_of(error)
    primary = code & _PRIMARY_CODE
    if code in FULL_CODES:
        return DiskFull(str(path))
    if is_damage(error):
        return StoreCorrupt(str(path), str(error))
    if doing == "write" and primary == sqlite3.SQLITE_READONLY:
        return StoreReadOnly(str(path))
    return StoreUnavailable(str(path), doing, str(error))
