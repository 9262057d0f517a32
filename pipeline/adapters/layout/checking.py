"""Whether a store is what it should be: index against blobs against records. Changes nothing.

    root -> Result[Checked, StoreError]

Every blob is read whole, once, and its digest computed again; what an image's row and record say is
compared with what is in it. What a stopped change leaves is named, but it is no damage: the store
serves what it had, and a collection, or the same change again, takes it up.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from returns.pipeline import is_successful

from pipeline.adapters.layout import blobs, contents, index, records
from pipeline.adapters.layout.blobs import Blob
from pipeline.adapters.layout.examining import (
    Examined,
    Role,
    blobs_in,
    digest_named,
    examine_all,
    names_in,
    path_in_store,
)
from pipeline.adapters.layout.facts import facts_of
from pipeline.adapters.layout.failures import Refused, attempt
from pipeline.adapters.layout.filesystem import DRAFT_SUFFIX
from pipeline.adapters.layout.findings import Checked, Finding, Kind
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.roles import roles_by_records
from pipeline.adapters.layout.rows import has_versions
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt
from pipeline.manifest import ImageManifest
from pipeline.oci import OciManifest
from pipeline.results import Stored


@final
@dataclass(frozen=True, slots=True)
class _Stock:
    """What there was at one moment.

    ``images`` are those of the index, ``sizes`` the bytes of the blobs that they need; ``blobs``
    are those that lie there, ``others`` the paths of what has no digest for a name, ``records``
    the paths of what lies where records do.
    """

    images: frozenset[Digest]
    sizes: Mapping[Digest, int]
    blobs: frozenset[Digest]
    others: tuple[str, ...]
    records: tuple[Path, ...]


def check(place: Place) -> Checked:
    """Look at everything in the store, and read all of its blobs."""
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
    if not any(map(names_in, blobs.folders_of(place.root))):
        return Checked(0, 0, 0, _drafts(place))
    missing = Finding("database-missing", place.database.name, "there are blobs, but no index")
    return _check_blobs_alone(place, missing)


def _check(place: Place, connection: sqlite3.Connection) -> Checked:
    stock = _take_stock(place, connection)
    findings = [*_drafts(place), *_check_database(place, connection)]
    reason = "no image of the index is this"
    findings += [Finding("file-unknown", path, reason) for path in stock.others]
    known = stock.blobs & stock.sizes.keys()
    findings += [
        Finding("blob-unknown", path_in_store(digest), reason)
        for digest in sorted(stock.blobs - known)
    ]
    findings += [
        _missing_blob(connection, stock, digest) for digest in sorted(stock.sizes.keys() - known)
    ]
    findings += _unknown_records(place, stock)
    blob_count = blob_bytes = 0
    wanted = [(digest, _role_of(connection, stock, digest)) for digest in sorted(known)]
    for examined in examine_all(place.root, wanted):
        blob_count += 1
        blob_bytes += examined.size
        findings += _check_blob(place, connection, stock, examined)
    for image_id in sorted(stock.images & known):
        findings += _check_record(place, connection, image_id)
    return Checked(len(stock.images), blob_count, blob_bytes, tuple(findings))


def _take_stock(place: Place, connection: sqlite3.Connection) -> _Stock:
    """Look around while nobody changes the store; where it cannot be locked, as it is."""
    with ExitStack() as leaving:
        with suppress(OSError):
            # Who may not write the store may still look at it.
            leaving.enter_context(place.locked())
        found, others = blobs_in(place.root)
        return _Stock(
            index.every_id(connection),
            {blob.digest: blob.size for blob in contents.every_blob(connection)},
            found,
            others,
            tuple(
                folder / name
                for folder in records.folders_of(place.root)
                for name in names_in(folder)
            ),
        )


def _role_of(connection: sqlite3.Connection, stock: _Stock, digest: Digest) -> Role:
    if digest not in stock.images:
        return "content"
    return "archive" if contents.is_archive(connection, digest) else "manifest"


def _check_database(place: Place, connection: sqlite3.Connection) -> Iterator[Finding]:
    for pragma in ("integrity_check(10)", "foreign_key_check"):
        for row in connection.execute(f"PRAGMA {pragma}"):
            if row != ("ok",):
                reason = " ".join(str(column) for column in row)
                yield Finding("database-damaged", place.database.name, reason)


def _check_blob(
    place: Place, connection: sqlite3.Connection, stock: _Stock, examined: Examined
) -> Iterator[Finding]:
    digest = examined.digest
    if examined.problem:
        yield Finding("blob-damaged", path_in_store(digest), examined.problem)
    elif examined.size != stock.sizes[digest]:
        reason = f"it has {stock.sizes[digest]} bytes for {digest}, which has {examined.size}"
        yield Finding("row-differs", place.database.name, reason)
    if digest not in stock.images:
        return
    try:
        image = index.one(connection, digest.hex)
        raw = index.manifest_of(connection, digest.hex)
        parts = () if image is None else contents.blobs_of(connection, image)
    except Refused as refused:
        yield Finding("row-damaged", place.database.name, refused.error.message)
        return
    # Somebody may have removed it since.
    if image is not None and examined.said is not None:
        said = examined.said
        differs = (
            raw != said.raw or not _is_told_by(said, image)
            if isinstance(said, ImageManifest)
            else raw != said.raw or not _is_made_of(said, digest, image, parts)
        )
        if differs:
            reason = f"the row of {digest.image_id} says something else than its blobs"
            yield Finding("row-differs", place.database.name, reason)


def _is_told_by(manifest: ImageManifest, image: Stored) -> bool:
    return (image.name, image.labels) == (manifest.name, manifest.labels)


def _is_made_of(
    manifest: OciManifest, image_id: Digest, image: Stored, parts: tuple[Blob, ...]
) -> bool:
    named = {Blob(each.digest, each.size) for each in manifest.blobs}
    size = len(manifest.raw) + sum(each.size for each in manifest.blobs)
    return set(parts) == named | {Blob(image_id, len(manifest.raw))} and size == image.archive_bytes


def _check_record(
    place: Place, connection: sqlite3.Connection, image_id: Digest
) -> Iterator[Finding]:
    if not has_versions(connection):
        # Format 1 has no records.
        return
    path = f"records/{image_id.algorithm}/{image_id.hex}{records.SUFFIX}"
    try:
        known = facts_of(connection, image_id.hex)
    except Refused:
        # The row is damaged, which is said where its blob is looked at.
        return
    if known is None:
        return
    try:
        kept = records.read(place.root, image_id)
    except Refused as refused:
        yield Finding("record-damaged", path, refused.error.message)
        return
    if kept is None:
        yield Finding("record-missing", path, "how the image was proven would not be found again")
    elif kept.core != known.core:
        if kept.is_ahead_of(known):
            yield Finding("record-ahead", path, "a change was stopped before its row was written")
        else:
            yield Finding("record-differs", path, "it says something else than the index")


def _missing_blob(connection: sqlite3.Connection, stock: _Stock, digest: Digest) -> Finding:
    path = path_in_store(digest)
    names = {(folder.parent.name, folder.name) for folder in stock.records}
    if all(
        (owner.algorithm, f"{owner.hex}{records.REMOVED_SUFFIX}") in names
        for owner in contents.owners_of(connection, digest)
    ):
        return Finding("removal-unfinished", path, "a full disk kept its row from being deleted")
    return Finding("blob-missing", path, "the index has it, and it is not there")


def _unknown_records(place: Place, stock: _Stock) -> Iterator[Finding]:
    for path in stock.records:
        stem = path.name.removesuffix(records.SUFFIX).removesuffix(records.REMOVED_SUFFIX)
        image_id = digest_named(path.parent, stem)
        # What says that an image is removed has no sense beside its blob.
        returned = path.name.endswith(records.REMOVED_SUFFIX) and image_id in stock.blobs
        if (returned or image_id not in stock.images) and not is_draft(path.name):
            kind: Kind = "file-unknown" if image_id is None else "record-unknown"
            shown = str(path.relative_to(place.root))
            yield Finding(kind, shown, "no image of the index is this")


def drafts_of(place: Place) -> Iterator[Path]:
    """Yield files that were being written when a program was stopped."""
    for folder in (place.root, *records.folders_of(place.root)):
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
    findings = [about_index]
    blob_count = blob_bytes = 0
    for examined in examine_all(place.root, roles_by_records(place, blobs_in(place.root)[0])):
        blob_count += 1
        blob_bytes += examined.size
        if examined.problem:
            findings.append(
                Finding("blob-damaged", path_in_store(examined.digest), examined.problem)
            )
    return Checked(0, blob_count, blob_bytes, tuple(findings))
