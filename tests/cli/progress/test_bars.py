"""Transfers drawn as bars, on a terminal in memory."""

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.cli.progress import Progress, make_observer
from pipeline.cli.progress.bars import bar_line
from pipeline.cli.progress.transfers import Transfer, following
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
from tests.support.terminal import Terminal

MIB = 1024 * 1024
URL = "https://example.com/images/app-1.2.0-linux-amd64.aci"
OTHER = "https://example.com/images/base.aci"


class Drawing:
    """A run with bars, on a clock that stands and a terminal of 80 columns and 24 rows."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.clock = FixedClock()
        self.talk = Talk()
        self.observer: Progress = make_observer("bar", self.talk, self.clock)

    def see(self, *events: Event, after: float = 0) -> None:
        self.clock.advance(after)
        for event in events:
            self.observer.on_event(event)

    @property
    def screen(self) -> list[str]:
        """What is to be seen, drawn anew now rather than by and by."""
        if self.talk.bars is not None:
            with self.talk.lock:
                self.talk.bars.pause()
                self.talk.bars.resume()
        return self.terminal.screen


@contextmanager
def drawing(*, rows: int = 24) -> Iterator[Drawing]:
    """Draw, in the test itself: what a fixture puts in place of stderr, pytest takes away."""
    terminal = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        for name, value in {"TERM": "xterm", "COLUMNS": "80", "LINES": str(rows)}.items():
            patch.setenv(name, value)
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            patch.delenv(name, raising=False)
        opened = Drawing(terminal)
        try:
            yield opened
        finally:
            opened.observer.close()


@contextmanager
def half_way() -> Iterator[Drawing]:
    with drawing() as opened:
        opened.see(TransferStarted(URL, 0, 20 * MIB))
        opened.see(TransferProgressed(URL, 10 * MIB, 20 * MIB), after=5)
        yield opened


FACTS = "   50%     10.0/20.0 MiB     2.0 MiB/s      0:05"
HALF_WAY = f"app-1.2.0..md64.aci  #####-----{FACTS}"


def test_a_bar_has_name_share_amounts_rate_and_time() -> None:
    with half_way() as drawn:
        assert drawn.screen == [HALF_WAY]


def test_one_bar_a_transfer_and_none_after_the_last() -> None:
    with half_way() as drawn:
        drawn.see(TransferStarted(OTHER, MIB, None))
        drawn.see(TransferProgressed(OTHER, 3 * MIB, None), after=4)
        assert [line.split()[0] for line in drawn.screen] == [
            "app-1.2.0..md64.aci",
            "base.aci",
        ]
        assert drawn.screen[1].split()[1:] == ["3.0", "MiB", "512.0", "KiB/s"]
        drawn.see(TransferFinished(URL, 20 * MIB, 20 * MIB, 9))
        assert [line.split()[0] for line in drawn.screen] == ["base.aci"]
        drawn.see(TransferFailed(OTHER, "truncated-body", 1.0))
        assert drawn.screen == []


def test_a_short_transfer_is_not_drawn() -> None:
    with drawing() as drawn:
        drawn.see(TransferStarted(URL, 0, 2), TransferProgressed(URL, 1, 2))
        drawn.see(TransferFinished(URL, 2, 2, 0.1), after=0.1)
        assert drawn.terminal.getvalue() == ""


def test_messages_stand_above_and_results_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with half_way() as drawn:
        for number in range(3):
            drawn.talk.say(f"message {number}")
            drawn.talk.data(f"result {number}")
        drawn.see(Noticed("waiting", "waiting for another"))
        assert drawn.screen == [
            "message 0",
            "message 1",
            "message 2",
            "waiting for another",
            HALF_WAY,
        ]
        assert capsys.readouterr().out == "result 0\nresult 1\nresult 2\n"


def test_results_are_written_while_no_bar_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both may be the same terminal."""
    with half_way() as drawn:
        monkeypatch.setattr(sys, "stdout", drawn.terminal)
        drawn.talk.data("result")
        assert drawn.screen == ["result", HALF_WAY]


def test_what_others_write_to_stderr_stands_above() -> None:
    with half_way() as drawn:
        print("a library's warning", file=sys.stderr)
        assert drawn.screen == ["a library's warning", HALF_WAY]


@pytest.mark.parametrize("messages", [0, 2])
def test_closing_leaves_no_trace(messages: int) -> None:
    with half_way() as drawn:
        drawn.see(TransferStarted(OTHER, 0, None))
        for number in range(messages):
            drawn.talk.say(f"message {number}")
        drawn.observer.close()
        assert drawn.screen == [f"message {number}" for number in range(messages)]
        assert sys.stderr is drawn.terminal
        drawn.talk.say("afterwards")
        assert drawn.screen[-1] == "afterwards"


