"""The store in a bucket, as one value.

What is called how stands in :mod:`.keys`, how it changes in :mod:`.committing` and
:mod:`.changes`, what can be asked in :mod:`.reading`; here each of these becomes a method that
returns a Result.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import BinaryIO, final

from returns.result import Result

from pipeline.adapters.bucket import changes, committing, reading
from pipeline.adapters.bucket.failures import attempt
from pipeline.adapters.bucket.founding import Founded, require_conditions
from pipeline.adapters.bucket.objects import Objects
from pipeline.adapters.bucket.quarantine import BucketQuarantine, Rooms, session
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import StoreError
from pipeline.names import ImageName, Labels
from pipeline.ports import Clock, RemoteEntry
from pipeline.results import Extracted, Freshness, Stored, Validators


@final
@dataclass(frozen=True, slots=True)
class BucketStore:
    """A :class:`~pipeline.ports.Store`, ``Catalog`` and ``RemoteCache`` in a bucket.

    It may be pickled, without the credentials, which each process finds for itself; any number of
    threads, processes and machines may use one bucket at once. No method raises. Besides what each
    method names, all of them may fail with StoreUnavailable, StoreTooNew and StoreCorrupt.
    """

    objects: Objects
    rooms: Rooms
    clock: Clock
    founded: Founded = field(default_factory=Founded, compare=False, repr=False)

    def quarantine(self) -> AbstractContextManager[Result[BucketQuarantine, StoreError]]:
        """Open a quarantine for a ``with`` block; it is emptied whatever ends the block.

        Errors: StoreReadOnly, DiskFull, of the folder that it is in.
        """
        return session(self.objects, self.rooms)

    def commit(self, extracted: Extracted) -> Result[Stored, StoreError]:
        """Take an image out of quarantine and keep it: wholly, durably, or not at all.

        An image that is there already stays as it is; a better provenance replaces a worse.

        Errors: DiskFull; nothing is there then.
        """
        return attempt(partial(self._commit, extracted))

    def remove(self, image_id: Digest) -> Result[Stored, StoreError]:
        """Remove an image; it is gone at once. What it was made of stays in the bucket.

        Returns what it was.

        Errors: ImageNotFound.
        """
        return attempt(partial(changes.remove, self.objects, image_id))

    def touch(self, image_id: Digest) -> None:
        """Do nothing: when an image of a bucket was used last, is not noted."""

    def resolve(
        self, hex_prefix: str, algorithm: DigestAlgorithm = "sha512"
    ) -> Result[Stored, StoreError]:
        """Return the one image whose ID, by that algorithm, starts with these hex digits.

        At least 2, and up to as many as the algorithm has.

        Errors: ImageNotFound, AmbiguousImage.
        """
        return attempt(partial(reading.resolve, self.objects, hex_prefix, algorithm))

    def find(
        self, name: ImageName, labels: Labels, defaults: Labels = Labels()
    ) -> Result[Stored, StoreError]:
        """Return the newest archive of that name that has all those labels, no registry image.

        A label of ``defaults`` must match only where the image has it. Without a ``version``
        among ``labels``, what was last fetched as the latest goes first.

        Errors: ImageNotFound.
        """
        return attempt(partial(reading.find, self.objects, name, labels, defaults))

    def list_images(self) -> Result[tuple[Stored, ...], StoreError]:
        """Return every image, the newest import first. Reads a record an image."""
        return attempt(partial(reading.list_images, self.objects))

    def list_page(
        self, limit: int, after: Digest | None = None
    ) -> Result[tuple[Stored, ...], StoreError]:
        """Return up to ``limit`` images, the newest import first, from the one after ``after`` on.

        Costs as much as the page is long; nothing comes after an image that is not there.
        """
        return attempt(partial(reading.list_page, self.objects, limit, after))

    def list_lost(self) -> Result[tuple[Stored, ...], StoreError]:
        """Return nothing: an image of which something is gone is listed, and cannot be opened."""
        return attempt(tuple)

    def uses(self) -> Result[dict[Digest, tuple[datetime | None, datetime | None]], StoreError]:
        """Return nothing: uses are not noted."""
        return attempt(dict)

    def manifest(self, image_id: Digest) -> Result[bytes, StoreError]:
        """Return an image's manifest exactly as it lies in the archive, or as it travelled.

        Errors: ImageNotFound.
        """
        return attempt(partial(reading.manifest, self.objects, image_id))

    def open_archive(self, image_id: Digest) -> Result[BinaryIO, StoreError]:
        """Open an image's uncompressed archive for reading; the caller closes it.

        Errors: ImageNotFound; StoreUnavailable for an OCI image, which has none.
        """
        return attempt(partial(reading.open_archive, self.objects, image_id))

    def open_blob(self, digest: Digest) -> Result[BinaryIO, StoreError]:
        """Open anything that an image is made of, by its digest; the caller closes it.

        An archive, a manifest, a configuration, a layer as it travelled. What is read raises
        ``OSError`` where the service stays away.

        Errors: ImageNotFound where no image has it.
        """
        return attempt(partial(reading.open_blob, self.objects, digest))

    def lookup(self, url: str) -> Result[RemoteEntry | None, StoreError]:
        """Return what is known of ``url``; None where nothing is, or its image is gone."""
        return attempt(partial(reading.lookup, self.objects, url))

    def refresh(
        self, url: str, validators: Validators, freshness: Freshness
    ) -> Result[None, StoreError]:
        """Note that ``url`` was asked again and its image still stands.

        Does nothing for a URL that is not known. Validators that are None stay as they were.
        """
        return attempt(partial(changes.refresh, self.objects, url, validators, freshness))

    def _commit(self, extracted: Extracted) -> Stored:
        require_conditions(self.objects, self.founded)
        return committing.commit(self.objects, self.rooms, extracted, self.clock.now())
