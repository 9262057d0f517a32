"""Making the index again out of blobs and records: for one that is lost, damaged or doubted.

    root -> Result[Rebuilt, StoreError]

Every blob is read whole and its digest computed again. Names, labels and manifests come out of the
archives; the rest out of the records, or of the old index where that can still be read. An archive
of which nothing else is known comes back as unverified, and says so. An OCI image is one only where
something says so, and where everything is there that it is made of. What is no image, nor part of
one, is left where it is, and named.

1. The old database is copied aside, its log with it, before SQLite sees either: what cannot be
   read today may be of use tomorrow.
2. The new one is whole and durable beside the old one before that is changed.
3. The old log ends in the old database, and goes, so that the new one never meets it.
4. The new database takes the old one's name by a rename. Whoever has the old one open goes on
   reading it, and asks again (:meth:`.place.Place.read`).
5. Other programs find what it has (:mod:`.listing`).
"""

import sqlite3
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, final

from pipeline.adapters.layout import listing, schema
from pipeline.adapters.layout.examining import (
    blobs_in,
    examine_all,
)
from pipeline.adapters.layout.failures import Refused, is_damage
from pipeline.adapters.layout.filesystem import (
    DRAFT_SUFFIX,
    copy_file,
    drop_file,
    sync_path,
)
from pipeline.adapters.layout.filling import Filling
from pipeline.adapters.layout.findings import Finding
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.roles import roles_by_records
from pipeline.digest import Digest
from pipeline.errors import StoreUnavailable

_LOG_SUFFIXES: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, which would be taken for that of the next one."""


@final
@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the new index has: its images, those whose proof is lost, and what was left out."""

    images: int
    unproven: tuple[Digest, ...]
    left_out: tuple[Finding, ...]


def rebuild(place: Place, now: datetime) -> Rebuilt:
    """Make the index again; nobody changes the store meanwhile, and all of it is read."""
    if not place.root.is_dir():
        raise Refused(StoreUnavailable(str(place.root), "rebuild", "there is no store"))
    draft = place.database.with_name(f"{place.database.name}{DRAFT_SUFFIX}")
    with place.locked(), ExitStack() as leaving:
        place.write_layout_files()
        # 1. A copy of the old database.
        _keep_aside(place)
        # 2. The new one.
        _bring_up_to_date(place)
        _drop_database(place, draft)
        leaving.callback(_drop_database, place, draft)
        rebuilt = _fill(place, draft, now)
        sync_path(place.filesystem, draft)
        # 3. The old one's log.
        _end_log(place)
        # 4. The name.
        place.filesystem.rename(draft, place.database)
        sync_path(place.filesystem, place.root)
        # 5. What other programs see.
        listing.write(place)
    return rebuilt


def _keep_aside(place: Place) -> None:
    kept = place.database.with_name(f"{place.database.name}.replaced")
    # The log of an earlier copy does not belong to this one.
    for stale in ("-wal", f"-wal{DRAFT_SUFFIX}"):
        drop_file(place.filesystem, Path(f"{kept}{stale}"))
    # A log is copied first: whatever part of it is written into the database meanwhile, by
    # somebody who reads, is in both copies then, which is as good; whoever is the last to read
    # removes the log.
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            source, target = Path(f"{place.database}{suffix}"), Path(f"{kept}{suffix}")
            copy_file(place.filesystem, source, target)


def _bring_up_to_date(place: Place) -> None:
    """Have an earlier format write its records; refuse what is not ours to replace."""
    if not place.database.exists():
        return
    try:
        with schema.writing(place.filesystem, place.database):
            pass
    except sqlite3.Error as error:
        if not is_damage(error):
            raise


def _fill(place: Place, draft: Path, now: datetime) -> Rebuilt:
    found, others = blobs_in(place.root)
    left_out = [Finding("file-unknown", path, "its name is no digest") for path in others]
    with ExitStack() as leaving:
        old = _old_index(place, leaving)
        connection = leaving.enter_context(
            closing(place.filesystem.connect(schema.uri_of(draft, "mode=rwc")))
        )
        # It counts for nothing until it is whole and synced.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        schema.bring_up_to_date(connection, 0)
        # What the file shows is of the old index, whatever number it has.
        listing.count_from(connection, listing.shown_changes(place) + 1)
        filling = Filling(place, old, connection, now, left_out)
        for examined in examine_all(place.root, roles_by_records(place, found, old)):
            filling.take(examined)
        filling.finish()
        connection.execute("COMMIT")
    return Rebuilt(filling.images, tuple(filling.unproven), tuple(left_out))


def _old_index(place: Place, leaving: ExitStack) -> sqlite3.Connection | None:
    try:
        return leaving.enter_context(schema.reading(place.filesystem, place.database))
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return None


def _end_log(place: Place) -> None:
    """Write the old database's log into it, if it is one, and remove what is beside it."""
    if place.database.exists():
        uri = schema.uri_of(place.database, "mode=rw")
        with suppress(sqlite3.DatabaseError), closing(place.filesystem.connect(uri)) as connection:
            ended = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if ended[0]:
                reason = "another process has been reading it for too long"
                raise Refused(StoreUnavailable(str(place.database), "replace", reason))
    for suffix in _LOG_SUFFIXES:
        drop_file(place.filesystem, Path(f"{place.database}{suffix}"))


def _drop_database(place: Place, path: Path) -> None:
    for suffix in ("", *_LOG_SUFFIXES):
        drop_file(place.filesystem, Path(f"{path}{suffix}"))
