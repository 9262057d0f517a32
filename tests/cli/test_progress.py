"""Where a transfer is shown as a bar, and where it is told in lines."""

import sys

import pytest

from pipeline.cli.progress import ConsoleObserver
from pipeline.ports import TransferProgressed

HALF = TransferProgressed("https://example.com/app.aci", 512, 1024)


class Speaker:
    """Keeps what was said."""

    quiet = verbose = debug = False

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize(
    ("is_terminal", "term", "is_bar"),
    [(True, "xterm", True), (True, "dumb", False), (False, "xterm", False)],
)
def test_bar_or_lines(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, term: str, is_bar: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    monkeypatch.setenv("TERM", term)
    speaker = Speaker()
    observer = ConsoleObserver(speaker, last_line=float("-inf"))
    observer.on_event(HALF)
    assert (observer.bar is not None) is is_bar
    observer.close()
    wanted = [] if is_bar else ["https://example.com/app.aci: 512 B of 1.0 KiB"]
    assert speaker.said == wanted
