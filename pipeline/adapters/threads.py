"""Many pieces of work at once, in threads of this process: an :class:`~pipeline.engine.Engine`.

    Sequence[Job[Item]], (Item, stop) -> Out; no job is ever lost

The calling thread decides what may begin and is told what has ended; the others only work. What may
begin begins in the jobs' order, but for those whose host has as much to do as it may.

Threads are daemons, so that one which waits for a silent server does not keep a program from
ending; what it leaves behind is what ``kill -9`` would leave.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Generic, TypeVar, final

from returns.result import Result, Success

from pipeline.engine import Job
from pipeline.errors import EngineUnavailable, WorkerLost
from pipeline.limits import STOP_SECONDS

Item = TypeVar("Item")
Out = TypeVar("Out")

_NO_MORE: Final = -1


@final
@dataclass(frozen=True, slots=True)
class ThreadEngine:
    """At most ``jobs`` at a time, at most ``per_host`` of them of one host; both at least 1."""

    jobs: int
    per_host: int

    def run(
        self,
        work: Callable[[Item, threading.Event], Out],
        jobs: Sequence[Job[Item]],
        ended: Callable[[int, Result[Out, WorkerLost]], bool],
    ) -> Result[None, EngineUnavailable]:
        """Do ``work`` on each job's item, as the port says; this never fails."""
        begin: SimpleQueue[int] = SimpleQueue()
        results: SimpleQueue[_Done[Out] | _Raised] = SimpleQueue()
        stop = threading.Event()

        def run() -> None:
            while (place := begin.get()) != _NO_MORE and not stop.is_set():
                try:
                    results.put(_Done(place, work(jobs[place].item, stop)))
                except BaseException as defect:  # noqa: BLE001 - raised again by whoever waits
                    results.put(_Raised(defect))

        threads = [
            threading.Thread(
                target=copy_context().run, args=(run,), name="pipeline-job", daemon=True
            )
            for _ in range(min(self.jobs, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        try:
            _tell(_Order(jobs, self.per_host), len(threads), begin, results, ended)
        finally:
            # Also after Ctrl-C: whoever is in the middle of something has a moment to let go of it.
            stop.set()
            for _ in threads:
                begin.put(_NO_MORE)
            deadline = time.monotonic() + STOP_SECONDS
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        return Success(None)


@final
@dataclass(frozen=True, slots=True)
class _Done(Generic[Out]):
    """What came of the job at a place."""

    place: int
    out: Out


@final
@dataclass(frozen=True, slots=True)
class _Raised:
    """A mistake in the program."""

    defect: BaseException


def _tell(
    order: "_Order[Item]",
    most: int,
    begin: "SimpleQueue[int]",
    results: "SimpleQueue[_Done[Out] | _Raised]",
    ended: Callable[[int, Result[Out, WorkerLost]], bool],
) -> None:
    """Have jobs begin as others end, until all have, or somebody has enough.

    None begins in another's stead before the end of that one was told: it may have been the last.
    """
    under_way = 0
    ready: deque[int] = deque()
    while True:
        ready.extend(order.may_begin())
        while ready and under_way < most:
            begin.put(ready.popleft())
            under_way += 1
        if not under_way:
            return
        result = results.get()
        under_way -= 1
        if isinstance(result, _Raised):
            raise result.defect
        if not ended(result.place, Success(result.out)):
            return
        order.has_ended(result.place)


@final
class _Order(Generic[Item]):
    """Which jobs may begin: what they wait for has ended, and their host has room.

    Costs as much as there are jobs and places they wait for, all told.
    """

    def __init__(self, jobs: Sequence[Job[Item]], per_host: int) -> None:
        """Begin with nothing ended."""
        self._jobs = jobs
        self._per_host = per_host
        self._missing = [len(set(job.after)) for job in jobs]
        self._waiting: dict[int, list[int]] = {}
        for place, job in enumerate(jobs):
            for earlier in set(job.after):
                self._waiting.setdefault(earlier, []).append(place)
        self._ready = deque(place for place, missing in enumerate(self._missing) if not missing)
        self._held: dict[str, deque[int]] = {}
        self._busy: Counter[str] = Counter()

    def may_begin(self) -> list[int]:
        """Return the places of all jobs that may begin now; each is returned once."""
        begun: list[int] = []
        while self._ready:
            place = self._ready.popleft()
            host = self._jobs[place].host
            if host and self._busy[host] >= self._per_host:
                self._held.setdefault(host, deque()).append(place)
                continue
            self._busy[host] += 1
            begun.append(place)
        return begun

    def has_ended(self, place: int) -> None:
        """Note the end of a job that had begun."""
        host = self._jobs[place].host
        self._busy[host] -= 1
        if self._held.get(host):
            self._ready.append(self._held[host].popleft())
        for later in self._waiting.pop(place, ()):
            self._missing[later] -= 1
            if not self._missing[later]:
                self._ready.append(later)
