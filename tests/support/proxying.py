"""What a server does that is a proxy: it takes CONNECT, and passes bytes on."""

import select
import socket
import ssl

from tests.support.fault_server import Answer


def tunnel_to(port: int, *answer: bytes, host: str = "127.0.0.1") -> Answer:
    """Answer CONNECT, in pieces if several are given, and be a tunnel to a port of loopback."""

    def relay(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in answer or (b"HTTP/1.1 200 Connected\r\n\r\n",):
            connection.sendall(piece)
        with socket.create_connection((host, port)) as server:
            while True:
                for each in _readable(connection, server):
                    data = each.recv(1 << 16)
                    if not data:
                        return
                    (server if each is connection else connection).sendall(data)

    return relay


def _readable(connection: socket.socket, server: socket.socket) -> list[socket.socket]:
    # What TLS has decrypted already makes no socket readable.
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return [connection]
    return select.select([connection, server], [], [])[0]
