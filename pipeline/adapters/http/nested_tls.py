"""TLS within TLS: to a server, through a proxy that is itself reached over https.

``SSLContext.wrap_socket`` wraps plain sockets only. This has those methods of a socket that
:class:`~pipeline.adapters.http.streams.Stream` uses, over buffers in memory.
"""

import ssl
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar, final

_T = TypeVar("_T")

_RECORD_BYTES: Final = 16 * 1024
"""The most that a TLS record holds (RFC 8446 section 5.1)."""


@final
class NestedTls:
    """A TLS connection inside another."""

    def __init__(
        self,
        outer: ssl.SSLSocket,
        context: ssl.SSLContext,
        server_hostname: str | None,
        monotonic: Callable[[], float],
    ) -> None:
        """Agree on TLS within the time-out of ``outer``; raises OSError as a socket would."""
        self._outer = outer
        self._monotonic = monotonic
        self._seconds = outer.gettimeout()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._inner = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )
        self._run(self._inner.do_handshake)

    def settimeout(self, seconds: float | None) -> None:
        """Let each of the following calls last so long; 0: not wait at all."""
        self._seconds = seconds

    def recv_into(self, buffer: memoryview) -> int:
        """Wait for data and return how much there is; 0 is the end."""

        def read() -> int:
            try:
                # With a buffer it is a number that comes back, whatever the stubs say.
                return int(self._inner.read(len(buffer), buffer))
            except ssl.SSLEOFError:
                # As SSLSocket does: HTTP itself says where an answer ends.
                return 0

        return self._run(read)

    def sendall(self, data: bytes) -> None:
        """Send everything."""
        sent = 0
        while sent < len(data):
            sent += self._run(partial(self._inner.write, data[sent:]))

    def fileno(self) -> int:
        """Return the descriptor of the socket below, -1 once it is closed."""
        return self._outer.fileno()

    def getpeername(self) -> tuple[str, int]:
        """Return the address of the machine that the socket below is connected to."""
        host, port, *_ = self._outer.getpeername()
        return str(host), int(port)

    def close(self) -> None:
        """Close the socket below, without a word: a cut is told by HTTP's own lengths."""
        self._outer.close()

    def _run(self, step: Callable[[], _T]) -> _T:
        """Take a step of TLS, and move records until it is done, in one time-out all told."""
        until = None if not self._seconds else self._monotonic() + self._seconds
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush(until)
                self._outer.settimeout(self._remaining(until))
                # Nothing there, where nobody waits, is the same exception again.
                self._feed(self._outer.recv(_RECORD_BYTES))
            else:
                self._flush(until)
                return result

    def _flush(self, until: float | None) -> None:
        if self._outgoing.pending:
            self._outer.settimeout(self._remaining(until))
            self._outer.sendall(self._outgoing.read())

    def _feed(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _remaining(self, until: float | None) -> float | None:
        if until is None:
            return self._seconds
        left = until - self._monotonic()
        if left <= 0:
            raise TimeoutError
        return left
