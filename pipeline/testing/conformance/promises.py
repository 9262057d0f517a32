"""What all conformance checks say when a promise is not kept."""

from typing import TypeVar, final

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.errors import PipelineError

Value = TypeVar("Value")


@final
class NonConformance(AssertionError):  # noqa: N818 - a word, as StopIteration is one
    """A promise of a port that was not kept."""


def expect(holds: bool, promise: str) -> None:
    """Raise NonConformance unless the promise holds."""
    if not holds:
        raise NonConformance(promise)


def expect_success(outcome: Result[Value, PipelineError], action: str) -> Value:
    """Return a success's value; raise NonConformance for a failure."""
    if not is_successful(outcome):
        raise NonConformance(f"could not {action}: {outcome.failure().message}")
    return outcome.unwrap()
