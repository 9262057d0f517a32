"""What a piece of work asked for is counted, whichever threads it used, and for nobody else."""

import threading
from contextvars import copy_context

from pipeline.events import RequestEnded
from pipeline.recipes.mirroring.counting import CountingObserver, counted
from pipeline.testing.fakes import EventLog


def _ended(received: int) -> RequestEnded:
    return RequestEnded("GET", "https://example.com/", 200, received, 0.1, None, None)


def test_each_piece_of_work_has_its_own_count() -> None:
    log = EventLog()
    observer = CountingObserver(log)
    with counted() as outer:
        observer.on_event(_ended(5))
        context = copy_context()
        thread = threading.Thread(target=context.run, args=(observer.on_event, _ended(7)))
        thread.start()
        thread.join()
        with counted() as inner:
            observer.on_event(_ended(1))
    observer.on_event(_ended(9))
    assert (outer.requests, outer.received) == (2, 12)
    assert (inner.requests, inner.received) == (1, 1)
    assert len(log.events) == 4
