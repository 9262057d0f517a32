"""One piece of work on several items at once: ``Sequence[Item] -> Result[tuple[Out, ...], Err]``.

The first failure, or whatever else ends the call, stops the others: what has not begun does not
begin, and what tells a :class:`StoppableObserver` ends at its next event, and lets go of what it
has on the way. What is done is within the span of whoever called.

Threads are daemons, so that one which waits for a silent server does not keep a program from
ending; what it leaves behind is what ``kill -9`` would leave.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.events import (
    Event,
    Observer,
    RequestEnded,
    StageEnded,
    TransferFailed,
    tell,
)
from pipeline.limits import STOP_SECONDS

Item = TypeVar("Item")
Out = TypeVar("Out")
Err = TypeVar("Err")


@final
class _Stopped(BaseException):
    """Unwinds a piece of work from the inside. Never leaves this module.

    It is no Exception: whoever catches those means what went wrong.
    """


@final
@dataclass(frozen=True, slots=True)
class StoppableObserver:
    """An observer that ends the work it observes once ``stop`` is set."""

    observer: Observer
    stop: threading.Event

    def on_event(self, event: Event) -> None:
        """Pass the event on, or end the work; of that, only ends are told then."""
        stopped = self.stop.is_set()
        if not stopped or isinstance(event, StageEnded | RequestEnded | TransferFailed):
            tell(self.observer, event)
        if stopped:
            raise _Stopped


def in_parallel(
    work: Callable[[Item], Result[Out, Err]],
    items: Sequence[Item],
    *,
    most: int,
    stop: threading.Event,
) -> Result[tuple[Out, ...], Err]:
    """Do ``work`` on every item, at most ``most`` at a time; the results are in the items' order.

    ``stop`` is set when the work is to end. What ``work`` raises, a mistake in the program, is
    raised again here.

    Errors: of the failures that came before the others had stopped, the first item's.

    >>> from returns.result import Success
    >>> in_parallel(lambda n: Success(n * n), (1, 2, 3), most=2, stop=threading.Event())
    <Success: (1, 4, 9)>
    """
    waiting = deque(enumerate(items))
    outcomes: dict[int, Result[Out, Err]] = {}
    defects: list[BaseException] = []

    def run() -> None:
        while not stop.is_set():
            try:
                number, item = waiting.popleft()
            except IndexError:
                return
            try:
                outcomes[number] = outcome = work(item)
            except _Stopped as stopped:
                if not stop.is_set():
                    # Whoever asked for all of this wants none of it any more.
                    defects.append(stopped)
                    stop.set()
                return
            except BaseException as defect:  # noqa: BLE001 - raised again by whoever waits
                defects.append(defect)
                stop.set()
                return
            if not is_successful(outcome):
                stop.set()

    threads = [
        threading.Thread(
            target=copy_context().run, args=(run,), name="pipeline-parallel", daemon=True
        )
        for _ in range(min(most, len(items)))
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        # Ctrl-C: whoever is in the middle of something has a moment to let go of it.
        stop.set()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    if defects:
        raise defects[0]
    values: list[Out] = []
    for number in sorted(outcomes):
        outcome = outcomes[number]
        if not is_successful(outcome):
            return Failure(outcome.failure())
        values.append(outcome.unwrap())
    return Success(tuple(values))
