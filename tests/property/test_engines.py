"""Whatever waits for whatever: each job is done once, in order, within the limits, and told."""

import threading
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Result, Success

from pipeline.adapters.threads import ThreadEngine
from pipeline.engine import Job
from pipeline.errors import WorkerLost

HOSTS = st.sampled_from(["", "a.example", "b.example"])


@st.composite
def job_lists(draw: st.DrawFn) -> list[Job[int]]:
    """Jobs that wait for any of those before them; the item is the job's place."""
    jobs: list[Job[int]] = []
    for place in range(draw(st.integers(0, 12))):
        after = draw(st.lists(st.integers(0, place - 1), max_size=4)) if place else []
        jobs.append(Job(place, tuple(after), draw(HOSTS)))
    return jobs


class Watch:
    """Work that notes what goes on at a time, and in which order."""

    def __init__(self, jobs: list[Job[int]]) -> None:
        self.jobs = jobs
        self.lock = threading.Lock()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.most_at_once = 0
        self.begun: list[int] = []
        self.done: list[int] = []
        self.too_early: list[int] = []

    def __call__(self, place: int, stop: threading.Event) -> int:
        job = self.jobs[place]
        with self.lock:
            self.begun.append(place)
            if not set(job.after) <= set(self.done):
                self.too_early.append(place)
            self.running[job.host] += 1
            self.most |= self.running
            self.most_at_once = max(self.most_at_once, self.running.total())
        with self.lock:
            self.running[job.host] -= 1
            self.done.append(place)
        return -place


@given(jobs=job_lists(), at_once=st.integers(1, 4), per_host=st.integers(1, 3))
def test_each_job_is_done_once_in_order_and_within_the_limits(
    jobs: list[Job[int]], at_once: int, per_host: int
) -> None:
    watch, told = Watch(jobs), dict[int, Result[int, WorkerLost]]()

    def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
        assert place not in told
        told[place] = outcome
        return True

    ThreadEngine(at_once, per_host).run(watch, jobs, ended).unwrap()
    assert sorted(watch.begun) == list(range(len(jobs)))
    assert told == {place: Success(-place) for place in range(len(jobs))}
    assert not watch.too_early
    assert watch.most_at_once <= at_once
    assert all(count <= per_host for host, count in watch.most.items() if host)


@given(jobs=job_lists(), enough=st.integers(1, 12))
def test_nothing_is_told_once_somebody_has_enough(jobs: list[Job[int]], enough: int) -> None:
    watch, told = Watch(jobs), list[int]()

    def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
        told.append(place)
        return len(told) < enough

    ThreadEngine(2, 2).run(watch, jobs, ended).unwrap()
    assert len(told) == min(enough, len(jobs))
    assert not watch.too_early
