"""What an earlier format lacks: a copy of it is kept, then its rows and files are completed.

The copy (``image-pipeline.db.2.bak``) is durable before anything is changed, so the way back is a
rename. The changes themselves are one transaction of the database; what they write beside it
(records) is the same however often it is written. So a migration may stop before any call and is
simply done again.
"""

import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path

from pipeline.adapters.layout import index, records
from pipeline.adapters.layout.facts import facts_of
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import (
    DRAFT_SUFFIX,
    Filesystem,
    drop_file,
    sync_path,
)


def backup_of(database: Path, version: int) -> Path:
    """Return where the copy of a database of an earlier format lies."""
    return database.with_name(f"{database.name}.{version}.bak")


def back_up(
    filesystem: Filesystem, connection: sqlite3.Connection, path: Path, version: int
) -> None:
    """Keep a whole, durable copy of the database as it is; no transaction is open.

    A copy of the same format that an earlier try left is replaced: other programs of that format
    may have gone on since.
    """
    target = backup_of(path, version)
    draft = target.with_name(f"{target.name}{DRAFT_SUFFIX}")
    drop_file(filesystem, draft)
    with ExitStack() as undo:
        undo.callback(drop_file, filesystem, draft)
        # SQLite reads in one transaction what it copies, its log included, but syncs nothing
        # (https://www.sqlite.org/lang_vacuum.html#vacuum_with_an_into_clause).
        connection.execute("VACUUM INTO ?", (str(draft.absolute()),))
        sync_path(filesystem, draft)
        filesystem.rename(draft, target)
        sync_path(filesystem, target.parent)
        undo.pop_all()


def complete(
    filesystem: Filesystem, connection: sqlite3.Connection, root: Path, version: int
) -> None:
    """Fill in what format 2 added: each image's version, and a record beside each blob.

    Format 3 added what no image had before.
    """
    if version > 1:
        return
    rows = connection.execute("SELECT hex FROM images ORDER BY hex").fetchall()
    for (hex_digits,) in rows:
        # A row that cannot be read stays as it is, for a verification to name.
        with suppress(Refused):
            facts = facts_of(connection, hex_digits)
            image = index.one(connection, hex_digits)
            if facts is not None and image is not None:
                index.set_version(connection, hex_digits, image.labels)
                records.write(filesystem, root, image.image_id, facts)
