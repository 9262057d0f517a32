"""How these tests ask: a transport with the system's clock, and a sink that remembers."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from returns.result import Failure, Result, Success

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.errors import DiskFull, StoreError
from pipeline.ports import (
    NO_CREDENTIALS,
    BodyStart,
    Clock,
    Credentials,
    Request,
    ResumePoint,
)
from pipeline.results import Validators
from pipeline.testing.fakes import EventLog


@dataclass(slots=True)
class ListSink:
    """Keeps chunks; full after ``room`` bytes."""

    room: int = 1 << 30
    chunks: list[bytes] = field(default_factory=list)

    def resume_point(self) -> ResumePoint | None:
        return None

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        self.chunks.clear()
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        if len(self.content) + len(chunk) > self.room:
            return Failure(DiskFull("/full"))
        self.chunks.append(chunk)
        return Success(None)

    @property
    def content(self) -> bytes:
        return b"".join(self.chunks)


def get(
    url: str,
    *,
    max_bytes: int = 1 << 24,
    idle: float = 5.0,
    total: float = 10.0,
    etag: str | None = None,
    last_modified: str | None = None,
) -> Request:
    return Request(url, max_bytes, idle, total, validators=Validators(etag, last_modified))


Open = Callable[..., HttpTransport]


@pytest.fixture
def log() -> EventLog:
    return EventLog()


@pytest.fixture
def open_transport(log: EventLog) -> Iterator[Open]:
    """Open transports that are closed after the test; plain HTTP is allowed unless told."""
    with ExitStack() as closing:

        def make(
            settings: HttpSettings | None = None,
            clock: Clock | None = None,
            credentials: Credentials = NO_CREDENTIALS,
        ) -> HttpTransport:
            chosen = settings or HttpSettings(allow_http=True)
            transport = HttpTransport(chosen, clock or SystemClock(), log, credentials)
            return closing.enter_context(transport)

        yield make


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def make_tls(authority: trustme.CA) -> Callable[..., ssl.SSLContext]:
    """Make a server's side of TLS, with a certificate for some hosts."""

    def make(*hosts: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*hosts).configure_cert(context)
        return context

    return make
