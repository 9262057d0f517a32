"""One session that asks for the same body twice: it never waits for itself, whoever asks."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from returns.result import Result, Success

from pipeline.adapters import MemoryQuarantine, SystemClock, open_store
from pipeline.digest import Digest
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.ports import BodyStart, Partial, Quarantine
from pipeline.results import Validators

URL = "https://example.com/app.aci"
DIGEST = Digest("sha256", "0" * 64)
STRONG = Validators('"v"')
DAY = 86_400.0

Open = Callable[[], AbstractContextManager[Result[Quarantine, StoreError]]]
Resume = Callable[[Quarantine, float], Result[Partial, StoreError]]


@pytest.fixture(params=["memory", "disk"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Make sessions that share what outlasts them."""
    if request.param == "disk":
        store = open_store(tmp_path / "store", clock=SystemClock()).unwrap()
        return store.quarantine
    shared = MemoryQuarantine()

    @contextmanager
    def opened() -> Iterator[Result[Quarantine, StoreError]]:
        quarantine = MemoryQuarantine(prefix="session/", bodies=shared.bodies)
        yield Success(quarantine)
        quarantine.close(ended_well=True)

    return opened


@pytest.fixture(params=["url", "digest"])
def resume(request: pytest.FixtureRequest) -> Resume:
    if request.param == "url":
        return lambda quarantine, seconds: quarantine.resume(URL, seconds)
    return lambda quarantine, seconds: quarantine.resume_blob(DIGEST, seconds)


def begin(held: Partial, content: bytes) -> None:
    held.begin(BodyStart(URL, 0, 6, STRONG)).unwrap()
    held.write(content).unwrap()


def test_what_it_holds_is_begun_anew_beside_it(session: Open, resume: Resume) -> None:
    with session() as opened:
        quarantine = opened.unwrap()
        first = resume(quarantine, DAY).unwrap()
        begin(first, b"first")
        second = resume(quarantine, DAY).unwrap()
        assert second.resume_point() is None
        begin(second, b"second")
        first.write(b"!").unwrap()
        blobs = [held.finish().unwrap() for held in (first, second)]
        contents = []
        for blob in blobs:
            with quarantine.open(blob).unwrap() as file:
                contents.append(file.read())
    assert contents == [b"first!", b"second"]


def test_what_it_has_let_go_of_it_goes_on_with(session: Open, resume: Resume) -> None:
    with session() as opened:
        quarantine = opened.unwrap()
        held = resume(quarantine, DAY).unwrap()
        begin(held, b"abc")
        held.release()
        again = resume(quarantine, DAY).unwrap()
        point = again.resume_point()
        assert point is not None
        assert point.offset == 3


def test_another_session_is_still_waited_for(session: Open, resume: Resume) -> None:
    with session() as opened, session() as others:
        held = resume(opened.unwrap(), DAY).unwrap()
        begin(held, b"abc")
        busy = resume(others.unwrap(), 0.1).failure()
        assert isinstance(busy, StoreUnavailable)
        assert busy.doing == "lock"


def test_threads_of_one_session_do_not_wait_for_each_other(session: Open, resume: Resume) -> None:
    """Also where another session had it when both of them began to wait."""
    taken: list[Partial] = []
    with session() as opened, session() as others:
        held = resume(others.unwrap(), DAY).unwrap()
        begin(held, b"abc")
        take = partial(resume, opened.unwrap(), DAY)
        threads = [
            threading.Thread(target=lambda: taken.append(take().unwrap()), daemon=True)
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        assert taken == []
        held.release()
        for thread in threads:
            thread.join(10)
        assert len(taken) == 3
        points = [each.resume_point() for each in taken]
        assert [point.offset for point in points if point is not None] == [3]
