"""Work on several items at once: order, bounds, and how it ends."""

import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Result, Success

from pipeline.errors import PipelineError
from pipeline.events import ABORTED, Noticed, StageEnded, StageStarted, tell
from pipeline.observing import observed
from pipeline.parallel import StoppableObserver, in_parallel
from pipeline.spans import NOTHING, current_span, new_span
from pipeline.stage import Stage
from pipeline.testing.fakes import EventLog, FixedClock


@given(items=st.lists(st.integers(), max_size=20), most=st.integers(min_value=1, max_value=5))
def test_results_are_in_the_items_order(items: list[int], most: int) -> None:
    outcome = in_parallel(lambda n: Success(n + 1), items, most=most, stop=threading.Event())
    assert outcome == Success(tuple(n + 1 for n in items))


@given(
    items=st.lists(st.integers(min_value=-3, max_value=3), min_size=1, max_size=20),
    most=st.integers(min_value=1, max_value=5),
)
def test_a_failure_is_one_that_happened(items: list[int], most: int) -> None:
    def work(n: int) -> Result[int, int]:
        return Failure(n) if n < 0 else Success(n)

    outcome = in_parallel(work, items, most=most, stop=threading.Event())
    negative = [n for n in items if n < 0]
    if negative:
        assert outcome.failure() in negative
    else:
        assert outcome.unwrap() == tuple(items)


def test_so_many_at_a_time() -> None:
    lock, together, most = threading.Lock(), [0], [0]

    def work(_: int) -> Result[None, None]:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        time.sleep(0.01)
        with lock:
            together[0] -= 1
        return Success(None)

    in_parallel(work, range(12), most=3, stop=threading.Event()).unwrap()
    assert most == [3]


def test_a_failure_ends_those_under_way_and_keeps_others_from_beginning() -> None:
    stop, log, begun = threading.Event(), EventLog(), []
    observer = StoppableObserver(log, stop)
    undone = []

    def work(n: int) -> Result[int, str]:
        begun.append(n)
        if n == 0:
            return Failure("no")
        try:
            while True:
                observer.on_event(Noticed("busy", "at work"))
                time.sleep(0.001)
        finally:
            undone.append(n)

    assert in_parallel(work, range(9), most=2, stop=stop) == Failure("no")
    assert set(begun) <= {0, 1}
    assert undone == begun[1:] or undone == [n for n in begun if n]


def test_those_within_are_ended_with_those_around_them() -> None:
    """Not by a result that lacks some."""
    outer, busy, made = threading.Event(), threading.Event(), []
    observer = StoppableObserver(EventLog(), outer)

    def work(n: int) -> Result[int, str]:
        if n == 0:
            busy.wait(30)
            return Failure("no")
        made.append(in_parallel(dwell, range(2), most=2, stop=threading.Event()))
        return Success(n)

    def dwell(n: int) -> Result[int, str]:
        busy.set()
        while True:
            tell(observer, Noticed("busy", "at work"))
            time.sleep(0.001)

    assert in_parallel(work, range(2), most=2, stop=outer) == Failure("no")
    assert made == []


def test_what_ends_is_told_also_when_all_is_stopped() -> None:
    stop, log = threading.Event(), EventLog()
    observer = StoppableObserver(log, stop)

    def work(_: int) -> Result[int, str]:
        stage = Stage("wait", dwell)
        observed(stage, observer=observer, clock=FixedClock())(1)
        return Success(1)

    def dwell(n: int) -> Result[int, PipelineError]:
        stop.set()
        tell(observer, Noticed("late", "nobody wants to hear it"))
        return Success(n)

    assert in_parallel(work, range(1), most=1, stop=stop) == Success(())
    assert [type(event) for event in log.events] == [StageStarted, StageEnded]
    assert isinstance(log.events[1], StageEnded)
    assert log.events[1].error_kind == ABORTED


def test_work_is_within_the_span_of_whoever_asked() -> None:
    with new_span() as span:
        outcome = in_parallel(
            lambda _: Success(current_span()), range(5), most=3, stop=threading.Event()
        )
    assert outcome == Success((span.number,) * 5)
    assert current_span() == NOTHING


def test_a_defect_is_raised_where_it_was_asked_for() -> None:
    def work(n: int) -> Result[int, str]:
        if n == 3:
            raise ZeroDivisionError
        return Success(n)

    with pytest.raises(ZeroDivisionError):
        in_parallel(work, range(9), most=2, stop=threading.Event())


def test_an_interrupt_stops_all_and_waits_a_moment_at_most() -> None:
    stop, released = threading.Event(), threading.Event()

    def work(_: int) -> Result[None, None]:
        # A server that is silent: no event, and no end.
        released.wait(30)
        return Success(None)

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_parallel(work, range(4), most=4, stop=stop)
    finally:
        signal.signal(signal.SIGALRM, before)
        assert not released.is_set()
        released.set()
    assert stop.is_set()
