"""A server over real sockets that answers exactly the bytes it is told to, right or wrong."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias

Answer: TypeAlias = bytes | Callable[[socket.socket], None]
"""Bytes to send, after which the connection stays open; or what to do with the connection,
which is closed afterwards."""


def http(body: bytes = b"", status: int = 200, /, **headers: str | int | None) -> bytes:
    """Return an answer of HTTP/1.1; ``etag_=None`` style: underscores in names are dashes.

    ``Content-Length`` is added unless given; None leaves a header out.
    """
    fields: dict[str, str | int | None] = {"Content-Length": len(body)}
    fields |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""]).encode("latin-1") + body


def then_close(content: bytes) -> Answer:
    """Send, and close the connection."""
    return lambda connection: connection.sendall(content)


@dataclass(slots=True)
class Asked:
    """A request as it came in; ``connection`` counts connections from 1."""

    path: str
    headers: dict[str, str]
    connection: int
    method: str = "GET"
    body: bytes = b""


@dataclass(slots=True)
class FaultServer:
    """Answers by path, from ``answers``; each connection has its own thread.

    A list of answers is used up one by one; its last one stays. Instead of a table there may be a
    function of what was asked. ``greeting`` is sent before anything was asked.
    """

    answers: Mapping[str, Answer | list[Answer]] | Callable[[Asked], Answer]
    tls: ssl.SSLContext | None = None
    greeting: bytes = b""
    host: str = "127.0.0.1"
    accepted: Callable[[socket.socket], None] | None = None
    asked: list[Asked] = field(default_factory=list)
    closed_by_client: int = 0
    port: int = 0
    _listener: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(default_factory=list)
    _connections: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(
            (self.host, 0), family=socket.AF_INET6 if ":" in self.host else socket.AF_INET
        )
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # shutdown, unlike close, wakes threads that wait on the socket.
        for each in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def url(self, path: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        count = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            count += 1
            self._connections.append(connection)
            self._spawn(self._serve, connection, count)

    def _serve(self, connection: socket.socket, number: int) -> None:
        # A client that hangs up, or refuses the certificate, is what many tests are about.
        with contextlib.suppress(OSError), contextlib.ExitStack() as closing:
            closing.enter_context(connection)
            connection.sendall(self.greeting)
            if self.accepted is not None:
                self.accepted(connection)
                return
            if self.tls is not None:
                connection = closing.enter_context(
                    self.tls.wrap_socket(connection, server_side=True)
                )
                self._connections.append(connection)
            while head := _read_head(connection):
                method, path, headers = _parse_head(head)
                body = _read_exactly(connection, int(headers.get("content-length", "0")))
                answer = self._answer(Asked(path, headers, number, method, body))
                if callable(answer):
                    answer(connection)
                    return
                connection.sendall(answer)
            self.closed_by_client += 1

    def _answer(self, asked: Asked) -> Answer:
        asked_before = self.paths().count(asked.path)
        self.asked.append(asked)
        if callable(self.answers):
            return self.answers(asked)
        answer = self.answers.get(asked.path, http(b"", 404))
        if isinstance(answer, list):
            answer = answer[min(asked_before, len(answer) - 1)]
        return answer


def _read_head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    body = b""
    while len(body) < size:
        chunk = connection.recv(size - len(body))
        if not chunk:
            break
        body += chunk
    return body


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines if line)
    method, path, _ = first.split(" ")
    return method, path, {name.lower(): value.strip() for name, _, value in fields}
