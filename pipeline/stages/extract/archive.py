"""Read an archive whole, once: ``Verified | Unverified -> Extracted``.

Decompresses the downloaded file, computes the image ID, scans the tar, keeps the uncompressed
archive in quarantine, and checks that the manifest says what was expected. A plain tar is its
own archive and is not copied. Memory does not grow with the image: chunks pass through, and a
helper thread hashes and writes while this one reads and decompresses.

Errors: ImageError for what is wrong with the image, VerificationError where its signer may not
speak for the name it gives itself, StoreError from the quarantine, ConfigurationError from the
keyring.

Sources: appc/spec v0.8.11 ``spec/aci.md`` "Image Archives", "Image ID", "Dependency Matching".
Nothing is unpacked here, and nothing is kept beyond the quarantine.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import BinaryIO, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.compression import DETECTION_BYTES, Decompressor, detect_compression
from pipeline.archive.scanner import ArchiveScanner
from pipeline.background import background
from pipeline.digest import Digest
from pipeline.errors import (
    ConfigurationError,
    ImageError,
    ImageIDMismatch,
    InvalidManifest,
    LabelMismatch,
    NameMismatch,
    SignerNotTrustedForName,
    SizeMismatch,
    StoreError,
    StoreUnavailable,
    TooFewSigners,
    VerificationError,
)
from pipeline.limits import CHUNK_BYTES, Limits
from pipeline.manifest import ImageManifest, parse_manifest
from pipeline.names import ImageName
from pipeline.ports import BlobWriter, Keyring, Quarantine
from pipeline.results import Expectations, Extracted, QuarantinedBlob, Unverified, Verified
from pipeline.trust import KeySet, NamedScope, Signer, SignerPolicy

ExtractError: TypeAlias = ImageError | VerificationError | StoreError | ConfigurationError
"""What can go wrong between a quarantined file and its manifest."""


@final
@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count, and how many are needed."""

    keyring: Keyring
    signers: SignerPolicy


@final
@dataclass(frozen=True, slots=True)
class _InPlace:
    """The writer of an archive that lies in quarantine already: a plain tar."""

    blob: QuarantinedBlob

    def write(self, _chunk: bytes) -> Result[None, StoreError]:
        return Success(None)

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        return Success(self.blob)

    def discard(self) -> None:
        """Leave the file alone: the download is not this stage's to remove."""


def extract_archive(
    quarantine: Quarantine, trust: Trust, limits: Limits, origin: Verified | Unverified
) -> Result[Extracted, ExtractError]:
    """Read an archive and check its manifest; what was written is discarded on failure."""
    blob = origin.downloaded.blob
    opened = quarantine.open(blob)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as stream:
        head = _read(stream, blob)
        if not is_successful(head):
            return Failure(head.failure())
        detected = detect_compression(head.unwrap()[:DETECTION_BYTES])
        if not is_successful(detected):
            return Failure(detected.failure())
        compression = detected.unwrap()
        in_place: Result[BlobWriter, StoreError] = Success(_InPlace(blob))
        created = in_place if compression == "none" else quarantine.create("archive")
        if not is_successful(created):
            return Failure(created.failure())
        writer = created.unwrap()
        chunks = chain((head,), iter(partial(_read, stream, blob), Success(b"")))
        decompressor = Decompressor(compression, max_bytes=limits.archive_bytes)
        outcome = _extract(chunks, decompressor, writer, trust, origin)
    if not is_successful(outcome):
        writer.discard()
    return outcome


def _extract(
    chunks: Iterable[Result[bytes, StoreError]],
    decompressor: Decompressor,
    writer: BlobWriter,
    trust: Trust,
    origin: Verified | Unverified,
) -> Result[Extracted, ExtractError]:
    image_id = hashlib.sha512()
    scanned = _scan(chunks, decompressor, partial(_keep, image_id.update, writer))
    if not is_successful(scanned):
        return Failure(scanned.failure())
    finished = writer.finish()
    if not is_successful(finished):
        return Failure(finished.failure())
    parsed = parse_manifest(scanned.unwrap())
    if not is_successful(parsed):
        problem = parsed.failure()
        return Failure(InvalidManifest(problem.path, problem.reason))
    manifest = parsed.unwrap()
    digest = Digest("sha512", image_id.hexdigest())
    mismatch = _mismatch(manifest, digest, finished.unwrap().size, origin.downloaded.expected)
    if mismatch is not None:
        return Failure(mismatch)
    proven = _check_signers(origin, manifest.name, trust)
    return proven.map(lambda passed: Extracted(passed, manifest, digest, finished.unwrap()))


