"""The machine's clock as a :class:`~pipeline.ports.Clock`."""

import time
from datetime import UTC, datetime
from typing import final


@final
class SystemClock:
    """The time of day in UTC, and a monotonic count of seconds; sleep is real."""

    def now(self) -> datetime:
        """Return the current time with its zone."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(max(0.0, seconds))
