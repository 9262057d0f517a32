"""How fast, and how long still: over a window, of what really came in."""

from pipeline.cli.progress.meter import (
    LONGEST_SECONDS,
    SAMPLE_SECONDS,
    WINDOW_SECONDS,
    Meter,
    Pace,
    Sample,
)

MIB = 1024 * 1024


def steady(meter: Meter, *, seconds: int, rate: int) -> Meter:
    """Go on for so many seconds, with an event each tenth of one."""
    at, received = meter.samples[-1].at, meter.samples[-1].received
    for tenth in range(1, seconds * 10 + 1):
        meter = meter.noting(at + tenth / 10, received + rate * tenth // 10)
    return meter


def beginning(received: int = 0) -> Meter:
    return Meter((Sample(100.0, received),))


def test_a_steady_transfer() -> None:
    meter = steady(beginning(), seconds=10, rate=MIB)
    assert meter.pace(110.0, 30 * MIB) == Pace(MIB, 20.0)


def test_what_was_held_before_does_not_count() -> None:
    meter = steady(beginning(120 * MIB), seconds=4, rate=MIB)
    assert meter.pace(104.0, 130 * MIB) == Pace(MIB, 6.0)


def test_the_window_forgets() -> None:
    meter = steady(steady(beginning(), seconds=60, rate=100 * MIB), seconds=20, rate=MIB)
    rate = meter.pace(180.0, None).bytes_per_second
    assert rate is not None
    assert round(rate) == MIB


def test_standing_still_slows_down_to_nothing() -> None:
    meter = steady(beginning(), seconds=5, rate=MIB)
    slower = meter.pace(110.0, 10 * MIB)
    assert slower == Pace(MIB / 2, 10.0)
    assert meter.pace(105.0 + WINDOW_SECONDS, 10 * MIB) == Pace(0.0, None)


def test_nothing_is_said_of_the_first_moment() -> None:
    meter = beginning().noting(100.0, MIB)
    assert meter.pace(100.0, 2 * MIB) == Pace(None, None)
    assert meter.pace(100.05, 2 * MIB) == Pace(None, None)


def test_less_than_before_is_a_new_beginning() -> None:
    meter = steady(beginning(), seconds=5, rate=MIB).noting(105.2, 0)
    assert meter == Meter((Sample(105.2, 0),))


def test_what_would_take_days_is_not_said() -> None:
    meter = steady(beginning(), seconds=10, rate=10)
    longest = int(10 * LONGEST_SECONDS)
    assert meter.pace(110.0, 100 + longest).seconds_left == LONGEST_SECONDS
    assert meter.pace(110.0, 101 + longest).seconds_left is None
    assert meter.pace(110.0, 10**400).seconds_left is None


def test_more_than_announced_leaves_nothing() -> None:
    meter = steady(beginning(), seconds=10, rate=MIB)
    assert meter.pace(110.0, 5 * MIB).seconds_left == 0.0


def test_samples_are_few() -> None:
    meter = beginning()
    for thousandth in range(60_000):
        meter = meter.noting(100.0 + thousandth / 1000, thousandth)
    assert len(meter.samples) <= WINDOW_SECONDS / SAMPLE_SECONDS + 3
    assert meter.pace(160.0, None).bytes_per_second is not None
