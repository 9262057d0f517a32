"""From a host's name to a connected socket, within a time: ``(host, port) -> socket``.

Names are resolved by the system, once, and connections made to those very addresses: whoever
checked one has checked where the connection goes. Errors are exceptions, for :mod:`.network` to
map: OSError and its kinds, UnicodeError for a name that no resolver could hold.

Source: RFC 8305 sections 5 and 8 (a head start of 250 ms for each address before the next one is
tried beside it), without its sections 3 and 4: the system's resolver asks for both families at
once, and its order is kept, since administrators set it (RFC 6724, gai.conf).
"""

import errno
import os
import selectors
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias, final

from pipeline.limits import ADDRESS_HEAD_START_SECONDS, ADDRESSES


@final
@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, in numbers: what the system calls a socket address."""

    family: int
    sockaddr: tuple[str, int] | tuple[str, int, int, int]

    @property
    def ip(self) -> str:
        """The IP address alone, an IPv6 one perhaps with its zone."""
        return self.sockaddr[0]


LookUp: TypeAlias = Callable[[str, int], tuple[Address, ...]]
"""Resolves a name, for as long as that takes; raises OSError or UnicodeError."""


def look_up(host: str, port: int, *, only_numbers: bool = False) -> tuple[Address, ...]:
    """Ask the system for a host's addresses, in its order; ``only_numbers`` asks nobody."""
    flags = socket.AI_NUMERICHOST if only_numbers else 0
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    addresses = []
    for family, _, _, _, sockaddr in found:
        # A Python without IPv6 gives such addresses as bare bytes.
        if isinstance(sockaddr[0], str):
            addresses.append(Address(family, sockaddr))
    return tuple(addresses)


def resolve(host: str, port: int, seconds: float, ask: LookUp = look_up) -> tuple[Address, ...]:
    """Return the addresses of a host, at least one, within ``seconds``.

    The system's resolver cannot be told to stop. So it is asked in a thread of its own, which is
    left behind when time is up, and is ended with the process.

    Raises: TimeoutError; OSError, socket.gaierror among them; UnicodeError.
    """
    try:
        return look_up(host, port, only_numbers=True)
    except socket.gaierror:
        pass
    answer: Future[tuple[Address, ...]] = Future()

    def fill() -> None:
        try:
            answer.set_result(ask(host, port))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    threading.Thread(target=fill, name="resolve", daemon=True).start()
    return answer.result(timeout=seconds)[:ADDRESSES]


def connect_first(
    addresses: tuple[Address, ...], remaining: Callable[[], float]
) -> tuple[socket.socket, Address]:
    """Connect to the first of ``addresses`` that takes a connection, and say which it was.

    Each has a head start before the next is tried beside it; one that fails gives way at once.
    ``remaining`` tells the seconds left for all of them.

    Raises: TimeoutError; OSError, that of the last address that failed.
    """
    waiting = list(addresses)
    with _Attempts() as attempts:
        while waiting or attempts.under_way:
            left = remaining()
            if left <= 0:
                raise TimeoutError
            if waiting:
                attempts.start(waiting.pop(0))
            head_start = ADDRESS_HEAD_START_SECONDS if waiting else left
            connected = attempts.wait(min(head_start, left))
            if connected is not None:
                return connected
        raise attempts.failure


@final
class _Attempts:
    """Connections being made at the same time; those that are not taken are closed at the end."""

    def __init__(self) -> None:
        self.under_way: dict[socket.socket, Address] = {}
        self.failure = OSError(errno.EADDRNOTAVAIL, "the host's name has no address")
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._selector.close()
        for connection in self.under_way:
            connection.close()

    def start(self, address: Address) -> None:
        """Begin to connect; a failure that is known at once is kept like a later one."""
        try:
            connection = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:
            # No IPv6 on this machine, for one.
            self.failure = error
            return
        self.under_way[connection] = address
        connection.setblocking(False)
        code = connection.connect_ex(address.sockaddr)
        if code in {0, errno.EINPROGRESS}:
            self._selector.register(connection, selectors.EVENT_WRITE)
        else:
            self._give_up(connection, code)

    def wait(self, seconds: float) -> tuple[socket.socket, Address] | None:
        """Return the first that stands; None where one failed, or the time is up."""
        if not self._selector.get_map():
            return None
        for key, _ in self._selector.select(seconds):
            connection = next(each for each in self.under_way if each is key.fileobj)
            self._selector.unregister(connection)
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return connection, self.under_way.pop(connection)
            self._give_up(connection, code)
        return None

    def _give_up(self, connection: socket.socket, code: int) -> None:
        self.failure = OSError(code, os.strerror(code))
        del self.under_way[connection]
        connection.close()
