"""Lines that both checkers must refuse, and how each says so; never run.

An ignore that is not needed is an error itself, so each one here proves that its line is refused.
"""

from typing import assert_never

from returns.methods import unwrap_or_failure
from returns.result import Result, Success

from gatehouse.allow_list import NotAllowed, allow_names
from gatehouse.gate import GateError
from pipeline import (
    Downloaded,
    Extracted,
    ImageName,
    Located,
    Reference,
    Stage,
    Stored,
    Unverified,
    Verified,
)
from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    DownloadError,
    ImageError,
    ParseError,
    StoreError,
)
from pipeline.ports import Request, Sink, Store, Transport

Parse = Stage[str, Reference, ParseError]
Discover = Stage[Reference, Located, DiscoveryError]
Download = Stage[Located, Downloaded, DownloadError]
Verify = Stage[Downloaded, Verified, ConfigurationError]
Extract = Stage[Verified | Unverified, Extracted, ImageError]
Keep = Stage[Extracted, Stored, StoreError]


def turned_around(parse: Parse, discover: Discover) -> None:
    """Places cannot be parsed."""
    discover >> parse  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def not_verified(download: Download, extract: Extract) -> None:
    """What nobody vouched for is not extracted."""
    download >> extract  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def not_extracted(verify: Verify, keep: Keep) -> None:
    """What was not read whole is not stored."""
    verify >> keep  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def left_out(parse: Parse, download: Download) -> None:
    """A stage cannot be left out."""
    parse >> download  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def misplaced(verify: Verify, names: frozenset[ImageName]) -> None:
    """A stage of one's own has its place, too."""
    verify >> allow_names(names)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnusedExpression]


def called_with_what_it_does_not_take(keep: Keep, verified: Verified) -> None:
    """A stage is called with what it takes."""
    keep(verified)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def promises_too_little(extract: Extract, keep: Keep) -> Stage[Verified, Stored, StoreError]:
    """An error that a composition can have may not be left out of its type."""
    return extract >> keep  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def forgets_a_class(outcome: Result[Stored, ParseError | NotAllowed]) -> str:
    """ParseError has two classes, of which none is answered."""
    value = unwrap_or_failure(outcome)
    match value:
        case Stored():
            return "in"
        case NotAllowed():
            return "not on the list"
        case _:
            assert_never(value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def forgets_families(outcome: Result[Stored, GateError]) -> ImageError | None:
    """What is left are more families than one."""
    value = unwrap_or_failure(outcome)
    if isinstance(value, Stored | ParseError | DiscoveryError | DownloadError | StoreError):
        return None
    return value  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def forgets_that_it_can_fail(outcome: Result[Stored, StoreError]) -> Stored:
    """A Result is not what it may hold."""
    return outcome  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


class HalfATransport:
    """It gives bytes where it must give a Result."""

    def fetch(self, request: Request, sink: Sink) -> bytes:
        """Give bytes."""
        return request.url.encode()


class StoresAnything:
    """It takes what nobody vouched for, which is allowed, and gives another thing back."""

    def commit(self, extracted: object) -> Result[object, StoreError]:
        """Give back anything."""
        return Success(extracted)


def is_no_transport() -> Transport:
    """What lacks a port's shape is no adapter."""
    return HalfATransport()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def is_no_store() -> Store:
    """What gives something else is none, either."""
    return StoresAnything()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
