"""Conformance checks for whoever writes a clock: :func:`check_clock`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from pipeline.ports import Clock
from pipeline.testing.conformance.promises import expect

_SECONDS: Final = 0.02


def check_clock(make: Callable[[], Clock]) -> None:
    """Check that a clock keeps what the port promises; takes a moment where time is real.

    Errors: NonConformance.
    """
    clock = make()
    expect(clock.now().utcoffset() == timedelta(0), "the time has its zone, UTC")
    before, started = clock.monotonic(), clock.now()
    clock.sleep(_SECONDS)
    slept = clock.monotonic() - before
    expect(slept >= _SECONDS, f"a sleep lasts as long as was asked, got {slept} seconds")
    expect(clock.now() >= started, "the time goes on")
    for nothing in (0.0, -1.0, float("-inf")):
        clock.sleep(nothing)
    times = [clock.monotonic() for _ in range(100)]
    expect(times == sorted(times), "monotonic seconds never go back")
    waited = times[0] - before - slept
    expect(0 <= waited < 1, "a sleep of no seconds, or of less, is over at once")
