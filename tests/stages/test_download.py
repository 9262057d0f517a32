"""Images into quarantine: the order of things, what ends the search, and what is left behind."""

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, TypeAlias

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryQuarantine
from pipeline.errors import (
    AllCandidatesFailed,
    BodyTooLarge,
    ConfigurationError,
    ConnectionFailed,
    DiskFull,
    HttpStatus,
    KeystoreUnavailable,
    NotASignature,
    PipelineError,
    SignatureDeferred,
    SignatureUnavailable,
    StoreError,
    StoreUnavailable,
    TransportError,
    TruncatedBody,
    UnknownSigner,
    VerificationError,
)
from pipeline.limits import DOCUMENT_SECONDS, SIGNATURE_BYTES, Limits
from pipeline.names import ImageName
from pipeline.ports import (
    BlobWriter,
    Noticed,
    Observer,
    Quarantine,
    Request,
    Response,
    Sink,
    Transport,
)
from pipeline.reference import ArchiveReference
from pipeline.results import (
    Candidate,
    Downloaded,
    Expectations,
    Freshness,
    Located,
    QuarantinedBlob,
    Signed,
    Unchanged,
    Unsigned,
    Validators,
)
from pipeline.stage import Stage
from pipeline.stages.download import (
    download_if_changed,
    download_image,
    download_unsigned,
    download_unsigned_if_changed,
)
from pipeline.testing.fakes import EventLog, FixedClock, MemoryTransport, Page, StaticKeyring
from pipeline.trust import (
    AnyScope,
    DigestRequest,
    KeySet,
    NamedScope,
    SignaturePlan,
    SignedDigest,
    Signer,
    TrustScope,
)

IMAGE = b"an image in many chunks" * 100
SIGNATURE = b"signature"
A = Candidate("https://a/x.aci", "https://a/x.aci.asc")
B = Candidate("https://b/x.aci", "https://b/x.aci.asc")
REFERENCE = ArchiveReference("https://a/x.aci")
REQUESTS = (DigestRequest("sha512", False, b"1"), DigestRequest("sha256", True, b"2"))

Pages: TypeAlias = dict[str, Page | ConnectionFailed | Callable[[int], Page]]


@dataclass(slots=True)
class StubVerifier:
    """Plans what it is told to for :data:`SIGNATURE`; knows the signer of nothing else."""

    seen: list[tuple[TrustScope, datetime]] = field(default_factory=list)

    def plan(
        self, untrusted_signature: bytes, keys: KeySet, scope: TrustScope, now: datetime
    ) -> Result[SignaturePlan, VerificationError]:
        self.seen.append((scope, now))
        if untrusted_signature != SIGNATURE:
            return Failure(UnknownSigner((), "any name", len(keys.keys)))
        return Success(SignaturePlan(REQUESTS, ()))

    def verify(
        self,
        untrusted_signature: bytes,
        digests: tuple[SignedDigest, ...],
        keys: KeySet,
        scope: TrustScope,
        now: datetime,
    ) -> Result[tuple[Signer, ...], VerificationError]:
        return Failure(NotASignature("downloading judges nothing"))


class NoKeyring:
    """A keystore that cannot be read."""

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        return Failure(KeystoreUnavailable("/keys", "read", "Permission denied"))


@dataclass(slots=True)
class World:
    """Ports of one download."""

    pages: Pages
    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)
    verifier: StubVerifier = field(default_factory=StubVerifier)
    log: EventLog = field(default_factory=EventLog)
    transport: MemoryTransport = field(init=False)

    def __post_init__(self) -> None:
        self.transport = MemoryTransport(dict(self.pages), chunk_bytes=100)

    def signed(self) -> Stage[Located, Downloaded, PipelineError]:
        return download_image(
            transport=self.transport,
            quarantine=self.quarantine,
            keyring=StaticKeyring(),
            verifier=self.verifier,
            clock=FixedClock(),
            observer=self.log,
        )

    def unsigned(self) -> Stage[Located, Downloaded, PipelineError]:
        return download_unsigned(
            transport=self.transport, quarantine=self.quarantine, observer=self.log
        )

    def if_changed(
        self, known: Callable[[str], Validators]
    ) -> Stage[Located, Downloaded | Unchanged, PipelineError]:
        return download_if_changed(
            transport=self.transport,
            quarantine=self.quarantine,
            keyring=StaticKeyring(),
            verifier=self.verifier,
            clock=FixedClock(),
            observer=self.log,
            known=known,
        )

    def asked(self) -> list[str]:
        return [request.url for request in self.transport.requests]


