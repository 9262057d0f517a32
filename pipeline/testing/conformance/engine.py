"""Conformance checks for whoever writes an engine: :func:`check_engine`.

What is done leaves its traces in a folder, since those who do it may be other processes. Not
checked is what cannot be brought about from here: that workers die, or that nobody is there.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, final
from uuid import uuid4

from returns.result import Failure, Result, Success

from pipeline.engine import Engine, Job
from pipeline.errors import EngineUnavailable, WorkerLost
from pipeline.testing.conformance.promises import NonConformance, expect, expect_success

_PER_HOST: Final = 2
_WAIT_SECONDS: Final = 60.0
_SOON_SECONDS: Final = 20.0
_MOMENT_SECONDS: Final = 0.5

_Outcome: TypeAlias = Result[str, str]
_Told: TypeAlias = list[tuple[int, Result[_Outcome, WorkerLost]]]


@final
class _Mistake(Exception):  # noqa: N818 - a word, as StopIteration is one
    """What no work should raise."""


@final
@dataclass(frozen=True, slots=True)
class _Piece:
    """What is to be done: leave traces, and wait, fail or raise after that.

    ``after`` are the names of those that must have ended before.
    """

    folder: str
    name: str
    after: tuple[str, ...] = ()
    then: Literal["end", "wait", "fail", "raise"] = "end"
    seconds: float = 0.0


def check_engine(make_engine: Callable[[int], Engine], folder: Path) -> None:
    """Check that an engine keeps what the port promises; takes a few seconds.

    ``make_engine`` is told how many jobs may ask one host at a time. All who do the work must be
    able to write into ``folder``, and to import this module.

    Errors: NonConformance.
    """
    for check in (
        _check_each_once,
        _check_order,
        _check_per_host,
        _check_failures,
        _check_enough,
        _check_mistakes,
        _check_interruption,
    ):
        place = folder / uuid4().hex
        place.mkdir()
        check(make_engine(_PER_HOST), place)


def _check_each_once(engine: Engine, folder: Path) -> None:
    told: _Told = []
    _expect_done(engine, (), told)
    expect(not told, "of no jobs, nothing is told")
    pieces = [_Piece(str(folder), f"{number}") for number in range(12)]
    caller = threading.get_ident()
    tellers: set[int] = set()

    def ended(place: int, outcome: Result[_Outcome, WorkerLost]) -> bool:
        tellers.add(threading.get_ident())
        told.append((place, outcome))
        return True

    expect_success(engine.run(_work, [Job(piece) for piece in pieces], ended), "do all jobs")
    expect(tellers == {caller}, "outcomes are told by the calling thread")
    places = [place for place, _ in told]
    expect(len(places) == len(set(places)), "each outcome is told once")
    expect(len(places) == len(pieces), "it returns when all jobs have ended, and been told")
    for place, outcome in told:
        wanted = Success(Success(pieces[place].name))
        expect(outcome == wanted, "what is told of a job is what came of it")
        expect(_count(folder, "begun", str(place)) == 1, "each job is done once")


def _check_order(engine: Engine, folder: Path) -> None:
    after = ((), (0,), (0,), (1, 2), (), (3, 4), (5,))
    jobs = [
        Job(_Piece(str(folder), f"{place}", tuple(map(str, before)), seconds=0.05), before)
        for place, before in enumerate(after)
    ]
    told: _Told = []
    _expect_done(engine, jobs, told)
    expect(len(told) == len(jobs), "jobs that wait for others are done as well")
    expect(not _count(folder, "early"), "a job begins once those that it comes after have ended")


def _check_per_host(engine: Engine, folder: Path) -> None:
    pieces = [_Piece(str(folder), f"{number}", seconds=0.2) for number in range(8)]
    told: _Told = []
    _expect_done(engine, [Job(piece, host="example.com") for piece in pieces], told)
    expect(len(told) == len(pieces), "jobs that wait for their turn with a host are done as well")
    expect(
        not _count(folder, "crowded"), "no more jobs ask one host at a time than the engine's limit"
    )


def _check_failures(engine: Engine, folder: Path) -> None:
    first = Job(_Piece(str(folder), "0", then="fail"))
    told: _Told = []
    _expect_done(engine, [first, Job(_Piece(str(folder), "1", ("0",)), (0,))], told)
    promise = "a failure is an outcome, which does not fail those that wait for it"
    expect(told == [(0, Success(Failure("0"))), (1, Success(Success("1")))], promise)


def _check_enough(engine: Engine, folder: Path) -> None:
    told: list[int] = []

    def ended(place: int, _: Result[_Outcome, WorkerLost]) -> bool:
        told.append(place)
        return False

    expect_success(engine.run(_work, _stoppable(folder, "end"), ended), "stop")
    expect(len(told) == 1, "nothing is told once somebody has enough")
    _expect_stopped(folder)


def _check_mistakes(engine: Engine, folder: Path) -> None:
    told: _Told = []
    try:
        _run(engine, _stoppable(folder, "raise"), told)
    except _Mistake as mistake:
        raised = mistake.args
    except BaseException as other:
        raise NonConformance("what the work raises is raised again as it is") from other
    else:
        raise NonConformance("what the work raises is raised again")
    expect(raised == ("0",), "what the work raises is raised again as it is")
    expect(not told, "what the work raises is no outcome")
    _expect_stopped(folder)


def _check_interruption(engine: Engine, folder: Path) -> None:
    def ended(_place: int, _outcome: Result[_Outcome, WorkerLost]) -> bool:
        raise KeyboardInterrupt

    try:
        engine.run(_work, _stoppable(folder, "end"), ended)
    except KeyboardInterrupt:
        _expect_stopped(folder)
    else:
        raise NonConformance("what interrupts the calling thread is raised again")


def _stoppable(folder: Path, first: Literal["end", "raise"]) -> list[Job[_Piece]]:
    """Return jobs of which the first ends soon, the second when told to, the others after it."""
    return [
        Job(_Piece(str(folder), "0", then=first, seconds=_MOMENT_SECONDS)),
        Job(_Piece(str(folder), "1", then="wait")),
        *(Job(_Piece(str(folder), f"{place}"), (place - 1,)) for place in range(2, 5)),
    ]


def _expect_stopped(folder: Path) -> None:
    """Expect of stoppable jobs that nothing begins any more, and that the second has heard."""
    deadline = time.monotonic() + _SOON_SECONDS
    while _count(folder, "begun", "1") != _count(folder, "stopped", "1"):
        expect(time.monotonic() < deadline, "jobs under way are told to stop")
        time.sleep(_MOMENT_SECONDS / 10)
    time.sleep(_MOMENT_SECONDS)
    begun = [_count(folder, "begun", f"{place}") for place in range(2, 5)]
    expect(begun == [0, 0, 0], "no job begins any more")


def _run(
    engine: Engine, jobs: Sequence[Job[_Piece]], told: _Told
) -> Result[None, EngineUnavailable]:
    def ended(place: int, outcome: Result[_Outcome, WorkerLost]) -> bool:
        told.append((place, outcome))
        return True

    return engine.run(_work, jobs, ended)


def _expect_done(engine: Engine, jobs: Sequence[Job[_Piece]], told: _Told) -> None:
    expect_success(_run(engine, jobs, told), "do all jobs")


def _work(piece: _Piece, stop: threading.Event) -> _Outcome:
    """Do a piece; whoever does it has the same folder."""
    folder = Path(piece.folder)
    for name in piece.after:
        if not _count(folder, "ended", name):
            _leave(folder, "early", piece.name)
    _leave(folder, "begun", piece.name)
    under_way = _leave(folder, "under-way", piece.name)
    # Of several that are under way at once, the one that came last sees all of them.
    if _count(folder, "under-way") > _PER_HOST:
        _leave(folder, "crowded", piece.name)
    stopped = stop.wait(_WAIT_SECONDS if piece.then == "wait" else piece.seconds)
    under_way.unlink()
    _leave(folder, "stopped" if stopped else "ended", piece.name)
    if piece.then == "raise":
        raise _Mistake(piece.name)
    return Failure(piece.name) if piece.then == "fail" else Success(piece.name)


def _leave(folder: Path, what: str, name: str) -> Path:
    trace = folder / f"{what}.{name}.{uuid4().hex}"
    trace.touch()
    return trace


def _count(folder: Path, what: str, name: str = "*") -> int:
    return sum(1 for _ in folder.glob(f"{what}.{name}.*"))
