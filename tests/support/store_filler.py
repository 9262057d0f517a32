"""Stores with any number of images, made fast: what commits write, without their waits.

Rows, archives and records are written by the store's own functions, many images to a transaction
and nothing synced; ``store verify`` finds no difference (``tests/adapters/test_layout_scale.py``).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha512
from pathlib import Path
from typing import final

from pipeline.adapters.layout import blobs, contents, index, listing, records, remotes
from pipeline.adapters.layout.blobs import Blob
from pipeline.adapters.layout.facts import facts_of
from pipeline.adapters.layout.filesystem import BLOB_MODE, OsFilesystem, make_folders
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
from pipeline.digest import Digest
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.results import Freshness, Stored, Validators
from pipeline.testing.archives import make_entry, make_tar
from pipeline.testing.fakes import EPOCH
from pipeline.testing.makers import make_manifest
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample

IMAGES_PER_NAME = 100
"""Of each name but one; that one has a tenth of all images, each a version of its own."""

BUSY = ImageName("example.com/busy")
"""That name."""

_PER_TRANSACTION = 5_000


@final
@dataclass(frozen=True, slots=True)
class Tiny:
    """The ``number``-th image of a filled store: a manifest and an empty root."""

    number: int

    @property
    def name(self) -> ImageName:
        """Its name."""
        if self.number % 10 == 0:
            return BUSY
        return ImageName(f"example.com/app-{self.number // IMAGES_PER_NAME}")

    @property
    def labels(self) -> Labels:
        """A version of its own, and an operating system."""
        version = Label(LabelName("version"), f"1.{self.number}")
        return Labels((Label(LabelName("os"), "linux"), version))

    @property
    def url(self) -> str:
        """Where it came from."""
        return f"https://example.com/{self.number}.aci"

    @property
    def imported_at(self) -> datetime:
        """A second after the one before."""
        return EPOCH + timedelta(seconds=self.number)

    @property
    def manifest(self) -> bytes:
        """The manifest's bytes."""
        labels = {str(label.name): label.value for label in self.labels.items}
        return make_manifest(self.name, labels)

    @property
    def archive(self) -> bytes:
        """The archive's bytes: 2.5 KiB."""
        root = make_entry(b"rootfs", type_flag=b"5")
        return make_tar(make_entry(b"manifest", self.manifest), root)


def fill(root: Path, first: int, last: int) -> None:
    """Put the images from ``first`` to before ``last`` into the store at ``root``."""
    place = Place(root, OsFilesystem())
    for start in range(first, last, _PER_TRANSACTION):
        with _prepared(place):
            _fill(place, start, min(start + _PER_TRANSACTION, last))


def tiny_oci(number: int) -> OciSample:
    """Return the ``number``-th OCI image of a filled store: one layer of its own, one of all."""
    tag = f"1.{number}"
    return OciSample(f"app-{number // IMAGES_PER_NAME}", tag, layers=(b"shared", tag.encode()))


def fill_oci(root: Path, first: int, last: int) -> None:
    """Put OCI images into the store at ``root``, as :func:`fill` does archives."""
    place = Place(root, OsFilesystem())
    with _prepared(place):
        with writing(place.filesystem, place.database) as connection:
            for number in range(first, last):
                _insert_oci(place, connection, tiny_oci(number))
        listing.write(place)


@contextmanager
def _prepared(place: Place) -> Iterator[None]:
    with place.locked():
        place.write_layout_files()
        for folder in (*blobs.folders_of(place.root), *records.folders_of(place.root)):
            make_folders(place.filesystem, folder)
        yield


def _insert_oci(place: Place, connection: sqlite3.Connection, sample: OciSample) -> None:
    image = Stored(
        sample.image_id,
        sample.name,
        sample.labels,
        sample.size,
        EPOCH,
        sample.provenance,
        sample.source,
        media_type=sample.made.descriptor.media_type,
    )
    index.insert(connection, image, sample.manifest)
    made_of = [Blob(digest, len(content)) for digest, content in sample.blobs.items()]
    contents.set_contents(connection, image.image_id, made_of, sample.platform)
    remotes.set_remote(
        connection, sample.url, image.image_id.hex, sample.validators, Freshness(EPOCH)
    )
    _write_record(place, connection, image.image_id)
    for digest, content in sample.blobs.items():
        if not place.blob(digest).exists():
            place.blob(digest).write_bytes(content)


def _write_record(place: Place, connection: sqlite3.Connection, image_id: Digest) -> None:
    facts = facts_of(connection, image_id.hex)
    assert facts is not None
    place.record(image_id).write_bytes(records.encode(image_id, facts))


def _fill(place: Place, first: int, last: int) -> None:
    provenance = Sample(signers="a").provenance
    with writing(place.filesystem, place.database) as connection:
        for tiny in map(Tiny, range(first, last)):
            archive = tiny.archive
            image_id = Digest("sha512", sha512(archive).hexdigest())
            image = Stored(
                image_id,
                tiny.name,
                tiny.labels,
                len(archive),
                tiny.imported_at,
                provenance,
                tiny.url,
            )
            index.insert(connection, image, tiny.manifest)
            freshness = Freshness(tiny.imported_at)
            remotes.set_remote(connection, tiny.url, image_id.hex, Validators(), freshness)
            place.blob(image_id).write_bytes(archive)
            place.blob(image_id).chmod(BLOB_MODE)
            _write_record(place, connection, image_id)
