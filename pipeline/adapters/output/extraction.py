"""Archives into a new folder: whole, or not at all.

    archives -> Result[ExtractionReport, OutputError | ImageError | StoreError]

An archive is read by the very parser that scanned it when it was fetched, decompressed within
the same limits, and its digest is compared before anything gets its final name: what is unpacked
is what was proven. The tree is built in a folder of its own beside the target.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias, final

from returns.result import Result, Success

from pipeline.adapters.output.extractor import (
    UNPRIVILEGED,
    ExtractionOptions,
    ExtractionReport,
    Extractor,
)
from pipeline.adapters.output.failures import Refused, WriteError, attempt, required
from pipeline.adapters.output.target import drafting
from pipeline.adapters.output.tree import Tree
from pipeline.adapters.output.whiteouts import Whiteouts
from pipeline.archive.compression import DETECTION_BYTES, Decompressor, detect_compression
from pipeline.archive.reader import TarReader
from pipeline.archive.scanner import ArchiveScanner
from pipeline.archive.selection import EVERYTHING, Selection
from pipeline.background import background
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt, StoreError, StoreUnavailable
from pipeline.limits import CHUNK_BYTES, DEFAULT_LIMITS, Limits

ArchiveKind: TypeAlias = Literal["image", "layer"]
"""``image``: ``manifest`` and ``rootfs``, no path twice. ``layer``: any tar, with whiteouts."""


@final
@dataclass(frozen=True, slots=True)
class Archive:
    """Something to unpack: ``open`` gives its bytes, and ``digest``, where known, is theirs."""

    open: Callable[[], Result[BinaryIO, StoreError]]
    digest: Digest | None = None
    selection: Selection = EVERYTHING
    kind: ArchiveKind = "image"


def extract_archive(
    source: BinaryIO,
    target: Path,
    *,
    options: ExtractionOptions = UNPRIVILEGED,
    selection: Selection = EVERYTHING,
    kind: ArchiveKind = "image",
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Result[ExtractionReport, WriteError]:
    """Unpack one archive, compressed or not, into the folder ``target``; ``source`` is closed.

    Errors: as :func:`extract_archives`.
    """
    archive = Archive(lambda: Success(source), None, selection, kind)
    return extract_archives((archive,), target, options=options, overwrite=overwrite, limits=limits)


def extract_archives(
    archives: Iterable[Archive],
    target: Path,
    *,
    options: ExtractionOptions = UNPRIVILEGED,
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Result[ExtractionReport, WriteError]:
    """Unpack archives into the folder ``target``, each over those before it.

    ``target`` must not exist, unless ``overwrite`` lets it be replaced, whatever it is; the
    folder it lies in must. Nothing is at ``target`` before everything is unpacked.

    Errors: OutputExists, OutputUnavailable; NotAnImage, CorruptArchive, ArchiveTooLarge,
    ManifestMissing; StoreCorrupt where an archive has another digest; what opening it fails with.
    """
    return attempt(partial(_extract, archives, target, options, overwrite, limits), target)


def _extract(
    archives: Iterable[Archive],
    target: Path,
    options: ExtractionOptions,
    overwrite: bool,
    limits: Limits,
) -> ExtractionReport:
    with drafting(target, overwrite=overwrite) as draft:
        draft.make_folder()
        tree = Tree(draft.descriptor)
        extractor = Extractor(tree, options)
        try:
            for archive in archives:
                _add(
                    archive, extractor, Whiteouts(tree) if archive.kind == "layer" else None, limits
                )
            report = extractor.finish()
        finally:
            extractor.close()
        draft.publish_folder()
    return report


def _add(
    archive: Archive, extractor: Extractor, whiteouts: Whiteouts | None, limits: Limits
) -> None:
    with required(archive.open()) as stream:
        reader = ArchiveScanner() if archive.kind == "image" else TarReader()
        for piece in _pieces(stream, archive.digest, limits):
            for part in required(reader.feed(piece)):
                extractor.take(part, archive.selection, whiteouts)
        required(reader.finish())
        extractor.end_file()


def _pieces(stream: BinaryIO, digest: Digest | None, limits: Limits) -> Iterator[bytes]:
    """Decompress a stream; at its end, compare its own bytes with what they must be."""
    head = _read(stream)
    compression = required(detect_compression(head[:DETECTION_BYTES]))
    decompressor = Decompressor(compression, max_bytes=limits.archive_bytes)
    hasher = hashlib.new("sha512" if digest is None else digest.algorithm)
    with background(partial(_update, hasher.update)) as worker:
        for chunk in chain((head,), iter(partial(_read, stream), b"")):
            if digest is not None:
                required(worker.put(chunk))
            for piece in decompressor.feed(chunk):
                yield required(piece)
        required(decompressor.finish())
        required(worker.finish())
    if digest is not None and hasher.hexdigest() != digest.hex:
        got = Digest(digest.algorithm, hasher.hexdigest())
        raise Refused(StoreCorrupt(str(digest), f"its content has the digest {got}"))


def _update(update: Callable[[bytes], None], chunk: bytes) -> Result[None, StoreError]:
    update(chunk)
    return Success(None)


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except OSError as error:
        raise Refused(
            StoreUnavailable("the archive", "read", error.strerror or str(error))
        ) from None
