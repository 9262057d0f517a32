"""The ports: what a stage needs of the world, each a Protocol of one to three methods.

Adapters implement them, :mod:`pipeline.testing` has fakes, and a stage knows nothing else of
what is outside. No method raises for bad input or a failing world: it returns a Failure.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final, Literal, Protocol, TypeAlias, final

from returns.result import Result

from pipeline.addresses import AddressScope
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    ImageError,
    OnePlaceError,
    StoreError,
    TransportError,
    VerificationError,
)
from pipeline.limits import Limits
from pipeline.logins import Login
from pipeline.names import ImageName, Labels
from pipeline.oci import OciPlatform
from pipeline.reference import DockerReference
from pipeline.results import (
    Candidate,
    Extracted,
    Freshness,
    ImagePathPlace,
    KeyPlace,
    LoadedImage,
    ManifestEvidence,
    QuarantinedBlob,
    RegistryPlace,
    Stored,
    Validators,
)
from pipeline.secret import Secret
from pipeline.trust import (
    AnySigner,
    Decision,
    KeySet,
    SignaturePlan,
    SignedDigest,
    SignedMessage,
    Signer,
    SigstoreSigner,
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

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed; at once for none or less."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Request:
    """One GET, unless ``method`` says otherwise. Limits are per request.

    ``url`` is ``https:``, ``http:`` or ``file:``.

    ``validators`` make it conditional (RFC 9110 section 13.1). ``idle_seconds`` bounds each
    silence, ``total_seconds`` the whole, redirects and retries included. A body that comes in more
    slowly than ``least_bytes_per_second`` for a while ends the transfer; 0 demands nothing.
    ``named_by`` says from where the URL came, where a server named it and not the user: it may
    lead no further inward than that server was (:class:`~pipeline.addresses.AddressScope`).

    ``headers`` go over https to the URL's own origin alone, whatever it redirects to, and with an
    ``Authorization`` among them no other proof of who asks is sent. ``plain_headers`` go to that
    origin over http as well: they hold what is given to anybody, as an anonymous token is. Where a
    redirect leads out of ``headers_below``, a path of that origin, both stay behind, as does all
    else that says who asks. What ``is_anonymous`` says nothing of who asks, but for what it holds
    itself.

    A HEAD has no body, and the sink is not touched. A POST sends ``form``, as
    ``application/x-www-form-urlencoded``, over https to the URL's own origin, and is never
    redirected; it asks for something, as a GET does, so it may be sent again.

    What is ``content_addressed`` is named by its digest, which whoever asks checks: its rest may
    be asked for without a validator.

    ``attempt`` counts how often it is sent, from 1; whoever sends it again says so.
    """

    url: str
    max_bytes: int
    idle_seconds: float
    total_seconds: float
    accept: str = "*/*"
    validators: Validators = Validators()
    least_bytes_per_second: int = 0
    named_by: AddressScope | None = None
    method: Literal["GET", "HEAD", "POST"] = "GET"
    headers: tuple[tuple[str, Secret], ...] = ()
    plain_headers: tuple[tuple[str, Secret], ...] = ()
    headers_below: str = "/"
    form: tuple[tuple[str, Secret], ...] = ()
    content_addressed: bool = False
    is_anonymous: bool = False
    attempt: int = 1


@final
@dataclass(frozen=True, slots=True)
class Response:
    """How a server answered; the body, where there is one, went into the sink.

    ``status`` is 200, 202 or 304; every other one is a failure, and a part (206) that completed
    what the sink held counts as a 200. ``url`` is where the answer came from, after redirects;
    ``size`` is the whole body's in bytes, as it travels. ``peer`` is where that server was, None
    where nobody can tell: behind a proxy, or for a file. ``fields`` are those header fields of
    the answer that say what it is (``content-type``, ``docker-content-digest``, ``link``), names
    in lower case.
    """

    url: str
    status: int
    size: int
    validators: Validators
    freshness: Freshness
    peer: AddressScope | None = None
    fields: tuple[tuple[str, str], ...] = ()

    def field(self, name: str) -> str:
        """Return a header field's value; empty where there is none."""
        return next((value for each, value in self.fields if each == name), "")


