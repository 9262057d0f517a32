"""The index's questions and changes, each a function on an open connection.

Rows are what was recorded, whether or not the blob is still there: the store looks after that.
Look-ups by prefix, name and URL go through an index of the database, never through all rows.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from pipeline.adapters.layout.rows import (
    decode_image,
    digest_documents,
    encode_labels,
    encode_version,
    from_microseconds,
    refusing,
    signer_documents,
    to_microseconds,
)
from pipeline.names import ImageName, Labels
from pipeline.ports import RemoteEntry
from pipeline.results import Freshness, NoProof, Provenance, Stored, Validators
from pipeline.storage import bounded

_IMAGES = (
    "SELECT hex, name, labels, archive_bytes, imported_at, source, unverified_reason, "
    "signature, digests, signers FROM images LEFT JOIN signatures ON signatures.image = images.id "
)


def with_prefix(connection: sqlite3.Connection, hex_prefix: str) -> Iterator[Stored]:
    """Yield the images whose ID starts with these hex digits, in the order of their IDs."""
    # "g" sorts after every hex digit, so the range is exactly the IDs with the prefix.
    rows = connection.execute(
        f"{_IMAGES} WHERE hex >= ? AND hex < ? ORDER BY hex", (hex_prefix, f"{hex_prefix}g")
    )
    return (decode_image(*row) for row in rows)


def named(connection: sqlite3.Connection, name: ImageName, labels: Labels) -> Iterator[Stored]:
    """Yield the images of a name, and of the version among ``labels``, the newest first.

    Where no version is among them, those that were fetched as the latest go before the others.
    """
    version = encode_version(labels)
    # In SQLite's order a NULL is the smallest, so in descending order it comes last.
    order = "imported_at DESC, id DESC" if version else "latest_at DESC, imported_at DESC, id DESC"
    narrowed = version is not None and has_versions(connection)
    rows = connection.execute(
        f"{_IMAGES} WHERE name = ? {'AND version = ?' if narrowed else ''} ORDER BY {order}",
        (name, version) if narrowed else (name,),
    )
    return (decode_image(*row) for row in rows)


def has_versions(connection: sqlite3.Connection) -> bool:
    """Tell whether versions stand in a column of their own: not in format 1, which is read too."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version) > 1


def every(connection: sqlite3.Connection, after: str | None = None) -> Iterator[Stored]:
    """Yield all images, the newest first; or those that come after the one with that ID."""
    where = (
        ""
        if after is None
        else ("WHERE (imported_at, id) < (SELECT imported_at, id FROM images WHERE hex = ?)")
    )
    rows = connection.execute(
        f"{_IMAGES} {where} ORDER BY imported_at DESC, id DESC", () if after is None else (after,)
    )
    return (decode_image(*row) for row in rows)


def every_id(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the hex digits of all images' IDs."""
    return frozenset(digits for (digits,) in connection.execute("SELECT hex FROM images"))


def unused(connection: sqlite3.Connection, before: datetime) -> Iterator[Stored]:
    """Yield the images last used before a time, the newest import first.

    One of whose uses nothing is known yet counts as used.
    """
    if not has_versions(connection):
        return iter(())
    rows = connection.execute(
        f"{_IMAGES} WHERE last_used_at < ? ORDER BY imported_at DESC, id DESC",
        (to_microseconds(before),),
    )
    return (decode_image(*row) for row in rows)


def has_uncounted(connection: sqlite3.Connection) -> bool:
    """Tell whether there are images of whose uses nothing is known: those of format 1."""
    if not has_versions(connection):
        return True
    row = connection.execute("SELECT 1 FROM images WHERE last_used_at IS NULL LIMIT 1").fetchone()
    return row is not None


def start_counting(connection: sqlite3.Connection, moment: datetime) -> None:
    """Record that those images were used at ``moment``."""
    connection.execute(
        "UPDATE images SET last_used_at = ? WHERE last_used_at IS NULL", (to_microseconds(moment),)
    )


def one(connection: sqlite3.Connection, hex_digits: str) -> Stored | None:
    """Return the image of exactly this ID, or None."""
    row = connection.execute(f"{_IMAGES} WHERE hex = ?", (hex_digits,)).fetchone()
    return None if row is None else decode_image(*row)


def manifest_of(connection: sqlite3.Connection, hex_digits: str) -> bytes | None:
    """Return the manifest of exactly this image as it lies in the archive, or None."""
    row = connection.execute(
        "SELECT raw FROM manifests WHERE image = (SELECT id FROM images WHERE hex = ?)",
        (hex_digits,),
    ).fetchone()
    with refusing(hex_digits):
        return None if row is None else bytes(row[0])


def insert(
    connection: sqlite3.Connection, image: Stored, manifest: bytes, order: int | None = None
) -> None:
    """Record an image, used just now; whatever was recorded of its ID before is gone.

    ``order`` is its place among equal times of import; None makes it the last.
    """
    delete(connection, image.image_id.hex)
    imported_at = to_microseconds(image.imported_at)
    connection.execute(
        "INSERT INTO images (id, hex, name, labels, version, archive_bytes, imported_at, "
        "last_used_at, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order,
            image.image_id.hex,
            image.name,
            encode_labels(image.labels),
            encode_version(image.labels),
            image.archive_bytes,
            imported_at,
            imported_at,
            image.source,
        ),
    )
    connection.execute(
        "INSERT INTO manifests (image, raw) SELECT id, ? FROM images WHERE hex = ?",
        (manifest, image.image_id.hex),
    )
    set_provenance(connection, image.image_id.hex, image.provenance)


