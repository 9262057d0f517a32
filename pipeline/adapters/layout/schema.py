"""The index's database: its tables, its format version, and how it is opened.

SQLite in WAL mode (https://www.sqlite.org/wal.html): readers never wait for a writer. The file
says whose it is (``application_id``) and which format it has (``user_version``); a later format
is refused, an earlier one brought up to date by the first change (:mod:`.migration`).

WAL wants to write even in order to read, for the index of its log. Where that is impossible (a
read-only medium, a folder of somebody else's, a full disk) and no log is there, the file holds
everything and is opened as immutable (https://www.sqlite.org/wal.html#read_only_databases).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from pipeline.adapters.layout import migration
from pipeline.adapters.layout.failures import Refused, code_of, is_full
from pipeline.adapters.layout.filesystem import Filesystem
from pipeline.errors import StoreCorrupt, StoreTooNew
from pipeline.results import ACI_TYPE

APPLICATION_ID: Final = int.from_bytes(b"imgp", "big")
"""Marks the database as this program's (``file`` shows it)."""

# images.id is the order of import and breaks ties between equal times. A digest is its hex digits,
# whose number tells the algorithm. Manifests and proofs lie apart so that listings need not read
# past them. Times are microseconds since 1970, UTC.
_FORMAT_1: Final = (
    """CREATE TABLE images (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hex TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        labels TEXT NOT NULL,
        archive_bytes INTEGER NOT NULL,
        imported_at INTEGER NOT NULL,
        latest_at INTEGER,
        source TEXT NOT NULL,
        unverified_reason TEXT
    )""",
    "CREATE INDEX images_by_name ON images (name, latest_at DESC, imported_at DESC, id DESC)",
    "CREATE INDEX images_by_import ON images (imported_at DESC, id DESC)",
    """CREATE TABLE manifests (
        image INTEGER PRIMARY KEY REFERENCES images ON DELETE CASCADE,
        raw BLOB NOT NULL
    )""",
    """CREATE TABLE signatures (
        image INTEGER PRIMARY KEY REFERENCES images ON DELETE CASCADE,
        signature BLOB NOT NULL,
        digests TEXT NOT NULL,
        signers TEXT NOT NULL
    )""",
    """CREATE TABLE remotes (
        url TEXT PRIMARY KEY,
        image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
        etag TEXT,
        last_modified TEXT,
        fetched_at INTEGER NOT NULL,
        max_age_seconds INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX remotes_by_image ON remotes (image)",
)

# A version is an image's most telling label: with it, a name with thousands of versions is found
# as fast as one. It is JSON, as any Python string must survive.
_FORMAT_2: Final = (
    "ALTER TABLE images ADD COLUMN version TEXT",
    "ALTER TABLE images ADD COLUMN last_used_at INTEGER",
    "CREATE INDEX images_by_version ON images (name, version, imported_at DESC, id DESC)",
)

# Registry images: what they are made of, how they were proven, what they were asked for by. The
# database itself counts what index.json must follow (listing.py), so that nothing is forgotten.
_COUNT: Final = "BEGIN UPDATE listing SET changes = changes + 1; END"
_COUNTED: Final = (
    ("image_came", "INSERT ON images", f"new.media_type <> '{ACI_TYPE}'"),
    ("image_went", "DELETE ON images", f"old.media_type <> '{ACI_TYPE}'"),
    ("reference_came", "INSERT ON remotes", "new.reference IS NOT NULL"),
    (
        "reference_moved",
        "UPDATE OF image ON remotes",
        "new.reference IS NOT NULL AND new.image <> old.image",
    ),
)
_FORMAT_3: Final = (
    f"ALTER TABLE images ADD COLUMN media_type TEXT NOT NULL DEFAULT '{ACI_TYPE}'",
    "ALTER TABLE images ADD COLUMN platform TEXT",
    "ALTER TABLE images ADD COLUMN unverified_reference TEXT",
    f"CREATE INDEX registry_images ON images (id) WHERE media_type <> '{ACI_TYPE}'",
    """CREATE TABLE manifest_proofs (
        image INTEGER PRIMARY KEY REFERENCES images ON DELETE CASCADE,
        document TEXT NOT NULL
    )""",
    """CREATE TABLE blobs (
        hex TEXT NOT NULL,
        image INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
        size INTEGER NOT NULL,
        PRIMARY KEY (hex, image)
    ) WITHOUT ROWID""",
    "CREATE INDEX blobs_by_image ON blobs (image)",
    "ALTER TABLE remotes ADD COLUMN reference TEXT",
    "CREATE INDEX remotes_by_reference ON remotes (reference) WHERE reference IS NOT NULL",
    "CREATE TABLE listing (changes INTEGER NOT NULL)",
    "INSERT INTO listing (changes) VALUES (0)",
    *(
        f"CREATE TRIGGER {name} AFTER {event} WHEN {condition} {_COUNT}"
        for name, event, condition in _COUNTED
    ),
)

MIGRATIONS: Final = (_FORMAT_1, _FORMAT_2, _FORMAT_3)
"""What leads from each format to the next; the first makes an empty database one of format 1."""

FORMAT_VERSION: Final = len(MIGRATIONS)
"""The format that this program writes, and the latest that it reads."""

_NEEDS_WRITING: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


@contextmanager
def reading(filesystem: Filesystem, path: Path) -> Iterator[sqlite3.Connection | None]:
    """Open the index for reading; None where there is none yet. Creates nothing that stays."""
    connection = _open_for_reading(filesystem, path) if path.exists() else None
    if connection is None:
        yield None
        return
    with closing(connection):
        yield connection


@contextmanager
def writing(filesystem: Filesystem, path: Path) -> Iterator[sqlite3.Connection]:
    """Open the index in one transaction that ends well, or not at all, with the block.

    Makes the database, or brings it to the current format, where needed. The caller holds the
    store's lock.
    """
    with closing(filesystem.connect(uri_of(path, "mode=rwc"))) as connection:
        version = format_of(connection, path)
        if 0 < version < FORMAT_VERSION:
            migration.back_up(filesystem, connection, path, version)
        connection.execute("PRAGMA journal_mode = WAL")
        # Each commit outlasts a power cut, not only a crash.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        bring_up_to_date(connection, version)
        if 0 < version < FORMAT_VERSION:
            migration.complete(filesystem, connection, path.parent, version)
        yield connection
        # Whatever raises before this line, the closing of the connection rolls back.
        connection.execute("COMMIT")


def bring_up_to_date(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables of the current format out of those of ``version``, 0 being none."""
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    if version < FORMAT_VERSION:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")


def _open_for_reading(filesystem: Filesystem, path: Path) -> sqlite3.Connection | None:
    try:
        return _open_checked(filesystem, path, "mode=rw")
    except sqlite3.OperationalError as error:
        barred = code_of(error) & 0xFF in _NEEDS_WRITING or is_full(error)
        log = path.with_name(f"{path.name}-wal")
        if not barred or (log.exists() and log.stat().st_size):
            raise
    return _open_checked(filesystem, path, "mode=ro&immutable=1")


def _open_checked(filesystem: Filesystem, path: Path, query: str) -> sqlite3.Connection | None:
    connection = filesystem.connect(uri_of(path, query))
    usable = False
    try:
        usable = format_of(connection, path) > 0
    finally:
        if not usable:
            connection.close()
    return connection if usable else None


def format_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the database's format; 0 for one that a crash left before its first transaction."""
    # One transaction: another process may be making the database just now, and half of what it
    # writes would look like another program's.
    connection.execute("BEGIN")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    connection.execute("ROLLBACK")
    if application == version == tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise Refused(StoreCorrupt(str(path), "it is another program's database"))
    if version > FORMAT_VERSION:
        raise Refused(StoreTooNew(str(path), int(version), FORMAT_VERSION))
    return int(version)


def uri_of(path: Path, query: str) -> str:
    """Return what SQLite opens a path by, whatever characters it has."""
    return f"{path.absolute().as_uri()}?{query}"
