"""Methods that take the place of right ones, for a while, and break a promise of a port."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

Method = Callable[..., Any]
"""A method of one of the classes; what it takes and gives is the class' business."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """What takes the place of a method; it is given the right one in front."""

    where: type
    method: str
    broken: Method
    promise: str

    def put(self, patch: pytest.MonkeyPatch) -> None:
        right = getattr(self.where, self.method)
        broken = self.broken

        def method(*arguments: Any, **named: Any) -> Any:
            return broken(right, *arguments, **named)

        patch.setattr(self.where, self.method, method)


def told(change: Callable[..., Any]) -> Method:
    """Change what a method succeeds with."""
    return lambda right, *given, **named: right(*given, **named).map(change)