@final
@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How much of a body is held, so that the rest alone is asked for (RFC 9110 section 14.2).

    ``offset`` bytes, at least 1, are held of the representation that ``validators`` name, one of
    them strong; ``total`` is its whole size, None where nobody said. What is
    ``content_addressed`` needs no validator: its digest tells whether the parts belong together.
    """

    offset: int
    validators: Validators
    total: int | None = None
    content_addressed: bool = False


@final
@dataclass(frozen=True, slots=True)
class BodyStart:
    """What is known of a body before its first byte; it begins at ``offset`` of the whole.

    ``total`` is the whole's size in bytes, None where the server did not say. ``validators`` are
    those by which the rest could be asked for later; empty where it could not.
    """

    url: str
    offset: int
    total: int | None
    validators: Validators


class Sink(Protocol):
    """Where a transport puts a body, a chunk at a time."""

    def resume_point(self) -> ResumePoint | None:
        """Return what is held of the body; None for nothing. Asked before each request."""
        ...

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        """Make ready for a body: what is held beyond ``start.offset`` is void.

        Called before its first byte, once for each answer with a body; 0, or an offset up to that
        of the resume point. A Failure ends the transfer.
        """
        ...

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Take a chunk of any size; a Failure ends the transfer."""
        ...


class Transport(Protocol):
    """A way to get bytes. Content codings are never applied to a body (RFC 9110 section 8.4)."""

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Ask for ``request.url``; a 200's body goes into ``sink`` whole, or this fails.

        A transport may ask for what the sink does not hold yet, and must begin at 0 where the
        server does not prove that the rest belongs to what is held.
        """
        ...


class Registries(Protocol):
    """Where registry images may be asked for."""

    def places(
        self, reference: DockerReference, platform: OciPlatform
    ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
        """Return the mirrors of an image's registry, then that itself, in the order to try them.

        Fails where the user's configuration blocks the registry, or cannot be read.
        """
        ...


class ImagePathReader(Protocol):
    """How images in files are read."""

    def load(
        self, place: ImagePathPlace, quarantine: "Quarantine", limits: Limits
    ) -> Result[LoadedImage, ImageError | OnePlaceError | StoreError]:
        """Copy an image into quarantine, every digest and size checked on the way."""
        ...


class Credentials(Protocol):
    """What proves to servers who asks."""

    def headers_for(self, url: str, now: datetime) -> tuple[tuple[str, Secret], ...]:
        """Return the header fields to add to a GET of ``url``; none where nothing is set for it.

        Only for https URLs, and only for the very origin (RFC 6454 section 4) that was set.
        """
        ...


class RegistryCredentials(Protocol):
    """What proves to registries who asks; whoever speaks to one asks here, and over https alone."""

    def login_for(self, registry: str, repository: str) -> Result[Login | None, ConfigurationError]:
        """Return what is set for a repository of a registry; None: it is asked as anybody.

        ``registry`` is the host that is asked, in lower case, with its port unless that is 443:
        ``registry-1.docker.io`` for docker.io. May take as long as a credential helper does;
        called by several threads.
        """
        ...


class Discovery(Protocol):
    """A way to learn where images and keys are."""

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        """Return where the image may be, at least one place, in the order to try them."""
        ...

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        """Return where public keys are that speak for the name, at least one place."""
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


class MessageVerifier(SignatureVerifier, Protocol):
    """A scheme of signatures that has signed messages, too."""

    def read_message(self, untrusted_message: bytes) -> Result[SignedMessage, VerificationError]:
        """Take a signed message apart; nothing is verified."""
        ...


class SigstoreVerifier(Protocol):
    """The mathematics of cosign's signatures. Pure."""

    def verify(
        self, untrusted_payload: bytes, untrusted_signature: bytes, public_key: bytes, path: str
    ) -> Result[SigstoreSigner, VerificationError]:
        """Judge a raw signature by a PEM public key; ``path`` is where that came from."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Proven:
    """Who is proven to have signed, at least one, and which rule demanded it."""

    signers: tuple[AnySigner, ...]
    decision: Decision


@final
@dataclass(frozen=True, slots=True)
class LetThrough:
    """A rule lets everything pass unproven; ``reason`` says which, for people."""

    reason: str
    decision: Decision


Admitted: TypeAlias = Proven | LetThrough
"""How an image came to pass."""


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """Which kinds of signatures could make a difference."""

    simple: bool
    sigstore: bool


class ManifestPolicy(Protocol):
    """Who may vouch for the manifests of OCI images. Pure, but for reading keys."""

    def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
        """Tell what to look for before anything is asked for; fails where nothing could help.

        ``reference`` is as in :class:`~pipeline.results.ManifestEvidence`.
        """
        ...

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        """Judge a manifest; what it says is not looked at."""
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


class Partial(Sink, Protocol):
    """A body on its way, in quarantine, of which a later session can fetch the rest.

    What is held of its URL is this session's alone until it is released, or the session ends. What
    was finished goes with a session that ends well; what was not, or was released, stays for the
    next one, where a validator makes it possible to fetch the rest.
    """

    def read(self) -> Result[BinaryIO, StoreError]:
        """Open what is held for reading; the caller closes it."""
        ...

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Close the file; it is complete from here on."""
        ...

    def release(self) -> None:
        """Let another session go on with what is held, finished or not; never fails."""
        ...

    def discard(self) -> None:
        """Remove what is held; never fails."""
        ...


