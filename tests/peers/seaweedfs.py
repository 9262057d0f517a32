"""A real SeaweedFS on loopback: S3 over TLS, with one key that may do everything.

    with SeaweedFS(folder, authority.issue_cert("s3.example.com")) as server:
        ...  # server.port speaks https

It is asked to stop, and made to where it does not: its volume server waits for its master.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest
import trustme

KEY_ID: Final = "tests-key-id"
SECRET_KEY: Final = "tests/secret+key=="

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 1.0


def need_weed() -> str:
    """Return the path of the command, which a package of the tests brings."""
    scripts = Path(sys.executable).parent
    path = shutil.which("weed", path=f"{scripts}:{os.environ.get('PATH', '')}")
    if path is None and os.environ.get("CI"):
        pytest.fail("needs weed")
    if path is None:
        pytest.skip("needs weed")
    return path


@dataclass(slots=True)
class SeaweedFS:
    """One server with everything that its S3 gateway needs."""

    folder: Path
    certificate: trustme.LeafCert
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        weed = need_weed()
        (self.folder / "data").mkdir(parents=True)
        self.certificate.cert_chain_pems[0].write_to_path(str(self.folder / "certificate.pem"))
        self.certificate.private_key_pem.write_to_path(str(self.folder / "key.pem"))
        key = {"accessKey": KEY_ID, "secretKey": SECRET_KEY}
        identity = {"name": "tests", "credentials": [key], "actions": ["Admin", "Read", "Write"]}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        names = ("master", "volume", "filer", "s3")
        ports = iter(_free_ports(2 * len(names) + 1))
        options = [
            f"-{name}.{kind}={next(ports)}" for name in names for kind in ("port", "port.grpc")
        ]
        self.port = next(ports)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    weed,
                    "-logtostderr=true",
                    "server",
                    f"-dir={self.folder / 'data'}",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    "-master.telemetry=false",
                    "-master.volumeSizeLimitMB=64",
                    "-filer",
                    # The path of a socket has at most 107 bytes; the folder's may be longer.
                    "-filer.localSocket=filer.sock",
                    "-s3",
                    "-s3.localSocket=s3.sock",
                    f"-s3.config={self.folder / 's3.json'}",
                    f"-s3.port.https={self.port}",
                    f"-s3.cert.file={self.folder / 'certificate.pem'}",
                    f"-s3.key.file={self.folder / 'key.pem'}",
                    "-s3.iam=false",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    *options,
                ],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self._wait_until_up()
        return self

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while (
            self._process is not None
            and self._process.poll() is None
            and time.monotonic() < deadline
        ):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            time.sleep(0.05)
        self._stop()
        pytest.fail(f"weed did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_ports(count: int) -> list[int]:
    """Return ports of loopback that were free a moment ago, each another one."""
    with contextlib.ExitStack() as closing:
        reserved = [closing.enter_context(socket.socket()) for _ in range(count)]
        for each in reserved:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in reserved]
