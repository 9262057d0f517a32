"""What changes in a bucket besides commits: removals, and URLs that were asked again."""

from pipeline.adapters.bucket import keys, records
from pipeline.adapters.bucket.committing import entries_of
from pipeline.adapters.bucket.failures import Refused
from pipeline.adapters.bucket.objects import Objects
from pipeline.adapters.bucket.reading import counting, record_of
from pipeline.adapters.bucket.records import Remembered
from pipeline.digest import Digest
from pipeline.errors import ImageNotFound
from pipeline.limits import BUCKET_URL_BYTES
from pipeline.results import Freshness, Stored, Validators
from pipeline.storage import bounded, is_rememberable


def remove(objects: Objects, image_id: Digest) -> Stored:
    """Remove an image: its record first, with which it is gone, then what counted by it.

    Its blobs stay where they are: another writer may be about to need them.
    """
    record = record_of(objects, image_id)
    if record is None:
        raise Refused(ImageNotFound(image_id.image_id))
    objects.delete((keys.record(image_id),))
    objects.delete(entries_of(record))
    return record.image


def refresh(objects: Objects, url: str, validators: Validators, freshness: Freshness) -> None:
    """Renew what is known of a URL; do nothing for one that gave no image that is there."""
    if not is_rememberable(url):
        return
    key = keys.url(url)
    found = objects.get(key, BUCKET_URL_BYTES)
    if found is None:
        return
    known = records.decode_remembered(key, found.content)
    if counting(objects, known.entry) is None:
        return
    merged = Validators(
        known.validators.etag if validators.etag is None else validators.etag,
        known.validators.last_modified
        if validators.last_modified is None
        else validators.last_modified,
    )
    renewed = Remembered(known.entry, merged, bounded(freshness))
    # Where another writer was faster, what it wrote is as new.
    objects.put(key, records.encode_remembered(renewed), found.version)
