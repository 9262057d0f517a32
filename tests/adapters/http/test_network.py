"""Reads that gather what has arrived, and waits that end; over a socket that keeps to a script."""

import ssl

import httpcore
import pytest

from pipeline.adapters.http.network import READ_BYTES, Network, Stream
from pipeline.testing.fakes import FixedClock


class ScriptedSocket:
    """Gives the next piece, or fails, whatever time-out is set; and remembers time-outs."""

    def __init__(self, *script: bytes | OSError) -> None:
        self.script = list(script)
        self.timeouts: list[float | None] = []

    def settimeout(self, seconds: float | None) -> None:
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


class ScriptedStream(httpcore.NetworkStream):
    """A connection of httpcore's over such a socket."""

    def __init__(self, socket: ScriptedSocket) -> None:
        self.socket = socket
        self.tls_timeouts: list[float | None] = []
        self.closed = False

    def get_extra_info(self, info: str) -> object:
        return self.socket if info == "socket" else None

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        self.tls_timeouts.append(timeout)
        return self

    def close(self) -> None:
        self.closed = True


def stream(
    *script: bytes | OSError, clock: FixedClock | None = None
) -> tuple[Stream, ScriptedStream]:
    clock = clock or FixedClock()
    inner = ScriptedStream(ScriptedSocket(*script))
    return Stream(inner, Network((), clock), connected_by=clock.monotonic() + 30), inner


RECORD = b"x" * 16384
NOTHING_NOW = (BlockingIOError(), ssl.SSLWantReadError())


@pytest.mark.parametrize("nothing_now", NOTHING_NOW)
def test_what_has_arrived_comes_at_once(nothing_now: OSError) -> None:
    """A TLS record is 16 KiB at most, and each chunk costs the same work in Python."""
    reader, inner = stream(RECORD, RECORD, RECORD, nothing_now, b"y", nothing_now)
    assert reader.read(65536, timeout=5) == RECORD * 3
    assert reader.read(65536, timeout=5) == b"y"
    assert inner.socket.timeouts == [5, 0, 5, 0]


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
    inner = ScriptedStream(ScriptedSocket(b"x", BlockingIOError()))
    reader = Stream(inner, network, connected_by=30)
    with network.deadline(3):
        clock.advance(1)
        reader.read(65536, timeout=60)
        assert inner.socket.timeouts == [2, 0]
        clock.advance(2)
        with pytest.raises(httpcore.ReadTimeout):
            reader.read(65536, timeout=60)
        with pytest.raises(httpcore.WriteTimeout):
            reader.write(b"x", timeout=60)
        with pytest.raises(httpcore.ConnectTimeout):
            network.connect_tcp("127.0.0.1", 1, timeout=60)
    assert network.remaining(60) == 60


def test_connecting_and_tls_share_one_allowance() -> None:
    clock = FixedClock()
    connection, inner = stream(clock=clock)
    clock.advance(20)
    connection.start_tls(ssl.create_default_context(), "h", timeout=30)
    assert inner.tls_timeouts == [10]
    clock.advance(10)
    with pytest.raises(httpcore.ConnectTimeout):
        connection.start_tls(ssl.create_default_context(), "h", timeout=30)
    assert inner.closed