def located(*candidates: Candidate, expected: Expectations = Expectations()) -> Located:
    return Located(REFERENCE, candidates, expected)


def good(candidate: Candidate) -> Pages:
    return {candidate.image: Page(IMAGE, etag='"v1"'), candidate.signature: Page(SIGNATURE)}


def wanted_digests() -> tuple[SignedDigest, ...]:
    return (
        SignedDigest(REQUESTS[0], hashlib.sha512(IMAGE + b"1").digest()),
        SignedDigest(REQUESTS[1], hashlib.sha256(IMAGE + b"2").digest()),
    )


class TestSigned:
    def test_signature_then_image_hashed(self) -> None:
        world = World(good(A))
        image = world.signed()(located(A)).unwrap()
        assert world.asked() == [A.signature, A.image]
        assert image.evidence == Signed(SIGNATURE, wanted_digests())
        assert (image.reference, image.source, image.blob.size) == (REFERENCE, A, len(IMAGE))
        assert image.validators == Validators('"v1"')
        assert world.quarantine.blobs == {image.blob.key: IMAGE}

    def test_keys_are_those_for_what_was_asked_for(self) -> None:
        """Threat 28: never those for what a file says of itself."""
        for expected, scope in (
            (Expectations(), AnyScope()),
            (Expectations(ImageName("example.com/app")), NamedScope(ImageName("example.com/app"))),
        ):
            world = World(good(A))
            world.signed()(located(A, expected=expected)).unwrap()
            assert world.verifier.seen == [(scope, FixedClock().now())]

    def test_an_unknown_signer_ends_it_before_the_image(self) -> None:
        world = World(good(A) | good(B) | {A.signature: Page(b"by another")})
        assert isinstance(world.signed()(located(A, B)).failure(), UnknownSigner)
        assert world.asked() == [A.signature]
        assert world.quarantine.created == 0

    def test_a_keystore_that_cannot_be_read_ends_it(self) -> None:
        world = World(good(A) | good(B))
        stage = download_image(
            transport=world.transport,
            quarantine=world.quarantine,
            keyring=NoKeyring(),
            verifier=world.verifier,
            clock=FixedClock(),
            observer=world.log,
        )
        assert isinstance(stage(located(A, B)).failure(), KeystoreUnavailable)
        assert world.asked() == [A.signature]

    @pytest.mark.parametrize("size", [SIGNATURE_BYTES, SIGNATURE_BYTES + 1])
    def test_a_signature_that_is_too_large_is_none(self, size: int) -> None:
        world = World(good(A) | good(B) | {A.signature: Page(b"x" * size)})
        world.transport.chunk_bytes = 1 << 20
        error = world.signed()(located(A, B)).failure()
        assert isinstance(error, UnknownSigner if size == SIGNATURE_BYTES else NotASignature)

    def test_limits_go_along(self) -> None:
        world = World(good(A))
        stage = download_image(
            transport=world.transport,
            quarantine=world.quarantine,
            keyring=StaticKeyring(),
            verifier=world.verifier,
            clock=FixedClock(),
            observer=world.log,
            limits=Limits(image_bytes=10, idle_seconds=2, total_seconds=1000),
        )
        assert stage(located(A)).failure() == BodyTooLarge(A.image, 10, len(IMAGE))
        signature, image = world.transport.requests
        assert (signature.max_bytes, signature.idle_seconds) == (SIGNATURE_BYTES, 2)
        assert (signature.total_seconds, image.total_seconds) == (DOCUMENT_SECONDS, 1000)
        assert world.quarantine.blobs == {}


class TestCandidates:
    @pytest.mark.parametrize(
        "broken",
        [
            {A.signature: Page(status=404)},
            {A.signature: ConnectionFailed(A.signature, "reset")},
            {A.image: Page(status=404)},
            {A.signature: Page(status=202), A.image: Page(status=404)},
            {A.signature: Page(status=202)},
        ],
    )
    def test_what_says_nothing_of_the_image_leads_on(self, broken: Pages) -> None:
        world = World(good(A) | good(B) | broken)
        assert world.signed()(located(A, B)).unwrap().source == B
        assert list(world.quarantine.blobs.values()) == [IMAGE]

    def test_one_failure_is_its_own(self) -> None:
        error = World({}).signed()(located(A)).failure()
        assert error == SignatureUnavailable(HttpStatus(A.signature, 404))

    def test_every_failure_is_told_in_order(self) -> None:
        world = World({A.signature: Page(SIGNATURE)})
        assert world.signed()(located(A, B)).failure() == AllCandidatesFailed(
            REFERENCE.string,
            (HttpStatus(A.image, 404), SignatureUnavailable(HttpStatus(B.signature, 404))),
        )

    def test_no_candidates(self) -> None:
        error = World({}).signed()(located()).failure()
        assert error == AllCandidatesFailed(REFERENCE.string, ())


