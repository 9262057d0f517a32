"""The way through a proxy: who may be asked of one, and the connection that CONNECT opens.

Source: RFC 9110 sections 9.3.6 (CONNECT) and 11.7 (proxy authentication); RFC 9112 section 3.2.3.

What is behind a proxy only the proxy sees. Hosts that are addresses are judged before it hears of
them; names are its to resolve, and refused where only public addresses may be asked.
"""

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from ssl import SSLContext
from typing import final

import httpcore

from pipeline.adapters.http.network import Network
from pipeline.adapters.http.proxies import Proxy
from pipeline.adapters.http.refusals import Refusal
from pipeline.adapters.http.settings import HttpSettings, rule_for
from pipeline.addresses import AddressScope, scope_of
from pipeline.errors import HttpStatus


def check_proxied(network: Network, host: str, proxy: Proxy) -> None:
    """See to it that ``proxy`` may be asked for ``host`` now; raises Refusal."""
    # 1. An address is judged as it would be without a proxy.
    scope = scope_of_literal(host)
    if scope is not None:
        if not network.permits(scope):
            raise network.refusal(host)
        return
    # 2. Where a name leads from there, nobody here can tell.
    if network.public_only:
        raise network.refusal(f"an address that only the proxy {proxy.url} sees")


def scope_of_literal(host: str) -> AddressScope | None:
    """Return the scope of a host that is an address in any form; None for a name.

    Resolvers take ``127.1`` and ``0x7f000001`` for addresses, too. ``localhost`` and names below
    it are loopback (RFC 6761 section 6.3).

    >>> scope_of_literal("127.1"), scope_of_literal("example.com")
    (<AddressScope.LOOPBACK: 0>, None)
    """
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return AddressScope.LOOPBACK
    try:
        return scope_of(str(ip_address(name)))
    except ValueError:
        pass
    try:
        return scope_of(socket.inet_ntoa(socket.inet_aton(name)))
    except OSError:
        return None


def proof_for(proxy: Proxy) -> list[tuple[bytes, bytes]]:
    """Return the header fields that tell a proxy, and nobody else, who asks."""
    if proxy.authorization is None:
        return []
    return [(b"Proxy-Authorization", proxy.authorization.value.encode("ascii"))]


@final
class ProxyHop(httpcore.NetworkBackend):
    """Connects to a proxy. The user has named it: no rule leads elsewhere, no address is judged."""

    def __init__(self, network: Network) -> None:
        """Keep the network; nothing is opened."""
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - no pool here names one
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - nor these
    ) -> httpcore.NetworkStream:
        """Connect to the proxy at ``host``."""
        return self._network.open(host, port, timeout)


@final
class Tunnel(httpcore.NetworkBackend):
    """Connects to hosts through a proxy, so that nobody above it can tell the difference."""

    def __init__(
        self, network: Network, proxy: Proxy, settings: HttpSettings, context: SSLContext | None
    ) -> None:
        """Keep the means; ``context`` is for a proxy over https."""
        self._network = network
        self._proxy = proxy
        self._settings = settings
        self._context = context

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - no pool here names one
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - nor these
    ) -> httpcore.NetworkStream:
        """Have the proxy connect to where the first matching rule leads, within one allowance.

        Raises: Refusal with the proxy's status; what httpcore raises.
        """
        rule = rule_for(self._settings.connect_to, host, port)
        if rule is not None:
            host, port = rule.to_host or host, rule.to_port or port
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        connection = httpcore.HTTPConnection(
            origin=self._url(authority).origin,
            ssl_context=self._context,
            network_backend=ProxyHop(self._network),
        )
        try:
            with self._network.deadline(self._network.remaining(timeout)):
                response = connection.handle_request(self._question(authority))
        except (httpcore.ReadTimeout, httpcore.WriteTimeout) as error:
            raise httpcore.ConnectTimeout(error) from error
        stream = self._network.stream_in_use()
        if not 200 <= response.status < 300:
            connection.close()
            status, wanted = response.status, f"200 to CONNECT {authority}"
            raise Refusal(lambda _: HttpStatus(self._proxy.url, status, wanted))
        # What came after the proxy's answer must not be taken for the server's.
        if stream is None or not stream.is_between_answers(0, chunked=False):
            connection.close()
            raise httpcore.RemoteProtocolError("the proxy goes on after its answer to CONNECT")
        return stream.as_new()

    def _url(self, target: str) -> httpcore.URL:
        proxy = self._proxy
        return httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target=target)

    def _question(self, authority: str) -> httpcore.Request:
        fields = [
            (b"Host", authority.encode("ascii")),
            (b"User-Agent", self._settings.user_agent.encode("latin-1")),
            *proof_for(self._proxy),
        ]
        return httpcore.Request("CONNECT", self._url(authority), headers=fields)
