"""Engines: ours conform, and broken ones are noticed."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters.threads import ThreadEngine
from pipeline.engine import Job
from pipeline.errors import EngineUnavailable, WorkerLost
from pipeline.testing.conformance import NonConformance, check_engine, engine

Item = TypeVar("Item")
Out = TypeVar("Out")


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_the_engine_of_threads_conforms(jobs: int, tmp_path: Path) -> None:
    check_engine(lambda per_host: ThreadEngine(jobs, per_host), tmp_path)


@dataclass(slots=True)
class BrokenEngine:
    """Does as the engine of threads does, but for one thing."""

    per_host: int
    defect: str

    def run(
        self,
        work: Callable[[Item, threading.Event], Out],
        jobs: Sequence[Job[Item]],
        ended: Callable[[int, Result[Out, WorkerLost]], bool],
    ) -> Result[None, EngineUnavailable]:
        begun: set[int] = set()
        failed: set[int] = set()

        def do(numbered: tuple[int, Item], stop: threading.Event) -> Out:
            place, item = numbered
            begun.add(place)
            if self.defect == "twice":
                work(item, stop)
            out = work(item, threading.Event() if self.defect == "deaf" else stop)
            if isinstance(out, Failure):
                failed.add(place)
            return out

        def tell(place: int, outcome: Result[Out, WorkerLost]) -> bool:
            lost: Result[Out, WorkerLost] = Failure(WorkerLost("nowhere", "broken"))
            match self.defect:
                case "tells twice":
                    return ended(place, outcome) and ended(place, outcome)
                case "tells from elsewhere":
                    return _elsewhere(lambda: ended(place, outcome))
                case "mixes up":
                    return ended(len(jobs) - 1 - place, outcome)
                case "forgets to tell":
                    return place == 3 or ended(place, outcome)
                case "never has enough":
                    ended(place, outcome)
                    return True
                case "fails the next" if failed & set(jobs[place].after):
                    return ended(place, lost)
                case "swallows":
                    with suppress(KeyboardInterrupt):
                        return ended(place, outcome)
                    return False
                case _:
                    return ended(place, outcome)

        given = [
            Job(
                (place, job.item),
                () if self.defect == "unordered" else job.after,
                "" if self.defect == "crowds" else job.host,
            )
            for place, job in enumerate(jobs)
        ]
        if self.defect == "leaves those that wait":
            given = [job for job in given if not job.after]
        if self.defect == "leaves the last of a host" and jobs and jobs[-1].host:
            given.pop()
        try:
            done = ThreadEngine(8, self.per_host).run(do, given, tell)
        except Exception as error:
            if self.defect == "raises nothing":
                return Success(None)
            if self.defect == "raises another":
                raise RuntimeError(str(error)) from error
            if self.defect == "raises half":
                raise type(error) from error
            if self.defect == "tells what was raised":
                ended(0, Failure(WorkerLost("nowhere", "broken")))
            raise
        finally:
            if self.defect == "goes on":
                stop = threading.Event()
                stop.set()
                for place, job in enumerate(jobs):
                    if place not in begun:
                        work(job.item, stop)
        if self.defect == "tells of nothing" and not jobs:
            with suppress(Exception):
                ended(0, Failure(WorkerLost("nowhere", "broken")))
        if self.defect == "is not there":
            return Failure(EngineUnavailable("nowhere", "broken"))
        return done


def _elsewhere(call: Callable[[], bool]) -> bool:
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    thread.join()
    return answers[0]


@pytest.mark.parametrize(
    ("defect", "promise"),
    [
        ("twice", "done once"),
        ("deaf", "under way are told to stop"),
        ("tells twice", "told once"),
        ("tells from elsewhere", "by the calling thread"),
        ("mixes up", "is what came of it"),
        ("forgets to tell", "all jobs have ended, and been told"),
        ("never has enough", "nothing is told once"),
        ("fails the next", "does not fail those that wait"),
        ("swallows", "interrupts the calling thread is raised again"),
        ("unordered", "begins once those that it comes after"),
        ("crowds", "no more jobs ask one host"),
        ("leaves those that wait", "that wait for others are done"),
        ("leaves the last of a host", "that wait for their turn"),
        ("raises nothing", "raises is raised again$"),
        ("raises another", "raised again as it is"),
        ("raises half", "raised again as it is"),
        ("tells what was raised", "is no outcome"),
        ("goes on", "no job begins any more"),
        ("tells of nothing", "of no jobs, nothing"),
        ("is not there", "could not do all jobs"),
    ],
)
def test_a_broken_engine_is_noticed(
    defect: str, promise: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_SOON_SECONDS", 1.0)
    with pytest.raises(NonConformance, match=promise):
        check_engine(lambda per_host: BrokenEngine(per_host, defect), tmp_path)


def test_an_engine_without_a_defect_conforms(tmp_path: Path) -> None:
    check_engine(lambda per_host: BrokenEngine(per_host, "none"), tmp_path)
