"""OCI images on their way: what is asked for, in which order, and what ends it."""

import base64
import io
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryPartial, MemoryQuarantine
from pipeline.adapters.memory.quarantine import MemoryWriter
from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.digest import Digest
from pipeline.errors import (
    AllCandidatesFailed,
    BlobSizeMismatch,
    BodyTooLarge,
    ConfigurationError,
    ConnectionFailed,
    DigestMismatch,
    DiskFull,
    FileUnreadable,
    HttpStatus,
    InvalidDocument,
    NotASignature,
    PlatformNotFound,
    PolicyRejects,
    RequirementUnmet,
    SignatureUnavailable,
    StoreUnavailable,
    TransportError,
    Unproven,
    UnsupportedManifest,
    VerificationError,
)
from pipeline.events import CacheHit
from pipeline.hashing import digest_of
from pipeline.limits import (
    DEFAULT_LIMITS,
    DOCUMENT_SECONDS,
    INDEX_DEPTH,
    SIGNATURE_BYTES,
    SIGNATURE_COUNT,
    Limits,
)
from pipeline.names import ImageName
from pipeline.oci import (
    CONFIG_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    OciPlatform,
)
from pipeline.ports import (
    Admitted,
    BodyStart,
    ImagePathReader,
    Proven,
    Quarantine,
    RemoteEntry,
    Wanted,
)
from pipeline.reference import DockerReference, ImagePathReference
from pipeline.results import (
    Content,
    Downloaded,
    Evidence,
    Expectations,
    Freshness,
    ImagePathPlace,
    LoadedImage,
    Located,
    ManifestEvidence,
    NoProof,
    QuarantinedBlob,
    RegistryPlace,
    Stored,
    Unchanged,
    Unsigned,
    Validators,
)
from pipeline.stages.download import (
    download_if_changed,
    download_image,
    download_manifest,
    download_unsigned,
)
from pipeline.testing.fakes import EPOCH, EventLog, FixedClock, MemoryTransport, Page, StaticKeyring
from pipeline.testing.oci import (
    MadeImage,
    describe_blob,
    make_image,
    make_index,
    make_layer,
    make_oci_index,
    make_oci_manifest,
)
from pipeline.trust import Decision, SigstoreSigner

AMD, ARM = OciPlatform("linux", "amd64"), OciPlatform("linux", "arm64")
REFERENCE = DockerReference("example.com/app:1", "example.com", "app", "1", None)
BASE, MIRROR = "https://example.com/v2/app", "https://mirror.example/v2/app"
SIGS = "https://example.com/sigs"
PLACE = RegistryPlace(REFERENCE, BASE, AMD, lookaside=(SIGS,))
IMAGE = make_image({"a": b"first"}, {"b": b"second"})
CONFIG = json.loads(IMAGE.raw)["config"]["digest"]
SIGNER = SigstoreSigner("0" * 64, "ecdsa", "key.pem")
SIMPLE = Wanted(simple=True, sigstore=False)
DECISION = Decision("policy.json", "default", "signedBy")


@dataclass
class Policy:
    """Wants simple signatures, and lets pass what ``admits`` says; notes what it was shown."""

    admits: frozenset[Digest] | None = None
    wants: Wanted = SIMPLE
    refuses: VerificationError | None = None
    shown: list[ManifestEvidence] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
        assert reference in {REFERENCE.subject, "oci:/images"}
        return Success(self.wants) if self.refuses is None else Failure(self.refuses)

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        self.shown.append(evidence)
        self.times.append(now)
        signed = {each.signed for each in evidence.signatures}
        if self.admits is not None and not signed & self.admits:
            cause = RequirementUnmet(evidence.reference, "policy.json", "default", "signedBy", ())
            return Failure(cause)
        return Success(Proven((SIGNER,), DECISION))


def pages(image: MadeImage, base: str = BASE, tag: str = "1") -> dict[str, Page | TransportError]:
    """Return what a registry has of an image."""
    found: dict[str, Page | TransportError] = {}
    for digest, content in image.blobs.items():
        found[f"{base}/blobs/{digest}"] = Page(content)
        try:
            kind = json.loads(content).get("mediaType", "")
        except ValueError:
            kind = ""
        found[f"{base}/manifests/{digest}"] = manifest_page(content, kind)
    found[f"{base}/manifests/{tag}"] = manifest_page(image.raw, image.descriptor.media_type)
    return found


def manifest_page(content: bytes, media_type: str) -> Page:
    said = (
        ("content-type", media_type),
        ("docker-content-digest", str(digest_of("sha256", content))),
    )
    return Page(content, fields=said)


def signature_url(digest: Digest, number: int = 1) -> str:
    return f"{SIGS}/app@sha256={digest.hex}/signature-{number}"


@dataclass
class World:
    """A registry, and whoever asks it."""

    table: dict[str, Page | TransportError]
    policy: Policy = field(default_factory=Policy)
    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)
    limits: Limits = DEFAULT_LIMITS
    log: EventLog = field(default_factory=EventLog)

    def __post_init__(self) -> None:
        self.transport = MemoryTransport(dict(self.table), chunk_bytes=1 << 20)

    def fetch(self, *places: RegistryPlace | ImagePathPlace) -> Result[Downloaded, object]:
        stage = download_image(
            transport=self.transport,
            quarantine=self.quarantine,
            keyring=StaticKeyring(),
            verifier=OpenPGPVerifier(),
            clock=FixedClock(),
            observer=self.log,
            limits=self.limits,
            policy=self.policy,
        )
        return stage(located(*(places or (PLACE,))))

    def asked(self) -> list[str]:
        return [request.url for request in self.transport.requests]

    def blobs_asked(self) -> set[str]:
        return {url.rpartition("/")[2] for url in self.asked() if "/blobs/" in url}


