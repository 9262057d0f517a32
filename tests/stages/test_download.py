"""Images into quarantine: the order of things, what ends the search, and what is left behind."""

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import BinaryIO, ClassVar, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryPartial, MemoryQuarantine
from pipeline.addresses import AddressScope
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
from pipeline.events import (
    ABORTED,
    Noticed,
    Observer,
    TransferFailed,
    TransferFinished,
    TransferStarted,
)
from pipeline.limits import DOCUMENT_SECONDS, SIGNATURE_BYTES, Limits
from pipeline.names import ImageName
from pipeline.ports import (
    BlobWriter,
    BodyStart,
    Partial,
    Quarantine,
    RemoteEntry,
    Request,
    Response,
    ResumePoint,
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
from pipeline.storage import describe
from pipeline.testing.fakes import (
    EPOCH,
    EventLog,
    FixedClock,
    MemoryTransport,
    Page,
    StaticKeyring,
)
from pipeline.testing.samples import Sample
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
from tests.support.quarantines import ArchivesAlone

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
            transport=self.transport,
            quarantine=self.quarantine,
            clock=FixedClock(),
            observer=self.log,
        )

    def if_changed(
        self, known: Callable[[str], RemoteEntry | None]
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


def entry(etag: str | None, fetched_at: datetime = EPOCH) -> RemoteEntry:
    """What is remembered of any URL."""
    stored = describe(Sample().extracted(QuarantinedBlob("any", 1), EPOCH), EPOCH)
    return RemoteEntry("any", stored, Validators(etag), Freshness(fetched_at))


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
        assert world.quarantine.partials == []
        assert world.quarantine.blobs == {}

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
        refused = KeystoreUnavailable("/keys", "read", "Permission denied")
        assert stage(located(A, B)) == Failure(refused)
        assert world.asked() == [A.signature]

    @pytest.mark.parametrize("size", [SIGNATURE_BYTES, SIGNATURE_BYTES + 1])
    def test_a_signature_that_is_too_large_is_none(self, size: int) -> None:
        world = World(good(A) | good(B) | {A.signature: Page(b"x" * size)})
        world.transport.chunk_bytes = 1 << 20
        error = world.signed()(located(A, B)).failure()
        if size == SIGNATURE_BYTES:
            assert error == UnknownSigner((), "any name", 0)
        else:
            assert error == NotASignature(f"larger than {SIGNATURE_BYTES} bytes")

    def test_limits_go_along(self) -> None:
        world = World(good(A))
        stage = download_image(
            transport=world.transport,
            quarantine=world.quarantine,
            keyring=StaticKeyring(),
            verifier=world.verifier,
            clock=FixedClock(),
            observer=world.log,
            limits=Limits(
                image_bytes=10, idle_seconds=2, total_seconds=1000, least_bytes_per_second=77
            ),
        )
        assert stage(located(A)).failure() == BodyTooLarge(A.image, 10, len(IMAGE))
        signature, image = world.transport.requests
        assert (signature.max_bytes, signature.idle_seconds) == (SIGNATURE_BYTES, 2)
        assert (signature.total_seconds, image.total_seconds) == (DOCUMENT_SECONDS, 1000)
        assert (image.idle_seconds, image.least_bytes_per_second) == (2, 77)
        assert world.quarantine.blobs == {}

    def test_where_the_place_was_named_goes_along(self) -> None:
        world = World(good(A))
        world.signed()(located(replace(A, named_by=AddressScope.PUBLIC))).unwrap()
        assert [request.named_by for request in world.transport.requests] == [
            AddressScope.PUBLIC,
            AddressScope.PUBLIC,
        ]


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
        (event,) = (each for each in world.log.events if isinstance(each, Noticed))
        message = f"server requested deferring the signature download: {A.signature}"
        assert event == Noticed("signature-deferred", message)

    @pytest.mark.parametrize(
        ("later", "error"),
        [
            (Page(status=202), SignatureDeferred(A.signature)),
            (Page(status=404), SignatureUnavailable(HttpStatus(A.signature, 404))),
            (Page(b"by another"), UnknownSigner((), "any name", 0)),
        ],
    )
    def test_then_nothing_good(self, later: Page, error: PipelineError) -> None:
        world = World(self.deferred(later))
        assert world.signed()(located(A)) == Failure(error)
        assert world.asked() == [A.signature, A.image, A.signature]
        assert world.quarantine.blobs == {}

    def test_a_quarantine_that_cannot_be_read_again(self) -> None:
        @dataclass(slots=True)
        class Forgetful(ArchivesAlone):
            inner: MemoryQuarantine

            def create(self, label: str) -> Result[BlobWriter, StoreError]:
                return self.inner.create(label).map(lambda writer: writer)

            def resume(self, url: str, wait_seconds: float) -> Result[Partial, StoreError]:
                return self.inner.resume(url, wait_seconds).map(lambda held: held)

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
        error = stage(located(A, B)).failure()
        assert isinstance(error, StoreUnavailable)
        assert (error.doing, error.reason) == ("read", "gone")
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
            clock=FixedClock(),
            observer=world.log,
            known=lambda _: entry('"v1"'),
        )
        assert isinstance(stage(located(A)).unwrap(), Unchanged)
        assert world.asked() == [A.image]


