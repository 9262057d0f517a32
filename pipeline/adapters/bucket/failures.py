"""How a call in the package ends early with an error of the store.

Inside the package calls raise :class:`Refused`; each public method runs its body through
:func:`attempt`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import StoreCorrupt, StoreError
from pipeline.written.values import DAMAGE

Value = TypeVar("Value")


@final
class Refused(Exception):  # noqa: N818 - it carries an error of ours; it is not one itself
    """Ends a body with an error of the store. Never leaves the package."""

    def __init__(self, error: StoreError) -> None:
        """Keep the error."""
        super().__init__(error)
        self.error = error


def attempt(action: Callable[[], Value]) -> Result[Value, StoreError]:
    """Run ``action``. Errors: whatever it refuses with."""
    try:
        return Success(action())
    except Refused as refused:
        return Failure(refused.error)


def granted(outcome: Result[Value, StoreError]) -> Value:
    """Return a success' value; refuse with a failure's error."""
    if not is_successful(outcome):
        raise Refused(outcome.failure())
    return outcome.unwrap()


@contextmanager
def refusing(key: str) -> Iterator[None]:
    """Refuse with StoreCorrupt whatever the reading of an object stumbles over."""
    try:
        yield
    except DAMAGE as error:
        reason = f"it cannot be read ({type(error).__name__}: {error})"
        raise Refused(StoreCorrupt(key, reason)) from error
