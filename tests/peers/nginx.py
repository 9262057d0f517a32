"""A real nginx on loopback, for tests, demonstrations and benchmarks.

    with Nginx(folder, authority.issue_cert("example.com")) as nginx:
        (nginx.root / "app.aci").write_bytes(image)
        ...  # nginx.port speaks http, nginx.tls_port https

The ports are held here all the while, so that nobody takes them before nginx does.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import trustme

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/tmp;
    proxy_temp_path {folder}/tmp;
    fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp;
    scgi_temp_path {folder}/tmp;
    default_type application/octet-stream;
    sendfile on;
    server {{
        listen 127.0.0.1:{port} reuseport;
        listen 127.0.0.1:{tls_port} ssl reuseport;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        root {folder}/www;
        {directives}
    }}
}}
"""


def need_tool(name: str) -> str:
    """Return the path of an installed tool; otherwise skip the test, or fail it in CI."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None and os.environ.get("CI"):
        pytest.fail(f"needs {name}")
    if path is None:
        pytest.skip(f"needs {name}")
    return path


@dataclass(slots=True)
class Nginx:
    """One nginx with one site, over http and over https; ``directives`` go into its server."""

    folder: Path
    certificate: trustme.LeafCert
    directives: str = ""
    port: int = 0
    tls_port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _reserved: list[socket.socket] = field(default_factory=list, init=False)

    @property
    def root(self) -> Path:
        """The folder that is served."""
        return self.folder / "www"

    @property
    def requests(self) -> list[str]:
        """The access log's lines, one a request that was answered."""
        return (self.folder / "access.log").read_text().splitlines()

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        self.certificate.cert_chain_pems[0].write_to_path(str(self.folder / "certificate.pem"))
        self.certificate.private_key_pem.write_to_path(str(self.folder / "key.pem"))
        self._reserved = [_reserve(self.port), _reserve(self.tls_port)]
        self.port, self.tls_port = (each.getsockname()[1] for each in self._reserved)
        path = self.folder / "nginx.conf"
        path.write_text(
            CONFIGURATION.format(
                folder=self.folder,
                port=self.port,
                tls_port=self.tls_port,
                directives=self.directives,
            )
        )
        self._process = subprocess.Popen(
            [need_tool("nginx"), "-p", str(self.folder), "-c", str(path)],
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_up()
        return self

    def _wait_until_up(self) -> None:
        while self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.tls_port)).close()
                return
            time.sleep(0.005)
        pytest.fail(f"nginx did not start: {(self.folder / 'error.log').read_text()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        for each in self._reserved:
            each.close()


def _reserve(port: int) -> socket.socket:
    """Hold a port of loopback, which only who says so as well (reuseport) can listen on."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved
