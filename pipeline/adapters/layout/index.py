"""The index's questions and changes, each a function on an open connection.

Rows are what was recorded, whether or not the blobs are still there: the store looks after that.
Look-ups by prefix, name and URL go through an index of the database, never through all rows.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from pipeline.adapters.layout.images import decode_image, select_images
from pipeline.adapters.layout.rows import encode_version, has_versions, refusing
from pipeline.digest import HEX_LENGTH, Digest, DigestAlgorithm
from pipeline.names import ImageName, Labels
from pipeline.results import (
    ManifestProof,
    NoProof,
    Provenance,
    SignatureProof,
    Stored,
)
from pipeline.written.proofs import digest_documents, provenance_document, signer_documents
from pipeline.written.values import digest_of, encode_labels, from_microseconds, to_microseconds


def with_prefix(
    connection: sqlite3.Connection, hex_prefix: str, algorithm: DigestAlgorithm
) -> Iterator[Stored]:
    """Yield the images whose ID starts with these hex digits, in the order of their IDs."""
    # "g" sorts after every hex digit, so the range is exactly the IDs with the prefix.
    rows = connection.execute(
        f"{select_images(connection)} WHERE hex >= ? AND hex < ? AND length(hex) = ? ORDER BY hex",
        (hex_prefix, f"{hex_prefix}g", HEX_LENGTH[algorithm]),
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
    condition = "name = ? AND version = ?" if narrowed else "name = ?"
    rows = connection.execute(
        f"{select_images(connection)} WHERE {condition} ORDER BY {order}",
        (name, version) if narrowed else (name,),
    )
    return (decode_image(*row) for row in rows)


def every(connection: sqlite3.Connection, after: str | None = None) -> Iterator[Stored]:
    """Yield all images, the newest first; or those that come after the one with that ID."""
    where = (
        ""
        if after is None
        else ("WHERE (imported_at, id) < (SELECT imported_at, id FROM images WHERE hex = ?)")
    )
    rows = connection.execute(
        f"{select_images(connection)} {where} ORDER BY imported_at DESC, id DESC",
        () if after is None else (after,),
    )
    return (decode_image(*row) for row in rows)


def every_id(connection: sqlite3.Connection) -> frozenset[Digest]:
    """Return the IDs of all images; one that is no digest is left out, as no blob can have it."""
    ids = set()
    for (hex_digits,) in connection.execute("SELECT hex FROM images"):
        with suppress(ValueError):
            ids.add(digest_of(hex_digits))
    return frozenset(ids)


def unused(connection: sqlite3.Connection, before: datetime) -> Iterator[Stored]:
    """Yield the images last used before a time, the newest import first.

    One of whose uses nothing is known yet counts as used.
    """
    if not has_versions(connection):
        return iter(())
    rows = connection.execute(
        f"{select_images(connection)} WHERE last_used_at < ? ORDER BY imported_at DESC, id DESC",
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
    row = connection.execute(f"{select_images(connection)} WHERE hex = ?", (hex_digits,)).fetchone()
    return None if row is None else decode_image(*row)


def manifest_of(connection: sqlite3.Connection, hex_digits: str) -> bytes | None:
    """Return the manifest of exactly this image, byte by byte, or None."""
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
        "last_used_at, source, media_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            image.media_type,
        ),
    )
    connection.execute(
        "INSERT INTO manifests (image, raw) SELECT id, ? FROM images WHERE hex = ?",
        (manifest, image.image_id.hex),
    )
    set_provenance(connection, image.image_id.hex, image.provenance)


def set_provenance(connection: sqlite3.Connection, hex_digits: str, provenance: Provenance) -> None:
    """Record how an image was proven, in place of what was recorded before."""
    for delete_proof in (
        "DELETE FROM signatures WHERE image = (SELECT id FROM images WHERE hex = ?)",
        "DELETE FROM manifest_proofs WHERE image = (SELECT id FROM images WHERE hex = ?)",
    ):
        connection.execute(delete_proof, (hex_digits,))
    reason = reference = None
    match provenance:
        case NoProof():
            reason = json.dumps(provenance.reason)
            reference = json.dumps(provenance.reference) if provenance.reference else None
        case SignatureProof():
            connection.execute(
                "INSERT INTO signatures (image, signature, digests, signers) "
                "SELECT id, ?, ?, ? FROM images WHERE hex = ?",
                (
                    provenance.unverified_signature,
                    json.dumps(digest_documents(provenance.digests)),
                    json.dumps(signer_documents(provenance.signers)),
                    hex_digits,
                ),
            )
        case ManifestProof():
            connection.execute(
                "INSERT INTO manifest_proofs (image, document) "
                "SELECT id, ? FROM images WHERE hex = ?",
                (json.dumps(provenance_document(provenance)), hex_digits),
            )
    connection.execute(
        "UPDATE images SET unverified_reason = ?, unverified_reference = ? WHERE hex = ?",
        (reason, reference, hex_digits),
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