def located(*places: RegistryPlace | ImagePathPlace) -> Located:
    return Located(REFERENCE, places, Expectations(ImageName("example.com/app")))


def contents(world: World, downloaded: Downloaded) -> dict[Digest, bytes]:
    def read(content: Content) -> bytes:
        with world.quarantine.open(content.blob).unwrap() as file:
            return file.read()

    return {content.descriptor.digest: read(content) for content in downloaded.contents}


class TestWhole:
    def test_manifest_configuration_and_layers(self) -> None:
        world = World(pages(IMAGE))
        downloaded = world.fetch().unwrap()
        assert (downloaded.digest, downloaded.media_type) == (
            IMAGE.descriptor.digest,
            MANIFEST_TYPE,
        )
        found = contents(world, downloaded)
        assert found == {d: c for d, c in IMAGE.blobs.items() if d != IMAGE.descriptor.digest}
        assert str(downloaded.contents[0].descriptor.digest) == CONFIG
        with world.quarantine.open(downloaded.blob).unwrap() as file:
            assert file.read() == IMAGE.raw
        assert downloaded.evidence == ManifestEvidence(REFERENCE.subject, (IMAGE.raw,))
        assert world.policy.times == [FixedClock().now()]
        assert (downloaded.reference, downloaded.expected) == (REFERENCE, located().expected)
        assert downloaded.freshness == Freshness(FixedClock().now())
        assert downloaded.blob.key.startswith("manifest-")
        assert downloaded.validators == Validators(etag=f'"{IMAGE.descriptor.digest}"')

    def test_the_manifest_is_judged_before_anything_else_is_asked_for(self) -> None:
        world = World(pages(IMAGE))
        world.fetch().unwrap()
        first = next(n for n, url in enumerate(world.asked()) if "/blobs/" in url)
        assert world.asked()[:first] == [
            f"{BASE}/manifests/1",
            signature_url(IMAGE.descriptor.digest),
        ]

    def test_nobody_vouches_for_it(self) -> None:
        world = World(pages(IMAGE), Policy(admits=frozenset()))
        assert isinstance(world.fetch().failure(), RequirementUnmet)
        assert world.blobs_asked() == set()
        assert world.quarantine.blobs == {}

    def test_a_manifest_that_nobody_vouches_for_is_not_parsed(self) -> None:
        table = pages(IMAGE) | {f"{BASE}/manifests/1": manifest_page(b"junk", MANIFEST_TYPE)}
        assert isinstance(
            World(table, Policy(admits=frozenset())).fetch().failure(), RequirementUnmet
        )
        assert isinstance(World(table).fetch().failure(), InvalidDocument)

    def test_a_policy_that_rejects_asks_nobody(self) -> None:
        rejects = PolicyRejects(REFERENCE.subject, "policy.json", "default")
        world = World(pages(IMAGE), Policy(refuses=rejects))
        assert world.fetch().failure() == rejects
        assert world.asked() == []

    def test_without_a_policy_nothing_passes_as_signed(self) -> None:
        world = World(pages(IMAGE))
        stage = download_image(
            transport=world.transport,
            quarantine=world.quarantine,
            keyring=StaticKeyring(),
            verifier=OpenPGPVerifier(),
            clock=FixedClock(),
        )
        assert isinstance(stage(located(PLACE)).failure(), Unproven)
        assert world.asked() == []

    def test_unsigned_asks_for_no_signature(self) -> None:
        world = World(pages(IMAGE))
        stage = download_unsigned(
            transport=world.transport, quarantine=world.quarantine, clock=FixedClock()
        )
        assert stage(located(PLACE)).unwrap().evidence == Unsigned()
        assert not [url for url in world.asked() if "/sigs/" in url]

    def test_the_manifest_alone(self) -> None:
        world = World(pages(IMAGE))
        stage = download_manifest(
            transport=world.transport,
            quarantine=world.quarantine,
            clock=FixedClock(),
            policy=world.policy,
        )
        downloaded = stage(located(PLACE)).unwrap()
        assert [str(each.descriptor.digest) for each in downloaded.contents] == [CONFIG]
        assert world.blobs_asked() == {CONFIG}

    def test_the_stage_pickles(self) -> None:
        world = World(pages(IMAGE))
        stage = download_manifest(
            transport=world.transport,
            quarantine=world.quarantine,
            clock=FixedClock(),
            policy=world.policy,
        )
        assert pickle.loads(pickle.dumps(stage)).name == "download"


