"""Transfers told in lines."""

from collections.abc import Callable

import pytest

from pipeline.cli.progress import Progress, make_observer
from pipeline.cli.talk import Talk
from pipeline.events import (
    Event,
    Noticed,
    TransferFailed,
    TransferFinished,
    TransferProgressed,
    TransferRetried,
    TransferStarted,
)
from pipeline.testing.fakes import FixedClock

MIB = 1024 * 1024
URL = "https://example.com/images/app.aci"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def observer(clock: FixedClock) -> Progress:
    return make_observer("plain", Talk(), clock)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    def read() -> list[str]:
        return capsys.readouterr().err.splitlines()

    return read


def receive(observer: Progress, clock: FixedClock, *, start: int, seconds: int, total: int) -> None:
    """Let a MiB a second come in."""
    for second in range(1, seconds + 1):
        clock.advance(1)
        observer.on_event(TransferProgressed(URL, start + second * MIB, total))


def test_a_long_transfer(
    observer: Progress, clock: FixedClock, said: Callable[[], list[str]]
) -> None:
    observer.on_event(TransferStarted(URL, 0, 20 * MIB))
    receive(observer, clock, start=0, seconds=12, total=20 * MIB)
    observer.on_event(TransferFinished(URL, 20 * MIB, 20 * MIB, 12.5))
    assert said() == [
        f"fetching {URL} (20.0 MiB)",
        "app.aci: 30%, 6.0 MiB of 20.0 MiB, 1.0 MiB/s, 14 s left",
        "app.aci: 55%, 11.0 MiB of 20.0 MiB, 1.0 MiB/s, 9 s left",
        "app.aci: 20.0 MiB in 13 s, 1.6 MiB/s",
    ]


def test_a_size_that_is_not_known(
    observer: Progress, clock: FixedClock, said: Callable[[], list[str]]
) -> None:
    observer.on_event(TransferStarted(URL, 0, None))
    for _ in range(6):
        clock.advance(1)
        observer.on_event(TransferProgressed(URL, MIB, None))
    assert said() == [f"fetching {URL}", "app.aci: 1.0 MiB, 170.7 KiB/s"]


def test_a_short_transfer_is_not_worth_a_word(
    observer: Progress, clock: FixedClock, said: Callable[[], list[str]]
) -> None:
    observer.on_event(TransferStarted(URL, 0, 2))
    clock.advance(0.9)
    observer.on_event(TransferProgressed(URL, 1, 2))
    observer.on_event(TransferFinished(URL, 2, 2, 0.95))
    assert said() == []


def test_a_resumed_transfer(
    observer: Progress, clock: FixedClock, said: Callable[[], list[str]]
) -> None:
    observer.on_event(TransferStarted(URL, 120 * MIB, 180 * MIB))
    receive(observer, clock, start=120 * MIB, seconds=5, total=180 * MIB)
    observer.on_event(TransferFinished(URL, 180 * MIB, 60 * MIB, 10))
    assert said() == [
        "app.aci: resumed at 120.0 MiB of 180.0 MiB",
        "app.aci: 69%, 125.0 MiB of 180.0 MiB, 1.0 MiB/s, 55 s left",
        "app.aci: 180.0 MiB (60.0 MiB of it now) in 10 s, 6.0 MiB/s",
    ]


def test_every_retry_is_a_line(observer: Progress, said: Callable[[], list[str]]) -> None:
    observer.on_event(TransferRetried(URL, 1, "status 503", 3.2))
    observer.on_event(TransferRetried(URL, 2, "status\x1b[2J\n503", 75))
    observer.on_event(TransferStarted(URL, 0, 1))
    observer.on_event(TransferFinished(URL, 1, 1, 0))
    assert said() == [
        "app.aci: retrying in 4 s (attempt 1 failed): status 503",
        "app.aci: retrying in 1 min 15 s (attempt 2 failed): status\\x1b[2J\\x0a503",
        "app.aci: 1 B in 0 s",
    ]


def test_a_transfer_that_failed_is_begun_anew(
    observer: Progress, clock: FixedClock, said: Callable[[], list[str]]
) -> None:
    observer.on_event(TransferStarted(URL, 0, 9 * MIB))
    receive(observer, clock, start=0, seconds=1, total=9 * MIB)
    observer.on_event(TransferFailed(URL, "truncated-body", 1.0))
    observer.on_event(TransferStarted(URL, 0, 9 * MIB))
    clock.advance(0.5)
    observer.on_event(TransferProgressed(URL, 9 * MIB, 9 * MIB))
    observer.on_event(TransferFinished(URL, 9 * MIB, 9 * MIB, 0.5))
    assert said() == [f"fetching {URL} (9.0 MiB)"]


def test_transfers_at_once_are_told_apart(
    observer: Progress, clock: FixedClock, said: Callable[[], list[str]]
) -> None:
    other = URL.replace("app", "base")
    for url in (URL, other):
        observer.on_event(TransferStarted(url, MIB, 4 * MIB))
    clock.advance(5)
    observer.on_event(TransferProgressed(URL, 2 * MIB, 4 * MIB))
    observer.on_event(TransferProgressed(other, 3 * MIB, 4 * MIB))
    assert said()[2:] == [
        "app.aci: 50%, 2.0 MiB of 4.0 MiB, 204.8 KiB/s, 10 s left",
        "base.aci: 75%, 3.0 MiB of 4.0 MiB, 409.6 KiB/s, 3 s left",
    ]


@pytest.mark.parametrize(
    "event",
    [
        TransferStarted("https://user:secret@example.com/\x1b[2J\n.aci?token=secret", 1, 2),
        TransferRetried("https://user:secret@example.com/\x9b2J\u202e\n?token=secret", 1, "x", 1),
        TransferRetried("https://[secret", 1, "x", 1),
        TransferRetried(f"https://example.com/{'x' * 5000}", 1, "y" * 5000, 1),
    ],
)
def test_a_hostile_url_is_harmless(
    observer: Progress, event: Event, said: Callable[[], list[str]]
) -> None:
    observer.on_event(event)
    [line] = said()
    assert line.isprintable()
    assert "secret" not in line
    assert len(line) < 400


def test_a_hostile_url_is_harmless_when_it_is_shown_whole(
    observer: Progress, clock: FixedClock, said: Callable[[], list[str]]
) -> None:
    url = "https://user:secret@example.com/\x1b[2J\n.aci?token=secret"
    observer.on_event(TransferStarted(url, 0, None))
    clock.advance(1)
    observer.on_event(TransferProgressed(url, 1, None))
    assert said() == ["fetching https://example.com/\\x1b[2J.aci?token=…"]


def test_notices_are_said_and_some_are_known_already(
    observer: Progress, said: Callable[[], list[str]]
) -> None:
    observer.on_event(Noticed("tls-not-verified", "certificates are not checked"))
    observer.on_event(Noticed("waiting", "another fetch is under way"))
    assert said() == ["another fetch is under way"]
