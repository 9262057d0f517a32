"""What changes a store: commit, remove, refresh. Each is safe to stop at any instruction.

Bytes come to their place by a rename, after they are durable, and the index's row follows in one
transaction; removal goes the other way round. So a row never points to a blob that is not there,
and a crash in between leaves at most a blob that no row knows, which the next commit or removal
of that image takes up. One lock is shared by all changes.

It verifies nothing: digests, signatures and names were checked by whoever hands an image over.
"""

import sqlite3
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from pipeline.adapters.layout import blobs, index, quarantine
from pipeline.adapters.layout.failures import Refused, is_full
from pipeline.adapters.layout.filesystem import sync_path
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
from pipeline.digest import Digest
from pipeline.errors import ImageNotFound, StoreUnavailable
from pipeline.results import Extracted, Freshness, Stored, Validators
from pipeline.storage import better_provenance, describe, is_latest, is_rememberable


def commit(place: Place, extracted: Extracted, now: datetime) -> Stored:
    """Take the archive out of quarantine and keep it: wholly, durably, or not at all."""
    image = describe(extracted, now)
    if image.image_id.algorithm != "sha512":
        raise Refused(StoreUnavailable(str(image.image_id), "store", "wanted a sha512 image ID"))
    source = quarantine.path_of(place.root, extracted.archive)
    kept = _kept(place, image.image_id)
    # 1. The content outlasts a power cut before it gets its name. That takes as long as the disk
    #    is slow, so it is done before others are made to wait.
    synced = kept is None
    if synced:
        _sync(place, source, image)
    with place.locked():
        place.write_layout_files()
        kept = _kept(place, image.image_id)
        if kept is not None:
            return _record(place, extracted, image, kept, now)
        if not synced:
            # The image was there a moment ago, and somebody removed it.
            _sync(place, source, image)
        with ExitStack() as undo:
            undo.callback(_take_back, place, source, image.image_id)
            # 2. The content gets its name.
            blobs.place(place.filesystem, source, place.blob(image.image_id))
            # 3. The index says that it is there.
            recorded = _record(place, extracted, image, None, now)
            undo.pop_all()
        return recorded


def remove(place: Place, image_id: Digest) -> Stored:
    """Remove an image and what is remembered of it; return what it was."""
    path = place.blob(image_id)
    recorded = partial(index.one, hex_digits=image_id.hex)
    if place.read(recorded) is None and not path.exists():
        # Nothing to change, so a store that is not there, or read-only, is no obstacle.
        raise Refused(ImageNotFound(image_id.image_id))
    with place.locked():
        image = place.read(recorded)
        try:
            _forget(place, image_id)
        except sqlite3.Error as error:
            if not is_full(error):
                raise
            # On a full disk even forgetting takes space, and removing an image must be possible
            # there of all places. Meanwhile the row without its blob counts as not there.
            blobs.drop(place.filesystem, path)
            _forget(place, image_id)
        blobs.drop(place.filesystem, path)
    if image is None:
        # A blob without a row is what a crash left; it was no image of the store.
        raise Refused(ImageNotFound(image_id.image_id))
    return image


def refresh(place: Place, url: str, validators: Validators, freshness: Freshness) -> None:
    """Note that ``url`` was asked again and its image still stands."""
    if not is_rememberable(url) or place.read(partial(index.remote, url=url)) is None:
        return
    with place.locked(), writing(place.filesystem, place.database) as connection:
        index.refresh_remote(connection, url, validators, freshness)


def _forget(place: Place, image_id: Digest) -> None:
    with writing(place.filesystem, place.database) as connection:
        index.delete(connection, image_id.hex)


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
    """Undo the placing of a blob that no row knows: nothing was stored, so no space is taken."""
    target = place.blob(image_id)
    unknown = place.read(partial(index.one, hex_digits=image_id.hex)) is None
    if unknown and target.exists() and not source.exists():
        place.filesystem.rename(target, source)


def _record(
    place: Place, extracted: Extracted, offered: Stored, kept: Stored | None, now: datetime
) -> Stored:
    """Write what is known of the image in one transaction; return the image as it is now."""
    downloaded = extracted.origin.downloaded
    digits = offered.image_id.hex
    with writing(place.filesystem, place.database) as connection:
        if kept is None:
            image = offered
            index.insert(connection, image, extracted.manifest.raw)
        else:
            image = replace(kept, provenance=better_provenance(kept.provenance, offered.provenance))
            if image.provenance != kept.provenance:
                index.set_provenance(connection, digits, image.provenance)
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
