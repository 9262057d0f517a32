"""From a name to a connection: every address has its chance, and none all the time there is."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from pipeline.adapters.http.resolving import Address, connect_first, look_up, resolve
from pipeline.limits import ADDRESSES

LOOPBACK = "127.0.0.1"


def address(host: str, port: int) -> Address:
    return Address(socket.AF_INET, (host, port))


def for_seconds(seconds: float) -> Callable[[], float]:
    until = time.monotonic() + seconds
    return lambda: until - time.monotonic()


@pytest.fixture
def server() -> Iterator[int]:
    """A port of loopback that takes connections."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield held.getsockname()[1]


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that answers nothing: its queue is full, and Linux drops what comes then."""
    with ExitStack() as closing:
        listener = closing.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        port = listener.getsockname()[1]
        for _ in range(4):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((LOOPBACK, port))
        yield port


class TestResolving:
    def test_addresses_in_the_systems_order(self) -> None:
        found = (address("192.0.2.2", 1), address("192.0.2.1", 1))
        assert resolve("files.example", 1, 5, lambda _host, _port: found) == found

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "127.1"])
    def test_numbers_are_asked_of_nobody(self, host: str) -> None:
        def ask(host: str, port: int) -> tuple[Address, ...]:
            pytest.fail(f"asked for {host}")

        assert {each.ip for each in resolve(host, 80, 5, ask)} <= {"127.0.0.1", "::1"}

    def test_a_name_of_this_machine(self) -> None:
        assert {each.ip for each in look_up("localhost", 80)} <= {"127.0.0.1", "::1"}

    @pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("too long")])
    def test_failures_are_the_callers(self, error: Exception) -> None:
        def ask(host: str, port: int) -> tuple[Address, ...]:
            raise error

        with pytest.raises(type(error)):
            resolve("files.example", 1, 5, ask)

    def test_a_host_with_endless_addresses(self) -> None:
        many = tuple(address(f"192.0.2.{n}", 1) for n in range(200))
        assert resolve("files.example", 1, 5, lambda _host, _port: many) == many[:ADDRESSES]

    def test_a_resolver_that_hangs_is_left_behind(self) -> None:
        hang = threading.Event()

        def ask(host: str, port: int) -> tuple[Address, ...]:
            hang.wait(60)
            return ()

        with pytest.raises(TimeoutError):
            resolve("files.example", 1, 0.05, ask)
        hang.set()

    def test_and_does_not_hold_up_the_end_of_the_process(self) -> None:
        program = (
            "import time\n"
            "from pipeline.adapters.http.resolving import resolve\n"
            "try:\n"
            "    resolve('files.example', 1, 0.01, lambda host, port: time.sleep(600))\n"
            "except TimeoutError:\n"
            "    print('out of time')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, timeout=60, check=True
        )
        assert done.stdout == b"out of time\n"


class TestConnecting:
    def test_the_first_that_takes_a_connection(self, server: int, refusing: int) -> None:
        addresses = (address(LOOPBACK, refusing), address(LOOPBACK, server))
        connection, taken = connect_first(addresses, for_seconds(10))
        with connection:
            assert taken == addresses[1]
            assert connection.getpeername() == addresses[1].sockaddr

    def test_a_black_hole_is_given_a_head_start_and_no_more(
        self, server: int, black_hole: int
    ) -> None:
        addresses = (address(LOOPBACK, black_hole), address(LOOPBACK, server))
        with connect_first(addresses, for_seconds(10))[0] as connection:
            assert connection.getpeername()[1] == server

    def test_who_is_slow_may_still_win(self, refusing: int) -> None:
        """The first goes on while the second is tried, and fails."""
        with socket.create_server((LOOPBACK, 0), backlog=0) as listener, ExitStack() as closing:
            port = listener.getsockname()[1]
            for _ in range(4):
                waiting = closing.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((LOOPBACK, port))

            done = threading.Event()

            def make_room() -> None:
                time.sleep(0.4)
                listener.settimeout(0.05)
                while not done.is_set():
                    with suppress(TimeoutError):
                        listener.accept()[0].close()

            thread = threading.Thread(target=make_room)
            thread.start()
            addresses = (address(LOOPBACK, port), address(LOOPBACK, refusing))
            with connect_first(addresses, for_seconds(10))[0] as connection:
                taken = connection.getpeername()[1]
            done.set()
            thread.join()
            assert taken == port

    def test_time_is_up(self, black_hole: int) -> None:
        with pytest.raises(TimeoutError):
            connect_first((address(LOOPBACK, black_hole),), for_seconds(0.05))
        with pytest.raises(TimeoutError):
            connect_first((address(LOOPBACK, black_hole),) * 3, for_seconds(0.05))

    def test_the_last_failure_is_told(self, refusing: int) -> None:
        with pytest.raises(ConnectionRefusedError):
            connect_first((address(LOOPBACK, refusing),) * 2, for_seconds(10))

    def test_no_address(self) -> None:
        with pytest.raises(OSError, match="has no address"):
            connect_first((), for_seconds(10))

    def test_a_family_that_this_machine_lacks(self, server: int) -> None:
        addresses = (Address(250, (LOOPBACK, server)), address(LOOPBACK, server))
        with connect_first(addresses, for_seconds(10))[0] as connection:
            assert connection.getpeername()[1] == server
