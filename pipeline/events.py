"""What happens while images are fetched, told to whoever watches. No event holds a secret.

    tell(Observer, Event)

There is no other way: progress, what ``--debug`` says, JSON lines, timings and traces are made of
these events. URLs and references are redacted as in errors (:func:`~pipeline.text.redact_url`).

``span`` is the number of the piece of work that an event begins or ends, ``within`` that of the one
around it (:mod:`pipeline.spans`). What begins ends, also where it is interrupted; both are told by
the same thread, in the same context.
"""

import logging
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, final

from pipeline.spans import NOTHING, current_span

ABORTED: Final = "aborted"
"""The error's kind where work was not done to its end: Ctrl-C, a defect, or a sibling's failure."""

_LOG: Final = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage begins on a value, described in one word or URL without secrets.

    ``find`` (a text, with its dependencies) and ``fetch`` (one image) are stages of stages.
    """

    stage: str
    subject: str
    span: int = NOTHING
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class StageEnded:
    """A stage is done after ``seconds``; ``error_kind`` is None where it succeeded.

    Where an image came of it: ``size`` in bytes of all of it, ``image_id`` as the store spells it,
    and ``media_type``; None for what is not known yet.
    """

    stage: str
    subject: str
    seconds: float
    error_kind: str | None
    size: int | None = None
    image_id: str | None = None
    media_type: str | None = None
    span: int = NOTHING
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class RequestStarted:
    """An HTTP request is sent: each attempt, each redirect and each part is one of its own.

    ``host`` and ``port`` are the URL's own, whatever proxy is between. It is the ``attempt``-th,
    from 1, after so many ``redirects`` of this attempt, and asks for what lies beyond
    ``resumed_at`` bytes.
    """

    method: str
    url: str
    host: str
    port: int
    attempt: int
    redirects: int
    resumed_at: int
    span: int = NOTHING
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class RequestEnded:
    """An HTTP request is answered to the end, with ``received`` bytes of a body, or failed.

    ``status`` is None where no answer came; ``redirected_to`` is where the answer leads.
    """

    method: str
    url: str
    status: int | None
    received: int
    seconds: float
    error_kind: str | None
    redirected_to: str | None
    span: int = NOTHING
    within: int = field(default_factory=current_span)


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
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class TransferProgressed:
    """Bytes of an image that are held so far, those that were held before included."""

    url: str
    received: int
    total: int | None
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class TransferRetried:
    """A request is sent again in ``wait_seconds``, as its ``attempt``-th one failed."""

    url: str
    attempt: int
    reason: str
    wait_seconds: float
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class TransferFinished:
    """An image's body is whole: ``size`` bytes, of which ``received`` came in by this run."""

    url: str
    size: int
    received: int
    seconds: float
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class TransferFailed:
    """An image's body does not come in whole, whatever was tried; another place may be next."""

    url: str
    error_kind: str
    seconds: float
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class CacheHit:
    """Something need not be asked for.

    ``store``: the store was asked first, and has it. ``fresh``: the server said how long it stays
    as it is. ``unchanged``: the server says that it is as it was. ``blob``: the store has a part of
    the image.
    """

    kind: Literal["store", "fresh", "unchanged", "blob"]
    subject: str
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class Judged:
    """It was decided whether an image is proven; ``error_kind`` is None where it may pass.

    ``policy`` and ``requirement`` are the rule's (:class:`~pipeline.trust.Decision`), and
    ``signers`` the fingerprints of the keys that count under it; all are empty for what may not.
    """

    subject: str
    error_kind: str | None
    policy: str = ""
    requirement: str = ""
    signers: tuple[str, ...] = ()
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class Committed:
    """The store has an image now, whole; ``outcome`` says whether it had it before."""

    name: str
    image_id: str
    size: int
    outcome: str
    within: int = field(default_factory=current_span)


@final
@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that a person should know, in one sentence without secrets."""

    kind: str
    message: str


Event: TypeAlias = (
    StageStarted
    | StageEnded
    | RequestStarted
    | RequestEnded
    | TransferStarted
    | TransferProgressed
    | TransferRetried
    | TransferFinished
    | TransferFailed
    | CacheHit
    | Judged
    | Committed
    | Noticed
)
"""What an observer sees."""


class Observer(Protocol):
    """Who watches. What an observer does, or raises, changes nothing (:func:`tell`)."""

    def on_event(self, event: Event) -> None:
        """Take note of an event; called from the threads that do the work, several at once."""
        ...


def tell(observer: Observer, event: Event) -> None:
    """Tell an observer. What it raises goes to this module's logger, and changes nothing else.

    Each time: an observer that fails is asked again at the next event.
    """
    try:
        observer.on_event(event)
    except Exception:  # noqa: BLE001 - whatever it is, it is the observer's own, and is logged
        _LOG.exception("an observer failed on %s", type(event).__name__)


@final
class _Silence:
    """An observer that looks away."""

    def on_event(self, event: Event) -> None:
        """Do nothing."""


SILENCE: Final = _Silence()
"""The observer of those who do not watch."""


@final
class Observers:
    """Several observers as one: each is told, in order, whatever the others do."""

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        """Keep whom to tell."""
        self._observers = observers

    def on_event(self, event: Event) -> None:
        """Tell each of them."""
        for observer in self._observers:
            tell(observer, event)
