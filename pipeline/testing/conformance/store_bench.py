"""What checks of stores have in common: a store, its clock, and samples to put into it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol, final

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.digest import Digest
from pipeline.errors import ImageNotFound, StoreError
from pipeline.names import Labels
from pipeline.ports import Catalog, Quarantine, RemoteCache, RemoteEntry, Store
from pipeline.results import Extracted, Stored
from pipeline.testing.conformance.promises import expect, expect_success
from pipeline.testing.fakes import FixedClock
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import NAME, URL, Sample


class StoreUnderTest(Store, Catalog, RemoteCache, Protocol):
    """Everything that a whole store can do."""

    def quarantine(self) -> AbstractContextManager[Result[Quarantine, StoreError]]:
        """Open a quarantine that is emptied on leaving."""
        ...

    def manifest(self, image_id: Digest) -> Result[bytes, StoreError]:
        """Return a stored image's manifest, byte by byte."""
        ...

    def open_archive(self, image_id: Digest) -> Result[BinaryIO, StoreError]:
        """Open a stored image's archive, which an OCI image has not; the caller closes it."""
        ...

    def open_blob(self, digest: Digest) -> Result[BinaryIO, StoreError]:
        """Open whatever stored images are made of; the caller closes it."""
        ...

    def remove(self, image_id: Digest) -> Result[Stored, StoreError]:
        """Remove an image and return what it was."""
        ...

    def touch(self, image_id: Digest) -> None:
        """Note that an image was used; never fails."""
        ...


def put(
    store: StoreUnderTest, sample: Sample | OciSample, now: datetime
) -> Result[Stored, StoreError]:
    """Commit a sample through a quarantine of its own."""
    with store.quarantine() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        return store.commit(extracted_of(sample, quarantine, now))


def extracted_of(sample: Sample | OciSample, quarantine: Quarantine, now: datetime) -> Extracted:
    """Put a sample into quarantine; return it as the stages before the store would."""
    return expect_success(sample.in_quarantine(quarantine, now), "put an image into quarantine")


@final
@dataclass(frozen=True, slots=True)
class Bench:
    """A store, and the clock that it goes by."""

    store: StoreUnderTest
    clock: FixedClock

    def put(self, sample: Sample | OciSample) -> Stored:
        """Commit a sample, a second later than what was before."""
        self.clock.advance(1)
        return expect_success(put(self.store, sample, self.clock.now()), "commit")

    def listed(self) -> tuple[Stored, ...]:
        """Return what the store lists."""
        return expect_success(self.store.list_images(), "list")

    def found(self, labels: Labels = Labels()) -> Digest:
        """Return which sample is found."""
        return expect_success(self.store.find(NAME, labels), "find").image_id

    def not_found(self, outcome: Result[object, StoreError], promise: str) -> None:
        """Expect that the store has no such image."""
        missed = not is_successful(outcome) and isinstance(outcome.failure(), ImageNotFound)
        expect(missed, promise)

    def remembered(self, url: str = URL) -> RemoteEntry | None:
        """Return what the store remembers of a URL."""
        return expect_success(self.store.lookup(url), "look up a URL")
