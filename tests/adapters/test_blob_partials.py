"""Content on its way that its digest names: shared between sessions, and never waited for twice."""

import hashlib
import threading
from pathlib import Path

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.layout import LayoutStore, open_store
from pipeline.adapters.layout.quarantine import FileQuarantine
from pipeline.digest import Digest
from pipeline.errors import StoreUnavailable
from pipeline.ports import BodyStart, ResumePoint
from pipeline.results import QuarantinedBlob, Validators

CONTENT = bytes(range(256)) * 40
DIGEST = Digest("sha256", hashlib.sha256(CONTENT).hexdigest())
OTHER = Digest("sha256", "f" * 64)


@pytest.fixture
def store(tmp_path: Path) -> LayoutStore:
    return open_store(tmp_path / "store", clock=SystemClock()).unwrap()


def put(
    quarantine: FileQuarantine, digest: Digest = DIGEST, content: bytes = CONTENT
) -> QuarantinedBlob:
    held = quarantine.resume_blob(digest, 0).unwrap()
    held.begin(BodyStart("https://h/x", 0, len(content), Validators())).unwrap()
    held.write(content).unwrap()
    return held.finish().unwrap()


def read(quarantine: FileQuarantine, blob: QuarantinedBlob) -> bytes:
    with quarantine.open(blob).unwrap() as file:
        return file.read()


def test_the_rest_is_asked_for_without_a_validator(store: LayoutStore) -> None:
    with store.quarantine() as opened:
        held = opened.unwrap().resume_blob(DIGEST, 0).unwrap()
        held.begin(BodyStart("https://h/x", 0, len(CONTENT), Validators())).unwrap()
        held.write(CONTENT[:100]).unwrap()
    with store.quarantine() as opened:
        held = opened.unwrap().resume_blob(DIGEST, 0).unwrap()
        assert held.resume_point() == ResumePoint(100, Validators(), len(CONTENT), True)


def test_what_is_whole_is_let_go_of_before_the_session_ends(store: LayoutStore) -> None:
    """Two sessions that each hold what the other waits for would wait for ever."""
    with store.quarantine() as one, store.quarantine() as two:
        first, second = put(one.unwrap()), put(two.unwrap(), OTHER)
        held = two.unwrap().resume_blob(DIGEST, 0).unwrap()
        assert held.resume_point() == ResumePoint(len(CONTENT), Validators(), len(CONTENT), True)
        shared = held.finish().unwrap()
        assert is_successful(one.unwrap().resume_blob(OTHER, 0))
        assert read(two.unwrap(), shared) == CONTENT
        assert read(one.unwrap(), first) == CONTENT
        assert read(two.unwrap(), second) == CONTENT


def test_what_is_on_its_way_is_waited_for(store: LayoutStore) -> None:
    with store.quarantine() as one, store.quarantine() as two:
        held = one.unwrap().resume_blob(DIGEST, 0).unwrap()
        busy = two.unwrap().resume_blob(DIGEST, 0).failure()
        assert isinstance(busy, StoreUnavailable)
        assert busy.doing == "lock"
        held.begin(BodyStart("https://h/x", 0, len(CONTENT), Validators())).unwrap()
        held.write(CONTENT).unwrap()
        timer = threading.Timer(0.2, held.finish)
        timer.start()
        waited = two.unwrap().resume_blob(DIGEST, 10).unwrap()
        timer.join()
        point = waited.resume_point()
        assert point is not None
        assert point.offset == len(CONTENT)


def test_nobody_writes_to_what_another_has_finished(store: LayoutStore) -> None:
    with store.quarantine() as one, store.quarantine() as two:
        first = put(one.unwrap())
        held = two.unwrap().resume_blob(DIGEST, 0).unwrap()
        held.begin(BodyStart("https://h/x", 0, len(CONTENT), Validators())).unwrap()
        held.write(bytes(len(CONTENT))).unwrap()
        held.finish().unwrap()
        assert read(one.unwrap(), first) == CONTENT


def test_a_session_that_ends_well_leaves_nothing(store: LayoutStore) -> None:
    with store.quarantine() as opened:
        put(opened.unwrap())
    assert list((store.root / "partials").iterdir()) == []


def test_what_a_killed_session_had_whole_is_there_for_the_next(store: LayoutStore) -> None:
    def killed() -> None:
        with store.quarantine() as opened:
            put(opened.unwrap())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    with store.quarantine() as opened:
        held = opened.unwrap().resume_blob(DIGEST, 0).unwrap()
        assert held.resume_point() == ResumePoint(len(CONTENT), Validators(), len(CONTENT), True)
        assert read(opened.unwrap(), held.finish().unwrap()) == CONTENT