class TestIfChanged:
    def test_unchanged_leaves_nothing_behind(self) -> None:
        world = World(good(A) | {A.image: Page(IMAGE, etag='"v1"', max_age_seconds=60)})
        outcome = world.if_changed(lambda _: entry('"v1"'))(located(A, B))
        freshness = Freshness(FixedClock().now(), 60)
        assert outcome.unwrap() == Unchanged(A, Validators('"v1"'), freshness)
        assert world.asked() == [A.signature, A.image]
        assert world.quarantine.blobs == {}

    @pytest.mark.parametrize("etag", [None, '"v0"'])
    def test_changed_or_never_seen(self, etag: str | None) -> None:
        world = World(good(A))
        outcome = world.if_changed(lambda _: entry(etag))(located(A)).unwrap()
        assert isinstance(outcome, Downloaded)
        assert outcome.evidence == Signed(SIGNATURE, wanted_digests())

    def test_each_place_is_asked_about_what_came_from_it(self) -> None:
        world = World(good(B))
        known = {A.image: entry('"a"'), B.image: entry('"b"')}
        world.if_changed(known.__getitem__)(located(A, B)).unwrap()
        sent = {request.url: request.validators for request in world.transport.requests}
        assert sent == {
            A.signature: Validators(),
            B.signature: Validators(),
            B.image: Validators('"b"'),
        }

    def test_unchanged_needs_no_second_signature(self) -> None:
        world = World(good(A) | {A.signature: Page(status=202)})
        outcome = world.if_changed(lambda _: entry('"v1"'))(located(A))
        assert isinstance(outcome.unwrap(), Unchanged)
        assert world.asked() == [A.signature, A.image]


@dataclass(frozen=True, slots=True)
class StatusTransport:
    """Answers one status for images, whatever was asked; a signature is there."""

    status: int

    def fetch(self, request: Request, sink: Sink) -> Result[Response, StoreError]:
        freshness = Freshness(FixedClock().now())
        if request.url == A.signature:
            sink.begin(BodyStart(request.url, 0, None, Validators()))
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
        clock=FixedClock(),
        observer=EventLog(),
        known=lambda _: None,
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


