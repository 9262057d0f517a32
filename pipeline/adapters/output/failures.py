"""Where the operating system's exceptions become errors of what is written.

Inside the package calls raise; each public function runs its body through :func:`attempt`. A body
that refuses for a reason of its own raises :class:`Refused`, which unwinds it on the way out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ImageError, OutputError, OutputUnavailable, StoreError

Value = TypeVar("Value")

WriteError: TypeAlias = OutputError | ImageError | StoreError
"""What can be wrong with the place, with the archive, and with the store that it comes from."""


@final
class Refused(Exception):  # noqa: N818 - it carries an error of ours; it is not one itself
    """Ends a body with an error. Never leaves the package."""

    def __init__(self, error: WriteError) -> None:
        """Keep the error."""
        super().__init__(error)
        self.error = error


def required(outcome: Result[Value, WriteError]) -> Value:
    """Return the value of a success; raise Refused with the error of a failure."""
    if not is_successful(outcome):
        raise Refused(outcome.failure())
    return outcome.unwrap()


def attempt(action: Callable[[], Value], target: Path) -> Result[Value, WriteError]:
    """Run ``action``; ``target`` is what a person asked to have written.

    Errors: whatever the action refuses with; OutputUnavailable for what the system raises.
    """
    try:
        return Success(action())
    except Refused as refused:
        return Failure(refused.error)
    except OSError as error:
        return Failure(OutputUnavailable(str(target), error.strerror or str(error)))
