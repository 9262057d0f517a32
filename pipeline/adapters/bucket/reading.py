"""What a bucket's store can be asked: entries and records, never a scan of the whole bucket."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import BinaryIO

from pipeline.adapters.bucket import keys, records
from pipeline.adapters.bucket.failures import Refused
from pipeline.adapters.bucket.keys import Entry
from pipeline.adapters.bucket.objects import Objects
from pipeline.adapters.bucket.records import Record
from pipeline.adapters.bucket.together import together
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import AmbiguousImage, ImageNotFound, StoreCorrupt, StoreUnavailable
from pipeline.limits import BUCKET_REQUESTS_AT_ONCE, BUCKET_URL_BYTES, RECORD_BYTES
from pipeline.names import ImageName, Labels
from pipeline.ports import RemoteEntry
from pipeline.reference import AppcReference
from pipeline.results import ACI_TYPE, Stored
from pipeline.storage import NO_ARCHIVE, has_labels, is_id_prefix, is_rememberable


def record_of(objects: Objects, image_id: Digest) -> Record | None:
    """Return an image's record; None where the image is not there."""
    key = keys.record(image_id)
    found = objects.get(key, RECORD_BYTES)
    return None if found is None else records.decode(key, found.content)


def counting(objects: Objects, entry: Entry) -> Record | None:
    """Return the record that an entry belongs to; None where it counts for nothing."""
    record = record_of(objects, entry.image_id)
    return None if record is None or record.entry != entry else record


def counting_below(objects: Objects, prefix: str, after: str = "") -> Iterator[Record]:
    """Yield the records whose entries' keys begin so, in the order of these keys."""
    entries = (keys.entry_of(key) for key in objects.keys(prefix, after))
    known = (entry for entry in entries if entry is not None)
    while batch := tuple(islice(known, BUCKET_REQUESTS_AT_ONCE)):
        read = together(partial(counting, objects), batch)
        yield from (record for record in read if record is not None)


def resolve(objects: Objects, hex_prefix: str, algorithm: DigestAlgorithm) -> Stored:
    """Return the one image whose ID, by that algorithm, starts with these hex digits."""
    sought = f"{algorithm}-{hex_prefix}"
    if not is_id_prefix(hex_prefix, algorithm):
        raise Refused(ImageNotFound(sought))
    listed = objects.keys(keys.records(algorithm, hex_prefix))
    found = tuple(image_id for key in listed if (image_id := keys.image_of(key)) is not None)
    if len(found) > 1:
        raise Refused(AmbiguousImage(sought, found))
    record = record_of(objects, found[0]) if found else None
    if record is None:
        raise Refused(ImageNotFound(sought))
    return record.image


def find(objects: Objects, name: ImageName, labels: Labels, defaults: Labels) -> Stored:
    """Return the newest archive of a name with these labels, the latest one first."""
    fitting = (
        record
        for record in counting_below(objects, keys.named(name))
        if record.image.name == name and has_labels(record.image.labels, labels, defaults)
    )
    if labels.get("version") is not None:
        found = next(fitting, None)
    else:
        every = tuple(fitting)
        latest = (each for each in every if each.latest_at is not None)
        # max returns the first of equals, which is the newest.
        found = max(latest, key=lambda each: each.latest_at or each.image.imported_at, default=None)
        found = found or next(iter(every), None)
    if found is None:
        raise Refused(ImageNotFound(AppcReference(name, labels).string))
    return found.image


def list_images(objects: Objects) -> tuple[Stored, ...]:
    """Return every image, the newest import first."""
    return tuple(record.image for record in counting_below(objects, keys.NEWEST))


def list_page(objects: Objects, limit: int, after: Digest | None) -> tuple[Stored, ...]:
    """Return some images, the newest import first, from the one after ``after`` on."""
    behind = ""
    if after is not None:
        record = record_of(objects, after)
        if record is None:
            return ()
        behind = f"{keys.NEWEST}{record.place}{record.entry}"
    page = counting_below(objects, keys.NEWEST, behind)
    return tuple(record.image for record in islice(page, limit))


def manifest(objects: Objects, image_id: Digest) -> bytes:
    """Return an image's manifest, byte by byte."""
    return _require(objects, image_id).manifest


def open_archive(objects: Objects, image_id: Digest) -> BinaryIO:
    """Open an image's archive; an OCI image has none."""
    if _require(objects, image_id).image.media_type != ACI_TYPE:
        raise Refused(StoreUnavailable(image_id.image_id, "open", NO_ARCHIVE))
    return open_placed(objects, image_id)


def open_blob(objects: Objects, digest: Digest) -> BinaryIO:
    """Open anything that an image is made of."""
    if not is_needed(objects, digest):
        # What no image needs is what a stopped commit or a removal left.
        raise Refused(ImageNotFound(digest.image_id))
    return open_placed(objects, digest)


def open_placed(objects: Objects, digest: Digest) -> BinaryIO:
    """Open a blob that an image needs, or needed when somebody looked."""
    opened = objects.open(keys.blob(digest))
    if opened is None:
        key = f"{objects.name}/{keys.blob(digest)}"
        raise Refused(StoreCorrupt(key, "an image needs it, and it is gone"))
    return opened


def is_needed(objects: Objects, digest: Digest) -> bool:
    """Tell whether an image that is there has a blob as its archive or as a part."""
    for key in objects.keys(keys.needed(digest)):
        entry = keys.entry_of(key)
        if entry is not None and counting(objects, entry) is not None:
            return True
    return False


def lookup(objects: Objects, url: str) -> RemoteEntry | None:
    """Return what is known of ``url``, if its image is there."""
    if not is_rememberable(url):
        return None
    key = keys.url(url)
    found = objects.get(key, BUCKET_URL_BYTES)
    if found is None:
        return None
    remembered = records.decode_remembered(key, found.content)
    record = counting(objects, remembered.entry)
    if record is None:
        return None
    return RemoteEntry(url, record.image, remembered.validators, remembered.freshness)


def _require(objects: Objects, image_id: Digest) -> Record:
    record = record_of(objects, image_id)
    if record is None:
        raise Refused(ImageNotFound(image_id.image_id))
    return record
