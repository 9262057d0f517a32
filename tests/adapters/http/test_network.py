"""Reads that gather what has arrived, waits that end, and who may be asked at all."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpcore
import pytest

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import ConnectTo, HttpSettings
from pipeline.adapters.http.network import Network
from pipeline.adapters.http.refusals import Refusal
from pipeline.adapters.http.resolving import Address, LookUp
from pipeline.adapters.http.streams import READ_BYTES, Stream
from pipeline.addresses import AddressScope
from pipeline.errors import ConnectionFailed, DeadlineExceeded, PeerRefused
from pipeline.ports import Request
from pipeline.testing.fakes import FixedClock
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import FaultServer, http


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


PUBLIC, LOOPBACK = AddressScope.PUBLIC, AddressScope.LOOPBACK


def at(*hosts: str) -> LookUp:
    """Return a resolver that knows every name, and always answers the same."""
    return lambda _host, port: tuple(Address(socket.AF_INET, (host, port)) for host in hosts)


@pytest.fixture
def port() -> Iterator[int]:
    """A port that takes connections, at every address of loopback."""
    with socket.create_server(("0.0.0.0", 0)) as listener:
        yield listener.getsockname()[1]


def connect(network: Network, host: str, port: int) -> Stream:
    stream = network.connect_tcp(host, port, timeout=10)
    assert isinstance(stream, Stream)
    return stream


class TestPeers:
    def test_only_public_ones(self, port: int) -> None:
        network = Network((), SystemClock(), public_only=True, look_up=at("127.0.0.2"))
        for host in ("files.example", "127.0.0.1", "localhost"):
            with pytest.raises(Refusal) as refused:
                connect(network, host, port)
            error = refused.value.error_for("https://files.example/")
            assert isinstance(error, PeerRefused)
            assert error.wanted == "a public address"
            assert error.address in {"127.0.0.1", "127.0.0.2"}

    def test_of_a_name_with_both_kinds_only_those(
        self, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Loopback is all there is here, so one address of it counts as public."""
        monkeypatch.setattr(
            "pipeline.adapters.http.network.scope_of",
            lambda ip: PUBLIC if ip == "127.0.0.2" else LOOPBACK,
        )
        look_up = at("127.0.0.1", "127.0.0.2", "127.0.0.3")
        network = Network((), SystemClock(), public_only=True, look_up=look_up)
        stream = connect(network, "files.example", port)
        assert (stream.peer, stream.scope) == ("127.0.0.2", PUBLIC)
        stream.close()

    def test_what_was_judged_is_what_is_connected_to(self, port: int) -> None:
        """A name that says one thing to who checks and another to who connects (DNS rebinding)."""
        hosts = ["127.0.0.2", "127.0.0.3"]

        def look_up(host: str, port: int) -> tuple[Address, ...]:
            return at(hosts.pop(0))(host, port)

        stream = connect(Network((), SystemClock(), look_up=look_up), "files.example", port)
        assert (stream.peer, hosts) == ("127.0.0.2", ["127.0.0.3"])
        stream.close()

    def test_no_further_in(self, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        scopes = dict.fromkeys(AddressScope, "")
        for scope in AddressScope:
            scopes[scope] = f"127.0.1.{scope.value}"
        monkeypatch.setattr(
            "pipeline.adapters.http.network.scope_of",
            lambda ip: AddressScope(int(ip.rpartition(".")[2])),
        )
        for least in (None, *AddressScope):
            for scope, ip in scopes.items():
                network = Network((), SystemClock(), look_up=at(ip))
                with network.no_further_in_than(least):
                    if least is not None and scope < least:
                        with pytest.raises(Refusal):
                            connect(network, "files.example", port)
                    else:
                        connect(network, "files.example", port).close()

    def test_the_stricter_counts_and_ends_with_its_block(self, port: int) -> None:
        network = Network((), SystemClock())
        with network.no_further_in_than(PUBLIC):
            with network.no_further_in_than(None), network.no_further_in_than(LOOPBACK):
                assert not network.permits(AddressScope.PRIVATE)
            assert not network.permits(AddressScope.PRIVATE)
        assert network.permits(LOOPBACK)

    def test_another_thread_is_not_bound(self) -> None:
        network, permitted = Network((), SystemClock()), list[bool]()
        with network.no_further_in_than(PUBLIC):
            thread = threading.Thread(target=lambda: permitted.append(network.permits(LOOPBACK)))
            thread.start()
            thread.join()
        assert permitted == [True]

    def test_a_rule_is_the_users_own_word(self, port: int) -> None:
        rule = ConnectTo("files.example", None, "127.0.0.1", port)
        network = Network((rule,), SystemClock(), public_only=True, look_up=at("127.0.0.2"))
        stream = connect(network, "files.example", 443)
        stream.write(b"x", timeout=10)
        assert (stream.peer, network.peer_scope()) == ("127.0.0.1", None)
        stream.close()
        # One that leads nowhere says nothing about where the host is.
        network = Network((ConnectTo(),), SystemClock(), public_only=True, look_up=at("127.0.0.2"))
        with pytest.raises(Refusal):
            connect(network, "files.example", port)

    def test_where_the_peer_is(self, port: int) -> None:
        network = Network((), SystemClock(), look_up=at("127.0.0.2"))
        assert network.peer_scope() is None
        stream = connect(network, "files.example", port)
        stream.write(b"x", timeout=10)
        assert network.peer_scope() is LOOPBACK
        stream.close()


def named_by(server: FaultServer, scope: AddressScope | None) -> Request:
    return replace(get(server.url("/")), named_by=scope)


def test_a_kept_connection_serves_nobody_who_may_not_go_there(open_transport: Open) -> None:
    with FaultServer({"/": http(b"x")}) as server:
        transport = open_transport()
        transport.fetch(named_by(server, None), ListSink()).unwrap()
        error = transport.fetch(named_by(server, PUBLIC), ListSink()).failure()
        assert error == PeerRefused(server.url("/"), "127.0.0.1", "a public address")
        assert len(server.asked) == 1
        transport.fetch(named_by(server, LOOPBACK), ListSink()).unwrap()


def test_only_public_peers_from_the_settings(open_transport: Open) -> None:
    with FaultServer({"/": http(b"x")}) as server:
        transport = open_transport(HttpSettings(allow_http=True, public_only=True))
        error = transport.fetch(get(server.url("/")), ListSink()).failure()
        assert server.asked == []
    assert isinstance(error, PeerRefused)
    assert "--public-only" in error.hint


def test_a_resolver_that_hangs(open_transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time-out may be minutes; the request's deadline counts."""
    hang = threading.Event()

    def resolve(*_: object, flags: int = 0, **__: object) -> object:
        if not flags & socket.AI_NUMERICHOST:
            hang.wait(60)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    error = open_transport().fetch(get("http://files.example/", total=0.1), ListSink()).failure()
    hang.set()
    assert error == DeadlineExceeded("http://files.example/", 0.1, "total")


def test_a_name_that_nobody_knows(open_transport: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    error = open_transport().fetch(get("http://files.example/"), ListSink()).failure()
    assert error == ConnectionFailed("http://files.example/", "Name or service not known")


@pytest.fixture
def ipv6_loopback() -> None:
    """Skip where the machine has none: some containers are made so."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"needs IPv6 on loopback: {error}")


@pytest.mark.usefixtures("ipv6_loopback")
def test_ipv6(open_transport: Open, make_tls: Callable[..., ssl.SSLContext], ca_file: str) -> None:
    with FaultServer({"/": http(b"x")}, make_tls("::1"), host="::1") as server:
        sink = ListSink()
        response = open_transport(HttpSettings(ca_file=ca_file)).fetch(get(server.url("/")), sink)
        assert (response.unwrap().peer, sink.content) == (LOOPBACK, b"x")
        assert server.asked[0].headers["host"] == f"[::1]:{server.port}"
