"""What happens while images are fetched, told to whoever watches. No event holds a secret."""

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, final


@final
@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage begins on a value, described in one word or URL without secrets."""

    stage: str
    subject: str


@final
@dataclass(frozen=True, slots=True)
class StageEnded:
    """A stage is done after ``seconds``; ``error_kind`` is None where it succeeded."""

    stage: str
    subject: str
    seconds: float
    error_kind: str | None


@final
@dataclass(frozen=True, slots=True)
class TransferStarted:
    """An image's body begins to come in, of which ``resumed_at`` bytes were held already.

    ``url`` is without secrets, as in all events; ``total`` is None where the server did not say.
    After a retry it starts again.
    """

    url: str
    resumed_at: int
    total: int | None


@final
@dataclass(frozen=True, slots=True)
class TransferProgressed:
    """Bytes of an image that are held so far, those that were held before included."""

    url: str
    received: int
    total: int | None


@final
@dataclass(frozen=True, slots=True)
class TransferRetried:
    """A request is sent again in ``wait_seconds``, as its ``attempt``-th one failed."""

    url: str
    attempt: int
    reason: str
    wait_seconds: float


@final
@dataclass(frozen=True, slots=True)
class TransferFinished:
    """An image's body is whole: ``size`` bytes, of which ``received`` came in by this run."""

    url: str
    size: int
    received: int
    seconds: float


@final
@dataclass(frozen=True, slots=True)
class TransferFailed:
    """An image's body does not come in whole, whatever was tried; another place may be next."""

    url: str
    error_kind: str


@final
@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that a person should know, in one sentence without secrets."""

    kind: str
    message: str


Event: TypeAlias = (
    StageStarted
    | StageEnded
    | TransferStarted
    | TransferProgressed
    | TransferRetried
    | TransferFinished
    | TransferFailed
    | Noticed
)
"""What an observer sees."""


class Observer(Protocol):
    """Who watches. What an observer does changes nothing."""

    def on_event(self, event: Event) -> None:
        """Take note of an event; called from the threads that do the work, several at once."""
        ...


@final
class _Silence:
    """An observer that looks away."""

    def on_event(self, event: Event) -> None:
        """Do nothing."""


SILENCE: Final = _Silence()
"""The observer of those who do not watch."""
