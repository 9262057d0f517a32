"""A new index in the making: blobs that were read come in, rows go out.

Examined -> rows, records that were missing, and what is left out
"""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, final

from pipeline.adapters.layout import index, records
from pipeline.adapters.layout.blobs import Blob
from pipeline.adapters.layout.examining import Examined, path_in_store, read_manifest
from pipeline.adapters.layout.facts import UNKNOWN, Description, Facts, facts_of, restore
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.findings import Finding, Kind
from pipeline.adapters.layout.place import Place
from pipeline.digest import Digest
from pipeline.manifest import ImageManifest
from pipeline.oci import OciManifest
from pipeline.results import Stored

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)


@final
@dataclass(slots=True)
class Filling:
    """The new index while blobs come in; an OCI image is made once all of them have.

    ``right`` are the sizes of what is what its name says and no archive.
    """

    place: Place
    old: sqlite3.Connection | None
    connection: sqlite3.Connection
    now: datetime
    left_out: list[Finding]
    images: int = 0
    unproven: list[Digest] = field(default_factory=list)
    registry_images: list[Digest] = field(default_factory=list)
    right: dict[Digest, int] = field(default_factory=dict)

    def take(self, examined: Examined) -> None:
        """Take a blob; an archive is an image."""
        digest = examined.digest
        if examined.problem:
            self._leave_out("blob-damaged", digest, examined.problem)
            return
        self.right[digest] = examined.size
        if isinstance(examined.said, OciManifest):
            self.registry_images.append(digest)
        elif isinstance(examined.said, ImageManifest):
            self._take_archive(examined, examined.said)

    def finish(self) -> None:
        """Make the OCI images of which everything was there, and name what is no image's."""
        used: set[Digest] = set()
        for image_id in self.registry_images:
            manifest = read_manifest(self.place.root, image_id)
            facts = _known(self.place, self.old, image_id, self.left_out)
            if manifest is None or facts is None or facts.description is None:
                # It was there a moment ago, and somebody else writes here.
                continue
            named = {Blob(each.digest, each.size) for each in manifest.blobs}
            used.update({blob.digest for blob in named}, {image_id})
            missing = [blob for blob in named if self.right.get(blob.digest) != blob.size]
            for blob in missing:
                reason = f"{image_id.image_id} cannot be without it"
                self._leave_out("blob-missing", blob.digest, reason)
            if not missing:
                self._restore_registry_image(image_id, manifest, facts, facts.description)
        for digest in sorted(self.right.keys() - used):
            if not index.one(self.connection, digest.hex):
                # A record that cannot be read is named, whatever it described.
                _known(self.place, None, digest, self.left_out)
                self._leave_out("blob-unknown", digest, "nothing says what it belongs to")

    def _take_archive(self, examined: Examined, manifest: ImageManifest) -> None:
        known = _known(self.place, self.old, examined.digest, self.left_out)
        if known is None:
            self.unproven.append(examined.digest)
        facts = known or _unknown(examined, self.now)
        image = Stored(
            examined.digest,
            manifest.name,
            manifest.labels,
            examined.size,
            facts.imported_at,
            facts.provenance,
            facts.source,
        )
        self._restore(image, manifest.raw, facts, ())

    def _restore_registry_image(
        self, image_id: Digest, manifest: OciManifest, facts: Facts, description: Description
    ) -> None:
        image = Stored(
            image_id,
            description.name,
            description.labels,
            len(manifest.raw) + sum(each.size for each in manifest.blobs),
            facts.imported_at,
            facts.provenance,
            facts.source,
            media_type=description.media_type,
        )
        named = dict.fromkeys(Blob(each.digest, each.size) for each in manifest.blobs)
        self._restore(image, manifest.raw, facts, (*named, Blob(image_id, len(manifest.raw))))

    def _restore(
        self, image: Stored, manifest: bytes, facts: Facts, made_of: tuple[Blob, ...]
    ) -> None:
        restore(self.connection, image, manifest, facts, made_of)
        self.images += 1
        restored = facts_of(self.connection, image.image_id.hex)
        if restored is None:
            return
        with suppress(Refused):
            kept = records.read(self.place.root, image.image_id)
            if kept is not None and kept.core == restored.core:
                return
        records.write(self.place.filesystem, self.place.root, image.image_id, restored)

    def _leave_out(self, kind: Kind, digest: Digest, reason: str) -> None:
        self.left_out.append(Finding(kind, path_in_store(digest), reason))


def _known(
    place: Place, old: sqlite3.Connection | None, image_id: Digest, left_out: list[Finding]
) -> Facts | None:
    """Return what the record says, with what the old index knows of later; or that alone."""
    row = None
    if old is not None:
        with suppress(sqlite3.Error, Refused):
            row = facts_of(old, image_id.hex)
    try:
        record = records.read(place.root, image_id)
    except Refused as refused:
        path = f"records/{image_id.algorithm}/{image_id.hex}{records.SUFFIX}"
        left_out.append(Finding("record-damaged", path, refused.error.message))
        record = None
    if record is None or row is None:
        return record or row
    used = (row.last_used_at or _EARLIEST, record.last_used_at or _EARLIEST)
    return replace(record, remotes=row.remotes, last_used_at=max(used))


def _unknown(examined: Examined, now: datetime) -> Facts:
    """Return what stands for facts that are lost: imported when the file was written."""
    return Facts(0, min(examined.modified_at, now), "", UNKNOWN, last_used_at=now)
