"""The ports: what a stage needs of the world, each a Protocol of one to three methods.

Adapters implement them, :mod:`pipeline.testing` has fakes, and a stage knows nothing else of
what is outside. No method raises for bad input or a failing world: it returns a Failure.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final, Protocol, TypeAlias, final

from returns.result import Result

from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    StoreError,
    TransportError,
    VerificationError,
)
from pipeline.names import ImageName, Labels
from pipeline.results import (
    Candidate,
    Extracted,
    Freshness,
    QuarantinedBlob,
    Stored,
    Validators,
)
from pipeline.trust import (
    KeySet,
    SignaturePlan,
    SignedDigest,
    Signer,
    TrustScope,
)


class PathProbe(Protocol):
    """What the reference parser asks about files; it never reads one."""

    def is_file(self, path: str) -> bool:
        """Tell whether ``path`` is an existing regular file."""
        ...

    def absolute(self, path: str) -> str:
        """Return ``path`` as an absolute one, without ``.`` and ``..``; links are not resolved."""
        ...


class Clock(Protocol):
    """The time, as an argument."""

    def now(self) -> datetime:
        """Return the current time, with its zone (UTC)."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start that never go back."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Request:
    """One GET. ``url`` is ``https:``, ``http:`` or ``file:``; limits are per request.

    ``validators`` make it conditional (RFC 9110 section 13.1). ``idle_seconds`` bounds each
    silence, ``total_seconds`` the whole, redirects included.
    """

    url: str
    max_bytes: int
    idle_seconds: float
    total_seconds: float
    accept: str = "*/*"
    validators: Validators = Validators()


@final
@dataclass(frozen=True, slots=True)
class Response:
    """How a server answered; the body, where there is one, went into the sink.

    ``status`` is 200, 202 or 304; every other one is a failure. ``url`` is where the answer came
    from, after redirects; ``size`` counts the body's bytes as they travelled.
    """

    url: str
    status: int
    size: int
    validators: Validators
    freshness: Freshness


class Sink(Protocol):
    """Where a transport puts a body, a chunk at a time."""

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Take a chunk of any size; a Failure ends the transfer."""
        ...


class Transport(Protocol):
    """A way to get bytes. Content codings are never applied to a body (RFC 9110 section 8.4)."""

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """GET ``request.url``; a 200's body goes into ``sink`` whole, or this fails."""
        ...


class Discovery(Protocol):
    """A way to learn where images and keys are."""

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        """Return where the image may be, at least one place, in the order to try them."""
        ...

    def public_keys(self, name: ImageName) -> Result[tuple[str, ...], DiscoveryError]:
        """Return URLs of public keys that speak for the name, at least one."""
        ...


class Keyring(Protocol):
    """Where trusted keys come from."""

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Return the keys trusted for ``scope``, in load order."""
        ...


class SignatureVerifier(Protocol):
    """A scheme of detached signatures. Pure: what it needs comes in as arguments."""

    def plan(
        self, untrusted_signature: bytes, keys: KeySet, scope: TrustScope, now: datetime
    ) -> Result[SignaturePlan, VerificationError]:
        """Read a signature before the file that it signs: what must be hashed, by whom signed.

        Fails at once where no outcome could be good: no signature, nobody who is trusted, a key
        that is revoked or expired, an algorithm that proves nothing.
        """
        ...

    def verify(
        self,
        untrusted_signature: bytes,
        digests: tuple[SignedDigest, ...],
        keys: KeySet,
        scope: TrustScope,
        now: datetime,
    ) -> Result[tuple[Signer, ...], VerificationError]:
        """Judge the signature over ``digests``; a success names at least one signer."""
        ...


class BlobWriter(Protocol):
    """A file in the making, in quarantine."""

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Append a chunk."""
        ...

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Close the file; it is complete from here on."""
        ...

    def discard(self) -> None:
        """Remove the file, finished or not; never fails."""
        ...


class Quarantine(Protocol):
    """Where bytes lie until they are known to be good. What stays in it goes when it closes."""

    def create(self, label: str) -> Result[BlobWriter, StoreError]:
        """Start a file; ``label`` (letters and dashes) is for people who look at the folder."""
        ...

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a finished file for reading; the caller closes it."""
        ...


class Store(Protocol):
    """Where verified images go."""

    def commit(self, extracted: Extracted) -> Result[Stored, StoreError]:
        """Take the archive out of quarantine and keep it: wholly, durably, or not at all.

        An image that is there already stays as it is; a better provenance replaces a worse.
        """
        ...


class Catalog(Protocol):
    """What the store has."""

    def resolve(self, hex_prefix: str) -> Result[Stored, StoreError]:
        """Return the one image whose ID starts with these 2 to 128 hex digits."""
        ...

    def find(
        self, name: ImageName, labels: Labels, defaults: Labels = Labels()
    ) -> Result[Stored, StoreError]:
        """Return the newest image of that name with those labels.

        A label of ``defaults`` must match only where the image has it: an image for one
        architecture must not be served for another, one for all of them may.

        Without a ``version`` among ``labels``, one that was imported as the latest (fetched
        without a version) goes before the others, as in rkt.
        """
        ...

    def list_images(self) -> Result[tuple[Stored, ...], StoreError]:
        """Return every image, the newest import first."""
        ...


@final
@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """What the store remembers of a URL it fetched: which image, and when to ask again."""

    url: str
    image: Stored
    validators: Validators
    freshness: Freshness


class RemoteCache(Protocol):
    """Which URL gave which image."""

    def lookup(self, url: str) -> Result[RemoteEntry | None, StoreError]:
        """Return what is known of ``url``; None where nothing is, or its image is gone."""
        ...

    def refresh(
        self, url: str, validators: Validators, freshness: Freshness
    ) -> Result[None, StoreError]:
        """Note that ``url`` was asked again and its image still stands."""
        ...


@final
@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage begins on a value, described in one word or URL without secrets."""

    stage: str
    subject: str


@final
@dataclass(frozen=True, slots=True)
class StageEnded:
    """A stage is done after ``seconds``; ``error_kind`` is None where it succeeded."""

    stage: str
    subject: str
    seconds: float
    error_kind: str | None


@final
@dataclass(frozen=True, slots=True)
class TransferProgressed:
    """Bytes so far of a transfer from ``url``, which is without secrets.

    ``total`` is None where the server did not say.
    """

    url: str
    received: int
    total: int | None


@final
@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that a person should know, in one sentence without secrets."""

    kind: str
    message: str


Event: TypeAlias = StageStarted | StageEnded | TransferProgressed | Noticed
"""What an observer sees."""


class Observer(Protocol):
    """Who watches. What an observer does changes nothing."""

    def on_event(self, event: Event) -> None:
        """Take note of an event; called from the thread that does the work."""
        ...


@final
class _Silence:
    """An observer that looks away."""

    def on_event(self, event: Event) -> None:
        """Do nothing."""


SILENCE: Final = _Silence()
"""The observer of those who do not watch."""

__all__ = [
    "SILENCE",
    "BlobWriter",
    "Catalog",
    "Clock",
    "Discovery",
    "Event",
    "Keyring",
    "Noticed",
    "Observer",
    "PathProbe",
    "Quarantine",
    "RemoteCache",
    "RemoteEntry",
    "Request",
    "Response",
    "SignatureVerifier",
    "Sink",
    "StageEnded",
    "StageStarted",
    "Store",
    "TransferProgressed",
    "Transport",
]
