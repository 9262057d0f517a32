"""Timings add up, whatever takes how long, and fit into whatever terminal."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.cli.timings.recording import TRANSFER, Recording, Row
from pipeline.cli.timings.waterfall import waterfall
from pipeline.errors import ImageNotFound, PipelineError
from pipeline.events import Event, TransferFailed, TransferFinished, TransferRetried, tell
from pipeline.observing import observed
from pipeline.parallel import in_parallel
from pipeline.stage import Stage
from pipeline.testing.fakes import FixedClock

durations = st.floats(min_value=0, max_value=1e6) | st.sampled_from([0.0, 0.001, 1.0])
sizes = st.integers(min_value=0, max_value=2**63)
kinds = st.none() | st.sampled_from(["http-status", "aborted"])
names = st.text(max_size=40) | st.sampled_from(["https://example.com/app.aci", "example.com/app"])

rows = st.builds(
    Row,
    st.sampled_from(["find", "fetch", "discover", "download", TRANSFER]) | st.text(max_size=9),
    names,
    st.integers(0, 9),
    st.integers(0, 9),
    durations,
    st.none() | durations,
    st.none() | sizes,
    st.integers(0, 9),
    kinds,
    st.integers(0, 5),
)


@given(st.lists(rows, max_size=12), st.integers(-1, 250))
def test_never_wider_than_the_terminal(told: list[Row], width: int) -> None:
    for line in waterfall(told, width):
        assert len(line) <= max(0, width)
        assert line.isascii()
        assert line.isprintable()


_Body: TypeAlias = tuple[float, int | None, int]
"""A transfer: how long it takes, its size where it comes in whole, and its retries."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage does: so long itself, then its parts; it may fail after them."""

    seconds: float
    parts: tuple["Work", ...] = ()
    transfers: tuple[_Body, ...] = ()
    fails: bool = False


moments = st.integers(0, 1000).map(lambda n: n / 8)  # sums of these are exact
bodies = st.lists(st.tuples(moments, st.none() | sizes, st.integers(0, 3)), max_size=3).map(tuple)
works = st.recursive(
    st.builds(Work, moments, st.just(()), bodies, st.booleans()),
    lambda parts: st.builds(Work, moments, st.lists(parts, max_size=4).map(tuple), bodies),
    max_leaves=12,
)


class Watch:
    """Records what really runs, on a clock that stands still unless somebody works."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.recording = Recording()
        self.lock = threading.Lock()

    def on_event(self, event: Event) -> None:
        with self.lock:
            self.recording.note(event, self.clock.monotonic())

    def run(self, work: Work, name: str = "download") -> Result[None, PipelineError]:
        return observed(Stage(name, self._do), observer=self, clock=self.clock)(work)

    def _do(self, work: Work) -> Result[None, PipelineError]:
        self.clock.advance(work.seconds)
        for number, (seconds, size, retries) in enumerate(work.transfers):
            url = f"https://example.com/{number}"
            for attempt in range(retries):
                tell(self, TransferRetried(url, attempt + 1, "reset", 0))
            self.clock.advance(seconds)
            if size is None:
                tell(self, TransferFailed(url, "http-status", seconds))
            else:
                tell(self, TransferFinished(url, size, size, seconds))
        outcomes = [self.run(part) for part in work.parts]
        if work.fails or not all(map(is_successful, outcomes)):
            return Failure(ImageNotFound("x"))
        return Success(None)

    def tree(self) -> Sequence[Row]:
        [tree] = self.recording.trees(self.clock.monotonic())
        return tree


@given(works)
def test_what_is_told_adds_up(work: Work) -> None:
    watch = Watch()
    outcome = watch.run(work)
    tree = watch.tree()
    root = tree[0]
    assert root.start == 0
    assert root.seconds == watch.clock.monotonic()
    assert (root.error_kind is None) == is_successful(outcome)
    for row in tree:
        parts = [each for each in tree if each.within == row.span and each is not row]
        if row.stage == TRANSFER:
            continue
        assert all(part.depth == row.depth + 1 for part in parts)
        # One after another: their beginnings go up, and together they take no longer.
        starts = [part.start for part in parts]
        assert starts == sorted(starts)
        assert sum(part.seconds or 0 for part in parts) <= (row.seconds or 0)
        for part in parts:
            assert row.start <= part.start
            assert part.start + (part.seconds or 0) <= row.start + (row.seconds or 0)
        bodies_of = [part for part in parts if part.stage == TRANSFER]
        assert row.retries == sum(part.retries for part in bodies_of)
        assert (row.size or 0) == sum(part.size or 0 for part in bodies_of)
    assert len(tree) == _count(work)


def _count(work: Work) -> int:
    return 1 + len(work.transfers) + sum(map(_count, work.parts))


@given(st.lists(bodies, min_size=1, max_size=5))
def test_what_is_done_at_once_is_within_the_same(told: list[tuple[_Body, ...]]) -> None:
    watch = Watch()
    works = [Work(0, transfers=transfers) for transfers in told]

    def several(_: int) -> Result[tuple[None, ...], PipelineError]:
        return in_parallel(watch.run, works, most=3, stop=threading.Event())

    observed(Stage("find", several), observer=watch, clock=watch.clock)(0).unwrap()
    root, *rows = watch.tree()
    parts = [row for row in rows if row.depth == 1]
    assert {part.within for part in parts} == {root.span}
    wanted = sorted(sum(size or 0 for _, size, _ in transfers) for transfers in told)
    assert sorted(part.size or 0 for part in parts) == wanted
