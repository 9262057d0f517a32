"""httpx above connections of our own: ``httpx.Request -> httpx.Response``, by the right way.

httpx' own transport makes its connection pool itself, and a pool's network cannot be exchanged.
Here are pools over a network that is given, one for each way to a host: straight or through a
proxy, and with the TLS that is set for it. They are used without a client above them: redirects
are decided in :mod:`.transport`, no cookie is kept, and no URL is logged. What httpcore raises
passes through, to be mapped in :mod:`.failures`.

Each kept connection belongs to one way. So a client certificate, or a proxy's credentials, cannot
reach a host that they are not meant for, whatever redirects there are.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ssl import SSLContext
from typing import final

import httpcore
import httpx
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.http.network import Network
from pipeline.adapters.http.proxies import Proxy
from pipeline.adapters.http.refusals import Refusal
from pipeline.adapters.http.settings import HostTls, HttpSettings, rule_for
from pipeline.adapters.http.tls import make_context
from pipeline.adapters.http.tunnels import ProxyHop, Tunnel, check_proxied, proof_for
from pipeline.adapters.http.urls import Target
from pipeline.errors import TlsFailed, TransportError
from pipeline.limits import KEEPALIVE_SECONDS


@final
@dataclass(frozen=True, slots=True)
class _Way:
    """How a host is reached.

    A proxy is asked for a tunnel, or else for the URL itself. Where ``is_secure``, ``host`` says
    what TLS needs beside what it always does, and ``is_verified`` whether certificates are checked.
    """

    proxy: Proxy | None
    is_tunnel: bool
    is_secure: bool
    host: HostTls | None
    is_verified: bool = True


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
class Connections:
    """All connections of one transport. Several threads may use them at once."""

    def __init__(self, settings: HttpSettings, network: Network) -> None:
        """Keep no more than the means; the first request opens a connection."""
        self._settings = settings
        self._network = network
        self._lock = threading.Lock()
        self._pools: dict[_Way, httpcore.ConnectionPool] = {}
        self._contexts: dict[tuple[HostTls | None, bool], SSLContext] = {}

    def pool_for(self, target: Target) -> Result["PoolTransport", TransportError]:
        """Return what requests to ``target`` go through.

        Errors: TlsFailed for a file that cannot be used; PeerRefused for what may not be asked of
        a proxy.
        """
        rule = rule_for(self._settings.connect_to, target.host, target.port)
        proxy = self._settings.proxies.for_target(target.scheme, target.host, target.port)
        if proxy is not None and rule is None:
            try:
                check_proxied(self._network, target.host, proxy)
            except Refusal as refusal:
                return Failure(refusal.error_for(target.url))
        is_secure = target.scheme == "https"
        # Led elsewhere, a tunnel it is for http as well, as curl does: no URL says where.
        is_tunnel = proxy is not None and (is_secure or rule is not None)
        way = _Way(proxy, is_tunnel, is_secure, None)
        if is_secure:
            is_verified = self._settings.verifies(target.host, target.port)
            way = _Way(proxy, is_tunnel, is_secure, self._host_tls(target), is_verified)
        with self._lock:
            pool = self._pools.get(way)
            if pool is None:
                made = self._make(way)
                if not is_successful(made):
                    return Failure(TlsFailed(target.url, made.failure()))
                self._pools[way] = pool = made.unwrap()
        return Success(PoolTransport(pool, None if is_tunnel else proxy))

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _host_tls(self, target: Target) -> HostTls | None:
        place = (target.host, target.port)
        hosts = self._settings.hosts
        return next((each for each in hosts if (each.host.lower(), each.port) == place), None)

    def _make(self, way: _Way) -> Result[httpcore.ConnectionPool, str]:
        """Make a pool; files are read for what is really spoken TLS with."""
        context, proxy_context = None, None
        if way.is_secure:
            made = self._context(way.host, is_verified=way.is_verified)
            if not is_successful(made):
                return Failure(made.failure())
            context = made.unwrap()
        if way.proxy is not None and way.proxy.scheme == "https":
            made = self._context(None, is_verified=True)
            if not is_successful(made):
                return Failure(made.failure())
            proxy_context = made.unwrap()
        backend: httpcore.NetworkBackend = self._network
        if way.proxy is not None and way.is_tunnel:
            backend = Tunnel(self._network, way.proxy, self._settings, proxy_context)
        elif way.proxy is not None:
            backend, context = ProxyHop(self._network), proxy_context
        return Success(
            httpcore.ConnectionPool(
                ssl_context=context,
                max_connections=None,
                keepalive_expiry=KEEPALIVE_SECONDS,
                network_backend=backend,
            )
        )

    def _context(self, host: HostTls | None, *, is_verified: bool) -> Result[SSLContext, str]:
        """Make a context once: the system's authorities take 50 ms to read."""
        known = self._contexts.get((host, is_verified))
        if known is not None:
            return Success(known)
        made = make_context(self._settings, host, is_verified=is_verified)
        if not is_successful(made):
            return Failure(made.failure().message)
        self._contexts[host, is_verified] = made.unwrap()
        return Success(made.unwrap())


@final
class PoolTransport(httpx.BaseTransport):
    """An httpx transport over one pool; ``proxy`` is the one that is asked for URLs, if any."""

    def __init__(self, pool: httpcore.ConnectionPool, proxy: Proxy | None) -> None:
        """Keep both; who made the pool closes it."""
        self._pool = pool
        self._proxy = proxy

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, with a small body or none; the answer's is read by whoever asked."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        headers = request.headers.raw
        if self._proxy is not None:
            # The absolute form, RFC 9112 section 3.2.2.
            authority = request.headers["host"].encode("ascii")
            url = httpcore.URL(
                scheme=self._proxy.scheme,
                host=self._proxy.host,
                port=self._proxy.port,
                target=b"http://" + authority + request.url.raw_path,
            )
            headers = [*headers, *proof_for(self._proxy)]
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                url,
                headers=headers,
                content=request.content,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status,
            # Field values are bytes; read so, each has exactly one form and can be sent back.
            headers=httpx.Headers(response.headers, encoding="latin-1"),
            stream=_Body(response),
            extensions=response.extensions,
        )
