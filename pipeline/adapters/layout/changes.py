"""What changes a store: commit, remove, refresh, touch. Each is safe to stop at any instruction.

A commit writes what it knows beside the blob, gives the durable blob its name, and ends the
transaction that holds its row, in this order; a removal goes the other way round. So a row never
points to a blob or a record that is not there, and a crash in between leaves at most files that no
row knows, which the next commit or removal of that image takes up. One lock is shared by all
changes.

It verifies nothing: digests, signatures and names were checked by whoever hands an image over.
"""

import sqlite3
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from pipeline.adapters.layout import blobs, index, quarantine, records
from pipeline.adapters.layout.facts import facts_of
from pipeline.adapters.layout.failures import Refused, is_full
from pipeline.adapters.layout.filesystem import DRAFT_SUFFIX, drop_file, place_file, sync_path
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
from pipeline.digest import Digest
from pipeline.errors import ImageNotFound, StoreCorrupt, StoreUnavailable
from pipeline.limits import USE_NOTED_SECONDS
from pipeline.results import Extracted, Freshness, Stored, Validators
from pipeline.storage import better_provenance, describe, is_latest, is_rememberable


def commit(place: Place, extracted: Extracted, now: datetime) -> Stored:
    """Take the archive out of quarantine and keep it: wholly, durably, or not at all."""
    image = describe(extracted, now)
    if image.image_id.algorithm != "sha512":
        raise Refused(StoreUnavailable(str(image.image_id), "store", "wanted a sha512 image ID"))
    source = quarantine.path_of(place.root, extracted.archive)
    # 1. The content outlasts a power cut before it gets its name. That takes as long as the disk
    #    is slow, so it is done before others are made to wait.
    synced = _kept(place, image.image_id) is None
    if synced:
        _sync(place, source, image)
    with place.locked():
        place.write_layout_files()
        kept = _kept(place, image.image_id)
        if kept is None and not synced:
            # The image was there a moment ago, and somebody removed it.
            _sync(place, source, image)
        if kept is None:
            _require_index(place)
        with ExitStack() as undo:
            undo.callback(_take_back, place, source, image.image_id)
            with writing(place.filesystem, place.database) as connection:
                recorded = _record(connection, extracted, image, kept, now)
                # 2. What the archive does not say lies beside its place.
                facts = facts_of(connection, image.image_id.hex)
                if facts is not None:
                    records.write(place.filesystem, place.root, image.image_id, facts)
                # 3. The content gets its name.
                if kept is None:
                    blobs.place(place.filesystem, source, place.blob(image.image_id))
                # 4. On leaving, the index says that it is there.
            undo.pop_all()
        if place.removed(image.image_id).exists():
            drop_file(place.filesystem, place.removed(image.image_id))
        return recorded


def remove(place: Place, image_id: Digest, unused_since: datetime | None = None) -> Stored:
    """Remove an image and what is remembered of it; return what it was.

    With ``unused_since``, one that was used since then is left alone and refused.
    """
    path, record = place.blob(image_id), place.record(image_id)
    recorded = partial(index.one, hex_digits=image_id.hex)
    if place.read(recorded) is None and not path.exists() and not record.exists():
        # Nothing to change, so a store that is not there, or read-only, is no obstacle.
        raise Refused(ImageNotFound(image_id.image_id))
    with place.locked():
        image = place.read(recorded)
        if unused_since is not None:
            _require_unused(place, image_id, unused_since)
        try:
            _forget(place, image_id)
        except (sqlite3.Error, OSError) as error:
            if not is_full(error):
                raise
            _remove_on_full_disk(place, image_id)
        blobs.drop(place.filesystem, path)
        blobs.drop(place.filesystem, record)
    if image is None:
        # A blob without a row is what a crash left; it was no image of the store.
        raise Refused(ImageNotFound(image_id.image_id))
    return image


def refresh(place: Place, url: str, validators: Validators, freshness: Freshness) -> None:
    """Note that ``url`` was asked again and its image still stands."""
    if not is_rememberable(url):
        return
    known = place.read(partial(index.remote, url=url))
    if known is None:
        return
    with place.locked(), writing(place.filesystem, place.database) as connection:
        index.refresh_remote(connection, url, validators, freshness)
        index.set_used(connection, known.image.image_id.hex, freshness.fetched_at)


