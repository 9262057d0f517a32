"""A text that nobody may see: a password, a token. Never in a message, an event or a ``repr``."""

from dataclasses import dataclass, field
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Secret:
    """Holds a secret so that showing what holds it does not show it.

    >>> Secret("hunter2")
    Secret(…)
    >>> f"{Secret('hunter2')}"
    'Secret(…)'
    """

    value: str = field(repr=False)

    def __repr__(self) -> str:
        """Say that there is a secret, not which."""
        return "Secret(…)"
