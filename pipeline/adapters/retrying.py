"""Asking again what failed for a passing reason: a :class:`~pipeline.ports.Transport`, wrapped.

    Request, Sink -> Result[Response, TransportError | StoreError]

What the sink holds stays between attempts, so a transport that can resume goes on where it was,
and as long as that gains bytes there is no end to it but the total deadline. Waits grow
exponentially, with full jitter (a wait is drawn from all up to the longest), so that clients which
a server lost at once do not come back at once. Errors: what the transport fails with; of several
attempts RetriesExhausted.

Sources: RFC 9110 sections 10.2.3 (Retry-After) and 15 (statuses), RFC 6585 section 4 (429), RFC
8470 section 5.2 (425).

Not here: what may be asked again. GET and HEAD are safe (RFC 9110 section 9.2.1), and a POST here
asks for a token: where two were given for one question, the first is forgotten.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result
from tenacity import RetryCallState, Retrying, retry_if_result, wait_exponential

from pipeline.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    HttpStatus,
    RetriesExhausted,
    StoreError,
    TransferTooSlow,
    TransportError,
    TruncatedBody,
)
from pipeline.events import SILENCE, Observer, TransferRetried, tell
from pipeline.limits import RETRIES, RETRY_LONGEST_SECONDS, RETRY_SECONDS
from pipeline.ports import Clock, Request, Response, Sink, Transport
from pipeline.text import redact_url

_Outcome: TypeAlias = Result[Response, TransportError | StoreError]

_PASSING: Final = frozenset({408, 425, 429})
"""Refusals that say themselves that a later request may pass."""

_LASTING: Final = frozenset({501, 505, 511})
"""Those of a server's failures that no later request meets differently: a method and a version
that are not supported, and a network that wants its user to sign in."""

_BACK_OFF: Final = wait_exponential(multiplier=RETRY_SECONDS, max=RETRY_LONGEST_SECONDS)


def is_passing(error: TransportError | StoreError) -> bool:
    """Tell whether the same request, sent later, may well succeed.

    Connections that could not be made, broke or stalled; statuses that say so; and every other
    5xx, since one that is not known counts as a 500 (RFC 9110 section 15). Not what TLS found, not
    a 4xx, not an answer that is no HTTP: those are as they are until a person changes something.
    """
    if isinstance(error, HttpStatus):
        return error.status in _PASSING or (
            500 <= error.status <= 599 and error.status not in _LASTING
        )
    if isinstance(error, DeadlineExceeded):
        return error.which != "total"
    return isinstance(error, ConnectionFailed | TruncatedBody | TransferTooSlow)


@final
class RetryingTransport:
    """Sends a request again, up to ``retries`` times in a row without a byte gained.

    A request's ``total_seconds`` cover all attempts and the waits between. ``Retry-After`` is
    heeded; where it asks for more than :data:`~pipeline.limits.RETRY_LONGEST_SECONDS`, or than is
    left, there is no further attempt. A host that gave no answer, however often it was asked, is
    asked once for each request from then on: a run with several places goes on to the next.
    ``jitter`` gives numbers from 0 to 1.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        observer: Observer = SILENCE,
        *,
        retries: int = RETRIES,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Wrap ``transport``; 0 retries make no difference to it."""
        self._transport = transport
        self._clock = clock
        self._observer = observer
        self._retries = retries
        self._jitter = jitter
        self._dead: set[str] = set()

    def fetch(self, request: Request, sink: Sink) -> _Outcome:
        """Ask for ``request.url`` as the transport does, again and again where that may help.

        Errors: what the transport fails with, where there was one attempt; RetriesExhausted with
        the causes of those since the last progress, where there were several.
        """
        host = _host_of(request.url)
        attempts = _Attempts(
            self._transport,
            self._clock,
            self._observer,
            0 if host in self._dead else self._retries,
            self._jitter,
            request,
            sink,
            ends_at=self._clock.monotonic() + request.total_seconds,
        )
        outcome = attempts.run()
        if attempts.met_nobody:
            self._dead.add(host)
        else:
            self._dead.discard(host)
        return outcome


@final
@dataclass(slots=True)
class _Attempts:
    """The attempts at one request; what tenacity asks and tells goes through its methods."""

    transport: Transport
    clock: Clock
    observer: Observer
    retries: int
    jitter: Callable[[], float]
    request: Request
    sink: Sink
    ends_at: float
    furthest: int = 0
    made: int = 0
    causes: list[TransportError] = field(default_factory=list)

    def run(self) -> _Outcome:
        retrying = Retrying(
            sleep=self.clock.sleep,
            retry=retry_if_result(_is_worth_another),
            after=self._forget_after_progress,
            wait=self._wait,
            stop=self._is_over,
            before_sleep=self._tell,
            retry_error_callback=self._give_up,
        )
        outcome = retrying(self._attempt)
        if is_successful(outcome) or isinstance(outcome.failure(), StoreError):
            return outcome
        if len(self.causes) == 1:
            return Failure(self.causes[0])
        return Failure(RetriesExhausted(self.request.url, tuple(self.causes)))

    @property
    def met_nobody(self) -> bool:
        """Whether no attempt came as far as an answer."""
        return len(self.causes) > 0 and all(
            isinstance(cause, ConnectionFailed)
            or (isinstance(cause, DeadlineExceeded) and cause.which == "connect")
            for cause in self.causes
        )

    def _attempt(self) -> _Outcome:
        self.made += 1
        left = self.ends_at - self.clock.monotonic()
        request = replace(self.request, total_seconds=left, attempt=self.made)
        outcome = self.transport.fetch(request, self.sink)
        if is_successful(outcome):
            return outcome
        error = outcome.failure()
        if isinstance(error, DeadlineExceeded) and error.which == "total":
            # What was left for this attempt is not what anybody set.
            error = replace(error, seconds=self.request.total_seconds)
        if isinstance(error, TransportError):
            self.causes.append(error)
        return outcome

    def _forget_after_progress(self, state: RetryCallState) -> None:
        """Begin to count anew where bytes were gained, beyond all that these attempts had held.

        A server that starts over each time gains nothing by it.
        """
        held = _held(self.sink)
        if held > self.furthest:
            self.furthest = held
            state.attempt_number = 1
            del self.causes[:-1]

    def _wait(self, state: RetryCallState) -> float:
        cause = self.causes[-1]
        asked = cause.retry_after_seconds if isinstance(cause, HttpStatus) else None
        return max(_BACK_OFF(state) * self.jitter(), asked or 0.0)

    def _is_over(self, state: RetryCallState) -> bool:
        left = self.ends_at - self.clock.monotonic()
        return state.attempt_number > self.retries or state.upcoming_sleep > min(
            left, RETRY_LONGEST_SECONDS
        )

    def _tell(self, state: RetryCallState) -> None:
        url, reason = redact_url(self.request.url), self.causes[-1].message
        tell(self.observer, TransferRetried(url, self.made, reason, state.upcoming_sleep))

    def _give_up(self, state: RetryCallState) -> _Outcome:  # noqa: ARG002 - the causes say it
        return Failure(self.causes[-1])


def _host_of(url: str) -> str:
    """Return a URL's scheme, host and port, as it spells them."""
    return "/".join(url.split("/", 3)[:3]).lower()


def _is_worth_another(outcome: _Outcome) -> bool:
    return not is_successful(outcome) and is_passing(outcome.failure())


def _held(sink: Sink) -> int:
    point = sink.resume_point()
    return 0 if point is None else point.offset
