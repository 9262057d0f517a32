"""Of which blobs the images of the index are made, and which images need a blob.

An archive is one blob, named by its image ID. An OCI image is its manifest, named by its image ID,
its configuration and its layers; other images may need the same ones, so a blob goes only with the
last image that needs it. Rows say so, whether or not the files are there.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from pipeline.adapters.layout.blobs import Blob
from pipeline.adapters.layout.rows import has_registry_images, refusing
from pipeline.digest import Digest
from pipeline.oci import OciPlatform
from pipeline.results import ACI_TYPE, Stored
from pipeline.written.values import decode_platform, digest_of, encode_platform


def blobs_of(connection: sqlite3.Connection, image: Stored) -> tuple[Blob, ...]:
    """Return everything that an image is made of; nothing where it has no row any more."""
    if image.media_type == ACI_TYPE:
        return (Blob(image.image_id, image.archive_bytes),)
    rows = connection.execute(
        "SELECT hex, size FROM blobs WHERE image = (SELECT id FROM images WHERE hex = ?)",
        (image.image_id.hex,),
    )
    return tuple(Blob(digest_of(hex_digits), size) for hex_digits, size in rows)


def set_contents(
    connection: sqlite3.Connection,
    image_id: Digest,
    blobs: Iterable[Blob],
    platform: OciPlatform | None,
) -> None:
    """Record what an OCI image is made of, its manifest included, and which platform it is for."""
    for blob in blobs:
        connection.execute(
            "INSERT INTO blobs (hex, image, size) SELECT ?, id, ? FROM images WHERE hex = ?",
            (blob.digest.hex, blob.size, image_id.hex),
        )
    connection.execute(
        "UPDATE images SET platform = ? WHERE hex = ?", (encode_platform(platform), image_id.hex)
    )


def platform_of(connection: sqlite3.Connection, image_id: Digest) -> OciPlatform | None:
    """Return the platform that an OCI image says it is for; None where it says none."""
    (platform,) = connection.execute(
        "SELECT platform FROM images WHERE hex = ?", (image_id.hex,)
    ).fetchone()
    with refusing(image_id.hex):
        return decode_platform(platform)


def needed(connection: sqlite3.Connection, digest: Digest) -> Blob | None:
    """Return a blob that an image has as its archive or as a part; None where none has."""
    query = "SELECT archive_bytes FROM images WHERE hex = :hex"
    if has_registry_images(connection):
        # Of an OCI image, the manifest's size is among its parts.
        query = (
            "SELECT size FROM blobs WHERE hex = :hex UNION ALL SELECT archive_bytes "
            "FROM images WHERE hex = :hex AND media_type = :archive LIMIT 1"
        )
    row = connection.execute(query, {"hex": digest.hex, "archive": ACI_TYPE}).fetchone()
    return None if row is None else Blob(digest, row[0])


def is_needed(
    connection: sqlite3.Connection, digest: Digest, besides: Digest | None = None
) -> bool:
    """Tell whether an image, other than ``besides``, has a blob as its archive or as a part."""
    query = "SELECT EXISTS (SELECT 1 FROM images WHERE hex = ?1 AND hex IS NOT ?2)"
    if has_registry_images(connection):
        query += (
            " OR EXISTS (SELECT 1 FROM blobs JOIN images ON images.id = blobs.image "
            "WHERE blobs.hex = ?1 AND images.hex IS NOT ?2)"
        )
    excepted = None if besides is None else besides.hex
    (found,) = connection.execute(query, (digest.hex, excepted)).fetchone()
    return bool(found)


def is_archive(connection: sqlite3.Connection, image_id: Digest) -> bool:
    """Tell whether an image is an archive; True for what has no row."""
    if not has_registry_images(connection):
        return True
    row = connection.execute(
        "SELECT media_type FROM images WHERE hex = ?", (image_id.hex,)
    ).fetchone()
    return row is None or row[0] == ACI_TYPE


def owners_of(connection: sqlite3.Connection, digest: Digest) -> frozenset[Digest]:
    """Return the images that have a blob as their archive or as a part."""
    rows = connection.execute(
        "SELECT hex FROM images WHERE hex = ?1 UNION SELECT images.hex FROM blobs "
        "JOIN images ON images.id = blobs.image WHERE blobs.hex = ?1"
        if has_registry_images(connection)
        else "SELECT hex FROM images WHERE hex = ?1",
        (digest.hex,),
    )
    return frozenset(digest_of(hex_digits) for (hex_digits,) in rows)


def every_blob(connection: sqlite3.Connection) -> Iterator[Blob]:
    """Yield every blob that an image needs; one that several need, several times."""
    if not has_registry_images(connection):
        rows = connection.execute("SELECT hex, archive_bytes FROM images")
    else:
        rows = connection.execute(
            "SELECT hex, archive_bytes FROM images WHERE media_type = ?1 "
            "UNION ALL SELECT hex, size FROM blobs",
            (ACI_TYPE,),
        )
    return (Blob(digest_of(hex_digits), size) for hex_digits, size in rows)
