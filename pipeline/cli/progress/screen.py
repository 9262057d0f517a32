"""Lines at the end of a terminal that are drawn over again and again. The only import of rich."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias, final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from pipeline.cli.progress.bars import BarLine

Picture: TypeAlias = "Callable[[int, int], tuple[BarLine, ...]]"
"""What to draw in so many columns and rows. It is asked for with rich's locks held: it must not
wait for whoever draws."""

REFRESHES_PER_SECOND: Final = 8

_NAME_STYLE: Final = "none"
_FULL_STYLE: Final = "green"
_EMPTY_STYLE: Final = "dim"


@final
class _Console(Console):
    """A console that leaves the cursor alone: who is killed cannot bring it back."""

    def show_cursor(self, show: bool = True) -> bool:
        """Do nothing."""
        return False


@final
class _Live(Live):
    """A picture that is not drawn where the terminal is gone: nobody misses it."""

    def refresh(self) -> None:
        """Draw."""
        with suppress(OSError):
            super().refresh()


@final
class Screen:
    """A picture on stderr; stopped, it leaves no trace there.

    All is done by one thread, in the order in which it was asked for: Ctrl-C interrupts whoever
    asked, but never what is written, half of which would stay on the terminal.
    """

    def __init__(self, picture: Picture) -> None:
        """Draw nothing yet."""
        # Whether it is a terminal was asked before, without the variables by which rich decides.
        self._console = _Console(stderr=True, force_terminal=True, force_interactive=True)
        self._picture = picture
        self._live: Live | None = None
        self._hand = ThreadPoolExecutor(max_workers=1)

    def start(self) -> None:
        """Draw, and keep drawing."""
        self._hand.submit(self._start).result()

    def stop(self) -> None:
        """Take away what is drawn."""
        self._hand.submit(self._stop).result()

    def _start(self) -> None:
        if self._live is None:
            # A new one each time: one that was stopped would erase as many lines as it last had.
            self._live = _Live(
                console=self._console,
                get_renderable=self._render,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
                redirect_stdout=False,  # results are no talk, and do not belong on stderr
            )
            self._live.start(refresh=True)

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            with suppress(OSError):
                live.stop()

    def _render(self) -> Group:
        # The last column stays empty: some terminals go to the next line as soon as it is filled.
        # So does the last row: it is where the terminal puts ^C, and the shell what became of us.
        width, height = self._console.width - 1, self._console.height - 2
        return Group(*(_text(line) for line in self._picture(width, height)), Text())


def _text(line: "BarLine") -> Text:
    return Text.assemble(
        line.before,
        (line.full, _FULL_STYLE),
        (line.empty, _EMPTY_STYLE),
        line.after,
        no_wrap=True,
        overflow="crop",
    )
