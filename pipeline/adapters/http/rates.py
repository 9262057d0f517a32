"""How fast a body must come in, and how fast it may: arithmetic on bytes and seconds.

Pure but for :class:`RateLimit`'s memory of what was let through: time comes in as an argument,
and nothing here waits.
"""

import threading
from collections.abc import Iterator
from typing import Final, final

from pipeline.limits import LEAST_RATE_SECONDS

_PIECES_A_SECOND: Final = 4
"""So often a slowed transfer goes on: often enough to be seen moving, and to be stopped."""


@final
class LeastRate:
    """Judges one transfer by the time that it had us wait; what we do with the bytes is ours.

    Waiting is summed up to :data:`~pipeline.limits.LEAST_RATE_SECONDS`, judged, and begun anew:
    a transfer that is too slow is found out within two such spans, and one that always keeps the
    rate never. A limit of our own on the rate cannot trip it, being time that we let pass.
    """

    def __init__(self, bytes_per_second: int) -> None:
        """Demand so much; 0 demands nothing."""
        self._wanted = bytes_per_second
        self._bytes = 0
        self._seconds = 0.0

    def too_slow(self, count: int, seconds: float) -> float | None:
        """Note that ``count`` bytes came after a wait; return the rate where it is too low."""
        self._bytes += count
        self._seconds += seconds
        if self._seconds < LEAST_RATE_SECONDS:
            return None
        rate = self._bytes / self._seconds
        self._bytes, self._seconds = 0, 0.0
        return rate if rate < self._wanted else None


@final
class RateLimit:
    """Bytes a second for everybody who asks here, in the order of asking; any thread may ask.

    A token bucket that holds nothing back for later: what was not used is lost, so that no
    second ever sees more than the rate.
    """

    def __init__(self, bytes_per_second: int) -> None:
        """Let so much through, at least 1."""
        self._rate = bytes_per_second
        self._paid_until = 0.0
        self._lock = threading.Lock()

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield ``chunk`` in pieces of a quarter of a second each."""
        size = max(1, self._rate // _PIECES_A_SECOND)
        for start in range(0, len(chunk), size):
            yield chunk[start : start + size]

    def wait_for(self, count: int, now: float) -> float:
        """Let ``count`` bytes through; return in how many seconds, ``now`` being monotonic."""
        with self._lock:
            self._paid_until = max(self._paid_until, now) + count / self._rate
            return self._paid_until - now