class TestIndexes:
    ARMS = make_image({"a": b"arm"}, platform=ARM)

    def test_the_image_for_the_platform(self) -> None:
        index = make_index(self.ARMS, IMAGE)
        world = World(pages(index))
        downloaded = world.fetch().unwrap()
        assert downloaded.digest == IMAGE.descriptor.digest
        evidence = downloaded.evidence
        assert isinstance(evidence, ManifestEvidence)
        assert evidence.documents == (index.raw, IMAGE.raw)
        # By what is remembered it is seen that the tag has moved.
        assert downloaded.validators == Validators(etag=f'"{index.descriptor.digest}"')

    def test_none_for_the_platform(self) -> None:
        error = World(pages(make_index(self.ARMS))).fetch().failure()
        assert error == PlatformNotFound(REFERENCE.string, "linux/amd64", ("linux/arm64",))

    def test_an_image_of_another_platform_ends_with_its_configuration(self) -> None:
        layers = [{f"{n}": b"content"} for n in range(200)]
        world = World(pages(make_image(*layers, platform=ARM)))
        error = world.fetch().failure()
        assert error == PlatformNotFound(REFERENCE.string, "linux/amd64", ("linux/arm64",))
        assert len(world.blobs_asked()) < len(layers)

    def test_a_configuration_that_cannot_be_read_is_the_next_stages(self) -> None:
        config = b'{"os": 1}'
        table: dict[str, Page | TransportError] = {
            f"{BASE}/blobs/{digest_of('sha256', config)}": Page(config),
            f"{BASE}/manifests/1": manifest_page(
                make_oci_manifest(describe_blob(CONFIG_TYPE, config)), MANIFEST_TYPE
            ),
        }
        assert is_successful(World(table).fetch())

    def test_what_an_index_names_is_compared(self) -> None:
        index = make_index(IMAGE)
        table = pages(index)
        table[f"{BASE}/manifests/{IMAGE.descriptor.digest}"] = manifest_page(
            self.ARMS.raw, MANIFEST_TYPE
        )
        error = World(table).fetch().failure()
        assert isinstance(error, DigestMismatch)
        assert error.wanted == IMAGE.descriptor.digest

    def test_a_size_that_an_index_has_wrong(self) -> None:
        described = replace(IMAGE.descriptor, size=IMAGE.descriptor.size + 1)
        raw = make_oci_index([(described, AMD)])
        table = pages(IMAGE) | {f"{BASE}/manifests/1": manifest_page(raw, INDEX_TYPE)}
        url = f"{BASE}/manifests/{IMAGE.descriptor.digest}"
        size = IMAGE.descriptor.size
        assert World(table).fetch() == Failure(BlobSizeMismatch(url, size + 1, size))

    def test_signatures_of_the_index_come_second(self) -> None:
        index = make_index(IMAGE)
        table = pages(index) | {signature_url(index.descriptor.digest): Page(b"signature")}
        world = World(table, Policy(admits=frozenset({index.descriptor.digest})))
        evidence = world.fetch().unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        assert [each.signed for each in evidence.signatures] == [index.descriptor.digest]
        sigs = [url for url in world.asked() if "/sigs/" in url]
        assert sigs[0] == signature_url(IMAGE.descriptor.digest)

    def test_depth(self) -> None:
        nested = IMAGE
        for _ in range(INDEX_DEPTH):
            nested = replace(make_index(nested), platform=AMD)
        assert is_successful(World(pages(nested)).fetch())
        nested = make_index(nested)
        reason = f"more than {INDEX_DEPTH} indexes lead to it"
        assert World(pages(nested)).fetch() == Failure(
            InvalidDocument("index", "$.manifests", reason)
        )

    @pytest.mark.parametrize("said", ["", "text/plain", "Application/JSON; charset=utf-8"])
    def test_what_an_index_says_of_a_manifest(self, said: str) -> None:
        """It counts where the server of the manifest says nothing of use."""
        config, *layers = (describe_blob("x", content) for content in (b"{}", b"layer"))
        table: dict[str, Page | TransportError] = {
            f"{BASE}/blobs/{digest_of('sha256', content)}": Page(content)
            for content in (b"{}", b"layer")
        }
        untyped = json.loads(make_oci_manifest(config, layers))
        del untyped["mediaType"]
        raw = json.dumps(untyped).encode()
        described = describe_blob(MANIFEST_TYPE, raw)
        table |= {
            f"{BASE}/manifests/1": manifest_page(make_oci_index([(described, AMD)]), INDEX_TYPE),
            f"{BASE}/manifests/{described.digest}": manifest_page(raw, said),
        }
        downloaded = World(table).fetch().unwrap()
        assert (downloaded.digest, downloaded.media_type) == (described.digest, MANIFEST_TYPE)

    def test_a_manifest_that_its_server_calls_something_else(self) -> None:
        index = make_index(IMAGE)
        url = f"{BASE}/manifests/{IMAGE.descriptor.digest}"
        said = f"{DOCKER_MANIFEST_TYPE.upper()} ; charset=utf-8"
        error = World(pages(index) | {url: manifest_page(IMAGE.raw, said)}).fetch().failure()
        assert isinstance(error, InvalidDocument)
        assert (error.document, error.path) == ("manifest", "$.mediaType")

    def test_an_index_that_is_called_a_manifest(self) -> None:
        index = make_index(IMAGE)
        table = pages(index) | {f"{BASE}/manifests/1": manifest_page(index.raw, MANIFEST_TYPE)}
        assert isinstance(World(table).fetch().failure(), InvalidDocument)


