"""Blocking work out of asyncio: what it gives, and how it ends when its task is cancelled."""

import asyncio
import threading
import time
from contextvars import ContextVar

import pytest

from pipeline.asynchronous import in_thread
from pipeline.limits import STOP_SECONDS

SOON = 10.0


def test_what_the_work_returns_is_returned_and_the_loop_goes_on_meanwhile() -> None:
    async def main() -> tuple[int, bool]:
        let_go = threading.Event()
        work = asyncio.create_task(in_thread(lambda stop: (let_go.wait(SOON), 42)[1]))
        await asyncio.sleep(0.01)
        is_waiting = not work.done()
        let_go.set()
        return await work, is_waiting

    assert asyncio.run(main()) == (42, True)


def test_what_the_work_raises_is_raised() -> None:
    def work(stop: threading.Event) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread(work))


def test_a_task_that_is_cancelled_ends_after_its_work() -> None:
    order: list[str] = []

    def work(stop: threading.Event) -> None:
        order.append("begun")
        assert stop.wait(SOON)
        time.sleep(0.05)
        order.append("let go")

    async def main() -> None:
        task = asyncio.create_task(in_thread(work))
        while not order:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        order.append("cancelled")

    asyncio.run(main())
    assert order == ["begun", "let go", "cancelled"]


def test_a_timeout_cancels() -> None:
    stopped = threading.Event()

    def work(stop: threading.Event) -> None:
        if stop.wait(SOON):
            stopped.set()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(work), 0.02)

    asyncio.run(main())
    assert stopped.is_set()


def test_work_that_does_not_listen_is_left_behind_and_keeps_no_program_from_ending() -> None:
    let_go, ended = threading.Event(), threading.Event()

    def work(stop: threading.Event) -> None:
        let_go.wait(SOON)
        ended.set()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(work), 0.02)

    began = time.monotonic()
    asyncio.run(main())
    took = time.monotonic() - began
    assert STOP_SECONDS <= took < SOON
    assert not ended.is_set()
    threads = [each for each in threading.enumerate() if each.name == "pipeline-in-thread"]
    assert len(threads) == 1
    assert threads[0].daemon
    # The loop is closed by now: there is nobody to tell, and that is nothing to raise.
    let_go.set()
    threads[0].join(SOON)
    assert ended.is_set()


def test_several_are_cancelled_together() -> None:
    stopped: list[int] = []
    begun = threading.Barrier(9)

    def work(number: int, stop: threading.Event) -> None:
        begun.wait(SOON)
        assert stop.wait(SOON)
        stopped.append(number)

    async def main() -> None:
        def numbered(number: int) -> asyncio.Task[None]:
            return asyncio.create_task(in_thread(lambda stop: work(number, stop)))

        tasks = [numbered(number) for number in range(8)]
        await in_thread(lambda stop: begun.wait(SOON))
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in outcomes)

    asyncio.run(main())
    assert sorted(stopped) == list(range(8))


_HERE: ContextVar[str] = ContextVar("here", default="nowhere")


def test_the_work_is_done_in_the_tasks_context() -> None:
    async def main() -> str:
        _HERE.set("the task")
        return await in_thread(lambda stop: _HERE.get())

    assert asyncio.run(main()) == "the task"
