"""An archive's bytes and its parts, as they are to be written: proven to the last byte.

Shape: ``Archive -> Iterator[bytes | Part]``. An archive is read by the very parser that scanned it
when it was fetched, decompressed within the same limits, and its digest is compared at its end:
whoever publishes a result only after that publishes what was proven. Raises
:class:`~pipeline.adapters.output.failures.Refused`.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Literal, TypeAlias, final

from returns.result import Result, Success

from pipeline.adapters.output.failures import Refused, required
from pipeline.archive.compression import (
    DETECTION_BYTES,
    DecompressionError,
    Decompressor,
    detect_compression,
)
from pipeline.archive.decompressing import Allowance, LayerIdentity, decompress_layer
from pipeline.archive.reader import Entry, Part, TarReader
from pipeline.archive.scanner import ArchiveScanner
from pipeline.archive.selection import EVERYTHING, Placement
from pipeline.background import background
from pipeline.digest import Digest
from pipeline.errors import CorruptArchive, StoreCorrupt, StoreError, StoreUnavailable
from pipeline.limits import CHUNK_BYTES, Limits

OpenBytes: TypeAlias = Callable[[], Result[BinaryIO, StoreError]]
"""Opens what is stored; whoever reads it closes it."""

ArchiveKind: TypeAlias = Literal["image", "layer"]
"""``image``: ``manifest`` and ``rootfs``, no path twice. ``layer``: any tar, with whiteouts."""


@final
@dataclass(frozen=True, slots=True)
class Archive:
    """Something to unpack: ``open`` gives its bytes, and ``digest``, where known, is theirs.

    ``identity`` is what a layer must unpack to, where that is known.
    """

    open: OpenBytes
    digest: Digest | None = None
    selection: Placement = EVERYTHING
    kind: ArchiveKind = "image"
    identity: LayerIdentity | None = None


def read_parts(archive: Archive, limits: Limits, allowance: Allowance) -> Iterator[Part]:
    """Give the archive's entries and their data, decompressed.

    An image's archive has limits of its own, layers have the ``allowance`` together.

    Refuses a layer that is not the one of its ``identity`` with DiffIDMismatch, at the end.
    """
    is_layer = archive.kind == "layer"
    reader = TarReader(_check_root) if is_layer else ArchiveScanner()
    chunks = read_bytes(archive)
    pieces = (
        decompress_layer(chunks, allowance, archive.identity)
        if is_layer
        else _decompress_image(chunks, limits)
    )
    for piece in pieces:
        yield from required(reader.feed(required(piece)))
    # A layer whose bytes have their digest is not cut off, however it ends.
    ended = (
        reader.finish(is_known_whole=archive.identity is not None)
        if isinstance(reader, TarReader)
        else reader.finish()
    )
    required(ended)


def _check_root(entry: Entry) -> CorruptArchive | None:
    """Refuse a layer whose own root is no folder, wherever the layer goes."""
    if entry.path or entry.type == "directory":
        return None
    return CorruptArchive("its root is something else than a folder")


def _decompress_image(
    chunks: Iterator[bytes], limits: Limits
) -> Iterator[Result[bytes, DecompressionError]]:
    head = next(chunks, b"")
    compression = required(detect_compression(head[:DETECTION_BYTES]))
    decompressor = Decompressor(compression, max_bytes=limits.archive_bytes)
    while head:
        yield from decompressor.feed(head)
        head = next(chunks, b"")
    required(decompressor.finish())


def read_bytes(archive: Archive) -> Iterator[bytes]:
    """Give the archive's bytes as they are stored.

    Refuses, at the end, with StoreCorrupt where they have another digest; with StoreUnavailable
    where they cannot be read, and with what opening them fails with.
    """
    digest = archive.digest
    hasher = hashlib.new("sha512" if digest is None else digest.algorithm)
    with required(archive.open()) as stream, background(partial(_update, hasher)) as worker:
        while chunk := _read(stream):
            if digest is not None:
                required(worker.put(chunk))
            yield chunk
        required(worker.finish())
    if digest is not None and hasher.hexdigest() != digest.hex:
        got = Digest(digest.algorithm, hasher.hexdigest())
        raise Refused(StoreCorrupt(str(digest), f"its content has the digest {got}"))


def _update(hasher: "hashlib._Hash", chunk: bytes) -> Result[None, StoreError]:
    hasher.update(chunk)
    return Success(None)


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Refused(StoreUnavailable("the archive", "read", reason)) from None
