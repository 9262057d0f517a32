"""The stage from a quarantined file to a manifest that says what was expected."""

import bz2
import gzip
import hashlib
import io
import lzma
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import BinaryIO

import pytest
import zstandard
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryQuarantine
from pipeline.digest import Digest
from pipeline.errors import (
    ArchiveTooLarge,
    ConfigurationError,
    CorruptArchive,
    DiskFull,
    ImageIDMismatch,
    InvalidManifest,
    KeystoreUnavailable,
    LabelMismatch,
    ManifestMissing,
    NameMismatch,
    NotAnImage,
    SignerNotTrustedForName,
    SizeMismatch,
    StoreError,
    StoreUnavailable,
    TooFewSigners,
    Unproven,
)
from pipeline.limits import CHUNK_BYTES, MIB, Limits
from pipeline.manifest import parse_manifest
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.oci import MANIFEST_TYPE
from pipeline.ports import BlobWriter, Keyring, Partial
from pipeline.reference import ArchiveReference
from pipeline.results import (
    ACI_TYPE,
    Candidate,
    Downloaded,
    Expectations,
    Extracted,
    Freshness,
    QuarantinedBlob,
    Unsigned,
    Unverified,
    Validators,
    Verified,
)
from pipeline.stages.extract import ExtractError, extract_manifest
from pipeline.testing.archives import make_entry, make_tar
from pipeline.testing.fakes import EPOCH, StaticKeyring
from pipeline.testing.makers import make_archive, make_manifest
from pipeline.trust import (
    Fingerprint,
    KeyEntry,
    KeySet,
    Signer,
    SignerPolicy,
    TrustedKey,
    TrustScope,
)
from tests.support.quarantines import ArchivesAlone

NAME = ImageName("example.com/app")
LABELS = {"version": "1.0.0", "os": "linux"}
packed = partial(gzip.compress, mtime=0)
"""The same bytes at any time: test names are made of them."""