class Quarantine(Protocol):
    """Where bytes lie until they are known to be good. What stays in it goes when it closes."""

    def create(self, label: str) -> Result[BlobWriter, StoreError]:
        """Start a file; ``label`` (letters and dashes) is for people who look at the folder."""
        ...

    def resume(self, url: str, wait_seconds: float) -> Result[Partial, StoreError]:
        """Take up what is held of ``url``, or start.

        While another session is at it, waits, at most so long. What this session holds itself, it
        begins anew beside that: nobody waits for themselves.
        """
        ...

    def resume_blob(self, digest: Digest, wait_seconds: float) -> Result[Partial, StoreError]:
        """Take up what is held of the content with that digest, from wherever it came, or start.

        Whoever finishes it compares the digest, and discards what is wrong.
        """
        ...

    def adopt(self, digest: Digest, size: int) -> Result[QuarantinedBlob | None, StoreError]:
        """Return what the store has already with that digest and size; None where it has not.

        It stays there for this session, whatever is removed from the store meanwhile.
        """
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

    def resolve(
        self, hex_prefix: str, algorithm: DigestAlgorithm = "sha512"
    ) -> Result[Stored, StoreError]:
        """Return the one image whose ID, by that algorithm, starts with these hex digits.

        At least 2, and up to as many as the algorithm has.
        """
        ...

    def find(
        self, name: ImageName, labels: Labels, defaults: Labels = Labels()
    ) -> Result[Stored, StoreError]:
        """Return the newest archive of that name with those labels.

        A label of ``defaults`` must match only where the image has it: an image for one
        architecture must not be served for another, one for all of them may.

        Registry images do not count: an appc name means an archive, and other rules prove those.

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
class _NoCredentials:
    """Proves nothing to anybody."""

    def headers_for(
        self,
        url: str,  # noqa: ARG002 - nobody is told anything
        now: datetime,  # noqa: ARG002 - at no time
    ) -> tuple[tuple[str, Secret], ...]:
        """Return no field."""
        return ()


NO_CREDENTIALS: Final = _NoCredentials()
"""The credentials of those who have none."""

__all__ = [
    "NO_CREDENTIALS",
    "Admitted",
    "BlobWriter",
    "BodyStart",
    "Catalog",
    "Clock",
    "Credentials",
    "Discovery",
    "ImagePathReader",
    "Keyring",
    "LetThrough",
    "ManifestPolicy",
    "MessageVerifier",
    "Partial",
    "PathProbe",
    "Proven",
    "Quarantine",
    "Registries",
    "RegistryCredentials",
    "RemoteCache",
    "RemoteEntry",
    "Request",
    "Response",
    "ResumePoint",
    "SignatureVerifier",
    "SigstoreVerifier",
    "Sink",
    "Store",
    "Transport",
    "Wanted",
]
