"""Which URL gave which image, as the index has it; each function works on an open connection."""

import sqlite3
from hashlib import sha256

from pipeline.adapters.layout import index
from pipeline.ports import RemoteEntry
from pipeline.results import Freshness, Validators
from pipeline.storage import bounded
from pipeline.written.values import from_microseconds, to_microseconds


def set_remote(
    connection: sqlite3.Connection,
    url: str,
    hex_digits: str,
    validators: Validators,
    freshness: Freshness,
) -> None:
    """Record which image a URL gave, and for how long that holds."""
    connection.execute(
        "INSERT INTO remotes "
        "(url, image, etag, last_modified, fetched_at, max_age_seconds, reference) "
        "SELECT ?, id, ?, ?, ?, ?, ? FROM images WHERE hex = ? "
        "ON CONFLICT (url) DO UPDATE SET image = excluded.image, etag = excluded.etag, "
        "last_modified = excluded.last_modified, fetched_at = excluded.fetched_at, "
        "max_age_seconds = excluded.max_age_seconds, reference = excluded.reference",
        (
            _key(url),
            validators.etag,
            validators.last_modified,
            *_times(freshness),
            # A registry's reference has no place for a secret, and other programs go by it.
            url if url.startswith("docker://") else None,
            hex_digits,
        ),
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
    image = index.one(connection, hex_digits)
    if image is None:
        return None
    freshness = Freshness(from_microseconds(fetched_at), max_age_seconds)
    return RemoteEntry(url, image, Validators(etag, last_modified), freshness)


def _key(url: str) -> str:
    """Return what stands for a URL in the index: a hash, since a query may hold a secret."""
    return sha256(url.encode()).hexdigest()


def _times(freshness: Freshness) -> tuple[int, int]:
    return to_microseconds(freshness.fetched_at), bounded(freshness).max_age_seconds
