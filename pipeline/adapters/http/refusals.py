"""Errors of our own that must pass through httpcore, which knows exceptions only.

What is decided below httpcore (an address that may not be asked, a proxy that says no) is raised
as a :class:`Refusal`, and becomes its error again in :mod:`.failures`.
"""

from collections.abc import Callable
from typing import final

from pipeline.errors import TransportError


@final
class Refusal(Exception):  # noqa: N818 - it carries an error, and is none itself
    """Carries an error that wants only the URL that was asked."""

    def __init__(self, error_for: Callable[[str], TransportError]) -> None:
        """Keep how to make the error from the URL."""
        super().__init__("refused")
        self.error_for = error_for
