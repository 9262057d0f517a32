"""A consumer in a thread: order, back-pressure, failures, and an end in every case."""

import threading
from collections.abc import Callable

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.background import background


def _threads() -> int:
    return sum(
        thread.name.startswith("pipeline-background") and thread.is_alive()
        for thread in threading.enumerate()
    )


def _collector(seen: list[bytes]) -> Callable[[bytes], Result[None, str]]:
    def consume(chunk: bytes) -> Result[None, str]:
        seen.append(chunk)
        return Success(None)

    return consume


def test_chunks_are_consumed_in_order_by_another_thread() -> None:
    seen: list[bytes] = []
    idents: set[int] = set()

    def consume(chunk: bytes) -> Result[None, str]:
        seen.append(chunk)
        idents.add(threading.get_ident())
        return Success(None)

    chunks = [bytes([number]) for number in range(200)]
    with background(consume) as worker:
        outcomes = [worker.put(chunk) for chunk in chunks]
        assert is_successful(worker.finish())
    assert all(is_successful(outcome) for outcome in outcomes)
    assert seen == chunks
    assert len(idents) == 1
    assert threading.get_ident() not in idents
    assert _threads() == 0


def test_the_first_failure_stops_the_consumer_and_is_what_everybody_gets() -> None:
    seen: list[bytes] = []

    def consume(chunk: bytes) -> Result[None, str]:
        seen.append(chunk)
        return Failure("full") if chunk == b"bad" else Success(None)

    with background(consume, depth=10) as worker:
        for chunk in (b"good", b"bad", b"late", b"later"):
            worker.put(chunk)
        assert worker.finish().failure() == "full"
        assert worker.put(b"last").failure() == "full"
        assert worker.finish().failure() == "full"
    assert seen == [b"good", b"bad"]


def test_a_slow_consumer_holds_its_producer_back() -> None:
    """With room for two chunks, the third ``put`` returns only after the first is done."""
    release = threading.Event()
    handed_over: list[int] = []

    def consume(_chunk: bytes) -> Result[None, str]:
        release.wait(10)
        return Success(None)

    def produce() -> None:
        with background(consume, depth=2) as worker:
            for number in range(4):
                worker.put(b"chunk")
                handed_over.append(number)
            worker.finish()

    producer = threading.Thread(target=produce)
    producer.start()
    producer.join(0.2)
    waiting = list(handed_over)
    release.set()
    producer.join(10)
    assert waiting == [0, 1]
    assert handed_over == [0, 1, 2, 3]


def test_an_exception_in_the_consumer_reaches_the_producer() -> None:
    def consume(_chunk: bytes) -> Result[None, str]:
        raise ZeroDivisionError

    def produce() -> None:
        with background(consume) as worker:
            worker.put(b"chunk")
            worker.finish()

    with pytest.raises(ZeroDivisionError):
        produce()
    assert _threads() == 0


def test_leaving_early_drops_what_waits_and_ends_the_thread() -> None:
    seen: list[bytes] = []
    started, release = threading.Event(), threading.Event()

    def consume(chunk: bytes) -> Result[None, str]:
        started.set()
        release.wait(10)
        return _collector(seen)(chunk)

    def produce() -> None:
        with background(consume, depth=3) as worker:
            for chunk in (b"at work", b"waits", b"waits too"):
                worker.put(chunk)
            started.wait(10)
            threading.Timer(0.05, release.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        produce()
    assert seen == [b"at work"]
    assert _threads() == 0
