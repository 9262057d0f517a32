"""What is said of a run whatever becomes of its transfers: notices, and stages if asked for."""

from typing import Final, final

from pipeline.cli.progress.words import size
from pipeline.cli.talk import Talk
from pipeline.events import (
    CacheHit,
    Committed,
    Event,
    Judged,
    Noticed,
    RequestEnded,
    StageEnded,
    StageStarted,
)
from pipeline.text import printable

_HITS: Final = {
    "store": "using image from the store for {}",
    "fresh": "image for {} isn't expired, not fetching",
    "unchanged": "image for {} has not changed, not fetching",
    "blob": "using {} from the store",
}


@final
class NoticeObserver:
    """Says notices; with ``verbose`` when a stage ends, with ``debug`` everything but transfers."""

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
            case CacheHit() if event.kind != "blob" or self._verbose:
                self._talk.say(_HITS[event.kind].format(event.subject))
            case StageStarted() if self._debug:
                self._talk.say(f"{event.stage}: {printable(event.subject)}")
            case StageEnded() if self._verbose:
                outcome = event.error_kind or "done"
                self._talk.say(f"{event.stage}: {outcome} in {event.seconds:.3f} s")
            case RequestEnded() if self._debug:
                self._talk.say(answered(event))
            case Judged() if self._debug:
                self._talk.say(judged(event))
            case Committed() if self._debug:
                self._talk.say(f"committed: {event.name}, {event.image_id}, {event.outcome}")
            case _:
                pass

    def close(self) -> None:
        """Do nothing: nothing was drawn."""


def answered(event: RequestEnded) -> str:
    """Say what was asked, and what came of it."""
    status = "no answer" if event.status is None else str(event.status)
    facts = [status, size(event.received), f"{event.seconds:.3f} s"]
    facts += [] if event.error_kind is None else [event.error_kind]
    facts += [] if event.redirected_to is None else [f"to {event.redirected_to}"]
    return f"{event.method} {event.url}: {', '.join(facts)}"


def judged(event: Judged) -> str:
    """Say how it was decided on an image."""
    if event.error_kind is not None:
        return f"judged: {event.subject}: {event.error_kind}"
    by = ", ".join(event.signers) or "nobody"
    return f"judged: {event.subject}: {event.policy} demands {event.requirement}, signed by {by}"
