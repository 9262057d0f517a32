"""Sockets below httpcore: where connections go, who may be asked, and until when.

    host, port -> Stream

Time-outs of httpcore are for each read, so a server that sends a byte a minute never meets one.
Here each wait is also bounded by the deadline of the whole request: name resolution, connecting,
TLS and the answer's head included. Addresses are judged after resolution, and the connection is
made to what was judged. :mod:`.streams` reads and writes.
"""

import math
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, final

import httpcore

from pipeline.adapters.http.refusals import Refusal
from pipeline.adapters.http.resolving import Address, LookUp, connect_first, look_up, resolve
from pipeline.adapters.http.settings import ConnectTo, rule_for
from pipeline.adapters.http.streams import Stream
from pipeline.addresses import AddressScope, scope_of
from pipeline.errors import PeerRefused
from pipeline.limits import CONNECT_SECONDS
from pipeline.ports import Clock

_WANTED: Final = {
    AddressScope.PUBLIC: "a public address",
    AddressScope.PRIVATE: "an address no further in than a private network's",
    AddressScope.LINK_LOCAL: "an address no further in than this link's",
}


class _AtWork(threading.local):
    """What this thread is doing: one request at a time, over one connection.

    ``until`` is when it must be done, in the clock's monotonic seconds.
    """

    until: float = math.inf
    stream: Stream | None = None
    least_scope: AddressScope = AddressScope.LOOPBACK


@final
class Network(httpcore.NetworkBackend):
    """An httpcore backend that knows ``connect_to`` rules, and each thread's deadline and bound."""

    def __init__(
        self,
        rules: tuple[ConnectTo, ...],
        clock: Clock,
        *,
        public_only: bool = False,
        look_up: LookUp = look_up,
    ) -> None:
        """Keep the rules, the first that matches counts; nothing is opened."""
        self._rules = rules
        self._clock = clock
        self._least_scope = AddressScope.PUBLIC if public_only else AddressScope.LOOPBACK
        self._look_up = look_up
        self._at_work = _AtWork()

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Let all that this thread waits for inside the block end within ``seconds``.

        Inside another such block, the earlier deadline counts.
        """
        before = self._at_work.until
        self._at_work.until = min(before, self._clock.monotonic() + seconds)
        try:
            yield
        finally:
            self._at_work.until = before

    @contextmanager
    def no_further_in_than(self, scope: AddressScope | None) -> Iterator[None]:
        """Refuse peers of a smaller scope to this thread inside the block; None refuses nobody.

        Inside another such block, the stricter one counts.
        """
        before = self._at_work.least_scope
        self._at_work.least_scope = max(before, scope or AddressScope.LOOPBACK)
        try:
            yield
        finally:
            self._at_work.least_scope = before

    def peer_scope(self) -> AddressScope | None:
        """Return where the peer of this thread's last request is; None where nobody can tell.

        Nobody can behind a proxy; nor is it told where a ``connect_to`` rule led elsewhere.
        """
        stream = self._at_work.stream
        return None if stream is None else stream.scope

    def remaining(self, timeout: float | None) -> float:
        """Return the seconds that a wait of ``timeout`` may last now; none left is 0 or less."""
        left = self._at_work.until - self._clock.monotonic()
        return left if timeout is None else min(timeout, left)

    def monotonic(self) -> float:
        """Return the clock's monotonic seconds."""
        return self._clock.monotonic()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - no pool here names one
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - nor these
    ) -> httpcore.NetworkStream:
        """Connect to where the first matching rule leads; ``timeout`` covers TLS too."""
        rule = rule_for(self._rules, host, port)
        if rule is not None:
            # The user's own word: whatever address that is, it is meant.
            return self.open(rule.to_host or host, rule.to_port or port, timeout)
        return self.open(host, port, timeout, judged=True)

    def open(self, host: str, port: int, timeout: float | None, *, judged: bool = False) -> Stream:
        """Connect to this very host and port; ``judged``: to an address that may be asked.

        Raises: httpcore's ConnectTimeout and ConnectError; Refusal; UnicodeError.
        """
        self._at_work.stream = None
        seconds = self.remaining(CONNECT_SECONDS if timeout is None else timeout)
        if seconds <= 0:
            raise httpcore.ConnectTimeout
        until = self._clock.monotonic() + seconds
        try:
            addresses = resolve(host, port, seconds, self._look_up)
            if judged:
                addresses = self._permitted(addresses)
            connection, address = connect_first(addresses, lambda: self.seconds_until(until))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(error) from error
        except OSError as error:
            raise httpcore.ConnectError(error) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        scope = scope_of(address.ip) if judged else None
        return Stream(connection, self, connected_by=until, scope=scope)

    def _permitted(self, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        """Return the addresses that may be asked; of a name with both kinds, only those."""
        permitted = tuple(each for each in addresses if self.permits(scope_of(each.ip)))
        if addresses and not permitted:
            raise self.refusal(addresses[0].ip)
        return permitted

    @property
    def public_only(self) -> bool:
        """Whether every peer must have a public address."""
        return self._least_scope is AddressScope.PUBLIC

    def permits(self, scope: AddressScope) -> bool:
        """Tell whether this thread may ask a peer of that scope now."""
        return scope >= self._wanted_scope

    def refusal(self, address: str) -> Refusal:
        """Return what to raise about an address, or what stands for one, that may not be asked."""
        wanted = _WANTED[self._wanted_scope]
        return Refusal(lambda url: PeerRefused(url, address, wanted))

    @property
    def _wanted_scope(self) -> AddressScope:
        return max(self._least_scope, self._at_work.least_scope)

    def begin_request(self, stream: Stream) -> None:
        """Note over which connection this thread sends its request.

        A kept connection was judged when it was made, perhaps for a request that may go further.
        """
        self._at_work.stream = stream
        if stream.scope is not None and not self.permits(stream.scope):
            raise self.refusal(stream.peer)

    def stream_in_use(self) -> Stream | None:
        """Return the connection over which this thread sent its last request."""
        return self._at_work.stream

    def met_stale_connection(self) -> bool:
        """Tell whether this thread's last request went over a kept connection, unanswered."""
        stream = self._at_work.stream
        return stream is not None and stream.is_stale

    def met_end(self) -> bool:
        """Tell whether the connection of this thread's last request was ended by the peer."""
        stream = self._at_work.stream
        return stream is not None and stream.ended

    def seconds_until(self, moment: float) -> float:
        """Return the seconds from now to ``moment``, or to the deadline where that is earlier."""
        return self.remaining(moment - self._clock.monotonic())