MANIFEST = make_manifest(NAME, LABELS)
ARCHIVE = make_archive(MANIFEST, {"bin/app": b"content " * 1000})
BIG = make_archive(MANIFEST, {"big": bytes(range(256)) * (5 * MIB // 256)})
"""Of many chunks."""

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": packed,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@dataclass(slots=True)
class World:
    """A quarantine and a keyring, and the stage over them."""

    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)
    keyring: Keyring = field(default_factory=StaticKeyring)
    limits: Limits = field(default_factory=Limits)

    def extract(
        self,
        file: bytes,
        expected: Expectations = Expectations(),
        signers: tuple[Signer, ...] = (),
    ) -> Result[Extracted, ExtractError]:
        """Put a file into quarantine and run the stage; without signers it is unverified."""
        writer = self.quarantine.create("download").unwrap()
        writer.write(file)
        downloaded = Downloaded(
            ArchiveReference("https://example.com/app.aci"),
            expected,
            Candidate("https://example.com/app.aci", "https://example.com/app.aci.asc"),
            writer.finish().unwrap(),
            Unsigned(),
            Validators(),
            Freshness(EPOCH),
        )
        stage = extract_manifest(
            quarantine=self.quarantine, keyring=self.keyring, limits=self.limits
        )
        return stage(Verified(downloaded, signers) if signers else Unverified(downloaded, "a test"))

    def left(self) -> set[str]:
        """Tell what lies in quarantine beside the download."""
        return {key for key in self.quarantine.blobs if not key.startswith("download")}


def labels(**values: str) -> Labels:
    """Make labels."""
    return Labels(tuple(Label(LabelName(name), value) for name, value in values.items()))


def key(digit: str, prefix: str | None) -> TrustedKey:
    """Make a keystore entry for the key whose fingerprint is that digit 40 times."""
    checked = None if prefix is None else ImageName(prefix)
    return TrustedKey(KeyEntry("local", checked, Fingerprint(digit * 40), "k", "0" * 64), b"")


def signer(digit: str) -> Signer:
    """Make a proven signer; its signing key is a subkey, which grants nothing."""
    entry = key(digit, "example.com/elsewhere").entry
    made = EPOCH - timedelta(days=1)
    return Signer(entry.fingerprint, Fingerprint("f" * 40), (), made, "sha256", "RSA 2048", entry)


class TestOnePass:
    @pytest.mark.parametrize("codec", COMPRESS)
    def test_a_compressed_image(self, codec: str) -> None:
        world = World()
        extracted = world.extract(COMPRESS[codec](ARCHIVE)).unwrap()
        assert extracted.manifest.name == NAME
        assert extracted.manifest.raw == MANIFEST
        assert extracted.image_id == Digest("sha512", hashlib.sha512(ARCHIVE).hexdigest())
        assert extracted.archive.size == len(ARCHIVE)
        assert world.quarantine.open(extracted.archive).unwrap().read() == ARCHIVE

    def test_a_plain_tar_is_its_own_archive(self) -> None:
        world = World()
        extracted = world.extract(ARCHIVE).unwrap()
        assert extracted.archive == extracted.origin.downloaded.blob
        assert extracted.image_id == Digest("sha512", hashlib.sha512(ARCHIVE).hexdigest())
        assert world.left() == set()

    def test_an_image_of_many_chunks(self) -> None:
        world = World()
        extracted = world.extract(zstandard.compress(BIG)).unwrap()
        assert extracted.image_id.hex == hashlib.sha512(BIG).hexdigest()
        assert world.quarantine.open(extracted.archive).unwrap().read() == BIG

    def test_no_more_than_a_chunk_is_read_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sizes: list[int] = []

        class Measured(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                content = super().read(size)
                sizes.append(len(content))
                return content

        file = Measured(BIG)
        monkeypatch.setattr(MemoryQuarantine, "open", lambda _self, _blob: Success(file))
        assert is_successful(World().extract(BIG))
        assert max(sizes) == CHUNK_BYTES < sum(sizes) == len(BIG)

    def test_the_manifest_is_kept_byte_for_byte(self) -> None:
        raw = b" \n" + MANIFEST + b"\n\n"
        assert World().extract(make_archive(raw)).unwrap().manifest.raw == raw

    def test_the_stage_pickles(self) -> None:
        stage = extract_manifest(quarantine=MemoryQuarantine(), keyring=StaticKeyring())
        assert pickle.loads(pickle.dumps(stage)).name == "extract"


class TestRefusals:
    """Each leaves nothing but the download in quarantine."""

    @pytest.mark.parametrize(
        ("file", "error"),
        [
            (b"", NotAnImage),
            (b"<html>no such image</html>", NotAnImage),
            (packed(b"no tar at all" * 99), CorruptArchive),
            (packed(ARCHIVE)[:-1], CorruptArchive),
            (packed(ARCHIVE) + b"garbage", CorruptArchive),
            (packed(make_tar(make_entry(b"manifest", MANIFEST), end=b"")), CorruptArchive),
            (packed(packed(ARCHIVE)), CorruptArchive),
            (make_tar(make_entry(b"rootfs/a")), ManifestMissing),
            (packed(make_tar(make_entry(b"manifest", MANIFEST))), ManifestMissing),
            (packed(make_tar(make_entry(b"etc/passwd"))), NotAnImage),
        ],
    )
    def test_files_that_are_no_image(self, file: bytes, error: type) -> None:
        world = World()
        assert isinstance(world.extract(file).failure(), error)
        assert world.left() == set()

    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"a":1,"a":2}', b"\xff", b"{}"])
    def test_a_manifest_that_is_none(self, raw: bytes) -> None:
        world = World()
        assert isinstance(world.extract(packed(make_archive(raw))).failure(), InvalidManifest)
        assert world.left() == set()

    def test_a_manifest_problem_says_where(self) -> None:
        raw = make_manifest(NAME, {"Version": "1"})
        refused = World().extract(make_archive(raw)).failure()
        problem = parse_manifest(raw).failure()
        assert refused == InvalidManifest(problem.path, problem.reason)
        assert problem.path.startswith("$.labels[0]")

    def test_an_archive_beyond_the_users_limit(self) -> None:
        for file in (ARCHIVE, packed(ARCHIVE)):
            assert is_successful(World(limits=Limits(archive_bytes=len(ARCHIVE))).extract(file))
            world = World(limits=Limits(archive_bytes=len(ARCHIVE) - 1))
            assert isinstance(world.extract(file).failure(), ArchiveTooLarge)
            assert world.left() == set()


class TestExpectations:
    def refusal_of(self, expected: Expectations) -> ExtractError:
        world = World()
        refused = world.extract(packed(ARCHIVE), expected).failure()
        assert world.left() == set()
        return refused

    def test_all_that_was_expected(self) -> None:
        expected = Expectations(
            NAME,
            labels(version="1.0.0"),
            labels(os="linux", arch="amd64"),
            Digest("sha512", hashlib.sha512(ARCHIVE).hexdigest()),
            len(ARCHIVE),
        )
        assert is_successful(World().extract(packed(ARCHIVE), expected))

    def test_another_name(self) -> None:
        other = ImageName("example.com/other")
        assert self.refusal_of(Expectations(other)) == NameMismatch(wanted=other, got=NAME)

    def test_a_required_label_with_another_value(self) -> None:
        refused = self.refusal_of(Expectations(required=labels(version="2.0.0")))
        assert refused == LabelMismatch(LabelName("version"), wanted="2.0.0", got="1.0.0")

    def test_a_required_label_that_is_not_there(self) -> None:
        refused = self.refusal_of(Expectations(required=labels(arch="amd64")))
        assert refused == LabelMismatch(LabelName("arch"), wanted="amd64", got=None)

    def test_a_default_that_the_manifest_contradicts(self) -> None:
        refused = self.refusal_of(Expectations(defaults=labels(os="freebsd")))
        assert refused == LabelMismatch(LabelName("os"), wanted="freebsd", got="linux")

    def test_another_image_id(self) -> None:
        other = Digest("sha512", "0" * 128)
        got = Digest("sha512", hashlib.sha512(ARCHIVE).hexdigest())
        refused = self.refusal_of(Expectations(image_id=other))
        assert refused == ImageIDMismatch(wanted=other, got=got)

    def test_another_size(self) -> None:
        refused = self.refusal_of(Expectations(archive_bytes=len(ARCHIVE) + 1))
        assert refused == SizeMismatch(wanted=len(ARCHIVE) + 1, got=len(ARCHIVE))


class TestSigners:
    @pytest.mark.parametrize("media_type", [ACI_TYPE, MANIFEST_TYPE])
    def test_verified_by_nobody_is_not_verified(self, media_type: str) -> None:
        """Whoever writes a verify stage of their own may get this wrong."""
        world = World(keyring=StaticKeyring((key("a", None),)))
        origin = world.extract(ARCHIVE).unwrap().origin
        claimed = Verified(replace(origin.downloaded, media_type=media_type), ())
        stage = extract_manifest(quarantine=world.quarantine, keyring=world.keyring)
        assert stage(claimed).failure() == Unproven("https://example.com/app.aci")

    def test_a_signer_trusted_for_another_name_only(self) -> None:
        """Threat 28: the file was asked for by its path, so any trusted key was good enough."""
        world = World(keyring=StaticKeyring((key("a", "example.com/elsewhere"),)))
        refused = world.extract(packed(ARCHIVE), signers=(signer("a"),)).failure()
        assert refused == SignerNotTrustedForName((Fingerprint("a" * 40),), NAME)
        assert world.left() == set()

    @pytest.mark.parametrize("prefix", [None, "example.com", "example.com/app"])
    def test_a_signer_trusted_for_the_name(self, prefix: str | None) -> None:
        world = World(keyring=StaticKeyring((key("a", prefix),)))
        extracted = world.extract(ARCHIVE, signers=(signer("a"),)).unwrap()
        assert isinstance(extracted.origin, Verified)
        assert extracted.origin.signers == (signer("a"),)

    def test_signers_that_are_not_trusted_for_the_name_are_dropped(self) -> None:
        world = World(keyring=StaticKeyring((key("b", NAME), key("a", "example.com/ap"))))
        signers = (signer("a"), signer("b"), signer("c"))
        extracted = world.extract(ARCHIVE, signers=signers).unwrap()
        assert isinstance(extracted.origin, Verified)
        assert extracted.origin.signers == (signer("b"),)

    def test_a_trusted_subkey_is_not_a_trusted_primary_key(self) -> None:
        world = World(keyring=StaticKeyring((key("f", None),)))
        refused = world.extract(ARCHIVE, signers=(signer("a"),)).failure()
        assert isinstance(refused, SignerNotTrustedForName)

    def test_too_few_signers_trusted_for_the_name(self) -> None:
        world = World(keyring=StaticKeyring((key("b", NAME),)))
        origin = world.extract(ARCHIVE, signers=(signer("a"), signer("b"))).unwrap().origin
        claimed = Verified(origin.downloaded, (signer("a"), signer("b")))

        def extract(wanted: int) -> Result[Extracted, ExtractError]:
            stage = extract_manifest(
                quarantine=world.quarantine, keyring=world.keyring, signers=SignerPolicy(wanted)
            )
            return stage(claimed)

        assert is_successful(extract(1))
        assert extract(2) == Failure(TooFewSigners((Fingerprint("b" * 40),), 2))

    def test_a_masked_key_counts_for_nothing(self) -> None:
        keys = KeySet((key("a", None),), masked=frozenset({Fingerprint("a" * 40)}))
        refused = World(keyring=FixedKeyring(keys)).extract(ARCHIVE, signers=(signer("a"),))
        assert isinstance(refused.failure(), SignerNotTrustedForName)

    def test_the_file_that_vouched_is_trusted_for_the_name(self) -> None:
        """A file counts whole: it may be named by another of the keys in it."""
        file = key("b", NAME)
        vouched = replace(signer("a"), granted_by=file.entry)
        extracted = World(keyring=StaticKeyring((file,))).extract(ARCHIVE, signers=(vouched,))
        assert is_successful(extracted)

    def test_unverified_images_skip_this_check_and_no_other(self) -> None:
        assert isinstance(World().extract(ARCHIVE).unwrap().origin, Unverified)
        other = Expectations(ImageName("example.com/other"))
        assert isinstance(World().extract(ARCHIVE, other).failure(), NameMismatch)

    def test_a_keyring_that_cannot_be_read(self) -> None:
        world = World(keyring=BrokenKeyring())
        refused = world.extract(packed(ARCHIVE), signers=(signer("a"),)).failure()
        assert isinstance(refused, KeystoreUnavailable)
        assert world.left() == set()

    def test_a_mismatch_is_reported_before_trust(self) -> None:
        other = Expectations(ImageName("example.com/other"))
        refused = World().extract(ARCHIVE, other, (signer("a"),)).failure()
        assert isinstance(refused, NameMismatch)


@dataclass(frozen=True, slots=True)
class FixedKeyring:
    """A keyring that answers the same for every name."""

    keys: KeySet

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Return the keys."""
        return Success(self.keys)


class BrokenKeyring:
    """A keyring that cannot be read."""

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Fail."""
        return Failure(KeystoreUnavailable("/keys", "read", "no"))


@dataclass(slots=True)
class FullDisk(ArchivesAlone):
    """A quarantine that fails, at a time of its own, to create, write or finish; or to read."""

    blobs: dict[str, bytes]
    fails_to: str
    discarded: int = 0

    def create(self, label: str) -> Result[BlobWriter, StoreError]:
        """Start a file, or fail."""
        assert label == "archive"
        return Failure(DiskFull("/store")) if self.fails_to == "create" else Success(self)

    def resume(self, url: str, wait_seconds: float) -> Result[Partial, StoreError]:
        """Fail: extracting fetches nothing."""
        return Failure(DiskFull("/store"))

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a file, or fail, now or when it is read."""
        if self.fails_to == "open":
            return Failure(StoreUnavailable(blob.key, "read", "gone"))
        if self.fails_to == "read at once":
            return Success(BrokenFile(OSError("odd"), good=0))
        if self.fails_to == "read":
            return Success(BrokenFile(OSError(5, "Input/output error"), good=1))
        return Success(io.BytesIO(self.blobs[blob.key]))

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Write, or fail: late, when the only chunk has long been handed over."""
        if self.fails_to == "write":
            time.sleep(0.05)
            return Failure(DiskFull("/store"))
        return Success(None)

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Finish, or fail."""
        if self.fails_to == "finish":
            return Failure(DiskFull("/store"))
        return Success(QuarantinedBlob("archive", len(ARCHIVE)))

    def discard(self) -> None:
        """Count."""
        self.discarded += 1


class BrokenFile(io.BytesIO):
    """A file on a failing disk: the first reads are good."""

    def __init__(self, fault: OSError, *, good: int) -> None:
        super().__init__(ARCHIVE)
        self.fault = fault
        self.good = good

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, or fail."""
        if not self.good:
            raise self.fault
        self.good -= 1
        return super().read(600)


class TestFailingDisks:
    @pytest.mark.parametrize(
        ("fails_to", "error", "discarded"),
        [
            ("open", StoreUnavailable("blob", "read", "gone"), 0),
            ("read at once", StoreUnavailable("blob", "read", "odd"), 0),
            ("read", StoreUnavailable("blob", "read", "Input/output error"), 0),
            ("create", DiskFull("/store"), 0),
            ("write", DiskFull("/store"), 1),
            ("finish", DiskFull("/store"), 1),
        ],
    )
    def test_errors_of_the_quarantine(
        self, fails_to: str, error: ExtractError, discarded: int
    ) -> None:
        downloaded = World().extract(ARCHIVE).unwrap().origin.downloaded
        file = packed(ARCHIVE)
        downloaded = replace(downloaded, blob=replace(downloaded.blob, key="blob"))
        disk = FullDisk({"blob": file}, fails_to)
        stage = extract_manifest(quarantine=disk, keyring=StaticKeyring())
        outcome = stage(Unverified(downloaded, "a test"))
        assert outcome == Failure(error)
        assert disk.discarded == discarded

    def test_a_full_disk_ends_a_long_image(self) -> None:
        """It is noticed while there is more to write."""
        downloaded = World().extract(BIG).unwrap().origin.downloaded
        disk = FullDisk({downloaded.blob.key: zstandard.compress(BIG)}, "write")
        stage = extract_manifest(quarantine=disk, keyring=StaticKeyring())
        assert stage(Unverified(downloaded, "a test")) == Failure(DiskFull("/store"))
        assert disk.discarded == 1
