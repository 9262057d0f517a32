"""One voice: whole lines from many threads, and a run that goes on when nobody listens."""

import json
import subprocess
import sys
import threading
import time
from datetime import datetime

import pytest

from pipeline.cli.progress import Progress, ProgressWord, can_draw, make_observer
from pipeline.cli.talk import Talk, is_tty
from pipeline.events import (
    Noticed,
    TransferFinished,
    TransferProgressed,
    TransferRetried,
    TransferStarted,
)
from pipeline.testing.fakes import FixedClock
from tests.support.terminal import Terminal
from tests.support.world import REFERENCE, World

THREADS = 4
TIMES = 10
LINES_A_TRANSFER: dict[ProgressWord, int] = {"bar": 1, "plain": 4, "json": 5, "none": 1}


class Gate:
    """Knows how many threads were in it at once, at most."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    def pass_slowly(self) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.0005)
        self.inside -= 1


class SlowTerminal(Terminal):
    """A terminal on which a line takes a while."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    def write(self, text: str) -> int:
        self.gate.pass_slowly()
        return super().write(text)


class SlowClock:
    """A clock that takes a while to read, and stands."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.still = FixedClock()

    def now(self) -> datetime:
        return self.still.now()

    def monotonic(self) -> float:
        self.gate.pass_slowly()
        return self.still.monotonic()

    def sleep(self, seconds: float) -> None:
        self.still.sleep(seconds)


def transfers(observer: Progress, number: int) -> None:
    """Show transfers from one thread."""
    for each in range(TIMES):
        url = f"https://example.com/{number}-{each}.aci"
        observer.on_event(TransferStarted(url, 1, 2))
        observer.on_event(TransferProgressed(url, 1, 2))
        observer.on_event(TransferRetried(url, 1, "reset", 1))
        observer.on_event(Noticed("seen", f"a word on {url}"))
        observer.on_event(TransferFinished(url, 2, 1, 1))


def in_threads(observer: Progress) -> None:
    threads = [
        threading.Thread(target=transfers, args=(observer, number)) for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    observer.close()


@pytest.mark.parametrize("word", list(LINES_A_TRANSFER))
def test_one_thread_at_a_time(word: ProgressWord, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = SlowTerminal(), SlowClock()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    in_threads(make_observer(word, Talk(as_json=word == "json"), clock))
    assert terminal.gate.most == 1
    assert clock.gate.most == (1 if word in {"bar", "plain"} else 0)
    lines = terminal.screen if word == "bar" else terminal.getvalue().splitlines()
    if word == "json":
        assert all(json.loads(line) for line in lines)
    assert len(lines) == len(set(lines)) == THREADS * TIMES * LINES_A_TRANSFER[word]


@pytest.mark.parametrize(
    ("word", "quiet", "kind"),
    [
        ("auto", False, "BarObserver"),
        ("bar", False, "BarObserver"),
        ("plain", False, "LineObserver"),
        ("json", False, "DocumentObserver"),
        ("none", False, "NoticeObserver"),
        ("auto", True, "NoticeObserver"),
        ("bar", True, "NoticeObserver"),
        ("plain", True, "NoticeObserver"),
        ("json", True, "DocumentObserver"),
    ],
)
def test_what_is_asked_for(
    word: ProgressWord, quiet: bool, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cli.progress.can_draw", lambda: True)
    assert type(make_observer(word, Talk(quiet=quiet), FixedClock())).__name__ == kind


@pytest.mark.parametrize("word", ["auto", "bar"])
def test_no_bars_where_none_can_be_drawn(
    word: ProgressWord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cli.progress.can_draw", lambda: False)
    assert type(make_observer(word, Talk(), FixedClock())).__name__ == "LineObserver"


@pytest.mark.parametrize(
    ("terminal", "term", "drawn"),
    [
        (True, "xterm", True),
        (True, "dumb", False),
        (True, "unknown", False),
        (True, None, False),
        (False, "xterm", False),
        (None, "xterm", False),
    ],
)
def test_where_bars_can_be_drawn(
    terminal: bool | None, term: str | None, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = None if terminal is None else Terminal()
    if stream is not None:
        monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    assert can_draw() is drawn
    assert is_tty(stream) is bool(terminal)


@pytest.mark.parametrize(
    ("word", "redirection"),
    [("auto", "2>&-"), ("plain", "2>/dev/full"), ("json", "2> >(exec true)")],
)
def test_a_run_that_nobody_listens_to_goes_on(world: World, word: str, redirection: str) -> None:
    world.trust()
    world.publish()
    command = f"{sys.executable} -m pipeline fetch -v --progress={word} {REFERENCE}"
    done = subprocess.run(
        ["bash", "-c", f"exec {redirection}; sleep 0.1; {command}"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"sha512-")
