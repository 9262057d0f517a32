"""Clocks: ours conform, and broken ones are noticed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipeline.adapters import SystemClock
from pipeline.ports import Clock
from pipeline.testing.conformance import (
    NonConformance,
    check_clock,
)
from pipeline.testing.fakes import (
    EPOCH,
    FixedClock,
)


@pytest.mark.parametrize("make", [FixedClock, SystemClock])
def test_clocks_conform(make: Callable[[], Clock]) -> None:
    check_clock(make)


@dataclass(slots=True)
class BrokenClock:
    """Goes as told, or in another way."""

    zone: timezone | None = UTC
    share: float = 1.0
    step: float = 0.0
    least: float = 0.0
    day: int = 0
    seconds: float = 0.0
    asked: int = 0

    def now(self) -> datetime:
        self.asked += 1
        return EPOCH.replace(tzinfo=self.zone) + timedelta(days=self.day * self.asked)

    def monotonic(self) -> float:
        self.seconds += self.step
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += max(self.least, seconds * self.share if seconds > 0 else 0.0)


@pytest.mark.parametrize(
    ("clock", "promise"),
    [
        (BrokenClock(zone=None), "has its zone"),
        (BrokenClock(zone=timezone(timedelta(hours=1))), "has its zone"),
        (BrokenClock(share=0.5), "as long as was asked"),
        (BrokenClock(day=-1), "the time goes on"),
        (BrokenClock(share=2.0, step=-0.0001), "never go back"),
        (BrokenClock(least=5.0), "over at once"),
    ],
)
def test_a_broken_clock_is_noticed(clock: BrokenClock, promise: str) -> None:
    with pytest.raises(NonConformance, match=promise):
        check_clock(lambda: clock)


def test_the_clock_of_this_test_is_broken_only_where_it_is_told_to() -> None:
    check_clock(BrokenClock)
