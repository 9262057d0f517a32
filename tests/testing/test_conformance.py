"""Both stores keep what the ports promise, and the checks notice a store that does not."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from returns.result import Result, Success

from pipeline.adapters.memory import (
    MemoryPartial,
    MemoryQuarantine,
    MemoryStore,
    MemoryWriter,
    store,
)
from pipeline.digest import Digest
from pipeline.errors import StoreError
from pipeline.ports import BodyStart, Clock, RemoteEntry
from pipeline.results import Stored
from pipeline.testing.conformance import (
    NonConformance,
    StoreUnderTest,
    check_quarantine,
    check_store,
)
from pipeline.testing.fakes import FixedClock
from tests.adapters.store_world import opened


def test_the_store_on_disk_conforms(tmp_path: Path) -> None:
    number = count()

    def make(clock: Clock) -> StoreUnderTest:
        return opened(tmp_path / str(next(number)), clock=clock)

    check_store(make)


def test_the_store_in_memory_conforms() -> None:
    check_store(MemoryStore)


def test_the_quarantine_on_disk_conforms(tmp_path: Path) -> None:
    check_quarantine(opened(tmp_path / "store").quarantine)


@pytest.mark.parametrize(
    ("rule", "broken", "promise"),
    [
        ("better_provenance", lambda kept, offered: offered, "never replaces"),
        ("better_provenance", lambda kept, offered: kept, "a proof replaces none"),
        ("is_latest", lambda reference: False, "the latest goes first"),
        ("is_latest", lambda reference: True, "the latest goes first"),
        ("has_labels", lambda *labels: True, "labels choose the image"),
        ("has_labels", lambda *labels: False, "could not find"),
        ("is_rememberable", lambda url: True, "with a password is not remembered"),
        ("is_rememberable", lambda url: False, "a fetched URL is remembered"),
        ("is_id_prefix", lambda *text: True, "resolves to nothing"),
    ],
)
def test_a_store_with_a_broken_rule_is_noticed(
    rule: str, broken: Callable[..., object], promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, rule, broken)
    with pytest.raises(NonConformance, match=promise):
        check_store(MemoryStore)


def _forgets_nothing(store: MemoryStore, image_id: Digest) -> Result[Stored, StoreError]:
    return store.resolve(image_id.hex)


def _knows_no_url(store: MemoryStore, url: str) -> Result[RemoteEntry | None, StoreError]:
    return Success(None)


@pytest.mark.parametrize(
    ("method", "broken"), [("remove", _forgets_nothing), ("lookup", _knows_no_url)]
)
def test_a_store_with_a_broken_method_is_noticed(
    method: str, broken: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryStore, method, broken)
    with pytest.raises(NonConformance):
        check_store(MemoryStore)


def test_a_quarantine_that_keeps_what_is_discarded_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryWriter, "discard", lambda writer: None)
    with pytest.raises(NonConformance, match="discarded"):
        check_quarantine(MemoryStore(FixedClock()).quarantine)


def test_a_quarantine_that_is_never_emptied_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = MemoryQuarantine(blobs=_Sticky())
    monkeypatch.setattr(store, "MemoryQuarantine", lambda **_: shared)
    with pytest.raises(NonConformance, match="empties"):
        check_quarantine(MemoryStore(FixedClock()).quarantine)


def _take_over(held: MemoryPartial, start: BodyStart) -> Result[None, StoreError]:
    held.held.start = start
    return Success(None)


@pytest.mark.parametrize(
    ("method", "broken", "promise"),
    [
        ("resume_point", lambda held: None, "knows what is held"),
        ("discard", lambda held: held.release(), "discarded"),
        ("release", lambda held: None, "released"),
        ("begin", _take_over, "be missing"),
    ],
)
def test_a_quarantine_that_breaks_a_promise_of_partials_is_noticed(
    method: str, broken: Callable[..., object], promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryPartial, method, broken)
    with pytest.raises(NonConformance, match=promise):
        check_quarantine(MemoryStore(FixedClock()).quarantine)


class _Sticky(dict[str, bytes]):
    def clear(self) -> None:
        """Forget nothing."""