class TestWhatIsLeft:
    """Whatever ends a transfer, what came is let go for the next; a whole image stays with us."""

    def test_a_broken_transfer(self) -> None:
        world = World(good(A))
        outcome = run(Breaking(world.transport, A.image), world.quarantine)
        assert outcome.failure() == TruncatedBody(A.image, 100, len(IMAGE))
        assert held_by(world.quarantine) == IMAGE[:100]

    def test_a_full_disk(self) -> None:
        world = World(good(A))
        outcome = run(world.transport, Cramped(world.quarantine, room=250))
        assert outcome.failure() == DiskFull("/full")
        assert held_by(world.quarantine) == IMAGE[:200]

    def test_an_interrupt(self) -> None:
        world = World(good(A))
        with pytest.raises(KeyboardInterrupt):
            run(Breaking(world.transport, A.image, interrupts=True), world.quarantine)
        assert held_by(world.quarantine) == IMAGE[:100]

    def test_without_a_validator_nothing(self) -> None:
        world = World(good(A) | {A.image: Page(IMAGE)})
        run(Breaking(world.transport, A.image), world.quarantine)
        assert held_by(world.quarantine) == b""

    def test_a_whole_image_stays_with_its_session(self) -> None:
        world = World(good(A))
        image = world.signed()(located(A)).unwrap()
        assert world.quarantine.blobs == {image.blob.key: IMAGE}
        another = MemoryQuarantine(bodies=world.quarantine.bodies)
        busy = another.resume(A.image, 0).failure()
        assert isinstance(busy, StoreUnavailable)
        assert busy.doing == "lock"

    def test_what_is_unchanged_voids_what_was_held(self) -> None:
        """Otherwise a part of a version between the two would wait for ever."""
        world = World(good(A))
        run(Breaking(world.transport, A.image), world.quarantine)
        world.if_changed(lambda _: entry('"v1"'))(located(A)).unwrap()
        assert held_by(world.quarantine) == b""


def held_by(quarantine: MemoryQuarantine) -> bytes:
    """What the next fetch of A would find."""
    held = quarantine.resume(A.image, 0).unwrap()
    with held.read().unwrap() as file:
        content = file.read()
    held.release()
    return content


@dataclass(slots=True)
class Breaking:
    """A transport that breaks one URL's body off after a chunk."""

    inner: MemoryTransport
    url: str
    interrupts: bool = False

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        if request.url != self.url:
            return self.inner.fetch(request, sink)
        page = self.inner.pages[request.url]
        assert isinstance(page, Page)
        start = BodyStart(request.url, 0, len(page.body), Validators(page.etag))
        sink.begin(start).unwrap()
        sink.write(page.body[:100]).unwrap()
        if self.interrupts:
            raise KeyboardInterrupt
        return Failure(TruncatedBody(request.url, 100, len(page.body)))


@dataclass(slots=True)
class Cramped(ArchivesAlone):
    """A quarantine whose disk is full after ``room`` bytes."""

    inner: MemoryQuarantine
    room: int

    def create(self, label: str) -> Result[BlobWriter, StoreError]:
        return self.inner.create(label).map(lambda writer: writer)

    def resume(self, url: str, wait_seconds: float) -> Result[Partial, StoreError]:
        return self.inner.resume(url, wait_seconds).map(lambda held: CrampedPartial(held, self))

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        return self.inner.open(blob)


@dataclass(slots=True)
class CrampedPartial:
    """A partial on that disk."""

    inner: MemoryPartial
    disk: Cramped

    def resume_point(self) -> ResumePoint | None:
        return self.inner.resume_point()

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        return self.inner.begin(start)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        self.disk.room -= len(chunk)
        return self.inner.write(chunk) if self.disk.room >= 0 else Failure(DiskFull("/full"))

    def read(self) -> Result[BinaryIO, StoreError]:
        return self.inner.read()

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        return self.inner.finish()

    def release(self) -> None:
        self.inner.release()

    def discard(self) -> None:
        self.inner.discard()


