"""Several requests at once, as one call: ``Sequence[Item] -> tuple[Out, ...]``, or a refusal."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from returns.result import Result

from pipeline.adapters.bucket.failures import attempt, granted
from pipeline.errors import StoreError
from pipeline.limits import BUCKET_REQUESTS_AT_ONCE
from pipeline.parallel import in_parallel

Item = TypeVar("Item")
Out = TypeVar("Out")


def together(
    work: Callable[[Item], Out], items: Sequence[Item], stop: threading.Event | None = None
) -> tuple[Out, ...]:
    """Do ``work`` on every item, a few at a time; refuse with what the first one refuses with.

    ``stop`` is set when the work is to end: one failed, or the caller was interrupted.
    """

    def attempted(item: Item) -> Result[Out, StoreError]:
        return attempt(partial(work, item))

    stop = stop or threading.Event()
    return granted(in_parallel(attempted, items, most=BUCKET_REQUESTS_AT_ONCE, stop=stop))
