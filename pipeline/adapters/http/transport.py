"""Requests over HTTP/1.1 as a :class:`~pipeline.ports.Transport`.

    Request, Sink -> Result[Response, TransportError | StoreError]

Sources: RFC 9110 sections 8.8, 13.1 (conditional requests) and 15.4 (redirects); RFC 9112 section
6 (where a body ends); RFC 9111 (freshness).

Not here: credentials, none of which exist in this version; proxies, also those that the
environment names; HTTP/2, which is slower for one large body; decoding of content codings, since
a signature is over the bytes that the publisher signed. A body that ends with its connection,
without a length, cannot be told from a truncated one: its digest or signature has to.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, final

import httpcore
import httpx
import truststore
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.http.caching import parse_max_age
from pipeline.adapters.http.failures import FOREIGN, transport_error
from pipeline.adapters.http.network import Network, Stream
from pipeline.adapters.http.pool import PoolTransport
from pipeline.adapters.http.settings import HttpSettings
from pipeline.adapters.http.urls import Target, join_target, parse_target
from pipeline.errors import (
    BodyTooLarge,
    HttpStatus,
    InsecureUrl,
    StoreError,
    TlsFailed,
    TooManyRedirects,
    TransportError,
    TruncatedBody,
)
from pipeline.limits import (
    CONNECT_SECONDS,
    ERROR_BODY_BYTES,
    ERROR_BODY_SECONDS,
    REDIRECTS,
)
from pipeline.ports import (
    SILENCE,
    Clock,
    Noticed,
    Observer,
    Request,
    Response,
    Sink,
    TransferProgressed,
)
from pipeline.results import Freshness, Validators
from pipeline.text import redact_url

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SECONDS_BETWEEN_EVENTS: Final = 0.1
_VALIDATOR_CHARACTERS: Final = 1024


@final
@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str


@final
@dataclass(slots=True)
class _Transfer:
    """How far a body has come: what an error, and the observer, want to know."""

    url: str
    announced: int | None = None
    received: int = 0
    ended_early: bool = False
    told_at: float = 0.0


@final
class HttpTransport:
    """Asks over HTTP, and keeps connections for the next request to the same host.

    A context manager; leaving it closes every connection. Several threads may fetch at once.
    """

    def __init__(self, settings: HttpSettings, clock: Clock, observer: Observer = SILENCE) -> None:
        """Keep what is set; nothing is opened or read before the first request."""
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._network = Network(settings.connect_to, clock)
        self._lock = threading.Lock()
        self._connections: PoolTransport | None = None

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
        with self._lock:
            connections, self._connections = self._connections, None
        if connections is not None:
            connections.close()

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """GET ``request.url``, redirects included; a 200's body goes into ``sink`` whole.

        Errors: any TransportError but FileUnreadable; what the sink fails with.
        """
        with self._network.deadline(request.total_seconds):
            return self._follow(request, sink)

    def _follow(
        self, request: Request, sink: Sink
    ) -> Result[Response, TransportError | StoreError]:
        url, came_from = request.url, None
        for _ in range(REDIRECTS + 1):
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
            if target.scheme == "http" and not self._settings.allow_http:
                return Failure(InsecureUrl(url))
            outcome = self._ask(target, request, sink)
            if not is_successful(outcome):
                return Failure(outcome.failure())
            answer = outcome.unwrap()
            if isinstance(answer, Response):
                return Success(answer)
            # 4. The new URL passes the same checks; no more than so many in a row.
            joined = join_target(target, answer.location)
            if not is_successful(joined):
                return Failure(joined.failure())
            url, came_from = joined.unwrap(), target
        return Failure(TooManyRedirects(request.url, REDIRECTS))

    def _ask(
        self, target: Target, request: Request, sink: Sink, *, may_retry: bool = True
    ) -> Result[Response | _Redirect, TransportError | StoreError]:
        """Send one request, and read its answer to the end."""
        connections = self._pooled()
        if not is_successful(connections):
            return Failure(TlsFailed(target.url, connections.failure()))
        transfer = _Transfer(target.url)
        try:
            response = connections.unwrap().handle_request(self._question(target, request))
            with closing(response):
                return self._answer(response, transfer, request, sink)
        except FOREIGN as error:
            stale = self._network.met_stale_connection()
            if may_retry and stale and not isinstance(error, httpcore.TimeoutException):
                # The server closed a kept connection just before the request came, and has not
                # acted on it: asking again is right (RFC 9112 section 9.3.1), once.
                return self._ask(target, request, sink, may_retry=False)
            if transfer.ended_early:
                return Failure(TruncatedBody(target.url, transfer.received, transfer.announced))
            out_of_time = self._network.remaining(None) <= 0
            return Failure(transport_error(error, target.url, request, out_of_time=out_of_time))

    def _answer(
        self, response: httpx.Response, transfer: _Transfer, request: Request, sink: Sink
    ) -> Result[Response | _Redirect, TransportError | StoreError]:
        status = response.status_code
        length = response.headers.get("content-length", "")
        # httpcore's parser has refused a length that is not a number.
        transfer.announced = int(length) if length else None
        if status == 200:
            received = self._receive(response, transfer, request, sink)
            if not is_successful(received):
                return Failure(received.failure())
        else:
            self._drain(response, transfer)
        _close_unless_clean(response, transfer)
        if status in _REDIRECTS and (location := response.headers.get("location", "")):
            return Success(_Redirect(location))
        asked = request.validators
        if status not in {200, 202} and (status != 304 or asked == Validators()):
            return Failure(HttpStatus(transfer.url, status))
        size = transfer.received if status == 200 else 0
        known = asked if status == 304 else Validators()
        return Success(
            Response(
                transfer.url,
                status,
                size,
                Validators(
                    _validator(response, "etag") or known.etag,
                    _validator(response, "last-modified") or known.last_modified,
                ),
                Freshness(
                    self._clock.now(),
                    parse_max_age(
                        response.headers.get("cache-control", ""), response.headers.get("age", "")
                    ),
                ),
            )
        )

    def _receive(
        self, response: httpx.Response, transfer: _Transfer, request: Request, sink: Sink
    ) -> Result[None, TransportError | StoreError]:
        """Move the body into the sink, never more than the limit."""
        announced = transfer.announced
        if announced is not None and announced > request.max_bytes:
            return Failure(BodyTooLarge(transfer.url, request.max_bytes, announced))
        transfer.told_at = self._clock.monotonic()
        for chunk in _chunks(response, transfer):
            transfer.received += len(chunk)
            if transfer.received > request.max_bytes:
                return Failure(BodyTooLarge(transfer.url, request.max_bytes))
            written = sink.write(chunk)
            if not is_successful(written):
                return Failure(written.failure())
            if self._clock.monotonic() - transfer.told_at >= _SECONDS_BETWEEN_EVENTS:
                self._tell(request, transfer)
        self._tell(request, transfer)
        return Success(None)

    def _drain(self, response: httpx.Response, transfer: _Transfer) -> None:
        """Read a body that nobody wants, if it is short, so that the connection can go on."""
        if (transfer.announced or 0) > ERROR_BODY_BYTES:
            return
        try:
            with self._network.deadline(ERROR_BODY_SECONDS):
                for chunk in response.iter_raw():
                    transfer.received += len(chunk)
                    if transfer.received > ERROR_BODY_BYTES:
                        return
        except FOREIGN:
            # The status has said all that counts; the connection is closed with the response.
            return

    def _tell(self, request: Request, transfer: _Transfer) -> None:
        transfer.told_at = self._clock.monotonic()
        self._observer.on_event(
            TransferProgressed(redact_url(request.url), transfer.received, transfer.announced)
        )

    def _question(self, target: Target, request: Request) -> httpx.Request:
        fields = {
            "Host": target.authority,
            "User-Agent": self._settings.user_agent,
            "Accept": request.accept,
            "Accept-Encoding": "identity",
        }
        # Where both are known the ETag alone counts, being the more exact (RFC 9110 13.1.3).
        if request.validators.etag is not None:
            fields["If-None-Match"] = request.validators.etag
        elif request.validators.last_modified is not None:
            fields["If-Modified-Since"] = request.validators.last_modified
        url = httpx.URL(
            scheme=target.scheme,
            host=target.host,
            port=target.port,
            raw_path=target.path_and_query.encode("ascii"),
        )
        timeout = httpx.Timeout(request.idle_seconds, connect=CONNECT_SECONDS)
        headers = httpx.Headers(fields, encoding="latin-1")
        extensions = {"timeout": timeout.as_dict()}
        return httpx.Request("GET", url, headers=headers, extensions=extensions)

    def _pooled(self) -> Result[PoolTransport, str]:
        with self._lock:
            if self._connections is not None:
                return Success(self._connections)
            context = _ssl_context(self._settings)
            if not is_successful(context):
                return Failure(context.failure())
            self._connections = PoolTransport(self._network, context.unwrap())
        if not self._settings.verify_tls:
            self._observer.on_event(
                Noticed("tls-not-verified", "servers' certificates are not checked")
            )
        return Success(self._connections)


def _ssl_context(settings: HttpSettings) -> Result[ssl.SSLContext, str]:
    """Trust the system's certificate authorities and those of the CA file; TLS 1.2 or later."""
    context: ssl.SSLContext
    if settings.verify_tls:
        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(cafile=settings.ca_file)
        except OSError as error:
            reason = error.strerror or "it holds no certificate in PEM form"
            return Failure(f"cannot use the CA file {settings.ca_file}: {reason}")
    return Success(context)


def _validator(response: httpx.Response, name: str) -> str | None:
    value = response.headers.get(name, "")
    return value if 0 < len(value) <= _VALIDATOR_CHARACTERS else None


def _stream(response: httpx.Response) -> Stream | None:
    stream = response.extensions.get("network_stream")
    return stream if isinstance(stream, Stream) else None


def _chunks(response: httpx.Response, transfer: _Transfer) -> Iterator[bytes]:
    """Yield the body, and note where the connection ended before it did."""
    try:
        yield from response.iter_raw()
    except httpcore.ReadError as error:
        transfer.ended_early = not any(isinstance(arg, ssl.SSLError) for arg in error.args)
        raise
    except httpcore.RemoteProtocolError:
        stream = _stream(response)
        transfer.ended_early = stream is not None and stream.ended
        raise


def _close_unless_clean(response: httpx.Response, transfer: _Transfer) -> None:
    """Let the connection be used again only where nothing follows the answer on it."""
    chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
    stream = _stream(response)
    if stream is not None and not stream.is_between_answers(transfer.received, chunked=chunked):
        stream.close()
