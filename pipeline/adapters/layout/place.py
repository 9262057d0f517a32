"""Where a store's parts are, and the three ways to get at them: read, lock, ask for a blob.

The folder is an OCI image layout (OCI image-spec v1.1.0 ``image-layout.md``) with an index of
its own beside it::

    oci-layout, index.json       what makes the folder an OCI image layout (no manifests yet)
    blobs/sha512/<hex>           archives, uncompressed, named by their image ID
    image-pipeline.db            the index: names, labels, provenance, remotes (SQLite)
    quarantine/<session>/        what is on its way
    locks/                       one lock for changes, one for starting sessions
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, final

from pipeline.adapters.layout import blobs
from pipeline.adapters.layout.filesystem import Filesystem, make_folders, place_file
from pipeline.adapters.layout.locks import held
from pipeline.adapters.layout.schema import reading
from pipeline.digest import Digest
from pipeline.results import Stored

Value = TypeVar("Value")

_LAYOUT_FILES: Final = {
    "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    "index.json": (
        b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    ),
}


@final
@dataclass(frozen=True, slots=True)
class Place:
    """A store's folder and the calls by which it is changed."""

    root: Path
    filesystem: Filesystem

    @property
    def database(self) -> Path:
        """The index's file."""
        return self.root / "image-pipeline.db"

    def blob(self, image_id: Digest) -> Path:
        """Where an image's archive lies, or would."""
        return Path(blobs.name_of(self.root, image_id))

    def is_whole(self, image: Stored) -> bool:
        """Tell whether an image's archive is there in full size."""
        # By its name alone: listings ask for thousands, and a Path takes longer than the call.
        return blobs.is_whole(blobs.name_of(self.root, image.image_id), image.archive_bytes)

    def whole(self, images: Iterable[Stored]) -> tuple[Stored, ...]:
        """Return those images whose archives are there."""
        return tuple(image for image in images if self.is_whole(image))

    def read(self, query: Callable[[sqlite3.Connection], Value]) -> Value | None:
        """Ask the index; None where there is none yet."""
        with reading(self.filesystem, self.database) as connection:
            return None if connection is None else query(connection)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from changing the store for the length of the block."""
        locks = self.root / "locks"
        make_folders(self.filesystem, locks)
        with held(self.filesystem, locks / "store"):
            yield

    def write_layout_files(self) -> None:
        """Make the folder an OCI image layout where it is none; the caller holds the lock."""
        for name, content in _LAYOUT_FILES.items():
            if not (self.root / name).exists():
                place_file(self.filesystem, self.root / name, content)
