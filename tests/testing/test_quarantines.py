"""The checks of quarantines notice one that breaks its promise."""

from dataclasses import replace
from typing import Any, Final

import pytest
from returns.result import Success

from pipeline.adapters.memory import MemoryPartial, MemoryQuarantine, MemoryStore, MemoryWriter
from pipeline.adapters.memory.quarantine import HeldBody
from pipeline.results import Validators
from pipeline.testing.conformance import NonConformance, check_quarantine
from pipeline.testing.fakes import FixedClock
from tests.testing.mutants import Method, Mutant, told


def _writing_on(right: Method, self: MemoryWriter, chunk: bytes) -> Any:
    self.buffer += chunk
    return Success(None)


def _one_key(right: Method, self: MemoryQuarantine, label: str) -> Any:
    return f"{self.prefix}{label}"


def _whole(right: Method, self: MemoryPartial) -> Any:
    point = right(self)
    return point and replace(point, offset=len(self.held.content))


def _needing_validators(right: Method, self: MemoryPartial) -> Any:
    point = right(self)
    return None if point is None or point.validators == Validators() else point


def _never_busy(right: Method, self: MemoryQuarantine, held: Any, *given: Any) -> Any:
    return right(self, HeldBody() if held.lock.locked() else held, *given)


def _twice(right: Method, self: MemoryQuarantine, held: Any, *given: Any) -> Any:
    if held.lock.locked() and held.holder is self:
        return Success(MemoryPartial("twice", held, self.blobs))
    return right(self, held, *given)


def _one_for_all(right: Method, self: MemoryQuarantine, digest: Any, seconds: float) -> Any:
    held = self.bodies.setdefault("any", HeldBody(content_addressed=True))
    return self._take(held, str(digest), seconds)


def _appending(right: Method, self: MemoryPartial, start: Any) -> Any:
    if start.offset > len(self.held.content):
        return right(self, start)
    self.held.start = start
    return Success(None)


def _until_the_end(right: Method, self: MemoryQuarantine, *, ended_well: bool) -> Any:
    return right(self, ended_well=False)


QUARANTINES: Final = {
    "finished files are written to": Mutant(MemoryWriter, "write", _writing_on, "not written to"),
    "another size": Mutant(
        MemoryWriter, "finish", told(lambda blob: replace(blob, size=1)), "has its size"
    ),
    "one file a label": Mutant(MemoryQuarantine, "_next_key", _one_key, "apart"),
    "read once": Mutant(
        MemoryQuarantine, "open", lambda right, self, blob: right(self, blob).map(_read), "holds"
    ),
    "held to the end": Mutant(MemoryPartial, "resume_point", _whole, "last byte"),
    "content by validators": Mutant(
        MemoryPartial, "resume_point", _needing_validators, "needs no validator"
    ),
    "two sessions at once": Mutant(MemoryQuarantine, "_take", _never_busy, "no two sessions"),
    "one content for all": Mutant(MemoryQuarantine, "resume_blob", _one_for_all, "its own content"),
    "one body twice": Mutant(MemoryQuarantine, "_take", _twice, "begins anew"),
    "parts are appended": Mutant(MemoryPartial, "begin", _appending, "is void"),
    "finished bodies stay": Mutant(
        MemoryQuarantine, "close", _until_the_end, "finished body, nothing is held"
    ),
}
"""Each way to break a promise of a quarantine."""


def _read(file: Any) -> Any:
    file.read()
    return file


@pytest.mark.parametrize("name", QUARANTINES)
def test_a_broken_quarantine_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = QUARANTINES[name]
    mutant.put(monkeypatch)
    with pytest.raises(NonConformance, match=mutant.promise):
        check_quarantine(MemoryStore(FixedClock()).quarantine)


def test_a_quarantine_that_holds_what_nobody_can_go_on_with_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HeldBody, "is_resumable", property(lambda held: held.start is not None))
    with pytest.raises(NonConformance, match="without a validator"):
        check_quarantine(MemoryStore(FixedClock()).quarantine)
