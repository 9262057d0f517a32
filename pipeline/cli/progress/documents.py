"""Events for programs: each one, as it comes, as a JSON document a line (docs/progress.md)."""

from typing import final

from pipeline.cli.talk import Talk
from pipeline.events import Event


@final
class DocumentObserver:
    """Tells every event; what a person should know of them is for the program to say."""

    def __init__(self, talk: Talk) -> None:
        """Speak through ``talk``."""
        self._talk = talk

    def on_event(self, event: Event) -> None:
        """Write it down."""
        self._talk.tell(event)

    def close(self) -> None:
        """Do nothing: nothing was drawn."""
