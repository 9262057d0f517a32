"""Keep an image: ``Extracted -> Stored``, or a StoreError.

The sixth and last stage. What it hands to the store was downloaded whole, verified (or let
through by name), and extracted; the store checks none of that again.
"""

from functools import partial

from returns.result import Result

from pipeline.errors import StoreError
from pipeline.ports import Store
from pipeline.results import Extracted, Stored
from pipeline.stage import Stage


def store_image(*, store: Store) -> Stage[Extracted, Stored, StoreError]:
    """Return the stage that commits an image to ``store``.

    An image that is there already is a success, whose outcome says so.

    Errors: StoreReadOnly, StoreUnavailable, DiskFull, StoreTooNew, StoreCorrupt.
    """
    return Stage("store", partial(_run, store))


def _run(store: Store, extracted: Extracted) -> Result[Stored, StoreError]:
    return store.commit(extracted)
