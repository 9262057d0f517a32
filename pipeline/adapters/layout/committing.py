"""Taking an image into the store: ``Extracted -> Stored``, safe to stop at any instruction.

A commit writes what it knows beside the blobs, gives the durable blobs their names, and ends the
transaction that holds the image's row, in this order. So a row never points to a blob or a record
that is not there, and a crash in between leaves at most files that no row knows, which the next
commit of that image, or a collection, takes up. A blob that another image needs stays as it is.

It verifies nothing: digests, signatures and names were checked by whoever hands an image over.
"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import final

from pipeline.adapters.layout import (
    blobs,
    contents,
    index,
    listing,
    quarantine,
    records,
    remotes,
)
from pipeline.adapters.layout.blobs import Blob
from pipeline.adapters.layout.facts import facts_of
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import DRAFT_SUFFIX, drop_file, sync_path
from pipeline.adapters.layout.founding import require_index
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
from pipeline.digest import Digest
from pipeline.errors import StoreUnavailable
from pipeline.limits import PARALLEL_SYNCS
from pipeline.results import Extracted, OciImage, Stored
from pipeline.storage import (
    better_provenance,
    blobs_of,
    describe,
    is_complete,
    is_latest,
    is_rememberable,
)


def commit(place: Place, extracted: Extracted, now: datetime) -> Stored:
    """Take an image out of quarantine and keep it: wholly, durably, or not at all."""
    image = describe(extracted, now)
    parts = _parts_of(place, extracted)
    # 1. The content outlasts a power cut before it gets its name. That takes as long as the disk
    #    is slow, so it is done before others are made to wait.
    synced = _missing(place, parts)
    _sync(place, synced)
    with place.locked():
        place.write_layout_files()
        kept = _kept(place, image.image_id)
        missing = _missing(place, parts)
        # What was there a moment ago, somebody may have removed.
        _sync(place, [part for part in missing if part not in synced])
        if kept is None:
            require_index(place)
        with ExitStack() as undo:
            undo.callback(_take_back, place, missing, image.image_id)
            with writing(place.filesystem, place.database) as connection:
                recorded = _record(connection, extracted, parts, image, kept, now)
                # 2. What the blobs do not say lies beside their places.
                facts = facts_of(connection, image.image_id.hex)
                if facts is not None:
                    records.write(place.filesystem, place.root, image.image_id, facts)
                # 3. The content gets its name; the manifest is the last to.
                blobs.place(place.filesystem, [(part.source, part.target) for part in missing])
                # 4. On leaving, the index says that it is there.
            undo.pop_all()
        # 5. Other programs find it.
        listing.follow(place)
        if place.removed(image.image_id).exists():
            drop_file(place.filesystem, place.removed(image.image_id))
        return recorded


def _kept(place: Place, image_id: Digest) -> Stored | None:
    """Return the image if it is there: a row, and everything that it is made of, whole."""

    def kept(connection: sqlite3.Connection) -> Stored | None:
        image = index.one(connection, image_id.hex)
        return image if image is not None and place.is_whole(connection, image) else None

    return place.read(kept)


@final
@dataclass(frozen=True, slots=True)
class _Part:
    """A blob of an image that is stored: where it lies in quarantine, and where it goes."""

    blob: Blob
    source: Path
    target: Path


def _parts_of(place: Place, extracted: Extracted) -> tuple[_Part, ...]:
    if not is_complete(extracted):
        reason = "wanted everything that its manifest names, and nothing else"
        raise Refused(StoreUnavailable(extracted.image_id.image_id, "store", reason))
    return tuple(
        _Part(Blob(digest, blob.size), quarantine.path_of(place.root, blob), place.blob(digest))
        for digest, blob in blobs_of(extracted).items()
    )


def _missing(place: Place, parts: tuple[_Part, ...]) -> list[_Part]:
    """Return what must be placed: what is not there, or is there and no image's."""

    def missing(connection: sqlite3.Connection) -> list[_Part]:
        return [
            part
            for part in parts
            if not place.has(part.blob) or not contents.is_needed(connection, part.blob.digest)
        ]

    found = place.read(missing)
    return list(parts) if found is None else found


def _sync(place: Place, parts: list[_Part]) -> None:
    for part in parts:
        if not blobs.is_whole(part.source, part.blob.size):
            wanted = f"wanted a file of {part.blob.size} bytes in quarantine"
            raise Refused(StoreUnavailable(str(part.source), "store", wanted))
    sources = [part.source for part in parts]
    if len(sources) < 2:
        for source in sources:
            sync_path(place.filesystem, source)
        return
    # A file system makes several files durable in the time of one.
    with ThreadPoolExecutor(max_workers=PARALLEL_SYNCS) as pool:
        list(pool.map(partial(sync_path, place.filesystem), sources))


def _take_back(place: Place, parts: list[_Part], image_id: Digest) -> None:
    """Undo what the index does not know of: nothing was stored, so no space is taken."""
    record = place.record(image_id)
    if place.read(partial(index.one, hex_digits=image_id.hex)) is not None:
        # On a full disk, and in an earlier format, the record stays ahead of the row.
        with suppress(OSError, sqlite3.Error):
            _write_record(place, image_id)
        return
    for part in parts:
        if part.target.exists() and not part.source.exists():
            place.filesystem.rename(part.target, part.source)
    for path in (record, record.with_name(f"{record.name}{DRAFT_SUFFIX}")):
        drop_file(place.filesystem, path)


def _write_record(place: Place, image_id: Digest) -> None:
    """Make an image's record say what its row says; the caller holds the lock."""
    facts = place.read(partial(facts_of, hex_digits=image_id.hex))
    if facts is not None:
        records.write(place.filesystem, place.root, image_id, facts)


def _record(
    connection: sqlite3.Connection,
    extracted: Extracted,
    parts: tuple[_Part, ...],
    offered: Stored,
    kept: Stored | None,
    now: datetime,
) -> Stored:
    """Write what is known of the image; return the image as it is now."""
    downloaded = extracted.origin.downloaded
    digits = offered.image_id.hex
    if kept is None:
        image = offered
        manifest = extracted.manifest
        index.insert(connection, image, manifest.raw)
        if isinstance(manifest, OciImage):
            made_of = [part.blob for part in parts]
            platform = manifest.config.platform
            contents.set_contents(connection, image.image_id, made_of, platform)
    else:
        image = replace(kept, provenance=better_provenance(kept.provenance, offered.provenance))
        if image.provenance != kept.provenance:
            index.set_provenance(connection, digits, image.provenance)
        index.set_used(connection, digits, now)
    if is_latest(downloaded.reference):
        index.set_latest(connection, digits, now)
    if is_rememberable(downloaded.source.image):
        remotes.set_remote(
            connection,
            downloaded.source.image,
            digits,
            downloaded.validators,
            downloaded.freshness,
        )
    return image
