"""What changes a store beside commits: remove, refresh, touch. Each may stop at any instruction.

A removal deletes the image's row, then its files: in the other order than a commit
(:mod:`.committing`) makes them. What another image needs stays. One lock is shared by all changes.
"""

import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from pipeline.adapters.layout import blobs, contents, index, listing, remotes
from pipeline.adapters.layout.failures import Refused, is_full
from pipeline.adapters.layout.filesystem import place_file
from pipeline.adapters.layout.founding import require_index
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
from pipeline.digest import Digest
from pipeline.errors import ImageNotFound, StoreUnavailable
from pipeline.limits import USE_NOTED_SECONDS
from pipeline.results import Freshness, Stored, Validators
from pipeline.storage import is_rememberable


def remove(place: Place, image_id: Digest, unused_since: datetime | None = None) -> Stored:
    """Remove an image, what only it is made of, and what is remembered of it.

    Returns what it was. With ``unused_since``, one that was used since then is left alone and
    refused.
    """
    path, record = place.blob(image_id), place.record(image_id)
    recorded = partial(index.one, hex_digits=image_id.hex)
    if place.read(recorded) is None and not path.exists() and not record.exists():
        # Nothing to change, so a store that is not there, or read-only, is no obstacle.
        raise Refused(ImageNotFound(image_id.image_id))
    with place.locked():
        require_index(place)
        image = place.read(recorded)
        own = place.read(partial(_only_in, image_id=image_id)) or ()
        if unused_since is not None:
            _require_unused(place, image_id, unused_since)
        dropped = [*map(place.blob, own), record]
        try:
            _forget(place, image_id)
        except (sqlite3.Error, OSError) as error:
            if not is_full(error):
                raise
            _remove_on_full_disk(place, image_id, dropped)
        listing.follow(place)
        blobs.drop(place.filesystem, dropped)
    if image is None:
        # A blob without a row is what a crash left; it was no image of the store.
        raise Refused(ImageNotFound(image_id.image_id))
    return image


def refresh(place: Place, url: str, validators: Validators, freshness: Freshness) -> None:
    """Note that ``url`` was asked again and its image still stands."""
    if not is_rememberable(url):
        return
    known = place.read(partial(remotes.remote, url=url))
    if known is None:
        return
    with place.locked(), writing(place.filesystem, place.database) as connection:
        remotes.refresh_remote(connection, url, validators, freshness)
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


def _only_in(connection: sqlite3.Connection, image_id: Digest) -> tuple[Digest, ...]:
    """Return what no other image needs of an image's blobs, the one that names it first.

    Whatever has its name, and no row, is one of these.
    """
    image = index.one(connection, image_id.hex)
    parts = () if image is None else contents.blobs_of(connection, image)
    digests = dict.fromkeys((image_id, *(part.digest for part in parts)))
    return tuple(
        digest for digest in digests if not contents.is_needed(connection, digest, besides=image_id)
    )


def _forget(place: Place, image_id: Digest) -> None:
    with writing(place.filesystem, place.database) as connection:
        index.delete(connection, image_id.hex)


def _remove_on_full_disk(place: Place, image_id: Digest, dropped: list[Path]) -> None:
    """Remove an image where even forgetting takes space: of all places it must be possible there.

    A row without its blobs counts as not there. Where what the blobs took is still not enough to
    delete it, an empty file says that this is no damage, and a collection ends the removal.
    """
    blobs.drop(place.filesystem, dropped)
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
