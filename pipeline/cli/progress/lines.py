"""Transfers in lines, for logs and for terminals that cannot go back over one.

A transfer that is over in a moment is not worth a word, but it is if it was resumed or retried.
Lines come with events: a transfer that stands still says nothing until it goes on or is retried.
"""

from typing import Final, final

from pipeline.cli.progress.meter import LEAST_SECONDS
from pipeline.cli.progress.notices import NoticeObserver
from pipeline.cli.progress.transfers import Transfer, Transfers, following
from pipeline.cli.progress.words import amount, duration, rate, share, short_name, shortened, size
from pipeline.cli.talk import Talk
from pipeline.events import (
    Event,
    TransferFailed,
    TransferFinished,
    TransferProgressed,
    TransferRetried,
    TransferStarted,
)
from pipeline.ports import Clock
from pipeline.text import printable, redact_url

MOMENT_SECONDS: Final = 1.0
"""What is over by then is not spoken of."""

LINE_SECONDS: Final = 5.0
"""How often each transfer is spoken of."""

NAME_WIDTH: Final = 60
REASON_CHARACTERS: Final = 200


@final
class LineObserver:
    """Says a line when a transfer begins, every few seconds, and when it ends."""

    def __init__(self, talk: Talk, clock: Clock, notices: NoticeObserver) -> None:
        """Speak through ``talk``, and of what is no transfer through ``notices``."""
        self._talk = talk
        self._clock = clock
        self._notices = notices
        self._transfers: Transfers = {}
        self._told_at: dict[str, float] = {}

    def on_event(self, event: Event) -> None:
        """Say a line, if it is time for one."""
        with self._talk.lock:
            now = self._clock.monotonic()
            self._transfers = following(self._transfers, event, now)
            match event:
                case TransferStarted() if event.resumed_at:
                    self._tell(event.url, now, resumed(event))
                case TransferProgressed():
                    self._progressed(event.url, self._transfers[event.url], now)
                case TransferRetried():
                    self._tell(event.url, now, retried(event))
                case TransferFinished():
                    if self._told_at.pop(event.url, None) is not None:
                        self._talk.say(finished(event))
                case TransferFailed():
                    self._told_at.pop(event.url, None)
                case _:
                    self._notices.on_event(event)

    def _progressed(self, url: str, transfer: Transfer, now: float) -> None:
        told_at = self._told_at.get(url)
        if told_at is None:
            if now - transfer.began >= MOMENT_SECONDS:
                whole = "" if transfer.total is None else f" ({size(transfer.total)})"
                self._tell(url, now, f"fetching {redact_url(url)}{whole}")
        elif now - told_at >= LINE_SECONDS:
            self._tell(url, now, progressed(transfer, now))

    def _tell(self, url: str, now: float, line: str) -> None:
        self._told_at[url] = now
        self._talk.say(line)

    def close(self) -> None:
        """Do nothing: nothing was drawn."""


def resumed(event: TransferStarted) -> str:
    """Say that only the rest is asked for."""
    return f"{_name(event.url)}: resumed at {amount(event.resumed_at, event.total)}"


def progressed(transfer: Transfer, now: float) -> str:
    """Say how far a transfer has come, and what is known of the rest."""
    pace = transfer.pace(now)
    facts = (
        share(transfer.received, transfer.total),
        amount(transfer.received, transfer.total),
        None if pace.bytes_per_second is None else rate(pace.bytes_per_second),
        None if pace.seconds_left is None else f"{duration(pace.seconds_left)} left",
    )
    known = ", ".join(fact for fact in facts if fact is not None)
    return f"{shortened(transfer.name, NAME_WIDTH)}: {known}"


def retried(event: TransferRetried) -> str:
    """Say what failed and when it is tried again."""
    reason = printable(event.reason, limit=REASON_CHARACTERS)
    wait = duration(event.wait_seconds)
    return f"{_name(event.url)}: retrying in {wait} (attempt {event.attempt} failed): {reason}"


def finished(event: TransferFinished) -> str:
    """Say what came in, and how fast."""
    new = "" if event.received == event.size else f" ({size(event.received)} of it now)"
    measured = event.seconds >= LEAST_SECONDS
    fast = f", {rate(event.received / event.seconds)}" if measured else ""
    return f"{_name(event.url)}: {size(event.size)}{new} in {duration(event.seconds)}{fast}"


def _name(url: str) -> str:
    return shortened(short_name(url), NAME_WIDTH)
