"""What an observer of events fails with, said to whoever runs the command: once, as a warning.

Nothing else comes of it: showing what goes on is not worth a fetch (:func:`~pipeline.events.tell`).
"""

import logging
from collections.abc import Callable
from typing import final

from pipeline.cli.talk import Talk
from pipeline.text import printable


@final
class _Warnings(logging.Handler):
    """Warns of the first defect; an event a moment would have the others say the same."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(logging.ERROR)
        self._talk = talk
        self._has_warned = False

    def emit(self, record: logging.LogRecord) -> None:
        """Warn."""
        if not self._has_warned:
            self._has_warned = True
            error = record.exc_info[1] if record.exc_info else None
            what = f"{type(error).__name__}: {printable(str(error))}"
            self._talk.warn(f"not everything is shown: internal error: {what}")


def log_to(talk: Talk) -> Callable[[], None]:
    """Have defects of observers said through ``talk``, until what is returned is called."""
    handler, logger = _Warnings(talk), logging.getLogger("pipeline.events")
    logger.addHandler(handler)

    def stop() -> None:
        logger.removeHandler(handler)

    return stop
