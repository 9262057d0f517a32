"""What is said of a run whatever becomes of its transfers: notices, and stages if asked for."""

from typing import final

from pipeline.cli.talk import Talk
from pipeline.events import Event, Noticed, StageEnded, StageStarted
from pipeline.text import printable


@final
class NoticeObserver:
    """Says notices; with ``verbose`` a line when a stage ends, with ``debug`` one more."""

    def __init__(self, talk: Talk, *, verbose: bool = False, debug: bool = False) -> None:
        """Speak through ``talk``."""
        self._talk = talk
        self._verbose = verbose or debug
        self._debug = debug

    def on_event(self, event: Event) -> None:
        """Say it, where it is one that a person should know."""
        match event:
            case Noticed("tls-not-verified"):
                pass  # the command has warned of it before anything else
            case Noticed("older-signature"):
                self._talk.warn(event.message)
            case Noticed():
                self._talk.say(event.message)
            case StageStarted() if self._debug:
                self._talk.say(f"{event.stage}: {printable(event.subject)}")
            case StageEnded() if self._verbose:
                outcome = event.error_kind or "done"
                self._talk.say(f"{event.stage}: {outcome} in {event.seconds:.3f} s")
            case _:
                pass

    def close(self) -> None:
        """Do nothing: nothing was drawn."""
