"""What the index knows of an image that its blobs cannot say, as one value.

Name, labels, size and manifest come out of an archive at any time. How it was proven, when it came
and from where do not: they are :class:`Facts`, read from the index here, kept beside the blob by
:mod:`.records`, and put back by :func:`restore`. An OCI image does not name itself, so its name
and labels are facts, too.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from pipeline.adapters.layout import contents, index
from pipeline.adapters.layout.blobs import Blob
from pipeline.adapters.layout.rows import has_registry_images
from pipeline.limits import REMOTES_PER_RECORD
from pipeline.names import ImageName, Labels
from pipeline.oci import OciPlatform
from pipeline.results import ACI_TYPE, Freshness, NoProof, Provenance, Stored, Validators
from pipeline.storage import better_provenance
from pipeline.written.values import from_microseconds, to_microseconds

UNKNOWN: Final = NoProof("the index was made again and nothing says how this image was proven")
"""What is known of an image that has neither row nor record."""

_REMOTES: Final = (
    "SELECT url, etag, last_modified, fetched_at, max_age_seconds, reference "
    "FROM remotes WHERE image = ? ORDER BY fetched_at DESC, url LIMIT ?"
)
_REMOTES_BEFORE_FORMAT_3: Final = _REMOTES.replace(", reference", ", NULL")


@final
@dataclass(frozen=True, slots=True)
class Remote:
    """A URL, by the hash that stands for it, and what is known of what it gave.

    ``reference`` is a registry reference as it is; None where the URL may hold a secret.
    """

    key: str
    validators: Validators
    freshness: Freshness
    reference: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Description:
    """What an OCI image is kept as; ``platform`` is what its configuration says, if anything."""

    media_type: str
    name: ImageName
    labels: Labels
    platform: OciPlatform | None


@final
@dataclass(frozen=True, slots=True)
class Facts:
    """What blobs cannot say.

    ``order`` breaks ties between equal times of import; 0 is for an image that has no place among
    them yet. ``remotes`` are the newest of those URLs that gave the image. An archive describes
    itself, and has no ``description``.
    """

    order: int
    imported_at: datetime
    source: str
    provenance: Provenance
    latest_at: datetime | None = None
    last_used_at: datetime | None = None
    remotes: tuple[Remote, ...] = ()
    description: Description | None = None

    @property
    def core(self) -> tuple[object, ...]:
        """What an image's row and its record agree on; uses and URLs asked again are in rows."""
        return (*self._fixed, self.provenance, self.latest_at)

    @property
    def _fixed(self) -> tuple[object, ...]:
        return (self.order, self.imported_at, self.source, self.description)

    def is_ahead_of(self, row: "Facts") -> bool:
        """Tell whether a record says what a commit that was stopped would have made of a row."""
        return (
            self._fixed == row._fixed
            and better_provenance(row.provenance, self.provenance) == self.provenance
            and (
                row.latest_at is None
                or (self.latest_at is not None and self.latest_at >= row.latest_at)
            )
        )


def facts_of(connection: sqlite3.Connection, hex_digits: str) -> Facts | None:
    """Return what the index knows of exactly this image; None where it has no row."""
    image = index.one(connection, hex_digits)
    if image is None:
        return None
    order, latest_at, last_used_at = connection.execute(
        "SELECT id, latest_at, last_used_at FROM images WHERE hex = ?", (hex_digits,)
    ).fetchone()
    remotes = connection.execute(
        _REMOTES if has_registry_images(connection) else _REMOTES_BEFORE_FORMAT_3,
        (order, REMOTES_PER_RECORD),
    ).fetchall()
    described = image.media_type != ACI_TYPE
    return Facts(
        order,
        image.imported_at,
        image.source,
        image.provenance,
        None if latest_at is None else from_microseconds(latest_at),
        None if last_used_at is None else from_microseconds(last_used_at),
        tuple(
            Remote(
                url,
                Validators(etag, last_modified),
                Freshness(from_microseconds(fetched_at), max_age_seconds),
                reference,
            )
            for url, etag, last_modified, fetched_at, max_age_seconds, reference in remotes
        ),
        Description(
            image.media_type,
            image.name,
            image.labels,
            contents.platform_of(connection, image.image_id),
        )
        if described
        else None,
    )


def restore(
    connection: sqlite3.Connection,
    image: Stored,
    manifest: bytes,
    facts: Facts,
    blobs: tuple[Blob, ...] = (),
) -> None:
    """Record an image as it was before: in its place among equal times, with its URLs.

    ``blobs`` are all that an OCI image is made of. A URL that two images claim is that one's which
    was fetched from it last.
    """
    hex_digits = image.image_id.hex
    # A record of an index that was lost may claim a place that is taken by now.
    taken = connection.execute("SELECT 1 FROM images WHERE id = ?", (facts.order,)).fetchone()
    index.insert(connection, image, manifest, None if taken else facts.order or None)
    connection.execute(
        "UPDATE images SET latest_at = ?, last_used_at = ? WHERE hex = ?",
        (_column(facts.latest_at), _column(facts.last_used_at), hex_digits),
    )
    if facts.description is not None:
        contents.set_contents(connection, image.image_id, blobs, facts.description.platform)
    for remote in facts.remotes:
        freshness = remote.freshness
        connection.execute(
            "INSERT INTO remotes "
            "(url, image, etag, last_modified, fetched_at, max_age_seconds, reference) "
            "SELECT ?, id, ?, ?, ?, ?, ? FROM images WHERE hex = ? "
            "ON CONFLICT (url) DO UPDATE SET image = excluded.image, etag = excluded.etag, "
            "last_modified = excluded.last_modified, fetched_at = excluded.fetched_at, "
            "max_age_seconds = excluded.max_age_seconds "
            "WHERE excluded.fetched_at > remotes.fetched_at",
            (
                remote.key,
                remote.validators.etag,
                remote.validators.last_modified,
                to_microseconds(freshness.fetched_at),
                freshness.max_age_seconds,
                remote.reference,
                hex_digits,
            ),
        )


def _column(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)
