"""Sockets below httpcore: connections led elsewhere, deadlines, and large reads.

httpcore costs Python work for each chunk that it is handed, and a TLS ``recv`` gives at most
16 KiB. A stream here takes whatever has arrived, up to 512 KiB, before it hands anything on. From
nginx on loopback that took 0.9 instead of 2.2 seconds of processor time a GiB over http, and 2.2
instead of 4.0 over https.

Time-outs of httpcore are for each read, so a server that sends a byte a minute never meets one.
Here each wait is also bounded by the deadline of the whole request, its head included. Only name
resolution is not: its time-out is the system resolver's.
"""

import math
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, final

import httpcore

from pipeline.adapters.http.settings import ConnectTo
from pipeline.addresses import AddressScope, scope_of
from pipeline.limits import KIB
from pipeline.ports import Clock

READ_BYTES: Final = 512 * KIB
"""Most bytes handed on at a time; larger ones leave the processor's cache."""

_CHUNKED_END: Final = b"0\r\n\r\n"


class _AtWork(threading.local):
    """What this thread is doing: one request at a time, over one connection.

    ``until`` is when it must be done, in the clock's monotonic seconds.
    """

    until: float = math.inf
    stream: "Stream | None" = None
    least_scope: AddressScope | None = None


@final
class Network(httpcore.NetworkBackend):
    """An httpcore backend that knows ``connect_to`` rules and the deadline of each thread."""

    def __init__(self, rules: tuple[ConnectTo, ...], clock: Clock) -> None:
        """Keep the rules, the first that matches counts; nothing is opened."""
        self._rules = rules
        self._clock = clock
        self._at_work = _AtWork()
        self._sockets = httpcore.SyncBackend()

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
        self._at_work.least_scope = max(
            (each for each in (before, scope) if each is not None), default=None
        )
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

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to where the first matching rule leads; ``timeout`` covers TLS too."""
        rule = next((rule for rule in self._rules if rule.matches(host, port)), ConnectTo())
        seconds = self.remaining(timeout)
        if seconds <= 0:
            raise httpcore.ConnectTimeout
        self._at_work.stream = None
        opened = self._clock.monotonic()
        stream = self._sockets.connect_tcp(
            rule.to_host or host, rule.to_port or port, seconds, local_address, socket_options
        )
        led = rule.to_host is not None or rule.to_port is not None
        address = str(stream.get_extra_info("server_addr")[0])
        scope = None if led else scope_of(address)
        return Stream(stream, self, connected_by=opened + seconds, scope=scope)

    def begin_request(self, stream: "Stream") -> None:
        """Note over which connection this thread sends its request."""
        self._at_work.stream = stream

    def met_stale_connection(self) -> bool:
        """Tell whether this thread's last request went over a kept connection, unanswered."""
        stream = self._at_work.stream
        return stream is not None and stream.is_stale

    def seconds_until(self, moment: float) -> float:
        """Return the seconds from now to ``moment``, or to the deadline where that is earlier."""
        return self.remaining(moment - self._clock.monotonic())


@final
class Stream(httpcore.NetworkStream):
    """A connection that reads up to 512 KiB at a time, and knows if an answer ended cleanly."""

    def __init__(
        self,
        inner: httpcore.NetworkStream,
        network: Network,
        *,
        connected_by: float,
        scope: AddressScope | None = None,
    ) -> None:
        """Wrap a connection of httpcore's own; TLS must stand by ``connected_by``."""
        self._inner = inner
        self._network = network
        self._connected_by = connected_by
        self._socket: socket.socket = inner.get_extra_info("socket")
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._exchanges = 0
        self._exchange_bytes = 0
        self._head_bytes = -1
        self._tail = b""
        self._broken: OSError | None = None
        self.ended = False
        self.scope = scope

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see below
        """Wait for data, and return all that is there; nothing means the end.

        ``max_bytes`` is what httpcore asks for, 64 KiB; its parser takes any amount.
        """
        count = self._wait_and_fill(timeout)
        self.ended = count == 0
        data = bytes(self._buffer[:count])
        if self._exchange_bytes == 0:
            self._head_bytes = data.find(b"\r\n\r\n") + 4
        self._exchange_bytes += count
        self._tail = data[-5:] if count >= 5 else (self._tail + data)[-5:]
        return data

    def _wait_and_fill(self, timeout: float | None) -> int:
        if self._broken is not None:
            raise httpcore.ReadError(self._broken)
        seconds = self._network.remaining(timeout)
        if seconds <= 0:
            raise httpcore.ReadTimeout
        try:
            self._socket.settimeout(seconds)
            count = self._socket.recv_into(self._buffer)
            self._socket.settimeout(0)
            while 0 < count < READ_BYTES:
                more = self._receive_what_is_there(count)
                if more == 0:
                    # Nothing now, or the end; the next read will tell.
                    break
                count += more
        except TimeoutError as error:
            raise httpcore.ReadTimeout(error) from error
        except OSError as error:
            raise httpcore.ReadError(error) from error
        return count

    def _receive_what_is_there(self, offset: int) -> int:
        try:
            return self._socket.recv_into(self._buffer[offset:])
        except (BlockingIOError, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            # What came before counts; the system tells an error once, so the next read says it.
            self._broken = error
            return 0

    def is_between_answers(self, body_bytes: int, *, chunked: bool) -> bool:
        """Tell whether the answer that was just read was the last thing on the connection.

        What follows a whole answer unasked must never be taken for the answer to the next request
        (RFC 9112 section 9.2), and httpcore's parser may have read it already. So a connection is
        used again only where the bytes add up; one that is merely unusual is closed as well.
        """
        if chunked:
            return self._tail == _CHUNKED_END
        return self._head_bytes >= 4 and self._exchange_bytes == self._head_bytes + body_bytes

    @property
    def is_stale(self) -> bool:
        """Whether the connection served a request before and has not answered the last one."""
        return self._exchanges > 1 and self._exchange_bytes == 0

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send; what is read afterwards belongs to a new answer."""
        if not buffer:
            return
        seconds = self._network.remaining(timeout)
        if seconds <= 0:
            raise httpcore.WriteTimeout
        self._exchanges += 1
        self._exchange_bytes, self._head_bytes, self._tail = 0, -1, b""
        self._network.begin_request(self)
        self._inner.write(buffer, seconds)

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the connection's own allowance counts
    ) -> httpcore.NetworkStream:
        """Agree on TLS within what is left of the time for connecting."""
        seconds = self._network.seconds_until(self._connected_by)
        if seconds <= 0:
            self.close()
            raise httpcore.ConnectTimeout
        secured = self._inner.start_tls(ssl_context, server_hostname, seconds)
        return Stream(secured, self._network, connected_by=self._connected_by, scope=self.scope)

    def get_extra_info(self, info: str) -> object:
        """Return what httpcore asks about the connection."""
        return self._inner.get_extra_info(info)
