"""httpx above connections of our own: ``httpx.Request -> httpx.Response``.

httpx' own transport makes its connection pool itself, and a pool's network cannot be exchanged.
This one has a pool over a network that is given. It is used without a client above it: redirects
are decided in :mod:`.transport`, no cookie is kept, and no URL is logged. What httpcore raises
passes through, to be mapped in :mod:`.failures`.
"""

import ssl
from collections.abc import Iterator
from typing import final

import httpcore
import httpx

from pipeline.adapters.http.network import Network
from pipeline.limits import KEEPALIVE_SECONDS


@final
class _Body(httpx.SyncByteStream):
    """A body in the chunks that the network gives."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


@final
class PoolTransport(httpx.BaseTransport):
    """An httpx transport over a pool of connections."""

    def __init__(self, network: Network, context: ssl.SSLContext) -> None:
        """Keep no more than the means; the first request opens a connection."""
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=None,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=network,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request without a body; the answer's body is read by whoever asked."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        response = self._pool.handle_request(
            httpcore.Request(
                request.method, url, headers=request.headers.raw, extensions=request.extensions
            )
        )
        return httpx.Response(
            response.status,
            # Field values are bytes; read so, each has exactly one form and can be sent back.
            headers=httpx.Headers(response.headers, encoding="latin-1"),
            stream=_Body(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
