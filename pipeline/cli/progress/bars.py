"""Transfers as bars at the end of a terminal, and what one line of them looks like.

The bars are drawn from a picture that is replaced as a whole, so that whoever draws waits for
nobody. They come when a transfer has lasted a moment, and go when there is none left.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from pipeline.cli.progress.lines import REASON_CHARACTERS, retried
from pipeline.cli.progress.notices import NoticeObserver
from pipeline.cli.progress.transfers import Retry, Transfer, Transfers, following
from pipeline.cli.progress.words import (
    compact_amount,
    compact_duration,
    duration,
    rate,
    share,
    shortened,
)
from pipeline.cli.talk import Talk
from pipeline.events import Event, TransferRetried
from pipeline.ports import Clock
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.cli.progress.screen import Screen

MOMENT_SECONDS: Final = 0.3
"""What is over by then is not drawn: it would only flicker."""

_NAME_LEAST: Final = 10
_NAME_MOST: Final = 28
_BAR_LEAST: Final = 10
_BAR_MOST: Final = 40
_GAP: Final = "  "

_SHARE_WIDTH: Final = 4
_AMOUNT_WIDTH: Final = 16
_RATE_WIDTH: Final = 12
_LEFT_WIDTH: Final = 8
_FACTS_WIDTH: Final = _SHARE_WIDTH + _AMOUNT_WIDTH + _RATE_WIDTH + _LEFT_WIDTH + 4 * len(_GAP)


@final
@dataclass(frozen=True, slots=True)
class BarLine:
    """A line in its parts, each printable ASCII: what goes before the bar, the bar, and after."""

    before: str
    full: str = ""
    empty: str = ""
    after: str = ""


@final
class BarObserver:
    """Draws a bar for each transfer that lasts; lines appear above."""

    def __init__(self, talk: Talk, clock: Clock, notices: NoticeObserver) -> None:
        """Draw beside ``talk``; say what is no transfer through ``notices``."""
        self._talk = talk
        self._clock = clock
        self._notices = notices
        self._transfers: Transfers = {}
        self._screen: Screen | None = None
        self._is_closed = False
        talk.bars = self

    def on_event(self, event: Event) -> None:
        """Change the picture; draw it or take it away, where it is time to."""
        with self._talk.lock:
            if self._is_closed:
                return  # from a thread that has not heard of the end yet
            now = self._clock.monotonic()
            self._transfers = following(self._transfers, event, now)
            if isinstance(event, TransferRetried) and event.url not in self._transfers:
                self._talk.say(retried(event))  # a page or a signature: it has no bar
            if not self._transfers:
                self._erase()
            elif self._screen is None and self._is_time(now):
                self._draw()
            self._notices.on_event(event)

    def _is_time(self, now: float) -> bool:
        return any(
            each.retry is not None or now - each.began >= MOMENT_SECONDS
            for each in self._transfers.values()
        )

    def lines(self, width: int, height: int) -> tuple[BarLine, ...]:
        """Return what is to be seen, from any thread, without waiting."""
        now, transfers = self._clock.monotonic(), tuple(self._transfers.values())
        shown = transfers if len(transfers) <= height else transfers[: max(0, height - 1)]
        lines = tuple(bar_line(each, now, width) for each in shown)
        more = len(transfers) - len(shown)
        return (*lines, BarLine(f"and {more} more"[:width])) if more else lines

    def pause(self) -> None:
        """Take the bars away; :meth:`resume` brings them back."""
        if self._screen is not None:
            self._screen.stop()

    def resume(self) -> None:
        """Draw the bars again, if they are to be seen."""
        if self._screen is not None:
            self._screen.start()

    def close(self) -> None:
        """Take the bars away for good."""
        with self._talk.lock:
            self._is_closed = True
            self._erase()

    def _draw(self) -> None:
        from pipeline.cli.progress.screen import Screen  # 100 ms that a short transfer is spared

        self._screen = Screen(self.lines)
        self.resume()

    def _erase(self) -> None:
        # In this order: interrupted in between, it is done again when all is closed.
        self.pause()
        self._screen = None


def bar_line(transfer: Transfer, now: float, width: int) -> BarLine:
    """Lay a transfer out in at most ``width`` columns; the narrower, the fewer facts."""
    if transfer.retry is not None:
        return _retry_line(transfer.name, transfer.retry, now, width)
    after = _facts(transfer, now, width - _NAME_LEAST)
    spare = width - _NAME_LEAST - len(after) - len(_GAP) - _BAR_LEAST
    has_bar = spare >= 0 and len(after) >= _FACTS_WIDTH
    name_width = min(_NAME_MOST, _NAME_LEAST + spare if has_bar else max(0, width - len(after)))
    name = shortened(transfer.name, name_width).ljust(name_width)
    if not has_bar:
        return BarLine(name, after=after)
    bar = min(_BAR_MOST, width - name_width - len(_GAP) - len(after))
    if not transfer.total:
        return BarLine(name + _GAP, after=" " * bar + after)
    full = min(transfer.received, transfer.total) * bar // transfer.total
    return BarLine(name + _GAP, "#" * full, "-" * (bar - full), after)


def _facts(transfer: Transfer, now: float, room: int) -> str:
    """Return what there is room to say, in columns that do not jump."""
    pace = transfer.pace(now)
    percent = share(transfer.received, transfer.total) or ""
    held = compact_amount(transfer.received, transfer.total)
    fast = "" if pace.bytes_per_second is None else rate(pace.bytes_per_second)
    left = "" if pace.seconds_left is None else compact_duration(pace.seconds_left)
    # As they stand, each with its rank: where it gets narrow the last in rank goes first.
    columns = (
        (0, percent.rjust(_SHARE_WIDTH)),
        (3, held.rjust(_AMOUNT_WIDTH)),
        (1, fast.rjust(_RATE_WIDTH)),
        (2, left.rjust(_LEFT_WIDTH)),
    )
    taken: set[int] = set()
    for rank, text in sorted(columns):
        if len(_GAP) + len(text) > room:
            break
        taken.add(rank)
        room -= len(_GAP) + len(text)
    return "".join(_GAP + text for rank, text in columns if rank in taken)


def _retry_line(name: str, retry: Retry, now: float, width: int) -> BarLine:
    reason = printable(retry.reason, limit=REASON_CHARACTERS)
    reason = reason.encode("ascii", "backslashreplace").decode()
    wait = retry.at - now
    when = f"in {duration(wait)}" if wait > 0 else "now"
    shown = shortened(name, max(1, min(_NAME_MOST, width // 3)))
    return BarLine(f"{shown}  retrying {when}: {reason}"[: max(0, width)])
