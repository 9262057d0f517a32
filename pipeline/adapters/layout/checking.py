"""Whether a store is what it should be: index against blobs against records. Changes nothing.

    root -> Result[Checked, StoreError]

Every archive is read whole and its digest computed again; what its row and its record say is
compared with what is in it. What a stopped change leaves is named, but it is no damage: the store
serves what it had, and a collection, or the same change again, takes it up.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from returns.pipeline import is_successful

from pipeline.adapters.layout import blobs, index, records
from pipeline.adapters.layout.examining import (
    Examined,
    digest_named,
    digests_named,
    examine_all,
    names_in,
)
from pipeline.adapters.layout.facts import facts_of
from pipeline.adapters.layout.failures import Refused, attempt
from pipeline.adapters.layout.filesystem import DRAFT_SUFFIX
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.rows import has_versions
from pipeline.errors import StoreCorrupt
from pipeline.results import Stored

Kind: TypeAlias = Literal[
    "blob-damaged",
    "blob-missing",
    "blob-unknown",
    "database-damaged",
    "database-missing",
    "draft",
    "file-unknown",
    "record-ahead",
    "record-damaged",
    "record-differs",
    "record-missing",
    "record-unknown",
    "removal-unfinished",
    "row-damaged",
    "row-differs",
]
"""What can be found."""

_LEFTOVERS: Final[frozenset[Kind]] = frozenset(
    {
        "blob-unknown",
        "draft",
        "file-unknown",
        "record-ahead",
        "record-unknown",
        "removal-unfinished",
    }
)
"""What a change that was stopped, or another program, leaves; everything else is damage."""


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a store that is not as it should be. ``path`` is relative to the store."""

    kind: Kind
    path: str
    reason: str

    @property
    def is_damage(self) -> bool:
        """Whether something is lost or wrong; otherwise it only takes space."""
        return self.kind not in _LEFTOVERS


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """What a verification has seen: images of the index, archives, their bytes, and findings."""

    images: int
    blobs: int
    blob_bytes: int
    findings: tuple[Finding, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether anything that was found is damage."""
        return any(finding.is_damage for finding in self.findings)


@final
@dataclass(frozen=True, slots=True)
class _Names:
    """What there was at one moment: rows, archives, and names in the records' folder."""

    rows: frozenset[str]
    blobs: frozenset[str]
    records: frozenset[str]


def check(place: Place) -> Checked:
    """Look at everything in the store, and read all of its archives."""
    outcome = attempt(
        lambda: place.read(lambda connection: _check(place, connection)), place.root, "read"
    )
    if not is_successful(outcome):
        error = outcome.failure()
        if not isinstance(error, StoreCorrupt):
            raise Refused(error)
        return _check_blobs_alone(
            place, Finding("database-damaged", place.database.name, error.reason)
        )
    checked = outcome.unwrap()
    if checked is not None:
        return checked
    if not names_in(blobs.folder_of(place.root)):
        return Checked(0, 0, 0, _drafts(place))
    missing = Finding("database-missing", place.database.name, "there are blobs, but no index")
    return _check_blobs_alone(place, missing)


def _check(place: Place, connection: sqlite3.Connection) -> Checked:
    names = _names(place, connection)
    findings = [*_drafts(place), *_check_database(place, connection)]
    known = names.blobs & names.rows
    for name in sorted(names.blobs):
        if name not in names.rows:
            kind: Kind = "file-unknown" if digest_named(name) is None else "blob-unknown"
            findings.append(Finding(kind, f"blobs/sha512/{name}", "no image of the index is this"))
    findings.extend(_missing_blob(names, name) for name in sorted(names.rows - known))
    findings += _unknown_records(names)
    blob_count = blob_bytes = 0
    for examined in examine_all(blobs.folder_of(place.root), digests_named(sorted(known))):
        blob_count += 1
        blob_bytes += examined.size
        findings += _check_image(place, connection, examined)
    return Checked(len(names.rows), blob_count, blob_bytes, tuple(findings))


def _names(place: Place, connection: sqlite3.Connection) -> _Names:
    """Take stock while nobody changes the store; where it cannot be locked, as it is."""
    with ExitStack() as leaving:
        with suppress(OSError):
            # Who may not write the store may still look at it.
            leaving.enter_context(place.locked())
        rows = index.every_id(connection)
        listed = frozenset(names_in(blobs.folder_of(place.root)))
        return _Names(rows, listed, frozenset(names_in(records.folder_of(place.root))))


def _check_database(place: Place, connection: sqlite3.Connection) -> Iterator[Finding]:
    for pragma in ("integrity_check(10)", "foreign_key_check"):
        for row in connection.execute(f"PRAGMA {pragma}"):
            if row != ("ok",):
                reason = " ".join(str(column) for column in row)
                yield Finding("database-damaged", place.database.name, reason)


def _check_image(
    place: Place, connection: sqlite3.Connection, examined: Examined
) -> Iterator[Finding]:
    digits = examined.image_id.hex
    path = f"blobs/sha512/{digits}"
    try:
        image = index.one(connection, digits)
        raw = index.manifest_of(connection, digits)
    except Refused as refused:
        yield Finding("row-damaged", place.database.name, refused.error.message)
        return
    if image is None:
        # Somebody has removed it since.
        return
    if examined.manifest is None:
        yield Finding("blob-damaged", path, examined.problem)
    elif (image.name, image.labels, image.archive_bytes, raw) != (
        examined.manifest.name,
        examined.manifest.labels,
        examined.size,
        examined.manifest.raw,
    ):
        reason = f"the row of sha512-{digits} says something else than its archive"
        yield Finding("row-differs", place.database.name, reason)
    if has_versions(connection):
        yield from _check_record(place, connection, image)


def _check_record(place: Place, connection: sqlite3.Connection, image: Stored) -> Iterator[Finding]:
    path = f"records/sha512/{image.image_id.hex}{records.SUFFIX}"
    try:
        kept = records.read(place.root, image.image_id)
    except Refused as refused:
        yield Finding("record-damaged", path, refused.error.message)
        return
    known = facts_of(connection, image.image_id.hex)
    if known is None:
        return
    if kept is None:
        yield Finding("record-missing", path, "how the image was proven would not be found again")
    elif kept.core != known.core:
        if kept.is_ahead_of(known):
            yield Finding("record-ahead", path, "a change was stopped before its row was written")
        else:
            yield Finding("record-differs", path, "it says something else than the index")


def _missing_blob(names: _Names, name: str) -> Finding:
    path = f"blobs/sha512/{name}"
    if f"{name}{records.REMOVED_SUFFIX}" in names.records:
        return Finding("removal-unfinished", path, "a full disk kept its row from being deleted")
    return Finding("blob-missing", path, "the index has it, and it is not there")


def _unknown_records(names: _Names) -> Iterator[Finding]:
    for name in sorted(names.records):
        stem = name.removesuffix(records.SUFFIX).removesuffix(records.REMOVED_SUFFIX)
        # What says that an image is removed has no sense beside its archive.
        returned = name.endswith(records.REMOVED_SUFFIX) and stem in names.blobs
        if (returned or stem not in names.rows) and not is_draft(name):
            kind: Kind = "file-unknown" if digest_named(stem) is None else "record-unknown"
            yield Finding(kind, f"records/sha512/{name}", "no image of the index is this")


def drafts_of(place: Place) -> Iterator[Path]:
    """Yield files that were being written when a program was stopped."""
    for folder in (place.root, records.folder_of(place.root)):
        for name in names_in(folder):
            if is_draft(name):
                yield folder / name


def is_draft(name: str) -> bool:
    """Tell whether a name is that of a file in the making, or of SQLite's beside one."""
    return name.endswith(DRAFT_SUFFIX) or f"{DRAFT_SUFFIX}-" in name


def _drafts(place: Place) -> tuple[Finding, ...]:
    return tuple(
        Finding("draft", str(path.relative_to(place.root)), "it was never finished")
        for path in drafts_of(place)
    )


def _check_blobs_alone(place: Place, about_index: Finding) -> Checked:
    folder = blobs.folder_of(place.root)
    findings = [about_index]
    blob_count = blob_bytes = 0
    for examined in examine_all(folder, digests_named(names_in(folder))):
        blob_count += 1
        blob_bytes += examined.size
        if examined.manifest is None:
            path = f"blobs/sha512/{examined.image_id.hex}"
            findings.append(Finding("blob-damaged", path, examined.problem))
    return Checked(0, blob_count, blob_bytes, tuple(findings))
