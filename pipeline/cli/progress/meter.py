"""How fast a transfer is and how long it will take, over a sliding window. Pure.

    samples (seconds, bytes held), now, total -> Pace

What was held before the first sample has no part in it, so that a resumed transfer's rate is that
of the network. What stands still slows down to nothing as the window moves on. Every figure is
finite and not negative, or not there.
"""

from dataclasses import dataclass
from typing import Final, final

WINDOW_SECONDS: Final = 15.0
"""How far back counts: a network's moods pass, its changes show soon."""

SAMPLE_SECONDS: Final = 0.5
"""How far samples lie apart at least: a window holds some thirty, whatever the events' rate."""

LEAST_SECONDS: Final = 0.1
"""Before this, nothing is said of the rate: the first chunks come out of buffers."""

LONGEST_SECONDS: Final = 100 * 3600.0
"""Beyond this, nothing is said of the time left: it would be a guess about days."""


@final
@dataclass(frozen=True, slots=True)
class Pace:
    """Bytes a second and seconds left; None for what cannot be told."""

    bytes_per_second: float | None
    seconds_left: float | None


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """How many bytes were held at a time of a clock that never goes back."""

    at: float
    received: int


@final
@dataclass(frozen=True, slots=True)
class Meter:
    """At least one sample, from the oldest that still counts to the newest."""

    samples: tuple[Sample, ...]

    def noting(self, at: float, received: int) -> "Meter":
        """Return the meter with one more sample; less than before is a new beginning."""
        last = self.samples[-1]
        if received < last.received or at < last.at:
            return Meter((Sample(at, received),))
        samples = self.samples
        if len(samples) > 1 and at - samples[-2].at < SAMPLE_SECONDS:
            samples = samples[:-1]
        return Meter((*_window(samples, at), Sample(at, received)))

    def pace(self, now: float, total: int | None) -> Pace:
        """Return the rate over the window that ends ``now``, and what it says of the rest."""
        base, last = _window(self.samples, now)[0], self.samples[-1]
        elapsed = now - base.at
        if elapsed < LEAST_SECONDS:
            return Pace(None, None)
        rate = (last.received - base.received) / elapsed
        return Pace(rate, _seconds_left(last.received, rate, total))


def _window(samples: tuple[Sample, ...], now: float) -> tuple[Sample, ...]:
    """Leave out what lies before the window, but for the last sample there: it begins there."""
    before = sum(1 for sample in samples if sample.at <= now - WINDOW_SECONDS)
    return samples[max(0, before - 1) :]


def _seconds_left(received: int, rate: float, total: int | None) -> float | None:
    if total is None:
        return None
    left = max(0, total - received)
    # Compared, not divided: a server may announce a size that no float holds.
    if left == 0 or left > rate * LONGEST_SECONDS:
        return 0.0 if left == 0 else None
    return left / rate
