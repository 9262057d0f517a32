"""Which images nobody has used for long and no other image needs.

    root, time -> Result[tuple[Stored, ...], StoreError]

What a kept image depends on is kept, however long ago it was used, and so on down: by what
manifests say now, each dependency being the image that a look-up of its name and labels gives.

Source: appc/spec v0.8.11 ``spec/aci.md`` "Dependency Matching".
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from returns.pipeline import is_successful

from pipeline.adapters.layout import index
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.queries import first_named
from pipeline.digest import Digest
from pipeline.manifest import Dependency, parse_manifest
from pipeline.names import Label, LabelName, Labels, Platform
from pipeline.results import Stored


def unused(place: Place, before: datetime, platform: Platform) -> tuple[Stored, ...]:
    """Return the images last used before a time that no kept image needs, the newest first."""
    return place.read(lambda connection: _unused(place, connection, before, platform)) or ()


def _unused(
    place: Place, connection: sqlite3.Connection, before: datetime, platform: Platform
) -> tuple[Stored, ...]:
    candidates = {image.image_id: image for image in index.unused(connection, before)}
    if not candidates:
        return ()
    keeping = [each for each in index.every_id(connection) if each not in candidates]
    while keeping:
        needed = list(_needed_by(place, connection, keeping.pop(), platform))
        keeping += [each for each in needed if candidates.pop(each, None) is not None]
    return tuple(candidates.values())


def _needed_by(
    place: Place, connection: sqlite3.Connection, image_id: Digest, platform: Platform
) -> Iterator[Digest]:
    raw = index.manifest_of(connection, image_id.hex)
    parsed = parse_manifest(raw or b"")
    if not is_successful(parsed):
        # An OCI image depends on nothing.
        return
    labels = parsed.unwrap().labels
    defaults = Labels(
        (
            Label(LabelName("os"), labels.get("os") or platform.os),
            Label(LabelName("arch"), labels.get("arch") or platform.arch),
        )
    )
    for dependency in parsed.unwrap().dependencies:
        found = _stored(place, connection, dependency, defaults)
        if found is not None:
            yield found.image_id


def _stored(
    place: Place, connection: sqlite3.Connection, dependency: Dependency, defaults: Labels
) -> Stored | None:
    if dependency.image_id is not None:
        exactly = index.one(connection, dependency.image_id.hex)
        if exactly is not None:
            return exactly
    return first_named(place, connection, dependency.name, dependency.labels, defaults)
