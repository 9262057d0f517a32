"""Leaving a Result: every error has its answer, and the type checker names one without."""

from typing import assert_never, assert_type

from returns.methods import unwrap_or_failure
from returns.result import Result

from gatehouse.allow_list import NotAllowed
from gatehouse.gate import GateError
from pipeline import ExitCode, PipelineError, Stored
from pipeline.errors import (
    AmbiguousImage,
    ConfigurationError,
    DiscoveryError,
    DiskFull,
    DownloadError,
    ImageError,
    ImageNotFound,
    ParseError,
    StoreCorrupt,
    StoreError,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
    VerificationError,
)


def by_class(outcome: Result[Stored, StoreError | NotAllowed]) -> str:
    """Answer each class of error on its own."""
    value = unwrap_or_failure(outcome)
    assert_type(value, Stored | StoreError | NotAllowed)
    match value:
        case Stored(image_id=image_id):
            return str(image_id)
        case NotAllowed(name):
            return f"{name} is not on the list"
        case DiskFull() | StoreReadOnly():
            return "make room"
        case StoreUnavailable() | StoreTooNew() | StoreCorrupt():
            return value.message
        case ImageNotFound() | AmbiguousImage():
            return value.hint
        case _:
            assert_never(value)


def by_family(outcome: Result[Stored, GateError]) -> str:
    """Answer whole families: their unions stand in ``isinstance``, as classes do.

    The last is named by what is left, so that a family without an answer is refused.
    """
    value = unwrap_or_failure(outcome)
    if isinstance(value, Stored):
        return "in"
    if isinstance(value, NotAllowed):
        return "not on the list"
    if isinstance(value, ParseError | DiscoveryError):
        return "no such image"
    if isinstance(value, VerificationError):
        return "not proven"
    if isinstance(value, DownloadError | StoreError | ConfigurationError):
        return "later"
    broken: ImageError = value
    return f"broken: {broken.message}"


def by_exit_code(error: PipelineError) -> tuple[ExitCode, str]:
    """Answer every error alike: each has these members."""
    assert_type(error.kind, str)
    return error.exit_code, f"{error.kind}: {error.message} ({error.hint})"
