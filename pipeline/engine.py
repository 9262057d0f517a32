"""The port by which many pieces of work are done at once: on this machine, or on several.

    Sequence[Job[Item]], (Item, stop) -> Out; each outcome is told as it comes

An engine decides where and when; what is done, and in which order it has to be, it is told. Items,
outcomes and the work itself are picklable, since they may travel to another process.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, final

from returns.result import Result

from pipeline.errors import EngineUnavailable, WorkerLost

Item = TypeVar("Item")
Out = TypeVar("Out")


@final
@dataclass(frozen=True, slots=True)
class Job(Generic[Item]):
    """A piece of work on an item.

    It begins once the jobs at the places ``after`` of the same sequence have ended, however they
    did; all of these stand before it. ``host`` is whom it asks most, of whom no more is asked at a
    time than the engine's limit for one host; empty where it asks nobody.
    """

    item: Item
    after: tuple[int, ...] = ()
    host: str = ""


class Engine(Protocol):
    """A way to do many jobs."""

    def run(
        self,
        work: Callable[[Item, threading.Event], Out],
        jobs: Sequence[Job[Item]],
        ended: Callable[[int, Result[Out, WorkerLost]], bool],
    ) -> Result[None, EngineUnavailable]:
        """Do ``work`` on each job's item, and return when all have ended.

        ``work`` is called with an item, and with an event that is set where it is to stop.
        ``ended`` is told a job's place in the sequence and its outcome, once each, by the calling
        thread alone, in the order in which they end. Where it returns False, no further job
        begins, those under way are told to stop, and what comes of them is not told.

        What ``work`` raises before it is told to stop is a mistake in the program, and is raised
        again; so is what interrupts the calling thread (Ctrl-C), or what ``ended`` raises. Nothing
        more begins then either, and those under way are told to stop.

        Errors: EngineUnavailable where there is nobody to do the work. WorkerLost, of one job,
        where those who did it died again and again.
        """
        ...
