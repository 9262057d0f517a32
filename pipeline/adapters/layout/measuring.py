"""How much a store holds, by kind. Looks at names and sizes alone.

root -> Result[Measured, StoreError]
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import final

from pipeline.adapters.layout import blobs, partials, records
from pipeline.adapters.layout.collecting import file_size, size_of
from pipeline.adapters.layout.examining import names_in
from pipeline.adapters.layout.place import Place


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """Counts, and sizes in bytes. Images are those of the index; blobs are files.

    Backups are copies of the index that a migration or a rebuild has kept.
    """

    images: int
    image_bytes: int
    unverified: int
    blobs: int
    blob_bytes: int
    record_bytes: int
    database_bytes: int
    backup_bytes: int
    sessions: int
    session_bytes: int
    partials: int
    partial_bytes: int


def measure(place: Place) -> Measured:
    """Count and add up what lies in the store."""
    images, image_bytes, unverified = place.read(_count_images) or (0, 0, 0)
    sessions = _folders(place.root / "quarantine")
    held = _folders(place.root / partials.FOLDER)
    database, backups = 0, 0
    for name in names_in(place.root):
        if name.startswith(place.database.name):
            kept = ".bak" in name or ".replaced" in name
            size = file_size(place.root / name)
            database, backups = database + size * (not kept), backups + size * kept
    return Measured(
        images,
        image_bytes,
        unverified,
        len(names_in(blobs.folder_of(place.root))),
        size_of(blobs.folder_of(place.root)),
        size_of(records.folder_of(place.root)),
        database,
        backups,
        len(sessions),
        sum(map(size_of, sessions)),
        len(held),
        sum(map(size_of, held)),
    )


def _count_images(connection: sqlite3.Connection) -> tuple[int, int, int]:
    images, image_bytes, proven = connection.execute(
        "SELECT count(*), coalesce(sum(archive_bytes), 0), count(signatures.image) "
        "FROM images LEFT JOIN signatures ON signatures.image = images.id"
    ).fetchone()
    return images, image_bytes, images - proven


def _folders(folder: Path) -> list[Path]:
    return [folder / name for name in names_in(folder)]
