"""An engine on a cluster of Dask's: :class:`DaskEngine`.

    Sequence[Job[Item]], (Item, stop) -> Out; each outcome is told as it comes

Dask does what it is there for: it decides who does what and when, has jobs wait for those that they
come after, begins anew what a worker did not end, and gives up on what ended several workers
(``distributed.scheduler.allowed-failures``). Here is what it has no word for: jobs are handed over
some at a time, so that 100,000 of them fill no memory, and a job does not fail since one failed
that it waited for.

``tcp://`` is neither encrypted nor authenticated: whoever reaches the scheduler runs what they like
on its workers. Beyond one machine, use ``tls://``.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar, final
from uuid import uuid4

from distributed import Client, Future, KilledWorker, Semaphore, as_completed
from distributed.scheduler import NoValidWorkerError, NoWorkerError
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.dask.cluster import (
    FAILURES,
    check_versions,
    connected,
    refusal,
    workers_of,
)
from pipeline.adapters.dask.task import Refused, Task, own_versions
from pipeline.engine import Job
from pipeline.errors import EngineUnavailable, WorkerLost
from pipeline.limits import (
    ENGINE_CHECK_SECONDS,
    ENGINE_POLL_SECONDS,
    JOBS_IN_FLIGHT,
    WORKERS_SECONDS,
)

NO_WORKERS: Final = "it has no workers"
GONE: Final = "the scheduler is gone, or has forgotten the work"

Item = TypeVar("Item")
Out = TypeVar("Out")


@final
class DaskEngine:
    """Does jobs on the workers of a scheduler, while it has any."""

    def __init__(
        self, address: str, *, per_host: int, workers_seconds: float = WORKERS_SECONDS
    ) -> None:
        """Take the scheduler at ``address``, as ``tls://host:port``; nothing is connected yet.

        Of one host, ``per_host`` jobs ask at a time, on all workers together. The cluster may be
        without workers for ``workers_seconds``.
        """
        self._address = address
        self._per_host = per_host
        self._workers_seconds = workers_seconds

    def run(
        self,
        work: Callable[[Item, threading.Event], Out],
        jobs: Sequence[Job[Item]],
        ended: Callable[[int, Result[Out, WorkerLost]], bool],
    ) -> Result[None, EngineUnavailable]:
        """Do the work as the port says; a job whose worker dies is begun anew, on another.

        Errors: EngineUnavailable, also where a worker's Python or packages are not as here.
        """
        with connected(self._address) as connection:
            if not is_successful(connection):
                return Failure(connection.failure())
            client = connection.unwrap()
            checked = check_versions(client, self._address)
            if not is_successful(checked):
                return checked
            run = _Run(
                client,
                as_completed(loop=client.loop, with_results=True, raise_errors=False),
                self._address,
                self._per_host,
                self._workers_seconds,
                work,
                tuple(jobs),
            )
            return run.until_ended(ended)


@final
@dataclass(slots=True)
class _Run(Generic[Item, Out]):
    """What is under way for one call."""

    client: Client
    done: "as_completed[Out | Refused]"  # generic to the type checker alone
    address: str
    per_host: int
    workers_seconds: float
    work: Callable[[Item, threading.Event], Out]
    jobs: tuple[Job[Item], ...]
    name: str = field(default_factory=lambda: f"image-pipeline-{uuid4().hex}")
    pending: dict[int, Future[Out | Refused]] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    submitted: int = 0
    seen: float = field(default_factory=time.monotonic)
    checked: float = field(default_factory=time.monotonic)

    def until_ended(
        self, ended: Callable[[int, Result[Out, WorkerLost]], bool]
    ) -> Result[None, EngineUnavailable]:
        """Submit jobs, and tell of their outcomes, until all have ended or one is the last."""
        waiting = deque(range(len(self.jobs)))
        while waiting or self.pending:
            while waiting and len(self.pending) < JOBS_IN_FLIGHT:
                self._submit(waiting.popleft())
            batch = self.done.next_batch(block=False)
            for future, result in batch:
                place = self.places.pop(future.key)
                outcome = self._outcome(future, result)
                if outcome is None:
                    self._submit(place)
                elif isinstance(outcome, EngineUnavailable):
                    return Failure(outcome)
                else:
                    del self.pending[place]
                    if not ended(place, outcome):
                        return Success(None)
            if batch:
                self.seen = time.monotonic()
                continue
            time.sleep(ENGINE_POLL_SECONDS)
            checked = self._check()
            if not is_successful(checked):
                return checked
        self._forget_hosts()
        return Success(None)

    def _submit(self, place: int) -> None:
        """Hand a job to Dask, after those that it comes after and that have not ended."""
        job = self.jobs[place]
        task = Task(self.work, job.item, self._semaphore(job.host), self.per_host, own_versions())
        after = [self.pending[each] for each in job.after if each in self.pending]
        self.submitted += 1
        key = f"{self.name}-{self.submitted}"
        future = self.client.submit(task, *after, key=key, pure=False)
        self.places[key] = place
        self.pending[place] = future
        self.done.add(future)

    def _outcome(
        self, future: Future[Out | Refused], result: Out | Refused
    ) -> Result[Out, WorkerLost] | EngineUnavailable | None:
        """Return what came of a job; None where it is to be begun anew."""
        if future.status == "error":
            return self._failure(future)
        if future.status != "finished":
            return EngineUnavailable(self.address, GONE)
        if isinstance(result, Refused):
            return refusal(self.address, result.worker, result.reason)
        return Success(result)

    def _failure(
        self, future: Future[Out | Refused]
    ) -> Result[Out, WorkerLost] | EngineUnavailable | None:
        """Return what became of a job that Dask gave up; raise again what it raised."""
        match future.exception():
            case KilledWorker() as killed if killed.task != future.key:
                # One that this comes after is lost, which does not concern this one.
                return None
            case KilledWorker() as killed:
                count, last = killed.allowed_failures + 1, killed.last_worker.address
                reason = f"{count} of them died while they did, the last one {last}"
                return Failure(WorkerLost(self.address, reason))
            case NoWorkerError() | NoValidWorkerError():
                return EngineUnavailable(self.address, NO_WORKERS)
            case _:
                # Where versions differ, what is pickled here may not be understood there.
                checked = check_versions(self.client, self.address)
                if not is_successful(checked):
                    return checked.failure()
                future.result()
                raise AssertionError("a task that failed has no result")

    def _check(self) -> Result[None, EngineUnavailable]:
        """See, now and then, that there is somebody who works, or was a moment ago."""
        now = time.monotonic()
        if now - self.checked < ENGINE_CHECK_SECONDS:
            return Success(None)
        self.checked = now
        if any(future.status == "cancelled" for future in self.pending.values()):
            return Failure(EngineUnavailable(self.address, GONE))
        threads = workers_of(self.client, self.address)
        if not is_successful(threads):
            return Failure(threads.failure())
        if threads.unwrap():
            self.seen = now
        if now - self.seen > self.workers_seconds:
            return Failure(EngineUnavailable(self.address, NO_WORKERS))
        return Success(None)

    def _semaphore(self, host: str) -> str:
        return f"{self.name}-{host}" if host else ""

    def _forget_hosts(self) -> None:
        """Have the scheduler forget the hosts' semaphores, which nobody holds any more."""
        for host in {job.host for job in self.jobs if job.host}:
            semaphore = Semaphore(
                self.per_host,
                self._semaphore(host),
                scheduler_rpc=self.client.scheduler,
                loop=self.client.loop,
            )
            with suppress(*FAILURES):
                semaphore.close()