class TestDeferred:
    def deferred(self, later: Page) -> Pages:
        return good(A) | {A.signature: lambda asked: Page(status=202) if asked == 0 else later}

    def test_image_first_then_the_signature_once_more(self) -> None:
        world = World(self.deferred(Page(SIGNATURE)))
        image = world.signed()(located(A)).unwrap()
        assert world.asked() == [A.signature, A.image, A.signature]
        assert image.evidence == Signed(SIGNATURE, wanted_digests())
        (event,) = world.log.events
        assert isinstance(event, Noticed)
        assert event.kind == "signature-deferred"
        assert "deferring the signature download" in event.message

    @pytest.mark.parametrize(
        ("later", "kind"),
        [
            (Page(status=202), SignatureDeferred),
            (Page(status=404), SignatureUnavailable),
            (Page(b"by another"), UnknownSigner),
        ],
    )
    def test_then_nothing_good(self, later: Page, kind: type[PipelineError]) -> None:
        world = World(self.deferred(later))
        assert isinstance(world.signed()(located(A)).failure(), kind)
        assert world.asked() == [A.signature, A.image, A.signature]
        assert world.quarantine.blobs == {}

    def test_a_quarantine_that_cannot_be_read_again(self) -> None:
        @dataclass(slots=True)
        class Forgetful:
            inner: MemoryQuarantine

            def create(self, label: str) -> Result[BlobWriter, StoreError]:
                return self.inner.create(label).map(lambda writer: writer)

            def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
                return Failure(StoreUnavailable(blob.key, "read", "gone"))

        world = World(self.deferred(Page(SIGNATURE)))
        stage = download_image(
            transport=world.transport,
            quarantine=Forgetful(world.quarantine),
            keyring=StaticKeyring(),
            verifier=world.verifier,
            clock=FixedClock(),
            observer=world.log,
        )
        assert isinstance(stage(located(A, B)).failure(), StoreUnavailable)
        assert world.quarantine.blobs == {}


class TestUnsigned:
    def test_the_image_alone(self) -> None:
        world = World(good(A))
        image = world.unsigned()(located(A)).unwrap()
        assert world.asked() == [A.image]
        assert image.evidence == Unsigned()
        assert world.quarantine.blobs == {image.blob.key: IMAGE}

    def test_if_changed(self) -> None:
        world = World(good(A))
        stage = download_unsigned_if_changed(
            transport=world.transport,
            quarantine=world.quarantine,
            observer=world.log,
            known=lambda _: Validators('"v1"'),
        )
        assert isinstance(stage(located(A)).unwrap(), Unchanged)
        assert world.asked() == [A.image]


class TestIfChanged:
    def test_unchanged_leaves_nothing_behind(self) -> None:
        world = World(good(A) | {A.image: Page(IMAGE, etag='"v1"', max_age_seconds=60)})
        outcome = world.if_changed(lambda _: Validators('"v1"'))(located(A, B))
        freshness = Freshness(FixedClock().now(), 60)
        assert outcome.unwrap() == Unchanged(A, Validators('"v1"'), freshness)
        assert world.asked() == [A.signature, A.image]
        assert world.quarantine.blobs == {}

    @pytest.mark.parametrize("etag", [None, '"v0"'])
    def test_changed_or_never_seen(self, etag: str | None) -> None:
        world = World(good(A))
        outcome = world.if_changed(lambda _: Validators(etag))(located(A)).unwrap()
        assert isinstance(outcome, Downloaded)
        assert outcome.evidence == Signed(SIGNATURE, wanted_digests())

    def test_each_place_is_asked_about_what_came_from_it(self) -> None:
        world = World(good(B))
        known = {A.image: Validators('"a"'), B.image: Validators('"b"')}
        world.if_changed(known.__getitem__)(located(A, B)).unwrap()
        sent = {request.url: request.validators for request in world.transport.requests}
        assert sent == {
            A.signature: Validators(),
            B.signature: Validators(),
            B.image: known[B.image],
        }

    def test_unchanged_needs_no_second_signature(self) -> None:
        world = World(good(A) | {A.signature: Page(status=202)})
        outcome = world.if_changed(lambda _: Validators('"v1"'))(located(A))
        assert isinstance(outcome.unwrap(), Unchanged)
        assert world.asked() == [A.signature, A.image]