class TestDocuments:
    def test_a_digest_is_what_counts(self) -> None:
        reference = replace(REFERENCE, digest=IMAGE.descriptor.digest)
        place = replace(PLACE, reference=reference)
        url = f"{BASE}/manifests/{IMAGE.descriptor.digest}"
        other = make_image({"a": b"other"})
        lying = replace(
            manifest_page(other.raw, MANIFEST_TYPE),
            fields=(
                ("content-type", MANIFEST_TYPE),
                ("docker-content-digest", str(IMAGE.descriptor.digest)),
            ),
        )
        world = World({url: lying})
        stage = download_unsigned(
            transport=world.transport, quarantine=world.quarantine, clock=FixedClock()
        )
        error = stage(located(place)).failure()
        assert isinstance(error, DigestMismatch)
        assert (error.wanted, error.got) == (IMAGE.descriptor.digest, other.descriptor.digest)

    def test_by_sha512(self) -> None:
        digest = digest_of("sha512", IMAGE.raw)
        place = replace(PLACE, reference=replace(REFERENCE, digest=digest))
        table = pages(IMAGE)
        table[f"{BASE}/manifests/{digest}"] = Page(
            IMAGE.raw, fields=(("content-type", MANIFEST_TYPE),)
        )
        world = World(table)
        stage = download_unsigned(
            transport=world.transport, quarantine=world.quarantine, clock=FixedClock()
        )
        assert stage(located(place)).unwrap().digest == digest

    def test_a_header_that_contradicts(self) -> None:
        said = (("content-type", MANIFEST_TYPE), ("docker-content-digest", f"sha256:{'0' * 64}"))
        table = pages(IMAGE) | {f"{BASE}/manifests/1": Page(IMAGE.raw, fields=said)}
        assert isinstance(World(table).fetch().failure(), DigestMismatch)

    def test_a_server_that_says_nothing_of_the_type(self) -> None:
        table = pages(IMAGE) | {f"{BASE}/manifests/1": Page(IMAGE.raw)}
        assert is_successful(World(table).fetch())

    def test_schema_1(self) -> None:
        raw = json.dumps({"schemaVersion": 1, "fsLayers": [], "history": []}).encode()
        table = pages(IMAGE) | {f"{BASE}/manifests/1": Page(raw)}
        assert isinstance(World(table).fetch().failure(), UnsupportedManifest)


