"""What is done within what: a number for each piece of work, known to whatever it calls.

    new_span() -> Span, for as long as the ``with`` block lasts

The number of the piece at work lies in a context variable (PEP 567), so that it is right in every
thread and asyncio task: a task starts in a copy of its maker's context, and whoever starts threads
runs them in one (:func:`pipeline.parallel.in_parallel`, ``asyncio.to_thread``). What runs in none
of these is within nothing.

Numbers are of one process, and are never used twice. Nothing here is sent anywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Final, final

NOTHING: Final = 0
"""The number of what is within no other piece of work."""

_CURRENT: Final[ContextVar[int]] = ContextVar("pipeline.spans", default=NOTHING)
_NUMBERS: Final = count(NOTHING + 1)


@final
@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work: its number, and that of the one that it is a part of."""

    number: int
    within: int


def current_span() -> int:
    """Return the number of the piece of work that is going on here; :data:`NOTHING` for none."""
    return _CURRENT.get()


@contextmanager
def new_span() -> Iterator[Span]:
    """Begin a piece of work, within the one that is going on here.

    >>> with new_span() as outer, new_span() as inner:
    ...     inner.within == outer.number, current_span() == inner.number
    (True, True)
    """
    span = Span(next(_NUMBERS), _CURRENT.get())
    token = _CURRENT.set(span.number)
    try:
        yield span
    finally:
        _CURRENT.reset(token)
