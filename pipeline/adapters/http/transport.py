"""Requests over HTTP/1.1 as a :class:`~pipeline.ports.Transport`.

    Request, Sink -> Result[Response, TransportError | StoreError]

Sources: RFC 9110 sections 8.8, 13.1 (conditional requests), 14 (ranges) and 15.4 (redirects); RFC
9112 section 6 (where a body ends); RFC 9111 (freshness).

Here is decided who is asked, what for, and what an answer means. :mod:`.questions` writes the
request, :mod:`.answers` reads the answer's head, :mod:`.ranges` says which parts are taken,
:mod:`.bodies` moves them into the sink.

Not here: asking again after a failure; HTTP/2, which is slower for one large body; decoding of
content codings, since a signature is over the bytes that the publisher signed. A body that ends
with its connection, without a length, cannot be told from a truncated one: its digest or signature
has to.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, final

import httpcore
import httpx
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.http.answers import (
    body_start,
    challenges_of,
    is_about_range,
    told_fields,
    validators_of,
)
from pipeline.adapters.http.bodies import (
    Transfer,
    announced,
    close_unless_clean,
    raw_chunks,
    receive,
)
from pipeline.adapters.http.caching import parse_max_age
from pipeline.adapters.http.dates import parse_http_date, parse_retry_after
from pipeline.adapters.http.failures import FOREIGN, transport_error
from pipeline.adapters.http.network import Network
from pipeline.adapters.http.pool import Connections
from pipeline.adapters.http.questions import build_question
from pipeline.adapters.http.ranges import can_resume
from pipeline.adapters.http.rates import RateLimit
from pipeline.adapters.http.settings import HttpSettings
from pipeline.adapters.http.telling import telling
from pipeline.adapters.http.urls import Target, join_target, parse_target
from pipeline.addresses import AddressScope
from pipeline.errors import (
    BadAnswer,
    HttpStatus,
    InsecureUrl,
    StoreError,
    TooManyRedirects,
    TransportError,
    TruncatedBody,
)
from pipeline.events import SILENCE, Noticed, Observer, tell
from pipeline.limits import ERROR_BODY_BYTES, ERROR_BODY_SECONDS, REDIRECTS
from pipeline.ports import (
    NO_CREDENTIALS,
    Clock,
    Credentials,
    Request,
    Response,
    ResumePoint,
    Sink,
)
from pipeline.results import Freshness, Validators
from pipeline.secret import Secret
from pipeline.url_paths import is_below

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@final
@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str


@final
@dataclass(frozen=True, slots=True)
class _Hop:
    """One request after so many redirects; ``proof`` are the fields that say who asks."""

    target: Target
    request: Request
    proof: tuple[tuple[str, Secret], ...]
    redirects: int


@final
@dataclass(frozen=True, slots=True)
class _Stale:
    """A kept connection was closed just before the request came; ``error`` is what that is."""

    error: TransportError

    @property
    def kind(self) -> str:
        """What programs know the error by."""
        return self.error.kind


@final
class HttpTransport:
    """Asks over HTTP, and keeps connections for the next request to the same host.

    A context manager; leaving it closes every connection. Several threads may fetch at once.
    """

    def __init__(
        self,
        settings: HttpSettings,
        clock: Clock,
        observer: Observer = SILENCE,
        credentials: Credentials = NO_CREDENTIALS,
    ) -> None:
        """Keep what is set; nothing is opened or read before the first request."""
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._credentials = credentials
        self._network = Network(settings.connect_to, clock, public_only=settings.public_only)
        self._connections = Connections(settings, self._network)
        self._limit = RateLimit(settings.limit_rate) if settings.limit_rate else None
        self._warnings: set[str] = set()
        self._warning = threading.Lock()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self._connections.close()

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Ask for ``request.url``, redirects included; a body goes into ``sink`` whole.

        What the sink holds already is not asked for again, where the server proves that the rest
        belongs to it.

        Errors: any TransportError but FileUnreadable and RetriesExhausted; what the sink fails
        with.
        """
        with self._network.deadline(request.total_seconds):
            return self._follow(request, sink)

    def _follow(
        self, request: Request, sink: Sink
    ) -> Result[Response, TransportError | StoreError]:
        url, came_from = request.url, None
        origin, has_left = None, False
        innermost = request.named_by
        for redirects in range(REDIRECTS + 1):
            # 1. The URL is http or https, names a host, and carries no user name or password:
            #    what a redirect would have us send is not ours to send.
            parsed = parse_target(url)
            if not is_successful(parsed):
                return Failure(parsed.failure())
            target = parsed.unwrap()
            # 2. Never from https to http, whatever is allowed (CVE-2014-5277).
            if target.scheme == "http" and came_from is not None and came_from.scheme == "https":
                return Failure(InsecureUrl(url, came_from.url))
            # 3. Plain http only where somebody allowed it.
            if target.scheme == "http" and not self._settings.allows_plain(
                target.host, target.port
            ):
                return Failure(InsecureUrl(url))
            # 4. Whatever says who asks goes to the first origin alone, and there below one path; a
            #    chain that left it has lost it, also where it comes back: another has named that
            #    URL.
            origin = target.origin if came_from is None else origin
            path = target.path_and_query.partition("?")[0]
            is_own = target.origin == origin and is_below(path, request.headers_below)
            has_left = has_left or not is_own
            proof = () if has_left else self._proof_for(target, request)
            # 5. A URL that a server named leads no further inward than that server is.
            with self._network.no_further_in_than(innermost):
                outcome = self._ask(_Hop(target, request, proof, redirects), sink)
            if not is_successful(outcome):
                return Failure(outcome.failure())
            answer = outcome.unwrap()
            if isinstance(answer, Response):
                return Success(answer)
            # 6. The new URL passes the same checks; no more than so many in a row.
            joined = join_target(target, answer.location)
            if not is_successful(joined):
                return Failure(joined.failure())
            url, came_from = joined.unwrap(), target
            peer = self._network.peer_scope()
            # Where nobody can tell where a server is, what it names has to be public.
            peer = AddressScope.PUBLIC if peer is None else peer
            innermost = peer if innermost is None else max(innermost, peer)
        return Failure(TooManyRedirects(request.url, REDIRECTS))

    def _proof_for(self, target: Target, request: Request) -> tuple[tuple[str, Secret], ...]:
        """Return the header fields that are meant for the origin of the request."""
        # Over https alone, but for what is given to anybody.
        if target.scheme != "https":
            return request.plain_headers
        own = request.headers + request.plain_headers
        if request.is_anonymous or any(name.lower() == "authorization" for name, _ in own):
            return own
        return own + self._credentials.headers_for(target.url, self._clock.now())

    def _ask(
        self, hop: _Hop, sink: Sink
    ) -> Result[Response | _Redirect, TransportError | StoreError]:
        """Ask for the rest of what the sink holds; or for the whole, where that cannot be had."""
        point = sink.resume_point()
        if not can_resume(hop.request, point):
            return self._exchange(hop, sink, None)
        outcome = self._exchange(hop, sink, point)
        # What a server makes of a range is its own; without one it is asked once more.
        if not is_successful(outcome) and is_about_range(outcome.failure()):
            return self._exchange(hop, sink, None)
        return outcome

    def _exchange(
        self, hop: _Hop, sink: Sink, point: ResumePoint | None
    ) -> Result[Response | _Redirect, TransportError | StoreError]:
        """Send one request, and read its answer to the end."""
        outcome = self._told(hop, sink, point)
        if not is_successful(outcome) and isinstance(outcome.failure(), _Stale):
            # The server has not acted on it: asking again is right (RFC 9112 section 9.3.1), once.
            outcome = self._told(hop, sink, point)
        if is_successful(outcome):
            return Success(outcome.unwrap())
        error = outcome.failure()
        return Failure(error.error if isinstance(error, _Stale) else error)

    def _told(
        self, hop: _Hop, sink: Sink, point: ResumePoint | None
    ) -> Result[Response | _Redirect, TransportError | StoreError | _Stale]:
        """Send one request, and tell of it."""
        transfer = Transfer(hop.target.url)
        resumed_at = 0 if point is None else point.offset
        how = (self._observer, self._clock, hop.target, hop.request, transfer)
        with telling(*how, redirects=hop.redirects, resumed_at=resumed_at) as note:
            outcome = self._send(hop, transfer, sink, point)
            if is_successful(outcome):
                answer = outcome.unwrap()
                note(None, answer.location if isinstance(answer, _Redirect) else None)
            else:
                note(outcome.failure().kind, None)
        return outcome

    def _send(
        self, hop: _Hop, transfer: Transfer, sink: Sink, point: ResumePoint | None
    ) -> Result[Response | _Redirect, TransportError | StoreError | _Stale]:
        self._warn_about(hop.target)
        connections = self._connections.pool_for(hop.target)
        if not is_successful(connections):
            return Failure(connections.failure())
        agent = self._settings.user_agent
        try:
            question = build_question(hop.target, hop.request, point, agent, hop.proof)
            if not is_successful(question):
                return Failure(question.failure())
            response = connections.unwrap().handle_request(question.unwrap())
            with closing(response):
                answer = self._answer(response, transfer, hop.request, sink, point)
                return (
                    Success(answer.unwrap()) if is_successful(answer) else Failure(answer.failure())
                )
        except FOREIGN as foreign:
            error = self._error(foreign, transfer, hop.request)
            if self._network.met_stale_connection() and not isinstance(
                foreign, httpcore.TimeoutException
            ):
                return Failure(_Stale(error))
            return Failure(error)

    def _error(self, foreign: Exception, transfer: Transfer, request: Request) -> TransportError:
        if transfer.ended_early:
            return TruncatedBody(transfer.url, transfer.held, transfer.total)
        return transport_error(
            foreign,
            transfer.url,
            request,
            out_of_time=self._network.remaining(None) <= 0,
            ended=self._network.met_end(),
        )

    def _answer(
        self,
        response: httpx.Response,
        transfer: Transfer,
        request: Request,
        sink: Sink,
        point: ResumePoint | None,
    ) -> Result[Response | _Redirect, TransportError | StoreError]:
        transfer.status = status = response.status_code
        fields = told_fields(response, transfer.url)
        if not is_successful(fields):
            return Failure(fields.failure())
        if status in {200, 206} and request.method != "HEAD":
            start = body_start(response, transfer.url, point)
            if not is_successful(start):
                return Failure(start.failure())
            received = receive(
                response, start.unwrap(), transfer, request, sink, self._clock, self._paced
            )
            if not is_successful(received):
                return Failure(received.failure())
        else:
            self._drain(response, transfer, request)
        close_unless_clean(response, transfer)
        if status in _REDIRECTS and (location := response.headers.get("location", "")):
            if request.method == "POST":
                return Failure(BadAnswer(transfer.url, "a redirect of what is sent to it alone"))
            return Success(_Redirect(location))
        asked = request.validators
        wanted = {200, 202} if request.method == "HEAD" else {200, 202, 206}
        if status not in wanted and (status != 304 or asked == Validators()):
            return Failure(
                HttpStatus(
                    transfer.url,
                    status,
                    retry_after_seconds=self._retry_after(response),
                    untrusted_challenges=challenges_of(response),
                    peer=self._network.peer_scope(),
                )
            )
        # What a part or a 304 does not repeat stands as it was.
        known = asked if status == 304 else Validators()
        if status == 206 and point is not None:
            known = point.validators
        return Success(
            Response(
                transfer.url,
                200 if status == 206 else status,
                transfer.held if status in {200, 206} else 0,
                validators_of(response, known),
                Freshness(
                    self._clock.now(),
                    parse_max_age(
                        response.headers.get("cache-control", ""), response.headers.get("age", "")
                    ),
                ),
                self._network.peer_scope(),
                fields.unwrap(),
            )
        )

    def _drain(self, response: httpx.Response, transfer: Transfer, request: Request) -> None:
        """Read a body that nobody wants, if it is short, so that the connection can go on."""
        # What a HEAD is told about a length is about another answer.
        if request.method != "HEAD" and (announced(response) or 0) > ERROR_BODY_BYTES:
            return
        try:
            with self._network.deadline(ERROR_BODY_SECONDS):
                for chunk in raw_chunks(response):
                    transfer.received += len(chunk)
                    if transfer.received > ERROR_BODY_BYTES:
                        return
        except FOREIGN:
            # The status has said all that counts; the connection is closed with the response.
            return

    def _paced(self, chunk: bytes) -> Iterable[bytes]:
        return (chunk,) if self._limit is None else self._slowed(chunk, self._limit)

    def _slowed(self, chunk: bytes, limit: RateLimit) -> Iterator[bytes]:
        """Yield a chunk no faster than the limit; what is not read yet waits at the server."""
        for piece in limit.pieces(chunk):
            seconds = limit.wait_for(len(piece), self._clock.monotonic())
            self._clock.sleep(min(seconds, self._network.remaining(None)))
            yield piece

    def _retry_after(self, response: httpx.Response) -> float | None:
        answered_at = parse_http_date(response.headers.get("date", "")) or self._clock.now()
        return parse_retry_after(response.headers.get("retry-after", ""), answered_at)

    def _warn_about(self, target: Target) -> None:
        """Say once that certificates are not checked, or whose is not."""
        message = "servers' certificates are not checked"
        if self._settings.verify_tls:
            if target.scheme != "https" or self._settings.verifies(target.host, target.port):
                return
            message = f"the certificate of {target.host}:{target.port} is not checked"
        with self._warning:
            is_new = message not in self._warnings
            self._warnings.add(message)
        if is_new:
            tell(self._observer, Noticed("tls-not-verified", message))
