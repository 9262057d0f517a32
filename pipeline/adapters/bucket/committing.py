"""Taking an image into a bucket: ``Extracted -> Stored``, safe to stop before any request.

Blobs go up first, then the image's entries, which count for nothing yet, and its record last, only
where there is none: with that one write the image is there. A commit that is stopped leaves blobs
that no image needs and entries that do not count; the next commit of that image takes the blobs up.

It verifies nothing: digests, signatures and names were checked by whoever hands an image over.
"""

import io
import os
import secrets
import threading
import time
from dataclasses import replace
from datetime import datetime
from functools import partial

from pipeline.adapters.bucket import keys, records
from pipeline.adapters.bucket.failures import Refused, attempt, granted
from pipeline.adapters.bucket.objects import ABSENT, Found, Objects
from pipeline.adapters.bucket.quarantine import Rooms, adopted_digest
from pipeline.adapters.bucket.records import Record, Remembered
from pipeline.adapters.bucket.stopping import StoppableFile
from pipeline.adapters.bucket.together import together
from pipeline.digest import Digest
from pipeline.errors import StoreUnavailable
from pipeline.limits import BUCKET_ATTEMPTS, CHUNK_BYTES, RECORD_BYTES
from pipeline.results import ACI_TYPE, Extracted, QuarantinedBlob, Stored
from pipeline.storage import (
    better_provenance,
    blobs_of,
    bounded,
    describe,
    is_complete,
    is_latest,
    is_rememberable,
)


def commit(objects: Objects, rooms: Rooms, extracted: Extracted, now: datetime) -> Stored:
    """Take an image out of quarantine and keep it: wholly, durably, or not at all."""
    if not is_complete(extracted):
        reason = "wanted everything that its manifest names, and nothing else"
        raise Refused(StoreUnavailable(extracted.image_id.image_id, "store", reason))
    # 1. What it is made of.
    parts = tuple(blobs_of(extracted).items())
    stop = threading.Event()
    together(lambda part: _place(objects, rooms, *part, stop), parts, stop)
    # 2. The image.
    downloaded = extracted.origin.downloaded
    latest_at = now if is_latest(downloaded.reference) else None
    record, outcome = _record(objects, extracted, describe(extracted, now), latest_at)
    # 3. What its URL gave.
    if is_rememberable(downloaded.source.image):
        remembered = Remembered(record.entry, downloaded.validators, bounded(downloaded.freshness))
        objects.put(keys.url(downloaded.source.image), records.encode_remembered(remembered))
    return outcome


def _place(
    objects: Objects, rooms: Rooms, digest: Digest, blob: QuarantinedBlob, stop: threading.Event
) -> None:
    """Have a blob in the bucket; what is there already need not travel again."""
    key = keys.blob(digest)
    if objects.size_of(key) == blob.size:
        return
    adopted = adopted_digest(blob)
    if adopted is not None:
        reason = "it was in the bucket before, and is there no more"
        raise Refused(StoreUnavailable(f"{objects.name}/{key}", "store", reason))
    with granted(rooms.open(blob)) as file:
        try:
            size = file.seek(0, os.SEEK_END)
            if size != blob.size:
                reason = f"got {size} bytes in quarantine, wanted {blob.size}"
                raise Refused(StoreUnavailable(digest.image_id, "store", reason))
            file.seek(0)
            readable = io.BufferedReader(StoppableFile(file, stop), CHUNK_BYTES)
            objects.upload(key, readable, blob.size, digest)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Refused(StoreUnavailable(blob.key, "read", reason)) from error


def _record(
    objects: Objects, extracted: Extracted, offered: Stored, latest_at: datetime | None
) -> tuple[Record, Stored]:
    """Write the record, or make the one that is there better."""
    own: set[str] = set()
    for _ in range(BUCKET_ATTEMPTS):
        found = objects.get(keys.record(offered.image_id), RECORD_BYTES)
        kept = _readable(offered.image_id, found)
        if kept is None:
            record = _new(extracted, offered, latest_at)
            _write_entries(objects, record)
            own.add(record.token)
            if _put(objects, record, ABSENT if found is None else found.version):
                return record, offered
            continue
        if kept.token in own:
            # The write that seemed to come too late was our own, sent again.
            return kept, offered
        provenance = better_provenance(kept.image.provenance, offered.provenance)
        image = replace(kept.image, provenance=provenance)
        better = replace(kept, image=image, latest_at=latest_at or kept.latest_at)
        if better == kept or (found is not None and _put(objects, better, found.version)):
            return better, image
    reason = "other writers changed it again and again"
    raise Refused(
        StoreUnavailable(f"{objects.name}/{keys.record(offered.image_id)}", "write", reason)
    )


def _readable(image_id: Digest, found: Found | None) -> Record | None:
    """Return a record; None for none, and for one that is damaged: it is replaced."""
    if found is None:
        return None
    return attempt(partial(records.decode, keys.record(image_id), found.content)).value_or(None)


def _new(extracted: Extracted, offered: Stored, latest_at: datetime | None) -> Record:
    return Record(
        replace(offered, outcome="already-stored"),
        secrets.token_hex(16),
        time.time_ns(),
        latest_at,
        tuple((digest, blob.size) for digest, blob in blobs_of(extracted).items()),
        extracted.manifest.raw,
    )


def _put(objects: Objects, record: Record, only_over: str) -> bool:
    key, content = keys.record(record.image.image_id), records.encode(record)
    if len(content) > RECORD_BYTES:
        reason = f"got a record of {len(content)} bytes, wanted at most {RECORD_BYTES}"
        raise Refused(StoreUnavailable(f"{objects.name}/{key}", "write", reason))
    return objects.put(key, content, only_over)


def entries_of(record: Record) -> tuple[str, ...]:
    """Return the keys of all entries that belong to a record."""
    own = [f"{keys.NEWEST}{record.place}{record.entry}"]
    if record.image.media_type == ACI_TYPE:
        own.append(f"{keys.named(record.image.name)}{record.place}{record.entry}")
    return (*own, *(f"{keys.needed(digest)}{record.entry}" for digest, _ in record.blobs))


def _write_entries(objects: Objects, record: Record) -> None:
    together(lambda key: objects.put(key, b""), entries_of(record))
