"""Fakes of the ports that never touch the world: a clock that stands, a web in memory."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.addresses import AddressScope
from pipeline.errors import (
    BodyTooLarge,
    ConfigurationError,
    HttpStatus,
    StoreError,
    TransportError,
)
from pipeline.events import Event
from pipeline.names import covers
from pipeline.ports import BodyStart, Request, Response, Sink
from pipeline.results import Freshness, Validators
from pipeline.trust import AnyScope, KeySet, TrustedKey, TrustScope

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When a :class:`FixedClock` stands unless told otherwise."""


@final
@dataclass(slots=True)
class FixedClock:
    """A :class:`~pipeline.ports.Clock` that moves only when told."""

    time: datetime = EPOCH

    def now(self) -> datetime:
        """Return the time it stands at."""
        return self.time

    def monotonic(self) -> float:
        """Return seconds since :data:`EPOCH`."""
        return (self.time - EPOCH).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Move on by so many seconds at once."""
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.time += timedelta(seconds=seconds)


@final
@dataclass(frozen=True, slots=True)
class MemoryPaths:
    """A :class:`~pipeline.ports.PathProbe` over a set of absolute paths."""

    files: frozenset[str] = frozenset()
    folder: str = "/images"

    def is_file(self, path: str) -> bool:
        """Tell whether the path is in the set."""
        return self.absolute(path) in self.files

    def absolute(self, path: str) -> str:
        """Return the path as seen from ``folder``."""
        return posixpath.normpath(posixpath.join(self.folder, path))


@final
@dataclass(frozen=True, slots=True)
class Page:
    """What a :class:`MemoryTransport` answers for a URL; ``challenges`` are those of a 401."""

    body: bytes = b""
    status: int = 200
    etag: str | None = None
    last_modified: str | None = None
    max_age_seconds: int = 0
    peer: AddressScope | None = None
    fields: tuple[tuple[str, str], ...] = ()
    challenges: tuple[str, ...] = ()


@final
@dataclass(slots=True)
class MemoryTransport:
    """A :class:`~pipeline.ports.Transport` over a table of pages, which counts what was asked.

    A page may be a function of how often its URL was asked before, or an error to fail with.
    """

    pages: dict[str, Page | TransportError | Callable[[int], Page]]
    clock: FixedClock = field(default_factory=FixedClock)
    chunk_bytes: int = 7
    requests: list[Request] = field(default_factory=list)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Answer from the table; what is not in it is a 404."""
        asked = sum(1 for earlier in self.requests if earlier.url == request.url)
        self.requests.append(request)
        found = self.pages.get(request.url, Page(status=404))
        page = found(asked) if callable(found) else found
        if not isinstance(page, Page):
            return Failure(page)
        validators = Validators(page.etag, page.last_modified)
        freshness = Freshness(self.clock.now(), page.max_age_seconds)
        if page.etag is not None and page.etag == request.validators.etag:
            return Success(Response(request.url, 304, 0, validators, freshness))
        if page.status not in {200, 202}:
            challenges = page.challenges if page.status == 401 else ()
            return Failure(
                HttpStatus(
                    request.url, page.status, untrusted_challenges=challenges, peer=page.peer
                )
            )
        told = Response(request.url, page.status, 0, validators, freshness, page.peer, page.fields)
        if page.status == 202 or request.method == "HEAD":
            return Success(told)
        if len(page.body) > request.max_bytes:
            return Failure(BodyTooLarge(request.url, request.max_bytes, len(page.body)))
        begun = sink.begin(BodyStart(request.url, 0, len(page.body), validators))
        if not is_successful(begun):
            return Failure(begun.failure())
        for start in range(0, len(page.body), self.chunk_bytes):
            written = sink.write(page.body[start : start + self.chunk_bytes])
            if not is_successful(written):
                return Failure(written.failure())
        return Success(replace(told, size=len(page.body)))


@final
@dataclass(frozen=True, slots=True)
class StaticKeyring:
    """A :class:`~pipeline.ports.Keyring` over given keys, by the real rule for prefixes."""

    keys: tuple[TrustedKey, ...] = ()

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Return the keys whose prefix covers the scope's name."""
        if isinstance(scope, AnyScope):
            return Success(KeySet(self.keys))
        return Success(
            KeySet(
                tuple(
                    key
                    for key in self.keys
                    if key.entry.prefix is None or covers(key.entry.prefix, scope.name)
                )
            )
        )


@final
@dataclass(slots=True)
class EventLog:
    """An :class:`~pipeline.events.Observer` that keeps every event."""

    events: list[Event] = field(default_factory=list)

    def on_event(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)