def test_nothing_is_drawn_after_the_end() -> None:
    """Threads that fetch may still be at it when the command has been interrupted."""
    with half_way() as drawn:
        drawn.observer.close()
        drawn.see(TransferProgressed(URL, 11 * MIB, 20 * MIB), after=1)
        assert drawn.terminal.screen == []


def test_an_interrupt_never_cuts_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a control sequence, or a picture that nobody takes away, would stay."""
    with half_way() as drawn:
        whole = drawn.terminal.write

        def write(text: str) -> int:
            monkeypatch.undo()
            written = whole(text[:10])
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.02)
            return written + whole(text[10:])

        monkeypatch.setattr(drawn.terminal, "write", write)
        with pytest.raises(KeyboardInterrupt):
            drawn.talk.say("a message")
        drawn.observer.close()
        assert drawn.screen == []


def test_what_the_terminal_puts_there_goes_with_the_bars() -> None:
    """Ctrl-C shows as ^C where the cursor stands."""
    with half_way() as drawn:
        drawn.terminal.write("^C^C")
        drawn.observer.close()
        assert drawn.screen == []


def test_the_cursor_is_never_hidden() -> None:
    """Who is killed cannot bring it back."""
    with half_way() as drawn:
        drawn.observer.close()
        assert "\x1b[?25" not in drawn.terminal.getvalue()


def test_a_retry_takes_the_place_of_the_bar() -> None:
    with half_way() as drawn:
        drawn.see(TransferRetried(URL, 1, "reset\x1b[2J by \u202epeer", 3.5))
        line = "app-1.2.0-linux-amd64.aci  retrying in 4 s: reset\\x1b[2J by \\u202epeer"
        assert drawn.screen == [line]
        drawn.see(TransferStarted(URL, 10 * MIB, 20 * MIB), after=4)
        drawn.see(TransferProgressed(URL, 12 * MIB, 20 * MIB), after=2)
        assert drawn.screen[0].split()[-4:] == ["MiB", "1.0", "MiB/s", "0:08"]


def test_what_has_no_bar_is_retried_in_a_line() -> None:
    with drawing() as drawn:
        drawn.see(TransferRetried("https://example.com/app.aci.asc", 1, "status 503", 1))
        assert drawn.screen == ["app.aci.asc: retrying in 1 s (attempt 1 failed): status 503"]


def test_more_transfers_than_rows() -> None:
    with drawing(rows=6) as drawn:
        urls = [f"https://example.com/{number}.aci" for number in range(10)]
        drawn.see(*(TransferStarted(url, 0, 2) for url in urls))
        drawn.see(*(TransferProgressed(url, 1, 2) for url in urls), after=1)
        assert [line.split()[0] for line in drawn.screen] == ["0.aci", "1.aci", "2.aci", "and"]
        assert drawn.screen[-1] == "and 7 more"
        drawn.observer.close()
        assert drawn.screen == []


def test_a_terminal_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with half_way() as drawn:

        def gone(text: str) -> int:
            raise OSError(errno.EIO, "gone")

        monkeypatch.setattr(drawn.terminal, "write", gone)
        assert drawn.screen == [HALF_WAY]
        drawn.talk.say("message")
        drawn.see(TransferFinished(URL, 20 * MIB, 20 * MIB, 9))
        drawn.observer.close()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (120, f"{'app.aci':<28}  {'#' * 20}{'-' * 20}{FACTS}"),
        (70, f"app.aci     {'#' * 5}{'-' * 5}{FACTS}"),
        (69, f"{'app.aci':<21}{FACTS}"),
        (58, f"{'app.aci':<10}{FACTS}"),
        (57, f"{'app.aci':<27}   50%     2.0 MiB/s      0:05"),
        (39, f"{'app.aci':<19}   50%     2.0 MiB/s"),
        (20, f"{'app.aci':<14}   50%"),
        (9, "app.aci"),
        (3, "app"),
        (0, ""),
    ],
)
def test_the_narrower_the_fewer_facts(width: int, shown: str) -> None:
    """Share and rate stay the longest, then the time left, the amounts, the bar."""
    line = bar_line(transfer("https://example.com/app.aci"), 5.0, width)
    text = line.before + line.full + line.empty + line.after
    assert text.rstrip() == shown
    assert len(text) <= width


def transfer(url: str) -> Transfer:
    """Return one that is half done, at 2 MiB a second."""
    started = following({}, TransferStarted(url, 0, 20 * MIB), 0.0)
    return following(started, TransferProgressed(url, 10 * MIB, 20 * MIB), 5.0)[url]
