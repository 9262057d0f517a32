"""An observer for people: a bar on a terminal, a line every few seconds elsewhere.

Everything goes to stderr. ``--quiet`` leaves notices alone out, ``--verbose`` adds a line a stage.
"""

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, assert_never, final

from pipeline.ports import (
    Event,
    Noticed,
    StageEnded,
    StageStarted,
    TransferFinished,
    TransferProgressed,
    TransferRetried,
    TransferStarted,
)
from pipeline.text import printable, redact_url

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_SECONDS: Final = 5.0
"""How often a transfer is reported where there is no terminal."""


class Speaker(Protocol):
    """The part of a command's context that speaks."""

    quiet: bool
    verbose: bool
    debug: bool

    def say(self, text: str) -> None:
        """Tell a person something."""
        ...


@final
@dataclass(slots=True)
class ConsoleObserver:
    """A :class:`~pipeline.ports.Observer` that tells a person what happens."""

    speaker: Speaker
    bar: "Progress | None" = None
    task: "TaskID | None" = None
    current_url: str | None = None
    last_line: float = field(default_factory=time.monotonic)

    def on_event(self, event: Event) -> None:
        """Show an event, or not, as the options say."""
        match event:
            case TransferProgressed():
                self._show_transfer(event)
            case TransferStarted() | TransferRetried() | TransferFinished():
                pass
            case Noticed("tls-not-verified"):
                pass  # the command has warned of it before anything else
            case Noticed():
                self._end_bar()
                self.speaker.say(event.message)
            case StageStarted():
                if self.speaker.debug:
                    self._end_bar()
                    self.speaker.say(f"{event.stage}: {printable(event.subject)}")
            case StageEnded():
                self._end_bar()
                if self.speaker.verbose or self.speaker.debug:
                    outcome = event.error_kind or "done"
                    self.speaker.say(f"{event.stage}: {outcome} in {event.seconds:.3f} s")
            case _ as never:
                assert_never(never)

    def _show_transfer(self, event: TransferProgressed) -> None:
        if self.speaker.quiet:
            return
        # A dumb terminal cannot go back over a line; a bar would leave empty ones there.
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._show_bar(event)
        elif time.monotonic() - self.last_line >= LINE_SECONDS:
            self.last_line = time.monotonic()
            total = "" if event.total is None else f" of {size(event.total)}"
            self.speaker.say(f"{redact_url(event.url)}: {size(event.received)}{total}")

    def _show_bar(self, event: TransferProgressed) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        if self.bar is None or self.current_url != event.url:
            self._end_bar()
            self.bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.bar.start()
            name = redact_url(event.url).rpartition("/")[2]
            self.task = self.bar.add_task(name, total=event.total)
            self.current_url = event.url
        if self.task is not None:
            self.bar.update(self.task, completed=event.received, total=event.total)

    def _end_bar(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = self.task = self.current_url = None

    def close(self) -> None:
        """Take the bar away; whoever was interrupted gets a clean terminal back."""
        self._end_bar()


def size(count: int) -> str:
    """Return a number of bytes for people.

    >>> size(999), size(1536), size(268435456)
    ('999 B', '1.5 KiB', '256.0 MiB')
    """
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"