@dataclass(slots=True)
class Ranged:
    """A transport that sends the rest where the validator is the page's, as a server does."""

    pages: dict[str, bytes]
    etag: str = '"v1"'
    asked: list[int] = field(default_factory=list)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        body, validators = self.pages[request.url], Validators(self.etag)
        point = sink.resume_point()
        offset = point.offset if point is not None and point.validators == validators else 0
        if request.url == A.image:
            self.asked.append(offset)
        sink.begin(BodyStart(request.url, offset, len(body), validators)).unwrap()
        for start in range(offset, len(body), 7):
            sink.write(body[start : start + 7]).unwrap()
        freshness = Freshness(FixedClock().now())
        return Success(Response(request.url, 200, len(body), validators, freshness))


def test_a_transfer_that_is_interrupted_has_an_end() -> None:
    class Interrupted(Ranged):
        def fetch(
            self, request: Request, sink: Sink
        ) -> Result[Response, TransportError | StoreError]:
            outcome = super().fetch(request, sink)
            if request.url == A.image:
                raise KeyboardInterrupt
            return outcome

    log = EventLog()
    with pytest.raises(KeyboardInterrupt):
        run(Interrupted({A.image: IMAGE, A.signature: SIGNATURE}), MemoryQuarantine(), log)
    assert log.events[-1] == TransferFailed(A.image, ABORTED, 0.0)


class TestResuming:
    PAGES: ClassVar = {A.image: IMAGE, A.signature: SIGNATURE}

    def held(self, content: bytes, etag: str | None = '"v1"') -> MemoryQuarantine:
        """A quarantine in which an earlier fetch of A left something."""
        quarantine = MemoryQuarantine()
        left = quarantine.resume(A.image, 0).unwrap()
        left.begin(BodyStart(A.image, 0, len(IMAGE), Validators(etag))).unwrap()
        left.write(content).unwrap()
        left.release()
        return quarantine

    @given(at=st.integers(min_value=0, max_value=len(IMAGE)))
    def test_the_rest_is_fetched_and_the_whole_is_hashed(self, at: int) -> None:
        transport, log = Ranged(self.PAGES), EventLog()
        quarantine = self.held(IMAGE[:at])
        image = run(transport, quarantine, log).unwrap()
        assert quarantine.blobs == {image.blob.key: IMAGE}
        assert image.evidence == Signed(SIGNATURE, wanted_digests())
        # Of a whole body the last byte is asked for again: is it still the same?
        offset = at - 1 if at == len(IMAGE) else at
        assert transport.asked == [offset]
        started = [event for event in log.events if isinstance(event, TransferStarted)]
        finished = [event for event in log.events if isinstance(event, TransferFinished)]
        assert started == [TransferStarted(A.image, offset, len(IMAGE))]
        assert [(each.size, each.received) for each in finished] == [
            (len(IMAGE), len(IMAGE) - offset)
        ]

    @given(
        held=st.binary(min_size=1, max_size=len(IMAGE)), etag=st.sampled_from([None, '"v0"', ""])
    )
    def test_what_is_held_of_another_version_is_void(self, held: bytes, etag: str | None) -> None:
        transport = Ranged(self.PAGES)
        quarantine = self.held(held, etag)
        image = run(transport, quarantine).unwrap()
        assert quarantine.blobs == {image.blob.key: IMAGE}
        assert image.evidence == Signed(SIGNATURE, wanted_digests())
        assert transport.asked == [0]

    def test_a_transport_may_begin_anew_in_the_middle(self) -> None:
        """A retry within one run: the server changed its mind, and the hash starts over, too."""

        class Restarting(Ranged):
            def fetch(
                self, request: Request, sink: Sink
            ) -> Result[Response, TransportError | StoreError]:
                if request.url == A.image:
                    start = BodyStart(request.url, 0, 999, Validators('"v0"'))
                    sink.begin(start).unwrap()
                    sink.write(b"of another version").unwrap()
                return super().fetch(request, sink)

        quarantine = MemoryQuarantine()
        image = run(Restarting(self.PAGES), quarantine).unwrap()
        assert quarantine.blobs == {image.blob.key: IMAGE}
        assert image.evidence == Signed(SIGNATURE, wanted_digests())

    def test_a_body_of_another_size_than_was_said_is_not_whole(self) -> None:
        class Lying(Ranged):
            def fetch(
                self, request: Request, sink: Sink
            ) -> Result[Response, TransportError | StoreError]:
                longer = super().fetch(request, sink).map(lambda r: replace(r, size=r.size + 1))
                return longer if request.url == A.image else super().fetch(request, sink)

        error = run(Lying(self.PAGES), MemoryQuarantine()).failure()
        assert error == TruncatedBody(A.image, len(IMAGE), len(IMAGE) + 1)


