"""Removing what nobody needs any more: what stopped changes left, and what was never taken up.

    root, grace period -> Result[tuple[Collected, ...], StoreError]

No image of the index is removed here (:mod:`.unused` says which could be).

1. Blobs that no image needs, and records of images that no row knows, once older than the grace
   period: until then a ``store rebuild`` can still make images of them.
2. Removals that a full disk kept from ending, and files that were never finished.
3. Sessions of quarantine whose process is gone.
4. Partial downloads that nobody has gone on with for the grace period, and nobody is at now.

``index.json`` is made again where it lags behind.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from pipeline.adapters.layout import (
    contents,
    index,
    listing,
    partial_folders,
    partials,
    quarantine,
    records,
)
from pipeline.adapters.layout.checking import drafts_of
from pipeline.adapters.layout.examining import blobs_in, digest_named, names_in
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import Filesystem, drop_file, sync_path
from pipeline.adapters.layout.locks import held
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt

_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)

CollectedKind: TypeAlias = Literal["blob", "record", "removal", "draft", "session", "partial"]
"""What can be collected."""


@final
@dataclass(frozen=True, slots=True)
class Collected:
    """Something that was removed, or would be: its path in the store and its size in bytes."""

    kind: CollectedKind
    path: str
    size: int


def collect(
    place: Place, now: datetime, grace: timedelta, *, dry_run: bool
) -> tuple[Collected, ...]:
    """Remove what nobody needs; with ``dry_run`` only say what that is."""
    if not place.root.is_dir():
        return ()
    before = now - grace
    with place.locked():
        found_blobs, _ = blobs_in(place.root)
        known = place.read(index.every_id)
        if known is None and found_blobs:
            # Without its index everything would look like something that nobody needs.
            reason = "there are blobs, but no index"
            raise Refused(StoreCorrupt(str(place.database), reason))
        needed = place.read(_needed) or frozenset()
        found = [
            *_unknown_blobs(place, found_blobs - needed, before),
            *_unknown_records(place, known or frozenset(), before),
            *(_found(place, "draft", path) for path in drafts_of(place)),
        ]
        ended = list(_unfinished_removals(place))
        if not dry_run:
            _end_removals(place, ended)
            if place.read(index.has_uncounted):
                # Of images that an earlier format knew, uses count from here on.
                with writing(place.filesystem, place.database) as connection:
                    index.start_counting(connection, now)
            for each in found:
                drop_file(place.filesystem, place.root / each.path)
            for folder in {(place.root / each.path).parent for each in (*found, *ended)}:
                sync_path(place.filesystem, folder)
            if listing.lag_of(place):
                listing.write(place)
    return (
        *found,
        *ended,
        *_collect_sessions(place, dry_run=dry_run),
        *_collect_partials(place, before, dry_run=dry_run),
    )


def _needed(connection: sqlite3.Connection) -> frozenset[Digest]:
    return frozenset(blob.digest for blob in contents.every_blob(connection))


def _unknown_blobs(
    place: Place, unknown: frozenset[Digest], before: datetime
) -> Iterator[Collected]:
    for digest in sorted(unknown):
        if _changed_at(place.blob(digest)) < before:
            yield _found(place, "blob", place.blob(digest))


def _unknown_records(
    place: Place, known: frozenset[Digest], before: datetime
) -> Iterator[Collected]:
    for image_id, path in _records_named(place, records.SUFFIX):
        if image_id in known:
            continue
        # A record goes with its blob, not before it.
        blob = place.blob(image_id)
        if not blob.exists() or _changed_at(blob) < before:
            yield _found(place, "record", path)


def _unfinished_removals(place: Place) -> Iterator[Collected]:
    for _, path in _records_named(place, records.REMOVED_SUFFIX):
        yield _found(place, "removal", path)


def _records_named(place: Place, suffix: str) -> Iterator[tuple[Digest, Path]]:
    for folder in records.folders_of(place.root):
        for name in names_in(folder):
            image_id = digest_named(folder, name.removesuffix(suffix))
            if image_id is not None and name.endswith(suffix):
                yield image_id, folder / name


def _end_removals(place: Place, ended: list[Collected]) -> None:
    if not ended:
        return
    with writing(place.filesystem, place.database) as connection:
        for image_id, _ in _records_named(place, records.REMOVED_SUFFIX):
            # Where the blob is there again, the image was stored again.
            if not place.blob(image_id).exists():
                index.delete(connection, image_id.hex)
    for each in ended:
        drop_file(place.filesystem, place.root / each.path)


def _collect_sessions(place: Place, *, dry_run: bool) -> list[Collected]:
    folder = place.root / "quarantine"
    collected: list[Collected] = []

    def act(filesystem: Filesystem, session: Path) -> None:
        collected.append(Collected("session", f"quarantine/{session.name}", size_of(session)))
        if not dry_run:
            quarantine.remove_session(filesystem, session)

    with held(place.filesystem, place.root / "locks" / "quarantine"):
        for name in names_in(folder):
            quarantine.sweep(place.filesystem, folder / name, act)
    return collected


def _collect_partials(place: Place, before: datetime, *, dry_run: bool) -> list[Collected]:
    folder = place.root / partials.FOLDER
    collected: list[Collected] = []
    for name in names_in(folder):
        # What another user is fetching is not ours to see.
        with suppress(OSError), ExitStack() as leaving:
            each = folder / name
            lock = partial_folders.try_take(place.filesystem, each)
            if lock is not None:
                leaving.callback(os.close, lock)
            elif (each / partial_folders.LOCK).exists():
                continue
            if _last_changed_at(each) >= before:
                continue
            collected.append(Collected("partial", f"{partials.FOLDER}/{name}", size_of(each)))
            if not dry_run:
                partial_folders.remove(place.filesystem, each)
    return collected


def size_of(folder: Path) -> int:
    """Return the bytes of the files in a folder, as far as they may be seen."""
    with suppress(OSError):
        return sum(map(file_size, folder.iterdir()))
    return 0


def file_size(path: Path) -> int:
    """Return a file's bytes; none of one that has just gone, or that is not ours to see."""
    with suppress(OSError):
        return path.lstat().st_size
    return 0


def _found(place: Place, kind: CollectedKind, path: Path) -> Collected:
    return Collected(kind, str(path.relative_to(place.root)), path.lstat().st_size)


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC)


def _last_changed_at(folder: Path) -> datetime:
    # The files alone: a removal that stopped half-way has changed the folder.
    return max(map(_changed_at, folder.iterdir()), default=_EARLIEST)
