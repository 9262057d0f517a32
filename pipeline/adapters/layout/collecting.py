"""Removing what nobody needs any more: what stopped changes left, and what was never taken up.

    root, grace period -> Result[tuple[Collected, ...], StoreError]

No image of the index is removed here (:mod:`.unused` says which could be).

1. Archives that no row knows, and their records, once older than the grace period: until then a
   ``store rebuild`` can still make images of them.
2. Removals that a full disk kept from ending, and files that were never finished.
3. Sessions of quarantine whose process is gone.
4. Partial downloads that nobody has gone on with for the grace period, and nobody is at now.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from pipeline.adapters.layout import blobs, index, partials, quarantine, records
from pipeline.adapters.layout.checking import drafts_of, is_draft
from pipeline.adapters.layout.examining import digest_named, names_in
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import Filesystem, drop_file, sync_path
from pipeline.adapters.layout.locks import held
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
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
        stored = place.read(index.every_id)
        if stored is None and names_in(blobs.folder_of(place.root)):
            # Without its index everything would look like something that nobody needs.
            reason = "there are blobs, but no index"
            raise Refused(StoreCorrupt(str(place.database), reason))
        known = stored or frozenset()
        found = [
            *_unknown_blobs(place, known, before),
            *_unknown_records(place, known, before),
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
    return (
        *found,
        *ended,
        *_collect_sessions(place, dry_run=dry_run),
        *_collect_partials(place, before, dry_run=dry_run),
    )


def _unknown_blobs(place: Place, known: frozenset[str], before: datetime) -> Iterator[Collected]:
    folder = blobs.folder_of(place.root)
    for name in names_in(folder):
        if digest_named(name) and name not in known and _changed_at(folder / name) < before:
            yield _found(place, "blob", folder / name)


def _unknown_records(place: Place, known: frozenset[str], before: datetime) -> Iterator[Collected]:
    folder = records.folder_of(place.root)
    for name in names_in(folder):
        image_id = digest_named(name.removesuffix(records.SUFFIX))
        if image_id is None or image_id.hex in known or is_draft(name):
            continue
        # A record goes with its blob, not before it.
        blob = place.blob(image_id)
        if not blob.exists() or _changed_at(blob) < before:
            yield _found(place, "record", folder / name)


def _unfinished_removals(place: Place) -> Iterator[Collected]:
    folder = records.folder_of(place.root)
    for name in names_in(folder):
        if digest_named(name.removesuffix(records.REMOVED_SUFFIX)) and name.endswith(
            records.REMOVED_SUFFIX
        ):
            yield _found(place, "removal", folder / name)


def _end_removals(place: Place, ended: list[Collected]) -> None:
    if not ended:
        return
    markers = [place.root / each.path for each in ended]
    with writing(place.filesystem, place.database) as connection:
        for marker in markers:
            # Where the archive is there again, the image was stored again.
            if not (blobs.folder_of(place.root) / marker.stem).exists():
                index.delete(connection, marker.stem)
    for marker in markers:
        drop_file(place.filesystem, marker)


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
            lock = partials.try_take(place.filesystem, each)
            if lock is not None:
                leaving.callback(os.close, lock)
            elif (each / partials.LOCK).exists():
                continue
            if _last_changed_at(each) >= before:
                continue
            collected.append(Collected("partial", f"{partials.FOLDER}/{name}", size_of(each)))
            if not dry_run:
                partials.remove(place.filesystem, each)
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
