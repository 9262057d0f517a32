"""What blobs are to images, where no index says it.

Records say which images are OCI images, and their manifests what these are made of. Any other blob
with a sha512 digest can be an archive, which says so itself; of any other with a sha256 digest
nothing is known, and its digest is all that can be looked at.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from pipeline.adapters.layout import contents, records
from pipeline.adapters.layout.examining import Role, read_manifest
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.place import Place
from pipeline.digest import Digest


def roles_by_records(
    place: Place, found: frozenset[Digest], old: sqlite3.Connection | None = None
) -> Iterator[tuple[Digest, Role]]:
    """Yield what is to be looked at among what was ``found``, and as what, in its order.

    ``old`` is an index that is not believed, but may know what no record says.
    """
    manifests = {image_id for image_id in found if is_registry_image(place, image_id, old)}
    parts: set[Digest] = set()
    for image_id in manifests:
        manifest = read_manifest(place.root, image_id)
        if manifest is not None:
            parts.update(each.digest for each in manifest.blobs)
    for digest in sorted(found):
        if digest in manifests:
            yield digest, "manifest"
        elif digest.algorithm == "sha256" or (
            digest in parts and not place.record(digest).exists()
        ):
            yield digest, "content"
        else:
            yield digest, "archive"


def is_registry_image(place: Place, image_id: Digest, old: sqlite3.Connection | None) -> bool:
    """Tell whether a record, or an old index, knows an OCI image of that ID."""
    with suppress(Refused):
        record = records.read(place.root, image_id)
        if record is not None:
            return record.description is not None
    with suppress(sqlite3.Error):
        return old is not None and not contents.is_archive(old, image_id)
    return False
