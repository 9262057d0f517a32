"""The index of a new store, and what must not become one: ``require_index(place)``."""

from pipeline.adapters.layout import blobs, listing
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.schema import writing
from pipeline.errors import StoreCorrupt, StoreUnavailable


def require_index(place: Place) -> None:
    """Make the index of a new store; refuse a store that has lost its own.

    Otherwise the images that are there would be forgotten by and by: a new index knows none.
    """
    if place.read(lambda _: True):
        return
    if any(folder.exists() and any(folder.iterdir()) for folder in blobs.folders_of(place.root)):
        raise Refused(StoreCorrupt(str(place.database), "there are blobs, but no index"))
    if not listing.is_empty(place):
        # Their blobs would be nobody's here, and their index.json would be written over.
        reason = "it is another program's image layout"
        raise Refused(StoreUnavailable(str(place.root), "store", reason))
    # In a transaction of its own, so that no commit that stops half-way looks like such a loss.
    with writing(place.filesystem, place.database):
        pass
