"""How a person, or a program, sees a run go on: ``--progress=auto|bar|plain|json|none``.

    word, Talk, Clock -> Progress, an Observer to be closed

Everything goes to stderr. ``bar`` draws one a transfer, ``plain`` writes a line now and then,
``json`` tells every event as a document a line (docs/progress.md), ``none`` shows notices alone;
``auto`` is a bar on a terminal that can go back over a line, plain elsewhere, and so is ``bar``
where there is no such terminal. ``--quiet`` leaves all of this out but what ``json`` tells.
"""

import os
import sys
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from pipeline.cli.progress.words import size
from pipeline.cli.talk import Talk, is_tty

if TYPE_CHECKING:
    from pipeline.events import Event
    from pipeline.ports import Clock

ProgressWord: TypeAlias = Literal["auto", "bar", "plain", "json", "none"]
"""What ``--progress`` takes."""


class Progress(Protocol):
    """An :class:`~pipeline.events.Observer` for any number of threads, which leaves no trace."""

    def on_event(self, event: "Event") -> None:
        """Show an event, or not."""
        ...

    def close(self) -> None:
        """Take away what is drawn; whoever was interrupted gets a clean terminal back."""
        ...


def make_observer(
    word: ProgressWord, talk: Talk, clock: "Clock", *, verbose: bool = False, debug: bool = False
) -> Progress:
    """Return the observer that ``--progress`` asks for; nothing is drawn yet."""
    # Each way brings its own imports, and none of them what draws bars.
    if word == "json":
        from pipeline.cli.progress.documents import DocumentObserver

        return DocumentObserver(talk)
    from pipeline.cli.progress.notices import NoticeObserver

    notices = NoticeObserver(talk, verbose=verbose, debug=debug)
    if word == "none" or talk.quiet:
        return notices
    if word != "plain" and can_draw():
        from pipeline.cli.progress.bars import BarObserver

        return BarObserver(talk, clock, notices)
    from pipeline.cli.progress.lines import LineObserver

    return LineObserver(talk, clock, notices)


def can_draw() -> bool:
    """Tell whether stderr is a terminal that can go back over a line; a dumb one cannot."""
    return is_tty(sys.stderr) and os.environ.get("TERM", "") not in _DUMB


_DUMB = frozenset({"", "dumb", "unknown"})

__all__ = ["Progress", "ProgressWord", "can_draw", "make_observer", "size"]
