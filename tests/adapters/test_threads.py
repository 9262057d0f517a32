"""Many pieces of work in threads: how they end when somebody wants no more."""

import os
import signal
import threading
import time

import pytest
from returns.result import Result

from pipeline.adapters.threads import ThreadEngine
from pipeline.engine import Job
from pipeline.errors import WorkerLost
from pipeline.spans import current_span, new_span

ENGINE = ThreadEngine(jobs=2, per_host=2)


def _go_on(place: int, outcome: Result[object, WorkerLost]) -> bool:
    return True


def test_no_jobs_are_done_at_once() -> None:
    assert ENGINE.run(lambda item, stop: item, (), _go_on).unwrap() is None


def test_what_the_work_raises_is_raised_again() -> None:
    def work(item: int, stop: threading.Event) -> int:
        return 1 // item

    with pytest.raises(ZeroDivisionError):
        ENGINE.run(work, [Job(0), Job(1)], _go_on)


def test_those_under_way_are_told_to_stop_and_nothing_more_is_told() -> None:
    told: list[int] = []
    stopped: list[int] = []

    def work(item: int, stop: threading.Event) -> int:
        if item == 1 and stop.wait(10):
            stopped.append(item)
        return item

    def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
        told.append(place)
        return False

    ENGINE.run(work, [Job(item) for item in range(5)], ended).unwrap()
    assert told == [0]
    assert stopped == [1]


def test_work_that_does_not_hear_keeps_nobody_waiting() -> None:
    never = threading.Event()
    began = time.monotonic()

    def work(item: int, stop: threading.Event) -> bool:
        return item == 0 or never.wait(30)

    ENGINE.run(work, [Job(0), Job(1)], lambda place, outcome: False).unwrap()
    assert time.monotonic() - began < 5
    never.set()


def test_ctrl_c_is_raised_once_nothing_more_begins() -> None:
    begun: list[int] = []
    both = threading.Barrier(2)

    def work(item: int, stop: threading.Event) -> bool:
        begun.append(item)
        both.wait(10)
        if item == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return stop.wait(10)

    with pytest.raises(KeyboardInterrupt):
        ENGINE.run(work, [Job(item) for item in range(9)], _go_on)
    time.sleep(0.1)
    assert sorted(begun) == [0, 1]


def test_work_is_within_the_span_of_whoever_called() -> None:
    seen: list[int] = []
    with new_span() as span:
        ENGINE.run(lambda item, stop: seen.append(current_span()), [Job(0)], _go_on).unwrap()
    assert seen == [span.number]


@pytest.mark.parametrize(("host", "most"), [("a.example", 2), ("", 4)])
def test_no_more_of_one_host_than_its_limit_and_all_that_may_of_none(host: str, most: int) -> None:
    running, seen, lock = 0, 0, threading.Lock()

    def work(item: int, stop: threading.Event) -> None:
        nonlocal running, seen
        with lock:
            running += 1
            seen = max(seen, running)
        stop.wait(0.05)
        with lock:
            running -= 1

    ThreadEngine(jobs=4, per_host=2).run(work, [Job(n, host=host) for n in range(8)], _go_on)
    assert seen == most


def test_none_begins_before_the_end_of_the_one_before_was_told() -> None:
    """One at a time, and whoever is told of the first takes a while to say that it is enough."""
    begun: list[int] = []

    def work(item: int, stop: threading.Event) -> None:
        begun.append(item)

    def ended(place: int, outcome: Result[None, WorkerLost]) -> bool:
        time.sleep(0.05)
        return False

    ThreadEngine(1, 1).run(work, [Job(0), Job(1)], ended)
    assert begun == [0]