def _scan(
    chunks: Iterable[Result[bytes, StoreError]],
    decompressor: Decompressor,
    keep: Callable[[bytes], Result[None, StoreError]],
) -> Result[bytes, ImageError | StoreError]:
    """Pass an image through, to the archive's scanner and to ``keep``; return its manifest."""
    scanner = ArchiveScanner(manifest_only=True)
    with background(keep) as worker:
        for chunk in chunks:
            if not is_successful(chunk):
                return Failure(chunk.failure())
            for piece in decompressor.feed(chunk.unwrap()):
                if not is_successful(piece):
                    return Failure(piece.failure())
                scanned = scanner.feed(piece.unwrap())
                if not is_successful(scanned):
                    return Failure(scanned.failure())
                kept = worker.put(piece.unwrap())
                if not is_successful(kept):
                    return Failure(kept.failure())
        ended = decompressor.finish()
        if not is_successful(ended):
            return Failure(ended.failure())
        all_kept = worker.finish()
        if not is_successful(all_kept):
            return Failure(all_kept.failure())
    return scanner.finish()


def _read(stream: BinaryIO, blob: QuarantinedBlob) -> Result[bytes, StoreError]:
    try:
        return Success(stream.read(CHUNK_BYTES))
    except OSError as error:
        return Failure(StoreUnavailable(blob.key, "read", error.strerror or str(error)))


def _keep(
    update: Callable[[bytes], None], writer: BlobWriter, chunk: bytes
) -> Result[None, StoreError]:
    update(chunk)
    return writer.write(chunk)


def _mismatch(
    manifest: ImageManifest, image_id: Digest, size: int, expected: Expectations
) -> ImageError | None:
    # 1. Discovery must lead to the image that was asked for (aci.md "Image Manifest Schema").
    if expected.name is not None and manifest.name != expected.name:
        return NameMismatch(wanted=expected.name, got=manifest.name)
    # 2. Labels that the user named must be there; the platform's only must not contradict.
    for label in expected.required.items:
        got = manifest.labels.get(label.name)
        if got != label.value:
            return LabelMismatch(label.name, wanted=label.value, got=got)
    for label in expected.defaults.items:
        got = manifest.labels.get(label.name)
        if got is not None and got != label.value:
            return LabelMismatch(label.name, wanted=label.value, got=got)
    # 3. A parent that names an ID or a size means exactly that archive ("Dependency Matching").
    if expected.image_id is not None and image_id != expected.image_id:
        return ImageIDMismatch(wanted=expected.image_id, got=image_id)
    if expected.archive_bytes is not None and size != expected.archive_bytes:
        return SizeMismatch(wanted=expected.archive_bytes, got=size)
    return None


def _speaks(signer: Signer, keys: KeySet) -> bool:
    """Tell whether one of these files is named by the signer's key, or is the one that vouched."""
    if signer.primary in keys.masked:
        return False
    entries = {key.entry for key in keys.keys}
    named = {entry.fingerprint for entry in entries}
    return signer.primary in named or signer.granted_by in entries


def _check_signers(
    origin: Verified | Unverified, name: ImageName, trust: Trust
) -> Result[Verified | Unverified, ExtractError]:
    if isinstance(origin, Unverified):
        return Success(origin)
    # 4. The signature was judged by keys for the user's reference; one without a name used every
    #    key. Whoever signed must also be trusted for the name under which the image is kept.
    keys = trust.keyring.keys_for(NamedScope(name))
    if not is_successful(keys):
        return Failure(keys.failure())
    judged = tuple(signer for signer in origin.signers if isinstance(signer, Signer))
    signers = tuple(signer for signer in judged if _speaks(signer, keys.unwrap()))
    if not signers:
        return Failure(SignerNotTrustedForName(tuple(signer.primary for signer in judged), name))
    # 5. As many must have signed as are demanded for that name.
    wanted = trust.signers.demanded(name)
    if len(signers) < wanted:
        return Failure(TooFewSigners(tuple(signer.primary for signer in signers), wanted))
    return Success(replace(origin, signers=signers))
