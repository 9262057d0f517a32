"""What the type checker must infer and refuse; checked by mypy, never run.

An ignore that is not needed is an error (``warn_unused_ignores``), so each one here proves that
the line is refused.
"""

from typing import assert_never, assert_type

from returns.methods import unwrap_or_failure
from returns.result import Result

from pipeline.errors import (
    DiscoveryFailed,
    InvalidReference,
    ParseError,
    UnsupportedReference,
)
from pipeline.mirrors import NO_MIRRORS
from pipeline.reference import Reference
from pipeline.results import Located
from pipeline.stage import Stage
from pipeline.stages.mirror import mirror_candidates


def unions_are_exact(
    parse: Stage[str, Reference, ParseError],
    discover: Stage[Reference, Located, DiscoveryFailed],
) -> None:
    """The error of a composition is the union of its parts' errors."""
    assert_type(
        parse >> discover,
        Stage[str, Located, InvalidReference | UnsupportedReference | DiscoveryFailed],
    )


def what_never_fails_adds_no_error(
    discover: Stage[Reference, Located, DiscoveryFailed],
) -> None:
    """A stage without errors of its own leaves those of the others as they are."""
    assert_type(
        discover >> mirror_candidates(NO_MIRRORS), Stage[Reference, Located, DiscoveryFailed]
    )


def wrong_order_is_refused(
    parse: Stage[str, Reference, ParseError],
    discover: Stage[Reference, Located, DiscoveryFailed],
) -> None:
    """A stage that does not take what the one before it gives cannot follow it."""
    discover >> parse  # type: ignore[operator]  # Located is not text


def forgotten_errors_are_refused(outcome: Result[Located, ParseError]) -> str:
    """An error that no arm handles has the type checker name it."""
    match unwrap_or_failure(outcome):
        case Located():
            return "located"
        case InvalidReference():
            return "invalid"
        case rest:
            assert_never(rest)  # type: ignore[arg-type]  # UnsupportedReference was forgotten


def handled_errors_pass(outcome: Result[Located, ParseError]) -> str:
    """With every error handled, nothing is left."""
    match unwrap_or_failure(outcome):
        case Located():
            return "located"
        case InvalidReference() | UnsupportedReference():
            return "refused"
        case rest:
            assert_never(rest)
