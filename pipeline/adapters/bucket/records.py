"""What is kept of an image beside its blobs: its record, which makes it visible.

    Record <-> bytes, refused with StoreCorrupt

Canonical JSON (sorted members, no spaces, ASCII): whatever is not exactly what writing it again
gives is refused, so nothing in a record is ever passed over. A record proves nothing: it is as
trusted as whoever may write the bucket.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from returns.pipeline import is_successful

from pipeline.adapters.bucket import keys
from pipeline.adapters.bucket.failures import refusing
from pipeline.adapters.bucket.keys import Entry
from pipeline.digest import Digest, parse_digest
from pipeline.names import ImageName
from pipeline.results import Freshness, Stored, Validators
from pipeline.written.proofs import decode_provenance, provenance_document
from pipeline.written.values import (
    decode_labels,
    encode_labels,
    from_microseconds,
    number,
    text,
    to_microseconds,
)

VERSION: Final = 1


@final
@dataclass(frozen=True, slots=True)
class Record:
    """An image as it is kept; ``image`` says ``already-stored``.

    ``token`` is which entries are its own. ``order`` breaks ties between equal times of import.
    ``blobs`` is everything that it is made of. ``manifest`` is kept byte by byte.
    """

    image: Stored
    token: str
    order: int
    latest_at: datetime | None
    blobs: tuple[tuple[Digest, int], ...]
    manifest: bytes

    @property
    def entry(self) -> Entry:
        """Which entries count for it."""
        return Entry(self.image.image_id, self.token)

    @property
    def place(self) -> str:
        """What sorts it among others, the newest first."""
        return keys.place(to_microseconds(self.image.imported_at), self.order)


@final
@dataclass(frozen=True, slots=True)
class Remembered:
    """What a URL gave: an image, while its record has that token; and when to ask again."""

    entry: Entry
    validators: Validators
    freshness: Freshness


def encode(record: Record) -> bytes:
    """Return a record's bytes: the same record makes the same bytes."""
    image = record.image
    return _written(
        {
            "version": VERSION,
            "image": image.image_id.image_id,
            "token": record.token,
            "order": record.order,
            "imported_at": to_microseconds(image.imported_at),
            "latest_at": None if record.latest_at is None else to_microseconds(record.latest_at),
            "media_type": image.media_type,
            "name": image.name,
            "labels": json.loads(encode_labels(image.labels)),
            "size": image.archive_bytes,
            "source": image.source,
            "provenance": provenance_document(image.provenance),
            "blobs": [[str(digest), size] for digest, size in record.blobs],
            "manifest": base64.b64encode(record.manifest).decode("ascii"),
        }
    )


def decode(key: str, content: bytes) -> Record:
    """Return what a record says. Refuses what :func:`encode` cannot have written at that key."""
    with refusing(key):
        document = json.loads(content)
        image_id = keys.image_of(key)
        if image_id is None:
            raise ValueError("it is no record's key")
        latest_at = document["latest_at"]
        record = Record(
            Stored(
                image_id,
                ImageName(text(document["name"])),
                decode_labels(json.dumps(document["labels"])),
                number(document["size"]),
                from_microseconds(number(document["imported_at"])),
                decode_provenance(document["provenance"]),
                text(document["source"]),
                "already-stored",
                text(document["media_type"]),
            ),
            text(document["token"]),
            number(document["order"]),
            None if latest_at is None else from_microseconds(number(latest_at)),
            tuple((_digest(digest), number(size)) for digest, size in document["blobs"]),
            base64.b64decode(text(document["manifest"]), validate=True),
        )
        # One comparison refuses another image's record, another version's, unknown members,
        # members that stand there twice, numbers and texts in each other's place.
        if encode(record) != content:
            raise ValueError("it is not what this program writes for this image")
    return record


def encode_remembered(remembered: Remembered) -> bytes:
    """Return what is kept of a URL, which itself may hold a secret and is not."""
    validators, freshness = remembered.validators, remembered.freshness
    return _written(
        {
            "version": VERSION,
            "image": remembered.entry.image_id.image_id,
            "token": remembered.entry.token,
            "etag": validators.etag,
            "last_modified": validators.last_modified,
            "fetched_at": to_microseconds(freshness.fetched_at),
            "max_age_seconds": freshness.max_age_seconds,
        }
    )


def decode_remembered(key: str, content: bytes) -> Remembered:
    """Return what :func:`encode_remembered` made."""
    with refusing(key):
        document = json.loads(content)
        entry = keys.entry_of(f"{text(document['image'])}.{text(document['token'])}")
        if entry is None:
            raise ValueError("it names no image")
        remembered = Remembered(
            entry,
            Validators(_text_or_none(document["etag"]), _text_or_none(document["last_modified"])),
            Freshness(
                from_microseconds(number(document["fetched_at"])),
                number(document["max_age_seconds"]),
            ),
        )
        if encode_remembered(remembered) != content:
            raise ValueError("it is not what this program writes")
    return remembered


def _written(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _digest(value: object) -> Digest:
    parsed = parse_digest(text(value))
    if not is_successful(parsed):
        raise ValueError(parsed.failure())
    return parsed.unwrap()


def _text_or_none(value: object) -> str | None:
    return None if value is None else text(value)