def set_provenance(connection: sqlite3.Connection, hex_digits: str, provenance: Provenance) -> None:
    """Record how an image was proven, in place of what was recorded before."""
    if isinstance(provenance, NoProof):
        connection.execute(
            "DELETE FROM signatures WHERE image = (SELECT id FROM images WHERE hex = ?)",
            (hex_digits,),
        )
        reason = json.dumps(provenance.reason)
    else:
        connection.execute(
            "INSERT OR REPLACE INTO signatures (image, signature, digests, signers) "
            "SELECT id, ?, ?, ? FROM images WHERE hex = ?",
            (
                provenance.unverified_signature,
                json.dumps(digest_documents(provenance.digests)),
                json.dumps(signer_documents(provenance.signers)),
                hex_digits,
            ),
        )
        reason = None
    connection.execute(
        "UPDATE images SET unverified_reason = ? WHERE hex = ?", (reason, hex_digits)
    )


def set_latest(connection: sqlite3.Connection, hex_digits: str, moment: datetime) -> None:
    """Record that the image was the latest version of its name at ``moment``."""
    connection.execute(
        "UPDATE images SET latest_at = ? WHERE hex = ?", (to_microseconds(moment), hex_digits)
    )


def set_version(connection: sqlite3.Connection, hex_digits: str, labels: Labels) -> None:
    """Record an image's version apart from its other labels."""
    connection.execute(
        "UPDATE images SET version = ? WHERE hex = ?", (encode_version(labels), hex_digits)
    )


def uses(connection: sqlite3.Connection) -> Iterator[tuple[str, int | None, int | None]]:
    """Yield every image's ID, when it was last used, and when it was last the latest."""
    return connection.execute("SELECT hex, last_used_at, latest_at FROM images")


def last_used(connection: sqlite3.Connection, hex_digits: str) -> datetime | None:
    """Return when the image was last used as far as was noted; None where it has no row."""
    row = connection.execute(
        "SELECT coalesce(last_used_at, 0) FROM images WHERE hex = ?", (hex_digits,)
    ).fetchone()
    return None if row is None else from_microseconds(row[0])


def set_used(connection: sqlite3.Connection, hex_digits: str, moment: datetime) -> None:
    """Record that the image was used at ``moment``, or later."""
    connection.execute(
        "UPDATE images SET last_used_at = max(?, coalesce(last_used_at, 0)) WHERE hex = ?",
        (to_microseconds(moment), hex_digits),
    )


def delete(connection: sqlite3.Connection, hex_digits: str) -> None:
    """Forget an image: its manifest, its proof and the URLs that gave it go with it."""
    connection.execute("DELETE FROM images WHERE hex = ?", (hex_digits,))


def set_remote(
    connection: sqlite3.Connection,
    url: str,
    hex_digits: str,
    validators: Validators,
    freshness: Freshness,
) -> None:
    """Record which image a URL gave, and for how long that holds."""
    connection.execute(
        "INSERT OR REPLACE INTO remotes "
        "(url, image, etag, last_modified, fetched_at, max_age_seconds) "
        "SELECT ?, id, ?, ?, ?, ? FROM images WHERE hex = ?",
        (_key(url), validators.etag, validators.last_modified, *_times(freshness), hex_digits),
    )


def refresh_remote(
    connection: sqlite3.Connection, url: str, validators: Validators, freshness: Freshness
) -> None:
    """Record that a URL's image still stands; validators that were not sent stay as they were."""
    connection.execute(
        "UPDATE remotes SET etag = coalesce(?, etag), "
        "last_modified = coalesce(?, last_modified), fetched_at = ?, max_age_seconds = ? "
        "WHERE url = ?",
        (validators.etag, validators.last_modified, *_times(freshness), _key(url)),
    )


def remote(connection: sqlite3.Connection, url: str) -> RemoteEntry | None:
    """Return what is known of a URL, or None."""
    row = connection.execute(
        "SELECT etag, last_modified, fetched_at, max_age_seconds, hex "
        "FROM remotes JOIN images ON images.id = remotes.image WHERE url = ?",
        (_key(url),),
    ).fetchone()
    if row is None:
        return None
    etag, last_modified, fetched_at, max_age_seconds, hex_digits = row
    image = one(connection, hex_digits)
    if image is None:
        return None
    freshness = Freshness(from_microseconds(fetched_at), max_age_seconds)
    return RemoteEntry(url, image, Validators(etag, last_modified), freshness)


def _key(url: str) -> str:
    """Return what stands for a URL in the index: a hash, since a query may hold a secret."""
    return sha256(url.encode()).hexdigest()


def _times(freshness: Freshness) -> tuple[int, int]:
    return to_microseconds(freshness.fetched_at), bounded(freshness).max_age_seconds
