"""Where a store's parts are, and the three ways to get at them: read, lock, ask for a blob.

The folder is an OCI image layout (OCI image-spec v1.1.0 ``image-layout.md``) with an index of
its own beside it::

    oci-layout, index.json        what makes the folder an OCI image layout (:mod:`.listing`)
    blobs/<algorithm>/<hex>       archives, uncompressed, named by their image ID; the manifests,
                                  configurations and layers of OCI images as they travelled
    records/<algorithm>/<hex>.json  what blobs cannot say: how an image was proven, when it came
    image-pipeline.db             the index: names, labels, provenance, remotes (SQLite)
    quarantine/<session>/         what is on its way
    partials/<hash>/              what is on its way and outlasts its session
    locks/                        one lock for changes, one for starting sessions
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, final

from pipeline.adapters.layout import blobs, contents, records
from pipeline.adapters.layout.blobs import Blob
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import Filesystem, make_folders, place_file
from pipeline.adapters.layout.locks import held, held_if_free
from pipeline.adapters.layout.schema import reading
from pipeline.digest import Digest
from pipeline.errors import StoreUnavailable
from pipeline.results import Stored

Value = TypeVar("Value")

_REPLACEMENTS: Final = 10
"""How often a question is asked again because the database was replaced in the meantime."""

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

    @property
    def listing(self) -> Path:
        """The file in which other programs find images."""
        return self.root / "index.json"

    def blob(self, digest: Digest) -> Path:
        """Where a blob lies, or would."""
        return Path(blobs.name_of(self.root, digest))

    def record(self, image_id: Digest) -> Path:
        """Where an image's record lies, or would."""
        return records.path_of(self.root, image_id)

    def removed(self, image_id: Digest) -> Path:
        """What says that an image is removed, where a full disk keeps its row."""
        return records.removed_path_of(self.root, image_id)

    def has(self, blob: Blob) -> bool:
        """Tell whether a blob is there in full size."""
        # By its name alone: listings ask for thousands, and a Path takes longer than the call.
        return blobs.is_whole(blobs.name_of(self.root, blob.digest), blob.size)

    def is_whole(self, connection: sqlite3.Connection, image: Stored) -> bool:
        """Tell whether everything that an image is made of is there in full size."""
        return all(map(self.has, contents.blobs_of(connection, image)))

    def whole(self, connection: sqlite3.Connection, images: Iterable[Stored]) -> tuple[Stored, ...]:
        """Return those images of which everything is there."""
        return tuple(filter(partial(self.is_whole, connection), images))

    def read(self, query: Callable[[sqlite3.Connection], Value]) -> Value | None:
        """Ask the index; None where there is none yet.

        While a rebuild puts another database in place, an open one may meet the other's log. So
        an answer counts only if the file is the same before and after; else it is asked again.
        """
        for _ in range(_REPLACEMENTS):
            before = _identity(self.database)
            try:
                with reading(self.filesystem, self.database) as connection:
                    answer = None if connection is None else query(connection)
            except (sqlite3.Error, Refused):
                if _identity(self.database) == before:
                    raise
            else:
                if _identity(self.database) == before:
                    return answer
        raise Refused(StoreUnavailable(str(self.database), "read", "it is replaced all the time"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from changing the store for the length of the block."""
        locks = self.root / "locks"
        make_folders(self.filesystem, locks)
        with held(self.filesystem, locks / "store"):
            yield

    @contextmanager
    def locked_if_free(self) -> Iterator[bool]:
        """Lock the store if nobody else does; yield whether it is. Makes no folder."""
        with held_if_free(self.filesystem, self.root / "locks" / "store") as free:
            yield free

    def write_layout_files(self) -> None:
        """Make the folder an OCI image layout where it is none; the caller holds the lock."""
        for name, content in _LAYOUT_FILES.items():
            if not (self.root / name).exists():
                place_file(self.filesystem, self.root / name, content)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of the same name; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
