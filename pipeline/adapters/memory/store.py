"""A store in memory."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import BinaryIO, Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory.quarantine import HeldBody, MemoryQuarantine, emptied
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import AmbiguousImage, ImageNotFound, StoreError, StoreUnavailable
from pipeline.names import ImageName, Labels
from pipeline.ports import Clock, RemoteEntry
from pipeline.reference import AppcReference
from pipeline.results import ACI_TYPE, Extracted, Freshness, QuarantinedBlob, Stored, Validators
from pipeline.storage import (
    NO_ARCHIVE,
    better_provenance,
    blobs_of,
    bounded,
    describe,
    has_labels,
    is_complete,
    is_id_prefix,
    is_latest,
    is_rememberable,
)

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@final
@dataclass(slots=True)
class _Kept:
    """An image of a :class:`MemoryStore`; ``order`` breaks ties between equal times.

    ``blobs`` are all that it is made of.
    """

    image: Stored
    manifest: bytes
    blobs: frozenset[Digest]
    order: int
    latest_at: datetime = _NEVER


@final
@dataclass(slots=True)
class MemoryStore:
    """A :class:`~pipeline.ports.Store`, ``Catalog`` and ``RemoteCache`` in memory.

    It has the methods of the store on disk, with the same outcomes. Several threads may use it.
    """

    clock: Clock
    _kept: dict[Digest, _Kept] = field(default_factory=dict)
    _blobs: dict[Digest, bytes] = field(default_factory=dict)
    _remotes: dict[str, tuple[Digest, Validators, Freshness]] = field(default_factory=dict)
    _sessions: list[MemoryQuarantine] = field(default_factory=list)
    _bodies: dict[str, HeldBody] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def quarantine(self) -> Iterator[Result[MemoryQuarantine, StoreError]]:
        """Open a quarantine for a ``with`` block; it is emptied whatever ends the block."""
        session = MemoryQuarantine(
            prefix=f"{next(self._numbers)}/", bodies=self._bodies, stored=self._blobs
        )
        with emptied(session):
            self._sessions.append(session)
            try:
                yield Success(session)
            finally:
                self._sessions.remove(session)

    def commit(self, extracted: Extracted) -> Result[Stored, StoreError]:
        """Take all that an image is made of out of quarantine and keep it.

        Errors: StoreUnavailable where any of it is not in quarantine.
        """
        if not is_complete(extracted):
            reason = "wanted everything that its manifest names, and nothing else"
            return Failure(StoreUnavailable(extracted.image_id.image_id, "store", reason))
        now = self.clock.now()
        offered = describe(extracted, now)
        kept = self._kept.get(offered.image_id)
        if kept is None:
            taken = self._take(blobs_of(extracted))
            if not is_successful(taken):
                return Failure(taken.failure())
            image = replace(offered, outcome="already-stored")
            kept = _Kept(image, extracted.manifest.raw, taken.unwrap(), next(self._numbers))
            self._kept[image.image_id] = kept
            outcome = offered
        else:
            provenance = better_provenance(kept.image.provenance, offered.provenance)
            kept.image = outcome = replace(kept.image, provenance=provenance)
        downloaded = extracted.origin.downloaded
        if is_latest(downloaded.reference):
            kept.latest_at = now
        if is_rememberable(downloaded.source.image):
            self._remotes[downloaded.source.image] = (
                offered.image_id,
                downloaded.validators,
                bounded(downloaded.freshness),
            )
        return Success(outcome)

    def remove(self, image_id: Digest) -> Result[Stored, StoreError]:
        """Remove an image, what only it is made of, and what is remembered of it.

        Returns what it was. Errors: ImageNotFound.
        """
        kept = self._kept.pop(image_id, None)
        if kept is None:
            return Failure(ImageNotFound(image_id.image_id))
        needed = frozenset[Digest]().union(*(other.blobs for other in self._kept.values()))
        for digest in kept.blobs - needed:
            del self._blobs[digest]
        self._remotes = {url: row for url, row in list(self._remotes.items()) if row[0] != image_id}
        return Success(kept.image)

    def touch(self, image_id: Digest) -> None:
        """Do nothing: what is in memory is never collected."""

    def resolve(
        self, hex_prefix: str, algorithm: DigestAlgorithm = "sha512"
    ) -> Result[Stored, StoreError]:
        """Return the one image whose ID, by that algorithm, starts with these hex digits.

        Errors: ImageNotFound, AmbiguousImage.
        """
        sought = f"{algorithm}-{hex_prefix}"
        fitting = sorted(
            image_id
            for image_id in list(self._kept)
            if image_id.algorithm == algorithm and image_id.hex.startswith(hex_prefix)
        )
        if not is_id_prefix(hex_prefix, algorithm) or not fitting:
            return Failure(ImageNotFound(sought))
        if len(fitting) > 1:
            return Failure(AmbiguousImage(sought, tuple(fitting)))
        return Success(self._kept[fitting[0]].image)

    def find(
        self, name: ImageName, labels: Labels, defaults: Labels = Labels()
    ) -> Result[Stored, StoreError]:
        """Return the newest archive of that name that has all those labels, no registry image.

        A label of ``defaults`` must match only where the image has it. Without a ``version``
        among ``labels``, what was last fetched as the latest goes first.

        Errors: ImageNotFound.
        """
        fitting = [
            kept
            for kept in self._newest_first()
            if kept.image.media_type == ACI_TYPE
            and kept.image.name == name
            and has_labels(kept.image.labels, labels, defaults)
        ]
        if not fitting:
            return Failure(ImageNotFound(AppcReference(name, labels).string))
        if labels.get("version") is None:
            # max returns the first of equals, which is the newest.
            return Success(max(fitting, key=lambda kept: kept.latest_at).image)
        return Success(fitting[0].image)

    def list_images(self) -> Result[tuple[Stored, ...], StoreError]:
        """Return every image, the newest import first."""
        return Success(tuple(kept.image for kept in self._newest_first()))

    def manifest(self, image_id: Digest) -> Result[bytes, StoreError]:
        """Return an image's manifest exactly as it is in the archive, or as it travelled.

        Errors: ImageNotFound.
        """
        return self._exactly(image_id).map(lambda kept: kept.manifest)

    def open_archive(self, image_id: Digest) -> Result[BinaryIO, StoreError]:
        """Open an image's uncompressed archive for reading; the caller closes it.

        Errors: ImageNotFound; StoreUnavailable for an OCI image, which has none.
        """
        kept = self._exactly(image_id)
        if is_successful(kept) and kept.unwrap().image.media_type != ACI_TYPE:
            return Failure(StoreUnavailable(image_id.image_id, "open", NO_ARCHIVE))
        return kept.bind(lambda _: self.open_blob(image_id))

    def open_blob(self, digest: Digest) -> Result[BinaryIO, StoreError]:
        """Open anything that an image is made of, by its digest; the caller closes it.

        Errors: ImageNotFound.
        """
        content = self._blobs.get(digest)
        if content is None:
            return Failure(ImageNotFound(digest.image_id))
        return Success(io.BytesIO(content))

    def lookup(self, url: str) -> Result[RemoteEntry | None, StoreError]:
        """Return what is known of ``url``; None where nothing is."""
        row = self._remotes.get(url)
        if row is None:
            return Success(None)
        image_id, validators, freshness = row
        return Success(RemoteEntry(url, self._kept[image_id].image, validators, freshness))

    def refresh(
        self, url: str, validators: Validators, freshness: Freshness
    ) -> Result[None, StoreError]:
        """Note that ``url`` was asked again and its image still stands."""
        row = self._remotes.get(url)
        if row is not None:
            merged = Validators(
                etag=row[1].etag if validators.etag is None else validators.etag,
                last_modified=(
                    row[1].last_modified
                    if validators.last_modified is None
                    else validators.last_modified
                ),
            )
            self._remotes[url] = (row[0], merged, bounded(freshness))
        return Success(None)

    def _take(
        self, wanted: Mapping[Digest, QuarantinedBlob]
    ) -> Result[frozenset[Digest], StoreError]:
        """Take what is not there yet out of quarantine, all of it or nothing."""
        found: dict[Digest, tuple[MemoryQuarantine, str]] = {}
        for digest, blob in wanted.items():
            if digest in self._blobs:
                continue
            holder = next((each for each in self._sessions if blob.key in each.blobs), None)
            if holder is None or len(holder.blobs[blob.key]) != blob.size:
                return Failure(StoreUnavailable(blob.key, "store", "no such blob in quarantine"))
            found[digest] = (holder, blob.key)
        for digest, (holder, key) in found.items():
            self._blobs[digest] = holder.blobs.pop(key)
        return Success(frozenset(wanted))

    def _exactly(self, image_id: Digest) -> Result[_Kept, StoreError]:
        kept = self._kept.get(image_id)
        return Failure(ImageNotFound(image_id.image_id)) if kept is None else Success(kept)

    def _newest_first(self) -> list[_Kept]:
        return sorted(
            self._kept.values(),
            key=lambda kept: (kept.image.imported_at, kept.order),
            reverse=True,
        )
