"""``index.json``: in which other programs find the registry images that lie here.

    rows -> an image index (OCI image-spec v1.1.0 ``image-layout.md`` "index.json file")

Every registry image is listed with its platform, under the name by which skopeo, umoci and their
like ask for it (``org.opencontainers.image.ref.name``), an entry a name:

1. under each reference with a tag that it was asked for by, as ``docker.io/library/app:1.0``. Of
   several images (the tag has moved, or they are for several platforms) the last one to come has
   the name; one that was asked for by its digest, too, only if there is no other.
2. under its digest, as ``sha256:…``, where it has no such name, or none that these programs take
   (image-spec v1.1.0 ``annotations.md``: no ``__`` in it, for example).

The file follows the database. Making it takes time for each image, so beyond
:data:`~pipeline.limits.LISTED_AT_ONCE` images it is made only once their hundredth part has
changed. The database counts the changes, and the file says up to which one it goes: so how far it
lags is always known, and what a crash or a full disk left undone is done with the next change.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import DRAFT_SUFFIX, drop_file, place_file
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.rows import has_registry_images, refusing
from pipeline.limits import LISTED_AT_ONCE, LISTING_SHARE
from pipeline.oci import INDEX_TYPE, Descriptor, OciPlatform
from pipeline.results import ACI_TYPE
from pipeline.written.values import decode_platform, digest_of

REF_NAME: Final = "org.opencontainers.image.ref.name"

_HEAD: Final = (
    f'{{"schemaVersion":2,"mediaType":"{INDEX_TYPE}","annotations":'
    '{"image-pipeline.changes":"CHANGES","image-pipeline.entries":"ENTRIES"},"manifests":['
)
_NUMBER: Final = "([0-9]{1,18})"
_READ_HEAD: Final = re.compile(
    re.escape(_HEAD).replace("CHANGES", _NUMBER).replace("ENTRIES", _NUMBER).encode()
)
_HEAD_BYTES: Final = 256

# What skopeo and umoci take is exactly the grammar of the specification.
_COMPONENT: Final = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_NAME: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAGGED: Final = re.compile(r"docker://([^#@]*:[^#@/]*)(@[^#]*)?(?:#.*)?", re.DOTALL)


@final
@dataclass(frozen=True, slots=True)
class Extent:
    """Up to which change the file goes, and how many entries it has."""

    changes: int
    entries: int


NOTHING: Final = Extent(0, 0)
"""The extent of a file that is not there, or not of this program."""


def follow(place: Place) -> None:
    """Make the file again if that is due; the caller holds the lock, and has changed the database.

    What was changed stands, so that this fails is no failure of the change: the file lags then.
    """
    try:
        lag, entries = lag_of(place), _extent_of(place.listing).entries
        if lag and (entries <= LISTED_AT_ONCE or lag * LISTING_SHARE >= entries):
            write(place)
    except (OSError, sqlite3.Error, Refused):
        with suppress(OSError):
            drop_file(place.filesystem, place.listing.with_name(f"index.json{DRAFT_SUFFIX}"))


def write(place: Place) -> int:
    """Make the file again; return how many entries it has. The caller holds the lock."""
    made = place.read(_make)
    if made is None:
        return 0
    content, entries = made
    place_file(place.filesystem, place.listing, content)
    return entries


def is_empty(place: Place) -> bool:
    """Tell whether the file lists nothing; one that cannot be read may list anything."""
    try:
        document: object = json.loads(place.listing.read_bytes())
    except FileNotFoundError:
        return True
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("manifests") == []


def shown_changes(place: Place) -> int:
    """Return up to which change the file goes."""
    return _extent_of(place.listing).changes


def lag_of(place: Place) -> int:
    """Return how many changes the file does not show; all of them where it shows others."""
    changes, shown = place.read(changes_of) or 0, shown_changes(place)
    return changes - shown if shown <= changes else changes + 1


def count_from(connection: sqlite3.Connection, changes: int) -> None:
    """Count on from a number of changes: of a database that takes the place of another."""
    connection.execute("UPDATE listing SET changes = changes + ?", (changes,))


def changes_of(connection: sqlite3.Connection) -> int:
    """Return how often something that the file shows has changed."""
    if not has_registry_images(connection):
        return 0
    (changes,) = connection.execute("SELECT changes FROM listing").fetchone()
    return int(changes)


def _extent_of(path: Path) -> Extent:
    try:
        with path.open("rb") as file:
            match = _READ_HEAD.match(file.read(_HEAD_BYTES))
    except OSError:
        return NOTHING
    return NOTHING if match is None else Extent(int(match[1]), int(match[2]))


def _make(connection: sqlite3.Connection) -> tuple[bytes, int]:
    # One transaction: what is counted is what is listed.
    connection.execute("BEGIN")
    entries = list(_entries(connection)) if has_registry_images(connection) else []
    head = _HEAD.replace("CHANGES", str(changes_of(connection)))
    head = head.replace("ENTRIES", str(len(entries)))
    connection.execute("ROLLBACK")
    listed = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    return f"{head}{listed}]}}".encode(), len(entries)


def _entries(connection: sqlite3.Connection) -> Iterator[dict[str, object]]:
    names: dict[str, list[str]] = {}
    for name, hex_digits in _names(connection).items():
        names.setdefault(hex_digits, []).append(name)
    rows = connection.execute(
        "SELECT hex, media_type, length(raw), platform FROM images "
        "JOIN manifests ON manifests.image = images.id WHERE media_type <> ? ORDER BY images.id",
        (ACI_TYPE,),
    )
    for hex_digits, media_type, size, platform in rows:
        with refusing(hex_digits):
            descriptor = Descriptor(media_type, digest_of(hex_digits), size)
            for name in names.get(hex_digits) or [str(descriptor.digest)]:
                yield _entry(descriptor, decode_platform(platform), name)


def _entry(descriptor: Descriptor, platform: OciPlatform | None, name: str) -> dict[str, object]:
    members = descriptor.document
    if platform is not None and platform.os and platform.architecture:
        variant = {"variant": platform.variant} if platform.variant else {}
        members["platform"] = {
            "architecture": platform.architecture,
            "os": platform.os,
        } | variant
    return members | {"annotations": {REF_NAME: name}}


def _names(connection: sqlite3.Connection) -> dict[str, str]:
    """Return which image has which name."""
    rows = connection.execute(
        "SELECT reference, hex FROM remotes JOIN images ON images.id = remotes.image "
        "WHERE reference IS NOT NULL ORDER BY images.id"
    )
    pinned: dict[str, str] = {}
    tagged: dict[str, str] = {}
    for reference, hex_digits in rows:
        match = _TAGGED.fullmatch(reference)
        if match is not None and _NAME.fullmatch(match[1]):
            (tagged if match[2] is None else pinned)[match[1]] = hex_digits
    return pinned | tagged
