"""Fakes of the ports that never touch the world: a clock that stands, a web in memory.

A store and a quarantine in memory are in :mod:`pipeline.adapters.memory`, faults of the web in
:mod:`.faults`. Each fake passes the checks of :mod:`.conformance` for its port.
"""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.addresses import AddressScope
from pipeline.digest import Digest
from pipeline.errors import (
    BodyTooLarge,
    ConfigurationError,
    DiscoveryError,
    DiscoveryFailed,
    HttpStatus,
    RegistryBlocked,
    StoreError,
    TransportError,
    Unproven,
    VerificationError,
)
from pipeline.events import Event
from pipeline.hashing import digest_of
from pipeline.names import ImageName, Labels, covers
from pipeline.oci import OciPlatform
from pipeline.ports import Admitted, BodyStart, Request, Response, Sink, Wanted
from pipeline.reference import DockerReference
from pipeline.results import (
    Candidate,
    Freshness,
    KeyPlace,
    ManifestEvidence,
    RegistryPlace,
    Validators,
)
from pipeline.trust import AnyScope, KeySet, TrustedKey, TrustScope

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When a :class:`FixedClock` stands unless told otherwise."""


_EVERYTHING = Wanted(simple=True, sigstore=True)


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

    A page may be a function of how often its URL was asked before, or an error to fail with. What
    a sink holds of a page that still has the same ETag is not sent again.
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
        offset = _offset(page, request, sink)
        begun = sink.begin(BodyStart(request.url, offset, len(page.body), validators))
        if not is_successful(begun):
            return Failure(begun.failure())
        for start in range(offset, len(page.body), self.chunk_bytes):
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
@dataclass(frozen=True, slots=True)
class StaticDiscovery:
    """A :class:`~pipeline.ports.Discovery` over tables; what is not in them is nowhere."""

    places: Mapping[ImageName, tuple[Candidate, ...]] = field(default_factory=dict)
    keys: Mapping[ImageName, tuple[KeyPlace, ...]] = field(default_factory=dict)

    def endpoints(
        self,
        name: ImageName,
        labels: Labels,  # noqa: ARG002 - the tables are by name alone
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        """Return the places of a name."""
        found = self.places.get(name)
        return Success(found) if found else Failure(DiscoveryFailed(name, "image", ()))

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        """Return the places of a name's keys."""
        found = self.keys.get(name)
        return Success(found) if found else Failure(DiscoveryFailed(name, "public key", ()))


@final
@dataclass(frozen=True, slots=True)
class StaticRegistries:
    """A :class:`~pipeline.ports.Registries` in which every registry is at its own name.

    ``blocked`` are the APIs' hosts that may not be asked.
    """

    blocked: frozenset[str] = frozenset()

    def places(
        self, reference: DockerReference, platform: OciPlatform
    ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
        """Return the one place of an image."""
        if reference.registry in self.blocked:
            return Failure(RegistryBlocked(reference.normal, "a test"))
        base = f"https://{reference.registry}/v2/{reference.repository}"
        return Success((RegistryPlace(reference, base, platform),))


@final
@dataclass(frozen=True, slots=True)
class StaticPolicy:
    """A :class:`~pipeline.ports.ManifestPolicy` over a table of manifests' sha256 digests.

    What is not in the table, nobody vouches for. ``looks_for`` is the same for every reference.
    """

    admitted: Mapping[Digest, Admitted] = field(default_factory=dict)
    looks_for: Wanted = _EVERYTHING

    def wanted(
        self,
        reference: str,  # noqa: ARG002 - the same for all
    ) -> Result[Wanted, VerificationError | ConfigurationError]:
        """Tell what to look for."""
        return Success(self.looks_for)

    def admit(
        self,
        evidence: ManifestEvidence,
        now: datetime,  # noqa: ARG002 - the table is for ever
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        """Look the manifest up, the last of the documents."""
        found = [self.admitted.get(digest_of("sha256", each)) for each in evidence.documents[-1:]]
        if not found or found[0] is None:
            return Failure(Unproven(evidence.reference))
        return Success(found[0])


@final
@dataclass(slots=True)
class EventLog:
    """An :class:`~pipeline.events.Observer` that keeps every event."""

    events: list[Event] = field(default_factory=list)

    def on_event(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


def _offset(page: Page, request: Request, sink: Sink) -> int:
    """Return from where on a page is sent: 0, unless what the sink holds is certainly of it."""
    point = sink.resume_point()
    if point is None or not 0 < point.offset < len(page.body):
        return 0
    # RFC 9110 section 13.1.5: only a strong validator tells that two parts are of one whole.
    is_same = page.etag is not None and point.validators.etag == page.etag
    is_strong = is_same and not str(page.etag).startswith("W/")
    is_content = request.content_addressed and point.content_addressed
    return point.offset if is_strong or is_content else 0