def touch(place: Place, image_id: Digest, now: datetime) -> None:
    """Note that an image was used, as exactly as is worth a change and if nobody has to wait."""
    noted = place.read(partial(index.last_used, hex_digits=image_id.hex))
    if noted is None or now - noted < timedelta(seconds=USE_NOTED_SECONDS):
        return
    with place.locked_if_free() as free:
        if free:
            with writing(place.filesystem, place.database) as connection:
                index.set_used(connection, image_id.hex, now)


def _require_index(place: Place) -> None:
    """Make the index of a new store; refuse a store that has lost its own.

    Otherwise the images that are there would be forgotten by and by: a new index knows none.
    """
    if place.read(lambda _: True):
        return
    folder = blobs.folder_of(place.root)
    if folder.exists() and any(folder.iterdir()):
        raise Refused(StoreCorrupt(str(place.database), "there are blobs, but no index"))
    # In a transaction of its own, so that no commit that stops half-way looks like such a loss.
    with writing(place.filesystem, place.database):
        pass


def _forget(place: Place, image_id: Digest) -> None:
    with writing(place.filesystem, place.database) as connection:
        index.delete(connection, image_id.hex)


def _remove_on_full_disk(place: Place, image_id: Digest) -> None:
    """Remove an image where even forgetting takes space: of all places it must be possible there.

    A row without its blob counts as not there. Where what the blob took is still not enough to
    delete it, an empty file says that this is no damage, and a collection ends the removal.
    """
    blobs.drop(place.filesystem, place.blob(image_id))
    blobs.drop(place.filesystem, place.record(image_id))
    try:
        _forget(place, image_id)
    except (sqlite3.Error, OSError) as error:
        if not is_full(error):
            raise
        with suppress(OSError):
            place_file(place.filesystem, place.removed(image_id), b"")


def _require_unused(place: Place, image_id: Digest, since: datetime) -> None:
    used = place.read(partial(index.last_used, hex_digits=image_id.hex))
    if used is not None and used >= since:
        raise Refused(StoreUnavailable(image_id.short_image_id, "remove", "it is in use again"))


def _kept(place: Place, image_id: Digest) -> Stored | None:
    """Return the image if it is there: a row, and a whole blob."""
    image = place.read(partial(index.one, hex_digits=image_id.hex))
    return image if image is not None and place.is_whole(image) else None


def _sync(place: Place, source: Path, image: Stored) -> None:
    if not blobs.is_whole(source, image.archive_bytes):
        wanted = f"wanted a file of {image.archive_bytes} bytes in quarantine"
        raise Refused(StoreUnavailable(str(source), "store", wanted))
    sync_path(place.filesystem, source)


def _take_back(place: Place, source: Path, image_id: Digest) -> None:
    """Undo what the index does not know of: nothing was stored, so no space is taken."""
    target, record = place.blob(image_id), place.record(image_id)
    if place.read(partial(index.one, hex_digits=image_id.hex)) is not None:
        # On a full disk, and in an earlier format, the record stays ahead of the row.
        with suppress(OSError, sqlite3.Error):
            write_record(place, image_id)
        return
    if target.exists() and not source.exists():
        place.filesystem.rename(target, source)
    for path in (record, record.with_name(f"{record.name}{DRAFT_SUFFIX}")):
        drop_file(place.filesystem, path)


def write_record(place: Place, image_id: Digest) -> None:
    """Make an image's record say what its row says; the caller holds the lock."""
    facts = place.read(partial(facts_of, hex_digits=image_id.hex))
    if facts is not None:
        records.write(place.filesystem, place.root, image_id, facts)


def _record(
    connection: sqlite3.Connection,
    extracted: Extracted,
    offered: Stored,
    kept: Stored | None,
    now: datetime,
) -> Stored:
    """Write what is known of the image; return the image as it is now."""
    downloaded = extracted.origin.downloaded
    digits = offered.image_id.hex
    if kept is None:
        image = offered
        index.insert(connection, image, extracted.manifest.raw)
    else:
        image = replace(kept, provenance=better_provenance(kept.provenance, offered.provenance))
        if image.provenance != kept.provenance:
            index.set_provenance(connection, digits, image.provenance)
        index.set_used(connection, digits, now)
    if is_latest(downloaded.reference):
        index.set_latest(connection, digits, now)
    if is_rememberable(downloaded.source.image):
        index.set_remote(
            connection,
            downloaded.source.image,
            digits,
            downloaded.validators,
            downloaded.freshness,
        )
    return image
