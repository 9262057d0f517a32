"""One job, as it runs on a worker of Dask's: ``Task -> Out``, or why this worker may not do it.

Where the job is no longer wanted (its run was stopped, or whoever asked for it is gone), Dask takes
the task from the worker, but cannot end a thread; so a watch on what the worker knows of its own
task tells the work to stop. That asks nobody, and needs no client that still lives.

The limit for one host is a semaphore of Dask's, which the scheduler keeps for all workers; what a
worker held that died is given back after ``distributed.scheduler.locks.lease-timeout``. Resources
of workers, Dask's other way, are counted for each worker alone and must be declared as it starts.
"""

import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Final, Generic, TypeAlias, TypeVar, final

from distributed import Reschedule, Semaphore, Worker, get_worker
from distributed.core import Status

from pipeline.limits import CANCELLED_CHECK_SECONDS, LEASE_SECONDS

Item = TypeVar("Item")
Out = TypeVar("Out")

Versions: TypeAlias = tuple[tuple[str, str], ...]

PACKAGES: Final = ("image-pipeline", "distributed", "dask")
"""What must be here in the same version as there; Python itself besides."""

_CLOSING: Final = (Status.closing, Status.closed, Status.failed)


@final
@dataclass(frozen=True, slots=True)
class Refused:
    """A worker that may not do the work, and why."""

    worker: str
    reason: str


@final
@dataclass(frozen=True, slots=True)
class Task(Generic[Item, Out]):
    """What a worker is given: all of it is pickled, and nothing else is.

    ``semaphore`` names the host's, of which ``most`` may be held; empty where nobody is asked.
    """

    work: Callable[[Item, threading.Event], Out]
    item: Item
    semaphore: str
    most: int
    versions: Versions

    def __call__(self, *after: object) -> Out | Refused:  # noqa: ARG002 - waited for, not used
        """Do the work once ``after`` have ended, for which Dask has waited.

        Where it was told to stop, it ends in Reschedule: whoever wants the job after all gets what
        comes of work that nobody stopped, and where nobody does, Dask has forgotten it.
        """
        worker = get_worker()
        difference = difference_of(self.versions, own_versions())
        if difference:
            return Refused(worker.address, difference)
        watch = _Watch(worker, worker.get_current_task())
        try:
            with _watched(watch), _leased(self.semaphore, self.most, watch.stop):
                watch.insist()
                out = self.work(self.item, watch.stop)
        except BaseException as error:
            if watch.stop.is_set():
                raise Reschedule from error
            raise
        watch.insist()
        return out


@cache
def own_versions() -> Versions:
    """Return what must be the same on both sides, as it is on this one."""
    packages = tuple((name, version(name)) for name in PACKAGES)
    return (("Python", _minor(platform.python_version())), *packages)


def versions_of(packages: dict[str, str | None]) -> Versions:
    """Return the same of what Dask says of another process."""
    found = tuple((name, packages.get(name) or "none") for name in PACKAGES)
    return (("Python", _minor(packages.get("python") or "none")), *found)


def difference_of(wanted: Versions, got: Versions) -> str:
    """Say in words what differs, if anything does.

    >>> difference_of((("dask", "1"), ("Python", "3.11")), (("dask", "2"), ("Python", "3.11")))
    'it has dask 2, and this machine 1'
    """
    there = dict(got)
    differing = (
        f"it has {name} {there.get(name, 'none')}, and this machine {own}"
        for name, own in wanted
        if there.get(name) != own
    )
    return "; ".join(differing)


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


@final
@dataclass(frozen=True, slots=True)
class _Watch:
    """On whether a task is still wanted by those who asked for it, and its worker goes on."""

    worker: Worker
    key: str
    stop: threading.Event = field(default_factory=threading.Event)

    def is_over(self) -> bool:
        """Whether it is not; ``stop`` is set then."""
        task = self.worker.state.tasks.get(self.key)
        if task is None or task.state == "cancelled" or self.worker.status in _CLOSING:
            self.stop.set()
        return self.stop.is_set()

    def insist(self) -> None:
        """Go on only where it is."""
        if self.is_over():
            raise Reschedule


@contextmanager
def _watched(watch: _Watch) -> Iterator[None]:
    """Look now and then, from a thread of its own, since the work is busy."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(CANCELLED_CHECK_SECONDS) and not watch.is_over():
            pass

    threading.Thread(target=look, name="pipeline-watch", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


@contextmanager
def _leased(name: str, most: int, stop: threading.Event) -> Iterator[None]:
    """Hold one of the host's leases, unless it is told to stop before there is one."""
    if not name:
        yield
        return
    semaphore = Semaphore(max_leases=most, name=name)
    held = False
    while not held and not stop.is_set():
        held = semaphore.acquire(timeout=LEASE_SECONDS)
    try:
        yield
    finally:
        if held:
            semaphore.release()
