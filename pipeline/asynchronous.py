"""Blocking work out of asyncio, so that cancelling it ends it: ``(Event -> Value) -> Value``.

Everything here blocks and is meant to run in threads. ``asyncio.to_thread`` alone forgets a thread
when its task is cancelled: it goes on to its end, with nobody to see how it ends, and a program
waits for it before it exits. Here the work is told to stop, has a moment to let go of what it
holds, and is a daemon from the start.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

from pipeline.limits import STOP_SECONDS

Value = TypeVar("Value")
Outcome = TypeVar("Outcome")


async def in_thread(work: Callable[[threading.Event], Value]) -> Value:
    """Do ``work`` in a thread of its own; what it raises is raised here.

    It is given an event that is set when its task is cancelled, for a
    :class:`~pipeline.adapters.StoppableTransport`. The task waits until the work has ended, so many
    seconds as :data:`~pipeline.limits.STOP_SECONDS` says at most, and is cancelled then.

    >>> asyncio.run(in_thread(lambda stop: stop.is_set()))
    False
    """
    stop = threading.Event()
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Value] = loop.create_future()

    def run() -> None:
        try:
            value = work(stop)
        except BaseException as defect:  # noqa: BLE001 - raised again by whoever waits
            settle(done.set_exception, defect)
        else:
            settle(done.set_result, value)

    def settle(settle_by: Callable[[Outcome], object], outcome: Outcome) -> None:
        # After the loop has closed there is nobody left to tell.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle_by, outcome)

    threading.Thread(
        target=copy_context().run, args=(run,), name="pipeline-in-thread", daemon=True
    ).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait((done,), timeout=STOP_SECONDS)
        raise
