"""Reads that gather what has arrived, and waits that end; over a socket that keeps to a script."""

import socket
import ssl

import httpcore
import pytest

from pipeline.adapters.http.network import Network
from pipeline.adapters.http.streams import READ_BYTES, Stream
from pipeline.testing.fakes import FixedClock


class ScriptedSocket:
    """Gives the next piece, or fails, whatever time-out is set; and remembers time-outs."""

    def __init__(self, *script: bytes | OSError) -> None:
        self.script = list(script)
        self.timeouts: list[float] = []
        self.sent = b""
        self.closed = False

    def settimeout(self, seconds: float) -> None:
        self.timeouts.append(seconds)

    def recv_into(self, buffer: memoryview) -> int:
        piece = self.script.pop(0)
        if isinstance(piece, OSError):
            raise piece
        count = min(len(piece), len(buffer))
        buffer[:count] = piece[:count]
        if count < len(piece):
            self.script.insert(0, piece[count:])
        return count

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def fileno(self) -> int:
        return -1

    def getpeername(self) -> tuple[object, ...]:
        return ("10.0.0.1", 443)

    def close(self) -> None:
        self.closed = True


def stream(
    *script: bytes | OSError, clock: FixedClock | None = None
) -> tuple[Stream, ScriptedSocket]:
    clock = clock or FixedClock()
    connection = ScriptedSocket(*script)
    connected_by = clock.monotonic() + 30
    return Stream(connection, Network((), clock), connected_by=connected_by), connection


RECORD = b"x" * 16384
NOTHING_NOW = (BlockingIOError(), ssl.SSLWantReadError())


@pytest.mark.parametrize("nothing_now", NOTHING_NOW)
def test_what_has_arrived_comes_at_once(nothing_now: OSError) -> None:
    """A TLS record is 16 KiB at most, and each chunk costs the same work in Python."""
    reader, inner = stream(RECORD, RECORD, RECORD, nothing_now, b"y", nothing_now)
    assert reader.read(65536, timeout=5) == RECORD * 3
    assert reader.read(65536, timeout=5) == b"y"
    assert inner.timeouts == [5, 0, 5, 0]


def test_no_more_than_the_buffer() -> None:
    reader, _ = stream(b"x" * (READ_BYTES + 1), BlockingIOError())
    assert len(reader.read(65536)) == READ_BYTES
    assert reader.read(65536) == b"x"


def test_the_end_is_told_once_nothing_is_left() -> None:
    reader, _ = stream(b"x", b"", b"")
    assert (reader.read(65536), reader.ended) == (b"x", False)
    assert (reader.read(65536), reader.ended) == (b"", True)


@pytest.mark.parametrize("broken", [ConnectionResetError(104, "reset"), ssl.SSLError(1, "bad mac")])
def test_what_came_before_an_error_counts_and_then_the_error(broken: OSError) -> None:
    """The system tells a reset once; forgotten, it would look like the end."""
    reader, _ = stream(b"x", broken, b"")
    assert reader.read(65536) == b"x"
    with pytest.raises(httpcore.ReadError):
        reader.read(65536)


def test_waits_end_with_the_deadline() -> None:
    clock = FixedClock()
    network = Network((), clock)
    inner = ScriptedSocket(b"x", BlockingIOError())
    reader = Stream(inner, network, connected_by=30)
    with network.deadline(3):
        clock.advance(1)
        reader.read(65536, timeout=60)
        assert inner.timeouts == [2, 0]
        clock.advance(2)
        with pytest.raises(httpcore.ReadTimeout):
            reader.read(65536, timeout=60)
        with pytest.raises(httpcore.WriteTimeout):
            reader.write(b"x", timeout=60)
        with pytest.raises(httpcore.ConnectTimeout):
            network.connect_tcp("127.0.0.1", 1, timeout=60)
    assert network.remaining(60) == 60


def test_connecting_and_tls_share_one_allowance() -> None:
    """The server listens, and never says a word of TLS."""
    clock = FixedClock()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        opened = Network((), clock).connect_tcp("127.0.0.1", port, timeout=30)
        clock.advance(29.9)
        with pytest.raises(httpcore.ConnectTimeout):
            opened.start_tls(ssl.create_default_context(), "h", timeout=30)
        connection, inner = stream(clock=clock)
        clock.advance(30)
        with pytest.raises(httpcore.ConnectTimeout):
            connection.start_tls(ssl.create_default_context(), "h", timeout=30)
    assert inner.closed


def test_the_end_of_a_head_is_found_wherever_it_is_cut() -> None:
    """Otherwise a connection whose answer came in pieces would not be used again."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
    for cut in range(1, len(head)):
        reader, _ = stream(head[:cut], BlockingIOError(), head[cut:] + b"x", BlockingIOError())
        reader.read(65536)
        reader.read(65536)
        assert reader.is_between_answers(1, chunked=False), cut
        assert not reader.is_between_answers(0, chunked=False)