@dataclass(frozen=True, slots=True)
class StatusTransport:
    """Answers one status for images, whatever was asked; a signature is there."""

    status: int

    def fetch(self, request: Request, sink: Sink) -> Result[Response, StoreError]:
        freshness = Freshness(FixedClock().now())
        if request.url == A.signature:
            sink.write(SIGNATURE)
            return Success(Response(request.url, 200, 9, Validators(), freshness))
        return Success(Response(request.url, self.status, 0, Validators(), freshness))


def run(
    transport: Transport, quarantine: Quarantine, observer: Observer | None = None
) -> Result[Downloaded, PipelineError]:
    stage: Stage[Located, Downloaded, PipelineError] = download_image(
        transport=transport,
        quarantine=quarantine,
        keyring=StaticKeyring(),
        verifier=StubVerifier(),
        clock=FixedClock(),
        observer=observer or EventLog(),
    )
    return stage(located(A))


@pytest.mark.parametrize("status", [202, 304])
def test_an_image_is_200_or_nothing(status: int) -> None:
    quarantine = MemoryQuarantine()
    outcome = run(StatusTransport(status), quarantine)
    assert outcome.failure() == HttpStatus(A.image, status)
    assert quarantine.blobs == {}


def test_unchanged_since_never_is_no_answer() -> None:
    quarantine = MemoryQuarantine()
    stage = download_unsigned_if_changed(
        transport=StatusTransport(304),
        quarantine=quarantine,
        observer=EventLog(),
        known=lambda _: Validators(),
    )
    assert stage(located(A)).failure() == HttpStatus(A.image, 304)


def test_a_signature_is_200_or_202() -> None:
    @dataclass(frozen=True, slots=True)
    class Unchanging:
        def fetch(self, request: Request, sink: Sink) -> Result[Response, StoreError]:
            freshness = Freshness(FixedClock().now())
            return Success(Response(request.url, 304, 0, Validators(), freshness))

    error = run(Unchanging(), MemoryQuarantine()).failure()
    assert error == SignatureUnavailable(HttpStatus(A.signature, 304))


class TestNothingIsLeft:
    def test_after_a_broken_transfer(self) -> None:
        @dataclass(slots=True)
        class Breaking:
            inner: MemoryTransport

            def fetch(
                self, request: Request, sink: Sink
            ) -> Result[Response, TransportError | StoreError]:
                outcome = self.inner.fetch(request, sink)
                broken = TruncatedBody(request.url, 1, 2)
                return Failure(broken) if request.url == A.image else outcome

        world = World(good(A))
        quarantine = Counting()
        outcome = run(Breaking(world.transport), quarantine)
        assert outcome.failure() == TruncatedBody(A.image, 1, 2)
        assert quarantine.discarded == 1

    def test_after_a_full_disk(self) -> None:
        quarantine = Counting(room=50)
        assert run(World(good(A)).transport, quarantine).failure() == DiskFull("/full")
        assert quarantine.discarded == 1

    def test_after_an_interrupt(self) -> None:
        class Interrupted:
            def fetch(self, request: Request, sink: Sink) -> Result[Response, StoreError]:
                if request.url == A.image:
                    sink.write(b"some")
                    raise KeyboardInterrupt
                return StatusTransport(200).fetch(request, sink)

        quarantine = Counting()
        with pytest.raises(KeyboardInterrupt):
            run(Interrupted(), quarantine)
        assert quarantine.discarded == 1

    def test_but_a_whole_image_stays(self) -> None:
        quarantine = Counting()
        run(World(good(A)).transport, quarantine).unwrap()
        assert quarantine.discarded == 0


@dataclass(slots=True)
class Counting:
    """A quarantine with some room that counts what is discarded."""

    room: int = 1 << 30
    discarded: int = 0

    def create(self, label: str) -> Result[BlobWriter, StoreError]:
        return Success(self)

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        return Failure(StoreUnavailable(blob.key, "read", "nothing is kept"))

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        self.room -= len(chunk)
        return Success(None) if self.room >= 0 else Failure(DiskFull("/full"))

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        return Success(QuarantinedBlob("key", 0))

    def discard(self) -> None:
        self.discarded += 1


def test_the_stages_pickle() -> None:
    world = World(good(A))
    for stage in (world.signed(), world.unsigned(), world.if_changed(Known())):
        assert pickle.loads(pickle.dumps(stage)).name == "download"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known, as a value that pickles."""

    def __call__(self, url: str) -> Validators:
        return Validators(url)
