"""What a store can be asked. Nothing here changes it.

A row whose archive is missing, or not of the recorded size, counts as not there in every answer,
so no answer ever names an image that cannot be opened.
"""

import sqlite3
from datetime import datetime
from functools import partial
from itertools import filterfalse, islice
from typing import BinaryIO

from pipeline.adapters.layout import index
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.rows import from_microseconds
from pipeline.digest import Digest
from pipeline.errors import AmbiguousImage, ImageNotFound
from pipeline.names import ImageName, Labels
from pipeline.ports import RemoteEntry
from pipeline.reference import AppcReference
from pipeline.results import Stored
from pipeline.storage import has_labels, is_id_prefix, is_rememberable


def resolve(place: Place, hex_prefix: str) -> Stored:
    """Return the one image whose ID starts with these hex digits."""
    sought = f"sha512-{hex_prefix}"
    if not is_id_prefix(hex_prefix):
        raise Refused(ImageNotFound(sought))
    found = place.read(lambda opened: place.whole(index.with_prefix(opened, hex_prefix)))
    if not found:
        raise Refused(ImageNotFound(sought))
    if len(found) > 1:
        raise Refused(AmbiguousImage(sought, tuple(image.image_id for image in found)))
    return found[0]


def find(place: Place, name: ImageName, labels: Labels, defaults: Labels) -> Stored:
    """Return the newest image of a name with these labels, the latest one first."""
    found = place.read(lambda connection: first_named(place, connection, name, labels, defaults))
    if found is None:
        raise Refused(ImageNotFound(AppcReference(name, labels).string))
    return found


def first_named(
    place: Place,
    connection: sqlite3.Connection,
    name: ImageName,
    labels: Labels,
    defaults: Labels,
) -> Stored | None:
    """Return what :func:`find` finds, on an open connection; None for nothing."""
    images = index.named(connection, name, labels)
    fitting = (image for image in images if has_labels(image.labels, labels, defaults))
    return next(filter(place.is_whole, fitting), None)


def list_images(place: Place) -> tuple[Stored, ...]:
    """Return every image, the newest import first."""
    return place.read(lambda connection: place.whole(index.every(connection))) or ()


def list_page(place: Place, limit: int, after: Digest | None) -> tuple[Stored, ...]:
    """Return some images, the newest import first, from the one after ``after`` on."""
    digits = None if after is None else after.hex

    def page(connection: sqlite3.Connection) -> tuple[Stored, ...]:
        return tuple(islice(filter(place.is_whole, index.every(connection, digits)), limit))

    return place.read(page) or ()


def list_lost(place: Place) -> tuple[Stored, ...]:
    """Return every image whose archive is gone, or was cut off, the newest import first."""
    return place.read(lambda opened: tuple(filterfalse(place.is_whole, index.every(opened)))) or ()


def uses(place: Place) -> dict[Digest, tuple[datetime | None, datetime | None]]:
    """Return when each image was last used, and last fetched as the latest."""
    found = place.read(lambda connection: tuple(index.uses(connection))) or ()
    return {
        Digest("sha512", digits): (_moment(used), _moment(latest)) for digits, used, latest in found
    }


def manifest(place: Place, image_id: Digest) -> bytes:
    """Return an image's manifest exactly as it lies in the archive."""
    _require(place, image_id)
    raw = place.read(partial(index.manifest_of, hex_digits=image_id.hex))
    if raw is None:
        raise Refused(ImageNotFound(image_id.image_id))
    return raw


def open_archive(place: Place, image_id: Digest) -> BinaryIO:
    """Open an image's archive."""
    _require(place, image_id)
    try:
        return place.blob(image_id).open("rb")
    except FileNotFoundError:
        # Somebody removed it in this very moment.
        raise Refused(ImageNotFound(image_id.image_id)) from None


def lookup(place: Place, url: str) -> RemoteEntry | None:
    """Return what is known of ``url``, if its image is there."""
    if not is_rememberable(url):
        return None
    entry = place.read(partial(index.remote, url=url))
    return entry if entry is not None and place.is_whole(entry.image) else None


def _require(place: Place, image_id: Digest) -> None:
    image = place.read(partial(index.one, hex_digits=image_id.hex))
    if image_id.algorithm != "sha512" or image is None or not place.is_whole(image):
        raise Refused(ImageNotFound(image_id.image_id))


def _moment(count: int | None) -> datetime | None:
    return None if count is None else from_microseconds(count)
