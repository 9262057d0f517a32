"""How loading ends early: inside the package a body raises, on its way out that becomes a Failure.

A body that refuses raises :class:`Refused`, which unwinds it; :func:`attempt` is where it ends.
Nothing else is raised: files are read through a transport, and written through a quarantine. What
the system raises while a file in quarantine is read, :func:`reading` maps.
"""

from collections.abc import Callable
from typing import TypeAlias, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import (
    ImageError,
    InvalidDocument,
    OnePlaceError,
    StoreError,
    StoreUnavailable,
    UnsupportedManifest,
)
from pipeline.oci.documents import DocumentProblem
from pipeline.results import QuarantinedBlob

Value = TypeVar("Value")

LoadError: TypeAlias = ImageError | OnePlaceError | StoreError
"""What can be wrong with an image in files, with the files, and with where it goes."""


@final
class Refused(Exception):  # noqa: N818 - it carries an error of ours; it is not one itself
    """Ends a body with an error. Never leaves the package."""

    def __init__(self, error: LoadError) -> None:
        """Keep the error."""
        super().__init__(error)
        self.error = error


def required(outcome: Result[Value, LoadError]) -> Value:
    """Return the value of a success; raise Refused with the error of a failure."""
    if not is_successful(outcome):
        raise Refused(outcome.failure())
    return outcome.unwrap()


def readable(outcome: Result[Value, DocumentProblem], document: str) -> Value:
    """Return what a document says; raise Refused where it is not what it must be."""
    if is_successful(outcome):
        return outcome.unwrap()
    problem = outcome.failure()
    if problem.unsupported_type:
        raise Refused(UnsupportedManifest(problem.unsupported_type, problem.reason))
    raise Refused(InvalidDocument(document, problem.path, problem.reason))


def reading(blob: QuarantinedBlob, read: Callable[[], Value]) -> Value:
    """Return what reading a file in quarantine gives; raise Refused for what the system raises."""
    try:
        return read()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Refused(StoreUnavailable(blob.key, "read", reason)) from None


def attempt(action: Callable[[], Value]) -> Result[Value, LoadError]:
    """Run ``action``; its refusal is the failure."""
    try:
        return Success(action())
    except Refused as refused:
        return Failure(refused.error)