class TestBlobs:
    def test_a_wrong_digest(self) -> None:
        content = IMAGE.blobs[digest(CONFIG)]
        table = pages(IMAGE) | {f"{BASE}/blobs/{CONFIG}": Page(content[::-1])}
        world = World(table)
        got = digest_of("sha256", content[::-1])
        wanted = DigestMismatch(f"{BASE}/blobs/{CONFIG}", digest(CONFIG), got)
        assert world.fetch() == Failure(wanted)

    @pytest.mark.parametrize("change", [-1, 1])
    def test_a_wrong_size(self, change: int) -> None:
        content = IMAGE.blobs[digest(CONFIG)]
        other = content[:-1] if change < 0 else content + b"\n"
        error = World(pages(IMAGE) | {f"{BASE}/blobs/{CONFIG}": Page(other)}).fetch().failure()
        assert isinstance(error, BlobSizeMismatch | BodyTooLarge)

    def test_one_digest_of_two_sizes(self) -> None:
        layer = make_layer({"a": b"b"})
        config = next(
            describe_blob("application/vnd.oci.image.config.v1+json", c)
            for d, c in IMAGE.blobs.items()
            if str(d) == CONFIG
        )
        wrong = replace(layer.descriptor, size=layer.descriptor.size + 1)
        raw = make_oci_manifest(config, [layer.descriptor, wrong])
        table = pages(IMAGE) | {
            f"{BASE}/manifests/1": manifest_page(raw, MANIFEST_TYPE),
            f"{BASE}/blobs/{layer.descriptor.digest}": Page(layer.content),
        }
        error = World(table).fetch().failure()
        assert isinstance(error, BlobSizeMismatch)
        assert error.url == f"{BASE}/blobs/{layer.descriptor.digest}"
        assert {error.wanted, error.got} == {wrong.size, layer.descriptor.size}

    def test_each_digest_travels_once(self) -> None:
        layer = make_layer({"a": b"b"})
        image = make_image(layer, layer)
        world = World(pages(image))
        downloaded = world.fetch().unwrap()
        assert len(downloaded.contents) == 3
        url = f"{BASE}/blobs/{layer.descriptor.digest}"
        assert world.asked().count(url) == 1

    def test_what_the_store_has_is_adopted(self) -> None:
        layer = make_layer({"a": b"first"})
        stored = {layer.descriptor.digest: layer.content}
        assert layer.descriptor.digest in IMAGE.blobs
        world = World(pages(IMAGE), quarantine=MemoryQuarantine(stored=stored))
        downloaded = world.fetch().unwrap()
        assert str(layer.descriptor.digest) not in world.blobs_asked()
        assert contents(world, downloaded)[layer.descriptor.digest] == layer.content
        assert CacheHit("blob", str(layer.descriptor.digest)) in world.log.events

    def test_blobs_are_asked_for_as_what_their_digest_names(self) -> None:
        world = World(pages(IMAGE))
        world.fetch().unwrap()
        for request in world.transport.requests:
            assert request.content_addressed == ("/blobs/" in request.url)

    def test_no_more_than_is_allowed_in_all(self) -> None:
        total = sum(len(c) for d, c in IMAGE.blobs.items() if d != IMAGE.descriptor.digest)
        fits = World(pages(IMAGE), limits=Limits(image_bytes=total))
        assert is_successful(fits.fetch())
        too_small = World(pages(IMAGE), limits=Limits(image_bytes=total - 1))
        wanted = BodyTooLarge(f"{BASE}/manifests/1", total - 1, total)
        assert too_small.fetch() == Failure(wanted)
        assert too_small.blobs_asked() == set()

    def test_what_was_held_before_may_be_wrong(self) -> None:
        """Bytes of an earlier try that do not belong there cost a transfer, not the image."""
        table = pages(IMAGE)
        world = World(table)
        config = IMAGE.blobs[digest(CONFIG)]
        held = world.quarantine.resume_blob(digest(CONFIG), 0).unwrap()
        held.begin(BodyStart("", 0, len(config), Validators())).unwrap()
        held.write(bytes(10)).unwrap()
        held.release()
        downloaded = world.fetch().unwrap()
        assert contents(world, downloaded)[digest(CONFIG)] == config

    def test_a_quarantine_without_room_for_the_manifest(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full = Failure(DiskFull("/store"))
        monkeypatch.setattr(MemoryWriter, "write", lambda _self, _chunk: full)
        assert World(pages(IMAGE)).fetch() == full
        monkeypatch.setattr(MemoryQuarantine, "create", lambda _self, _label: full)
        assert World(pages(IMAGE)).fetch() == full

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [(OSError(5, "Input/output error"), "Input/output error"), (OSError("odd"), "odd")],
    )
    def test_a_configuration_that_cannot_be_read_again(
        self, fault: OSError, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise fault

        monkeypatch.setattr(MemoryQuarantine, "open", lambda _self, _blob: Success(Broken()))
        error = World(pages(IMAGE)).fetch().failure()
        assert error == StoreUnavailable("download-1", "read", reason)

    def test_a_configuration_that_cannot_be_opened_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = Failure(StoreUnavailable("config", "read", "gone"))
        monkeypatch.setattr(MemoryQuarantine, "open", lambda _self, _blob: gone)
        assert World(pages(IMAGE)).fetch() == gone

    @pytest.mark.parametrize("is_right", [True, False])
    def test_what_was_held_whole(self, is_right: bool) -> None:
        """It is not asked for again where its digest is right, and is where it is not."""
        world = World(pages(IMAGE))
        config = IMAGE.blobs[digest(CONFIG)]
        held = world.quarantine.resume_blob(digest(CONFIG), 0).unwrap()
        held.begin(BodyStart("", 0, None, Validators())).unwrap()
        held.write(config if is_right else config[::-1]).unwrap()
        held.release()
        downloaded = world.fetch().unwrap()
        assert contents(world, downloaded)[digest(CONFIG)] == config
        assert (CONFIG in world.blobs_asked()) is not is_right

    def test_what_was_held_cannot_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(pages(IMAGE))
        config = IMAGE.blobs[digest(CONFIG)]
        held = world.quarantine.resume_blob(digest(CONFIG), 0).unwrap()
        held.begin(BodyStart("", 0, None, Validators())).unwrap()
        held.write(config).unwrap()
        held.release()

        class Broken(io.BytesIO):
            def readinto(self, buffer: object) -> int:
                raise OSError(5, "Input/output error")

            def read(self, size: int | None = -1) -> bytes:
                raise OSError(5, "Input/output error")

        monkeypatch.setattr(MemoryPartial, "read", lambda _self: Success(Broken()))
        wanted = StoreUnavailable(f"{BASE}/blobs/{CONFIG}", "read", "Input/output error")
        assert world.fetch() == Failure(wanted)
        gone = Failure(StoreUnavailable("config", "read", "gone"))
        monkeypatch.setattr(MemoryPartial, "read", lambda _self: gone)
        assert world.fetch() == gone

    def test_a_blob_is_200_or_nothing(self) -> None:
        url = f"{BASE}/blobs/{CONFIG}"
        table = pages(IMAGE) | {url: Page(status=202)}
        assert World(table).fetch() == Failure(HttpStatus(url, 202))

    def test_how_blobs_are_asked_for(self) -> None:
        limits = Limits(idle_seconds=7, total_seconds=1000, least_bytes_per_second=77)
        world = World(pages(IMAGE), limits=limits)
        world.fetch().unwrap()
        for request in world.transport.requests:
            assert request.idle_seconds == 7
            if "/blobs/" in request.url:
                assert request.total_seconds == 1000
                assert request.least_bytes_per_second == 77
                named = digest(request.url.rpartition("/")[2])
                assert request.max_bytes == len(IMAGE.blobs[named])
            else:
                assert request.total_seconds == DOCUMENT_SECONDS

    def test_a_store_that_cannot_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = Failure(StoreUnavailable("/store", "read", "gone"))
        monkeypatch.setattr(MemoryQuarantine, "adopt", lambda _self, _digest, _size: gone)
        assert World(pages(IMAGE)).fetch() == gone

    def test_a_failure_leaves_nothing_locked(self) -> None:
        table = pages(IMAGE)
        del table[f"{BASE}/blobs/{CONFIG}"]
        world = World(table)
        assert isinstance(world.fetch().failure(), HttpStatus)
        world.transport.pages.update(pages(IMAGE))
        assert is_successful(world.fetch())


class TestPlaces:
    def test_the_next_place_is_tried(self) -> None:
        mirror = replace(PLACE, base=MIRROR)
        down = ConnectionFailed(MIRROR, "nobody is there")
        world = World(pages(IMAGE) | {f"{MIRROR}/manifests/1": down})
        assert world.fetch(mirror, PLACE).unwrap().source == PLACE
        world = World({f"{MIRROR}/manifests/1": down})
        error = world.fetch(mirror, PLACE).failure()
        assert isinstance(error, AllCandidatesFailed)
        assert len(error.causes) == 2

    def test_a_place_with_other_bytes_is_passed_over(self) -> None:
        mirror = replace(PLACE, base=MIRROR)
        table = pages(IMAGE, MIRROR) | {f"{MIRROR}/blobs/{CONFIG}": Page(b"other")}
        world = World(table | pages(IMAGE))
        assert world.fetch(mirror, PLACE).unwrap().source == PLACE

    def test_a_refusal_ends_it(self) -> None:
        """Another mirror is not asked until one has an image that somebody signed."""
        mirror = replace(PLACE, base=MIRROR)
        world = World(pages(IMAGE, MIRROR) | pages(IMAGE), Policy(admits=frozenset()))
        assert isinstance(world.fetch(mirror, PLACE).failure(), RequirementUnmet)
        assert not [url for url in world.asked() if url.startswith(BASE)]

    def test_a_mirror_that_resolves_no_tags(self) -> None:
        """The registry says what the tag stands for; the mirror has the bytes."""
        mirror = replace(PLACE, base=MIRROR, resolves_tags=False)
        world = World(pages(IMAGE, MIRROR) | pages(IMAGE))
        assert world.fetch(mirror, PLACE).unwrap().source == mirror
        asked = [url for url in world.asked() if url.startswith(BASE)]
        assert asked == [f"{BASE}/manifests/1"]

    def test_what_goes_behind_every_url(self) -> None:
        mirror = replace(PLACE, base=MIRROR, query="ns=example.com")
        table = {f"{url}?ns=example.com": page for url, page in pages(IMAGE, MIRROR).items()}
        assert is_successful(World(table).fetch(mirror))


class TestSignatures:
    DIGEST = IMAGE.descriptor.digest

    def found(self, table: Mapping[str, Page | TransportError], **more: object) -> object:
        world = World(pages(IMAGE) | dict(table), Policy(**more))  # type: ignore[arg-type] # by name
        outcome = world.fetch()
        if not is_successful(outcome):
            return outcome.failure()
        evidence = outcome.unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        return [each.content for each in evidence.signatures]

    def test_until_there_is_none(self) -> None:
        table = {signature_url(self.DIGEST, n): Page(b"%d" % n) for n in (1, 2, 4)}
        assert self.found(table) == [b"1", b"2"]

    def test_of_every_base(self) -> None:
        place = replace(PLACE, lookaside=(SIGS, "https://other.example/SIGX//"))
        other = f"https://other.example/SIGX/app@sha256={self.DIGEST.hex}/signature-1"
        table = {signature_url(self.DIGEST): Page(b"here"), other: Page(b"there")}
        world = World(pages(IMAGE) | table)
        evidence = world.fetch(place).unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        assert [each.content for each in evidence.signatures] == [b"here", b"there"]

    def test_no_more_than_the_limit(self) -> None:
        numbers = range(1, SIGNATURE_COUNT + 10)
        table = {signature_url(self.DIGEST, n): Page(b"x") for n in numbers}
        found = self.found(table)
        assert isinstance(found, list)
        assert len(found) == SIGNATURE_COUNT

    def test_no_more_than_the_limit_of_all_bases(self) -> None:
        """What is one too many is not even asked for."""
        bases = (SIGS, "https://other.example/sigs", "https://third.example")
        folders = [f"{base}/app@sha256={self.DIGEST.hex}/signature-" for base in bases]
        table: dict[str, Page | TransportError] = {f"{folders[0]}{n}": Page(b"x") for n in (1, 2)}
        table |= {f"{folders[1]}{n}": Page(b"x") for n in range(1, SIGNATURE_COUNT + 10)}
        world = World(pages(IMAGE) | table)
        world.fetch(replace(PLACE, lookaside=bases)).unwrap()
        asked = [url for url in world.asked() if "/signature-" in url]
        # Two and the one that is not there, then as many as are left.
        assert len(asked) == 3 + SIGNATURE_COUNT - 2
        assert asked[-1].startswith(folders[1])

    @pytest.mark.parametrize("status", [202, 401, 403, 500])
    def test_a_store_that_refuses_is_no_empty_one(self, status: int) -> None:
        url = signature_url(self.DIGEST)
        found = self.found({url: Page(status=status)})
        assert found == SignatureUnavailable(HttpStatus(url, status))

    def test_a_folder_that_cannot_be_read_is_no_empty_one(self) -> None:
        absent = FileUnreadable("/sigs/signature-1", "No such file or directory")
        assert self.found({signature_url(self.DIGEST): absent}) == []
        barred = FileUnreadable("/sigs/signature-1", "Permission denied")
        found = self.found({signature_url(self.DIGEST): barred})
        assert found == SignatureUnavailable(barred)

    def test_one_that_is_too_large(self) -> None:
        content = bytes(SIGNATURE_BYTES + 1)
        found = self.found({signature_url(self.DIGEST): Page(content)})
        assert found == NotASignature(f"larger than {SIGNATURE_BYTES} bytes")

    def test_how_they_are_asked_for(self) -> None:
        """A server that stalls costs so much time, and no more."""
        world = World(pages(IMAGE), limits=Limits(idle_seconds=7, total_seconds=3600))
        world.fetch().unwrap()
        (request,) = [each for each in world.transport.requests if "/sigs/" in each.url]
        assert (request.idle_seconds, request.total_seconds) == (7, DOCUMENT_SECONDS)
        assert request.accept is not None
        assert request.accept.endswith(", */*")
        assert MANIFEST_TYPE in request.accept

    def test_none_are_asked_for_that_make_no_difference(self) -> None:
        world = World(pages(IMAGE), Policy(wants=Wanted(simple=False, sigstore=False)))
        world.fetch().unwrap()
        assert not [url for url in world.asked() if "/sigs/" in url or url.endswith(".sig")]


class TestSigstore:
    DIGEST = IMAGE.descriptor.digest
    PAYLOAD = b'{"critical": {}}'
    URL = f"{BASE}/manifests/sha256-{DIGEST.hex}.sig"

    def signed(self, **layer: object) -> dict[str, Page | TransportError]:
        payload = digest_of("sha256", self.PAYLOAD)
        described: dict[str, object] = {
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "digest": str(payload),
            "size": len(self.PAYLOAD),
            "annotations": {
                "dev.cosignproject.cosign/signature": base64.b64encode(b"signature").decode()
            },
        }
        raw = json.dumps({"layers": [described | layer]}).encode()
        return pages(IMAGE) | {
            self.URL: manifest_page(raw, MANIFEST_TYPE),
            f"{BASE}/blobs/{payload}": Page(self.PAYLOAD),
        }

    def fetch(self, table: dict[str, Page | TransportError]) -> Result[Downloaded, object]:
        return World(table, Policy(wants=Wanted(simple=False, sigstore=True))).fetch()

    def test_what_is_beside_the_image(self) -> None:
        evidence = self.fetch(self.signed()).unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        (found,) = evidence.signatures
        assert (found.format, found.signed) == ("sigstore", self.DIGEST)
        assert (found.content, found.signature) == (self.PAYLOAD, b"signature")

    def test_beside_a_simple_one(self) -> None:
        """Neither kind hides the other."""
        table = self.signed() | {signature_url(self.DIGEST): Page(b"simple")}
        world = World(table, Policy(wants=Wanted(simple=True, sigstore=True)))
        evidence = world.fetch().unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        assert [(each.format, each.content) for each in evidence.signatures] == [
            ("simple", b"simple"),
            ("sigstore", self.PAYLOAD),
        ]

    @pytest.mark.parametrize("number", [0, 1])
    def test_a_registry_that_refuses_is_no_empty_one(self, number: int) -> None:
        url = (self.URL, f"{BASE}/blobs/{digest_of('sha256', self.PAYLOAD)}")[number]
        outcome = self.fetch(self.signed() | {url: Page(status=500)})
        assert outcome == Failure(SignatureUnavailable(HttpStatus(url, 500)))

    def test_there_is_none(self) -> None:
        evidence = self.fetch(pages(IMAGE)).unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        assert evidence.signatures == ()

    def test_no_more_than_the_limit(self) -> None:
        table = self.signed()
        page = table[self.URL]
        assert isinstance(page, Page)
        (layer,) = json.loads(page.body)["layers"]
        raw = json.dumps({"layers": [layer] * (SIGNATURE_COUNT + 5)}).encode()
        world = World(
            table | {self.URL: manifest_page(raw, MANIFEST_TYPE)},
            Policy(wants=Wanted(simple=False, sigstore=True)),
        )
        world.fetch().unwrap()
        payload = f"{BASE}/blobs/{digest_of('sha256', self.PAYLOAD)}"
        assert world.asked().count(payload) == SIGNATURE_COUNT

    def test_layers_of_other_kinds_say_nothing(self) -> None:
        evidence = self.fetch(self.signed(mediaType="text/plain")).unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        assert evidence.signatures == ()

    @pytest.mark.parametrize(
        ("layer", "problem"),
        [
            (
                {"annotations": {"dev.cosignproject.cosign/signature": "no base64!"}},
                "annotations: got an object, wanted a signature in base64",
            ),
            ({"annotations": []}, ""),
            ({"digest": "sha256:../../x"}, ""),
        ],
    )
    def test_what_is_no_signature(self, layer: dict[str, object], problem: str) -> None:
        error = self.fetch(self.signed(**layer)).failure()
        assert isinstance(error, NotASignature)
        assert error.reason.startswith("cosign's manifest at $.layers[0].")
        assert problem in error.reason

    def test_a_payload_without_its_signature_is_signed_by_nothing(self) -> None:
        evidence = self.fetch(self.signed(annotations={})).unwrap().evidence
        assert isinstance(evidence, ManifestEvidence)
        assert [each.signature for each in evidence.signatures] == [b""]

    def test_a_payload_of_another_digest(self) -> None:
        payload = digest_of("sha256", self.PAYLOAD)
        url = f"{BASE}/blobs/{payload}"
        error = self.fetch(self.signed() | {url: Page(b"other")}).failure()
        assert error == DigestMismatch(url, payload, digest_of("sha256", b"other"))

    def test_a_payload_that_is_not_there(self) -> None:
        url = f"{BASE}/blobs/{digest_of('sha256', self.PAYLOAD)}"
        table = self.signed()
        del table[url]
        assert self.fetch(table) == Failure(SignatureUnavailable(HttpStatus(url, 404)))


class TestUnchanged:
    """What is stored already, and still what its tag stands for."""

    INDEX = make_index(IMAGE)

    def stage(self, world: World, etag: Digest) -> Result[Downloaded | Unchanged, object]:
        stored = Stored(
            IMAGE.descriptor.digest,
            ImageName("example.com/app"),
            located(PLACE).expected.required,
            1,
            EPOCH,
            NoProof(""),
            "",
        )
        entry = RemoteEntry(PLACE.image, stored, Validators(etag=f'"{etag}"'), Freshness(EPOCH))
        known = {PLACE.image: entry}
        stage = download_if_changed(
            transport=world.transport,
            quarantine=world.quarantine,
            keyring=StaticKeyring(),
            verifier=OpenPGPVerifier(),
            clock=FixedClock(),
            known=known.get,
            policy=world.policy,
        )
        return stage(located(PLACE))

    def test_a_head_is_enough(self) -> None:
        world = World(pages(self.INDEX))
        outcome = self.stage(world, self.INDEX.descriptor.digest).unwrap()
        validators = Validators(etag=f'"{self.INDEX.descriptor.digest}"')
        assert outcome == Unchanged(PLACE, validators, Freshness(FixedClock().now()))
        assert [request.method for request in world.transport.requests] == ["HEAD"]

    def test_a_tag_that_has_moved(self) -> None:
        world = World(pages(self.INDEX))
        outcome = self.stage(world, IMAGE.descriptor.digest).unwrap()
        assert isinstance(outcome, Downloaded)

    def test_a_registry_that_says_nothing_by_head(self) -> None:
        table = pages(IMAGE) | {
            f"{BASE}/manifests/1": Page(IMAGE.raw, fields=(("content-type", MANIFEST_TYPE),))
        }
        outcome = self.stage(World(table), IMAGE.descriptor.digest).unwrap()
        assert isinstance(outcome, Downloaded)


class TestImagePaths:
    PATH = ImagePathPlace(ImagePathReference("oci", "/images"), AMD)

    def test_nobody_reads_them_unless_told_how(self) -> None:
        error = World({}).fetch(self.PATH).failure()
        assert getattr(error, "kind", "") == "file-unreadable"

    def test_a_policy_that_rejects_reads_nothing(self) -> None:
        rejects = PolicyRejects("oci:/images", "policy.json", "default")
        assert World({}, Policy(refuses=rejects)).fetch(self.PATH).failure() == rejects

    LOADED = LoadedImage(
        (IMAGE.raw,),
        QuarantinedBlob("manifest", 3),
        IMAGE.descriptor.digest,
        MANIFEST_TYPE,
        (Content(IMAGE.descriptor, QuarantinedBlob("config", 5)),),
    )
    UNREAD = FileUnreadable("/images", "gone")

    def reader(
        self, world: World, answer: Result[LoadedImage, FileUnreadable], limits: Limits
    ) -> ImagePathReader:
        """Return a reader that answers so, and wants to be asked as it should be."""

        class Reader:
            def load(
                self, place: ImagePathPlace, quarantine: Quarantine, limits_of: Limits
            ) -> Result[LoadedImage, FileUnreadable]:
                assert (place, quarantine, limits_of) == (
                    TestImagePaths.PATH,
                    world.quarantine,
                    limits,
                )
                return answer

        return Reader()

    def downloaded(self, evidence: Evidence) -> Downloaded:
        return Downloaded(
            REFERENCE,
            located().expected,
            self.PATH,
            self.LOADED.blob,
            evidence,
            Validators(),
            Freshness(FixedClock().now()),
            MANIFEST_TYPE,
            IMAGE.descriptor.digest,
            self.LOADED.contents,
        )

    def signed(
        self, world: World, answer: Result[LoadedImage, FileUnreadable]
    ) -> Result[Downloaded, object]:
        stage = download_image(
            transport=world.transport,
            quarantine=world.quarantine,
            keyring=StaticKeyring(),
            verifier=OpenPGPVerifier(),
            clock=FixedClock(),
            limits=world.limits,
            policy=world.policy,
            images=self.reader(world, answer, world.limits),
        )
        return stage(located(self.PATH))

    def test_what_the_policy_admits(self) -> None:
        world = World({}, limits=Limits(image_bytes=9))
        evidence = ManifestEvidence("oci:/images", (IMAGE.raw,))
        assert self.signed(world, Success(self.LOADED)) == Success(self.downloaded(evidence))
        assert world.policy.shown == [evidence]
        assert world.policy.times == [FixedClock().now()]

    def test_what_the_policy_does_not_admit(self) -> None:
        world = World({}, Policy(admits=frozenset()))
        error = self.signed(world, Success(self.LOADED)).failure()
        assert isinstance(error, RequirementUnmet)

    def test_what_cannot_be_read(self) -> None:
        assert self.signed(World({}), Failure(self.UNREAD)) == Failure(self.UNREAD)

    def test_unsigned(self) -> None:
        world = World({})
        stage = download_unsigned(
            transport=world.transport,
            quarantine=world.quarantine,
            clock=FixedClock(),
            images=self.reader(world, Success(self.LOADED), DEFAULT_LIMITS),
        )
        assert stage(located(self.PATH)) == Success(self.downloaded(Unsigned()))


def digest(text: str) -> Digest:
    algorithm, _, hex_digits = text.partition(":")
    assert algorithm == "sha256"
    return Digest("sha256", hex_digits)