class TestOneDownloadForMany:
    def test_what_another_stored_meanwhile_is_good_here(self) -> None:
        world = World(good(A))
        other = world.quarantine.resume(A.image, 0).unwrap()
        answers = iter([entry('"v0"'), entry('"v1"', EPOCH + timedelta(seconds=1))])

        def known(url: str) -> RemoteEntry | None:
            assert url == A.image
            answer = next(answers)
            other.discard()
            return answer

        # The first look finds an older one, the other fetch ends, the second look a newer one.
        busy_once = BusyOnce(world.quarantine)
        stage = download_if_changed(
            transport=world.transport,
            quarantine=busy_once,
            keyring=StaticKeyring(),
            verifier=world.verifier,
            clock=FixedClock(),
            observer=world.log,
            known=known,
        )
        unchanged = stage(located(A)).unwrap()
        freshness = Freshness(EPOCH + timedelta(seconds=1))
        assert unchanged == Unchanged(A, Validators('"v1"'), freshness)
        assert world.asked() == [A.signature]
        notices = [event for event in world.log.events if isinstance(event, Noticed)]
        message = f"another fetch of {A.image} is under way, waiting for it"
        assert notices == [Noticed("waiting", message)]
        assert busy_once.waits == [0, Limits().total_seconds]
        assert is_successful(world.quarantine.resume(A.image, 0))

    def test_a_quarantine_that_is_not_there_ends_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = Failure(StoreUnavailable("/store", "write", "Read-only file system"))
        monkeypatch.setattr(MemoryQuarantine, "resume", lambda _self, _url, _wait: gone)
        world = World(good(A) | good(B))
        assert world.signed()(located(A, B)) == gone
        assert world.asked() == [A.signature]

    def test_what_another_did_not_store_is_fetched(self) -> None:
        world = World(good(A))
        stage = download_if_changed(
            transport=world.transport,
            quarantine=BusyOnce(world.quarantine),
            keyring=StaticKeyring(),
            verifier=world.verifier,
            clock=FixedClock(),
            observer=world.log,
            known=lambda _: entry('"v0"'),
        )
        assert isinstance(stage(located(A)).unwrap(), Downloaded)


@dataclass(slots=True)
class BusyOnce(ArchivesAlone):
    """A quarantine whose every body another is at when it is first asked for."""

    inner: MemoryQuarantine
    waits: list[float] = field(default_factory=list)

    def create(self, label: str) -> Result[BlobWriter, StoreError]:
        return self.inner.create(label).map(lambda writer: writer)

    def resume(self, url: str, wait_seconds: float) -> Result[Partial, StoreError]:
        self.waits.append(wait_seconds)
        if len(self.waits) == 1:
            return Failure(StoreUnavailable(url, "lock", "busy"))
        return self.inner.resume(url, wait_seconds).map(lambda held: held)

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        return self.inner.open(blob)


def test_the_stages_pickle() -> None:
    world = World(good(A))
    for stage in (world.signed(), world.unsigned(), world.if_changed(Known())):
        assert pickle.loads(pickle.dumps(stage)).name == "download"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known, as a value that pickles."""

    def __call__(self, url: str) -> RemoteEntry | None:
        return entry(url)
