"""What a store can be asked. Nothing here changes it.

A row of whose blobs one is missing, or not of the recorded size, counts as not there in every
answer, so no answer ever names an image that cannot be opened.
"""

import sqlite3
from datetime import datetime
from functools import partial
from itertools import filterfalse, islice
from typing import BinaryIO

from pipeline.adapters.layout import contents, index, remotes
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.place import Place
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import AmbiguousImage, ImageNotFound, StoreUnavailable
from pipeline.names import ImageName, Labels
from pipeline.ports import RemoteEntry
from pipeline.reference import AppcReference
from pipeline.results import ACI_TYPE, Stored
from pipeline.storage import NO_ARCHIVE, has_labels, is_id_prefix, is_rememberable
from pipeline.written.values import digest_of, from_microseconds


def resolve(place: Place, hex_prefix: str, algorithm: DigestAlgorithm) -> Stored:
    """Return the one image whose ID, by that algorithm, starts with these hex digits."""
    sought = f"{algorithm}-{hex_prefix}"
    if not is_id_prefix(hex_prefix, algorithm):
        raise Refused(ImageNotFound(sought))
    found = place.read(
        lambda opened: place.whole(opened, index.with_prefix(opened, hex_prefix, algorithm))
    )
    if not found:
        raise Refused(ImageNotFound(sought))
    if len(found) > 1:
        raise Refused(AmbiguousImage(sought, tuple(image.image_id for image in found)))
    return found[0]


def find(place: Place, name: ImageName, labels: Labels, defaults: Labels) -> Stored:
    """Return the newest archive of a name with these labels, the latest one first."""
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
    fitting = (
        image
        for image in images
        if image.media_type == ACI_TYPE and has_labels(image.labels, labels, defaults)
    )
    return next(filter(partial(place.is_whole, connection), fitting), None)


def list_images(place: Place) -> tuple[Stored, ...]:
    """Return every image, the newest import first."""
    return place.read(lambda opened: place.whole(opened, index.every(opened))) or ()


def list_page(place: Place, limit: int, after: Digest | None) -> tuple[Stored, ...]:
    """Return some images, the newest import first, from the one after ``after`` on."""
    digits = None if after is None else after.hex

    def page(connection: sqlite3.Connection) -> tuple[Stored, ...]:
        whole = filter(partial(place.is_whole, connection), index.every(connection, digits))
        return tuple(islice(whole, limit))

    return place.read(page) or ()


def list_lost(place: Place) -> tuple[Stored, ...]:
    """Return every image of which something is gone, or was cut off, the newest import first."""

    def lost(connection: sqlite3.Connection) -> tuple[Stored, ...]:
        return tuple(filterfalse(partial(place.is_whole, connection), index.every(connection)))

    return place.read(lost) or ()


def uses(place: Place) -> dict[Digest, tuple[datetime | None, datetime | None]]:
    """Return when each image was last used, and last fetched as the latest."""
    found = place.read(lambda connection: tuple(index.uses(connection))) or ()
    return {digest_of(digits): (_moment(used), _moment(latest)) for digits, used, latest in found}


def manifest(place: Place, image_id: Digest) -> bytes:
    """Return an image's manifest, byte by byte as it lies in the archive, or travelled."""
    _require(place, image_id)
    raw = place.read(partial(index.manifest_of, hex_digits=image_id.hex))
    if raw is None:
        raise Refused(ImageNotFound(image_id.image_id))
    return raw


def open_archive(place: Place, image_id: Digest) -> BinaryIO:
    """Open an image's archive; an OCI image has none."""
    if _require(place, image_id).media_type != ACI_TYPE:
        raise Refused(StoreUnavailable(image_id.image_id, "open", NO_ARCHIVE))
    return _open(place, image_id)


def open_blob(place: Place, digest: Digest) -> BinaryIO:
    """Open anything that an image is made of."""
    blob = place.read(partial(contents.needed, digest=digest))
    if blob is None or not place.has(blob):
        # What no image needs is what a crash left, or not of this program.
        raise Refused(ImageNotFound(digest.image_id))
    return _open(place, digest)


def lookup(place: Place, url: str) -> RemoteEntry | None:
    """Return what is known of ``url``, if its image is there."""
    if not is_rememberable(url):
        return None

    def known(connection: sqlite3.Connection) -> RemoteEntry | None:
        entry = remotes.remote(connection, url)
        return entry if entry and place.is_whole(connection, entry.image) else None

    return place.read(known)


def _require(place: Place, image_id: Digest) -> Stored:
    def whole(connection: sqlite3.Connection) -> Stored | None:
        image = index.one(connection, image_id.hex)
        return image if image and place.is_whole(connection, image) else None

    image = place.read(whole)
    if image is None:
        raise Refused(ImageNotFound(image_id.image_id))
    return image


def _open(place: Place, digest: Digest) -> BinaryIO:
    try:
        return place.blob(digest).open("rb")
    except FileNotFoundError:
        # Somebody removed it in this very moment.
        raise Refused(ImageNotFound(digest.image_id)) from None


def _moment(count: int | None) -> datetime | None:
    return None if count is None else from_microseconds(count)
