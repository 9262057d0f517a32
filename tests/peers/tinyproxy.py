"""A real tinyproxy on loopback.

with Tinyproxy(folder, "user", "password", connect_port=8443) as proxy:
    ...  # proxy.port takes plain requests, and CONNECT to that port alone
    assert proxy.requests == ["CONNECT localhost:8443 HTTP/1.1"]
"""

import contextlib
import re
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.peers.nginx import need_tool

CONFIGURATION = """
Port {port}
Listen 127.0.0.1
Timeout 30
LogFile "{folder}/tinyproxy.log"
LogLevel Connect
MaxClients 10
Allow 127.0.0.1
BasicAuth {user} {password}
ConnectPort {connect_port}
"""


@dataclass(slots=True)
class Tinyproxy:
    """One tinyproxy that wants a user's name and password."""

    folder: Path
    user: str
    password: str
    connect_port: int
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def requests(self) -> list[str]:
        """The first line of each request that was made with the right password."""
        log = (self.folder / "tinyproxy.log").read_text()
        return re.findall(r"Request \(file descriptor \d+\): (.*)", log)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        path = self.folder / "tinyproxy.conf"
        path.write_text(
            CONFIGURATION.format(
                port=self.port,
                folder=self.folder,
                user=self.user,
                password=self.password,
                connect_port=self.connect_port,
            )
        )
        self._process = subprocess.Popen(
            [need_tool("tinyproxy"), "-d", "-c", str(path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while self._process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            time.sleep(0.005)
        pytest.fail("tinyproxy did not start")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
