"""What a piece of work asked of the network: requests, and bytes of bodies that came.

    with counted() as count, while a CountingObserver is told

The piece of work is told by its context, so that one observer serves many at once, also where they
use threads of their own.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, final

from pipeline.events import Event, Observer, RequestEnded, tell


@final
@dataclass(slots=True)
class Count:
    """Requests that ended and bytes of bodies that they received, so far."""

    requests: int = 0
    received: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, event: RequestEnded) -> None:
        """Add a request."""
        with self._lock:
            self.requests += 1
            self.received += event.received


_COUNT: Final[ContextVar[Count | None]] = ContextVar("pipeline.recipes.mirroring", default=None)


@contextmanager
def counted() -> Iterator[Count]:
    """Count what is asked within the ``with`` block."""
    count = Count()
    token = _COUNT.set(count)
    try:
        yield count
    finally:
        _COUNT.reset(token)


@final
@dataclass(frozen=True, slots=True)
class CountingObserver:
    """Counts for whoever is :func:`counted`, and passes all on."""

    observer: Observer

    def on_event(self, event: Event) -> None:
        """Count a request; tell the other one everything."""
        count = _COUNT.get()
        if count is not None and isinstance(event, RequestEnded):
            count.note(event)
        tell(self.observer, event)
