"""``--timings``: what took how long, said when all is done, whatever the outcome.

    Talk, Clock -> Timings, an Observer to be closed

A waterfall for people on stderr, left out by ``--quiet``; with ``--progress=json`` a document a
row (docs/progress.md).
"""

import os
import sys
from threading import Lock
from typing import final

from pipeline.cli.talk import Talk, Timed, is_tty
from pipeline.cli.timings.recording import Recording
from pipeline.cli.timings.waterfall import waterfall
from pipeline.events import Event
from pipeline.ports import Clock

_COLUMNS = 80
"""How wide what is no terminal is taken to be."""


@final
class Timings:
    """Takes down what it is told, from any number of threads."""

    def __init__(self, talk: Talk, clock: Clock) -> None:
        """Speak through ``talk``, once it is closed."""
        self._talk = talk
        self._clock = clock
        self._recording = Recording()
        self._lock = Lock()

    def on_event(self, event: Event) -> None:
        """Take it down."""
        with self._lock:
            self._recording.note(event, self._clock.monotonic())

    def close(self) -> None:
        """Say what took how long."""
        with self._lock:
            trees = tuple(self._recording.trees(self._clock.monotonic()))
        for rows in trees:
            if self._talk.as_json:
                for row in rows:
                    self._talk.tell(
                        Timed(
                            *(row.stage, row.subject, row.start, row.seconds or 0.0, row.size),
                            *(row.retries, row.error_kind, row.span, row.within),
                        )
                    )
            else:
                self._talk.say("\n" + "\n".join(waterfall(rows, terminal_width() - 1)))


def terminal_width() -> int:
    """Return how many columns stderr has; ``COLUMNS`` says so first, as for other programs.

    The last one stays empty: some terminals go to the next line as soon as it is filled.
    """
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and len(said) < 6 and int(said) > 0:
        return int(said)
    if is_tty(sys.stderr):
        try:
            return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
        except OSError:
            return _COLUMNS
    return _COLUMNS
