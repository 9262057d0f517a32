"""The machine's clock as a :class:`~pipeline.ports.Clock`."""

import time
from datetime import UTC, datetime
from typing import final


@final
class SystemClock:
    """The time of day in UTC, and a monotonic count of seconds."""

    def now(self) -> datetime:
        """Return the current time with its zone."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()
