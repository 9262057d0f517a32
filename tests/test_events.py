"""Events: one way to tell, and nothing that an observer does changes what is told of."""

import logging
import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, get_args

import pytest
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import BadSignature, HttpStatus, PipelineError
from pipeline.events import (
    ABORTED,
    Event,
    Judged,
    Noticed,
    Observers,
    StageEnded,
    StageStarted,
    tell,
)
from pipeline.names import ImageName, Labels, Platform
from pipeline.observing import observed, subject_of
from pipeline.oci import OciPlatform
from pipeline.reference import AppcReference, ArchiveReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import Located, RegistryPlace
from pipeline.spans import NOTHING, current_span
from pipeline.stage import Stage
from pipeline.testing.fakes import EventLog, FixedClock
from pipeline.trust import Fingerprint

PACKAGE = Path(__file__).resolve().parents[1] / "pipeline"


class Broken:
    """An observer that cannot."""

    def on_event(self, event: Event) -> None:
        raise RuntimeError("no room in the log book")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def test_what_an_observer_raises_is_logged_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = EventLog()
    tell(Observers((Broken(), log)), Noticed("seen", "a word"))
    assert log.events == [Noticed("seen", "a word")]
    [record] = caplog.records
    assert (record.name, record.levelno) == ("pipeline.events", logging.ERROR)
    assert "no room in the log book" in caplog.text
    assert "Noticed" in record.getMessage()


def test_ctrl_c_is_no_ones_to_keep() -> None:
    class Interrupted:
        def on_event(self, event: Event) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell(Interrupted(), Noticed("seen", "a word"))


def test_there_is_no_other_way_to_tell() -> None:
    """Who calls an observer by itself is broken by it."""
    calls = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\.on_event\(", path.read_text())
    }
    # The bars and lines pass on to what is a part of themselves.
    assert calls == {"events.py", "cli/progress/bars.py", "cli/progress/lines.py"}


def test_a_stage_is_told_from_beginning_to_end(clock: FixedClock) -> None:
    log = EventLog()

    def work(text: str) -> Result[int, PipelineError]:
        clock.advance(2)
        spans.append(current_span())
        return Success(len(text))

    spans: list[int] = []
    inner = observed(Stage("inner", work), observer=log, clock=clock)
    outer = observed(Stage("outer", inner.run), observer=log, clock=clock)
    assert outer("https://me:secret@example.com/?t=secret") == Success(39)
    outer_started, inner_started, inner_ended, outer_ended = log.events
    assert isinstance(outer_started, StageStarted)
    assert isinstance(inner_started, StageStarted)
    assert outer_started.within == NOTHING
    assert inner_started.within == outer_started.span != inner_started.span
    assert spans == [inner_started.span]
    subject = "https://example.com/?t=…"
    assert inner_ended == StageEnded(
        *("inner", subject, 2.0, None, None, None, None),
        *(inner_started.span, inner_started.within),
    )
    assert isinstance(outer_ended, StageEnded)
    assert (outer_ended.span, outer_ended.within) == (outer_started.span, NOTHING)
    assert current_span() == NOTHING


def test_an_observed_stage_is_the_same_stage(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    error = HttpStatus("https://example.com/", 500)

    def work(n: int) -> Result[int, PipelineError]:
        return Success(n) if n > 0 else Failure(error)

    stage = observed(Stage("work", work), observer=Broken(), clock=clock)
    assert (stage.name, stage(1), stage(0)) == ("work", Success(1), Failure(error))
    assert len(caplog.records) == 4


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), ZeroDivisionError()])
def test_what_is_interrupted_ends_too(clock: FixedClock, raised: BaseException) -> None:
    log = EventLog()

    def work(_: int) -> Result[int, PipelineError]:
        clock.advance(1)
        raise raised

    with pytest.raises(type(raised)):
        observed(Stage("work", work), observer=log, clock=clock)(1)
    [_, ended] = log.events
    assert isinstance(ended, StageEnded)
    assert (ended.error_kind, ended.seconds) == (ABORTED, 1.0)
    assert current_span() == NOTHING


def test_a_refusal_is_told_once(clock: FixedClock) -> None:
    """By the stage that judges, not by those around it."""
    log = EventLog()
    reference = AppcReference(ImageName("example.com/app"), Labels())
    refusal = Failure(BadSignature(Fingerprint("0" * 40), "it does not match"))

    def refuse(_: Located) -> Result[int, PipelineError]:
        return refusal

    def fetch(_: str) -> Result[int, PipelineError]:
        return inner(Located(reference, ()))

    inner = observed(Stage("download", refuse), observer=log, clock=clock)
    outer = observed(Stage("fetch", fetch), observer=log, clock=clock)
    assert outer("example.com/app") == refusal
    judged = [event for event in log.events if isinstance(event, Judged)]
    assert [(each.subject, each.error_kind) for each in judged] == [
        ("example.com/app", "bad-signature")
    ]


def test_errors_of_ones_own(clock: FixedClock) -> None:
    """Whatever has a kind."""

    @dataclass(frozen=True)
    class NotOnTheList:
        kind: ClassVar[str] = "not-on-the-list"

    log = EventLog()

    def refuse(_: str) -> Result[int, NotOnTheList]:
        return Failure(NotOnTheList())

    stage = observed(Stage("allow", refuse), observer=log, clock=clock)
    assert stage("x") == Failure(NotOnTheList())
    [_, ended] = log.events
    assert isinstance(ended, StageEnded)
    assert ended.error_kind == "not-on-the-list"


DIGEST = "sha256:" + "0" * 64


def subjects() -> Iterator[tuple[object, str]]:
    pinned = parse_docker_reference(f"example.com/app@{DIGEST}").unwrap()
    place = RegistryPlace(pinned, "https://example.com/v2/app", OciPlatform("linux", "amd64"))
    yield "https://me:secret@example.com/a?t=secret", "https://example.com/a?t=…"
    yield f"docker://example.com/app@{DIGEST}", f"docker://example.com/app@{DIGEST}"
    yield "docker://me:secret@example.com/app", "docker://example.com/app"
    yield f"docker://me:secret@{DIGEST}", f"docker://{DIGEST}"
    yield "./a\x1b[2J", r"./a\x1b[2J"
    yield "https://[/", "(unreadable URL)"
    yield ArchiveReference("https://example.com/a?t=secret"), "https://example.com/a?t=…"
    yield pinned, pinned.string
    yield place.image, f"docker://example.com/app@{DIGEST}"
    yield Located(pinned, ()), pinned.string
    yield Platform("linux", "amd64"), ""
    yield Digest("sha256", "0" * 64), ""


@pytest.mark.parametrize(("value", "shown"), [*subjects()])
def test_subjects(value: object, shown: str) -> None:
    assert subject_of(value) == shown


def test_events_are_values() -> None:
    for kind in get_args(Event):
        assert kind.__dataclass_params__.frozen
    event = Noticed("seen", "a word")
    assert pickle.loads(pickle.dumps(event)) == event
