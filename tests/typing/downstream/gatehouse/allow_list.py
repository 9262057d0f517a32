"""A stage of one's own: only images whose name is on a list go further.

Extracted -> Extracted; NotAllowed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from returns.result import Failure, Result, Success

from pipeline import Extracted, ImageName, Stage


@final
@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The image is proven and well-formed, and still not one of those that may come in."""

    name: ImageName


def allow_names(allowed: frozenset[ImageName]) -> Stage[Extracted, Extracted, NotAllowed]:
    """Return the stage that lets through what is called by one of the names."""
    return Stage("allow", _check(allowed))


def _check(
    allowed: frozenset[ImageName],
) -> Callable[[Extracted], Result[Extracted, NotAllowed]]:
    def run(extracted: Extracted) -> Result[Extracted, NotAllowed]:
        name = extracted.manifest.name
        return Success(extracted) if name in allowed else Failure(NotAllowed(name))

    return run
