"""How much a store holds, by kind. Looks at names and sizes alone.

root -> Result[Measured, StoreError]
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import final

from pipeline.adapters.layout import blobs, listing, partials, records
from pipeline.adapters.layout.collecting import file_size, size_of
from pipeline.adapters.layout.examining import names_in
from pipeline.adapters.layout.place import Place


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """Counts, and sizes in bytes. Images are those of the index; blobs are files.

    What several images share counts for each of them, and once among the blobs. Backups are copies
    of the index that a migration or a rebuild has kept. ``listing_lag`` is how many changes
    ``index.json`` does not show yet.
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
    listing_lag: int


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
        sum(len(names_in(folder)) for folder in blobs.folders_of(place.root)),
        sum(map(size_of, blobs.folders_of(place.root))),
        sum(map(size_of, records.folders_of(place.root))),
        database,
        backups,
        len(sessions),
        sum(map(size_of, sessions)),
        len(held),
        sum(map(size_of, held)),
        listing.lag_of(place),
    )


def _count_images(connection: sqlite3.Connection) -> tuple[int, int, int]:
    images, image_bytes, unverified = connection.execute(
        "SELECT count(*), coalesce(sum(archive_bytes), 0), count(unverified_reason) FROM images"
    ).fetchone()
    return images, image_bytes, unverified


def _folders(folder: Path) -> list[Path]:
    return [folder / name for name in names_in(folder)]
