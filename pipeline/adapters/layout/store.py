"""The store on disk, as one value: ``open_store(root, clock=…) -> Result[LayoutStore, …]``.

What is where stands in :mod:`.place`, how it changes in :mod:`.committing` and
:mod:`.changes`, what can be asked in
:mod:`.queries`; here each of these becomes a method that returns a Result.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, final

from returns.result import Result

from pipeline.adapters.layout import carrying, changes, committing, queries
from pipeline.adapters.layout.failures import Refused, attempt
from pipeline.adapters.layout.filesystem import Filesystem, OsFilesystem
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.quarantine import FileQuarantine, session
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.names import ImageName, Labels
from pipeline.ports import Clock, RemoteEntry
from pipeline.results import Extracted, Freshness, Stored, Validators

_REAL: Final = OsFilesystem()


@final
@dataclass(frozen=True, slots=True)
class LayoutStore:
    """A :class:`~pipeline.ports.Store`, ``Catalog`` and ``RemoteCache`` in a folder.

    It holds no open file between calls, so it may be pickled, and used by any number of threads
    and processes. ``elsewhere`` is the folder of its quarantine where that is not within it. No
    method raises; reading creates nothing that stays. Besides what each method names, all of them
    may fail with StoreUnavailable, StoreTooNew and StoreCorrupt.
    """

    place: Place
    clock: Clock
    elsewhere: Path | None = None

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self.place.root

    def quarantine(self) -> AbstractContextManager[Result[FileQuarantine, StoreError]]:
        """Open a quarantine for a ``with`` block; it is emptied whatever ends the block.

        Errors: StoreReadOnly, DiskFull.
        """
        return session(self.place.filesystem, self.elsewhere or self.place.root)

    def commit(self, extracted: Extracted) -> Result[Stored, StoreError]:
        """Take an image out of quarantine and keep it: wholly, durably, or not at all.

        An image that is there already stays as it is; a better provenance replaces a worse.

        Errors: StoreReadOnly, DiskFull; nothing was stored then.
        """
        now = self.clock.now()
        action = (
            partial(committing.commit, self.place, extracted, now)
            if self.elsewhere is None
            else partial(carrying.commit_from, self.elsewhere, self.place, extracted, now)
        )
        return attempt(action, self.root, "write")

    def remove(self, image_id: Digest) -> Result[Stored, StoreError]:
        """Remove an image, what only it is made of, and what is remembered of it.

        Returns what it was.

        Errors: ImageNotFound, StoreReadOnly.
        """
        return attempt(partial(changes.remove, self.place, image_id), self.root, "write")

    def touch(self, image_id: Digest) -> None:
        """Note that an image was used, to the hour; never fails, and waits for nobody."""
        attempt(partial(changes.touch, self.place, image_id, self.clock.now()), self.root, "write")

    def resolve(
        self, hex_prefix: str, algorithm: DigestAlgorithm = "sha512"
    ) -> Result[Stored, StoreError]:
        """Return the one image whose ID, by that algorithm, starts with these hex digits.

        At least 2, and up to as many as the algorithm has.

        Errors: ImageNotFound, AmbiguousImage.
        """
        action = partial(queries.resolve, self.place, hex_prefix, algorithm)
        return attempt(action, self.root, "read")

    def find(
        self, name: ImageName, labels: Labels, defaults: Labels = Labels()
    ) -> Result[Stored, StoreError]:
        """Return the newest archive of that name that has all those labels, no registry image.

        A label of ``defaults`` must match only where the image has it. Without a ``version``
        among ``labels``, what was last fetched as the latest goes first.

        Errors: ImageNotFound.
        """
        action = partial(queries.find, self.place, name, labels, defaults)
        return attempt(action, self.root, "read")

    def list_images(self) -> Result[tuple[Stored, ...], StoreError]:
        """Return every image, the newest import first."""
        return attempt(partial(queries.list_images, self.place), self.root, "read")

    def list_page(
        self, limit: int, after: Digest | None = None
    ) -> Result[tuple[Stored, ...], StoreError]:
        """Return up to ``limit`` images, the newest import first, from the one after ``after`` on.

        Costs as much as the page is long; nothing comes after an image that is not there.
        """
        action = partial(queries.list_page, self.place, limit, after)
        return attempt(action, self.root, "read")

    def uses(self) -> Result[dict[Digest, tuple[datetime | None, datetime | None]], StoreError]:
        """Return when each image was last used, and when it was last fetched as the latest.

        None stands for "never".
        """
        return attempt(partial(queries.uses, self.place), self.root, "read")

    def list_lost(self) -> Result[tuple[Stored, ...], StoreError]:
        """Return the images that count as not there: something of them is gone, or was cut off."""
        return attempt(partial(queries.list_lost, self.place), self.root, "read")

    def manifest(self, image_id: Digest) -> Result[bytes, StoreError]:
        """Return an image's manifest exactly as it lies in the archive, or as it travelled.

        Errors: ImageNotFound.
        """
        return attempt(partial(queries.manifest, self.place, image_id), self.root, "read")

    def open_archive(self, image_id: Digest) -> Result[BinaryIO, StoreError]:
        """Open an image's uncompressed archive for reading; the caller closes it.

        Errors: ImageNotFound; StoreUnavailable for an OCI image, which has none.
        """
        return attempt(partial(queries.open_archive, self.place, image_id), self.root, "read")

    def open_blob(self, digest: Digest) -> Result[BinaryIO, StoreError]:
        """Open anything that an image is made of, by its digest; the caller closes it.

        An archive, a manifest, a configuration, a layer as it travelled.

        Errors: ImageNotFound where no image has it.
        """
        return attempt(partial(queries.open_blob, self.place, digest), self.root, "read")

    def lookup(self, url: str) -> Result[RemoteEntry | None, StoreError]:
        """Return what is known of ``url``; None where nothing is, or its image is gone."""
        return attempt(partial(queries.lookup, self.place, url), self.root, "read")

    def refresh(
        self, url: str, validators: Validators, freshness: Freshness
    ) -> Result[None, StoreError]:
        """Note that ``url`` was asked again and its image still stands.

        Does nothing for a URL that is not known. Validators that are None stay as they were.

        Errors: StoreReadOnly, DiskFull.
        """
        action = partial(changes.refresh, self.place, url, validators, freshness)
        return attempt(action, self.root, "write")


def open_store(
    root: Path, *, clock: Clock, quarantine: Path | None = None, filesystem: Filesystem = _REAL
) -> Result[LayoutStore, StoreError]:
    """Open the store in a folder, which need not exist: the first change makes it.

    ``quarantine`` is a folder for what is not proven yet, where that shall not lie within the
    store. It may be on another disk; what the store has already is not taken up in it.

    Errors: StoreTooNew, StoreCorrupt, StoreUnavailable.
    """
    return attempt(partial(_open, Place(root, filesystem), clock, quarantine), root, "read")


def _open(place: Place, clock: Clock, quarantine: Path | None) -> LayoutStore:
    if place.root.exists() and not place.root.is_dir():
        raise Refused(StoreUnavailable(str(place.root), "open", "it is not a folder"))
    # The index says at once whether this program can use it.
    place.read(lambda _: None)
    return LayoutStore(place, clock, quarantine)
