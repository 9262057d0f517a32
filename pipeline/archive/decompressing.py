"""A layer's bytes without their compression, compared with what they must be.

    chunks, Allowance -> Iterator[Result[bytes, ImageError]]

All layers of an image share one allowance: a thousand of them, each within the limit, are one image
beyond it. Which compression it is, the bytes tell, never a media type. A layer that changes nothing
may be zeros alone, which is no tar by its first block. Nothing is unpacked.

Source: OCI image-spec v1.1.0 ``layer.md`` "Distributable Format", ``config.md`` "Layer DiffID".
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.compression import (
    DETECTION_BYTES,
    Compression,
    DecompressionError,
    Decompressor,
    detect_compression,
)
from pipeline.digest import Digest
from pipeline.errors import ArchiveTooLarge, DiffIDMismatch, NotAnImage
from pipeline.limits import Limits

LayerBytesError: TypeAlias = DecompressionError | NotAnImage | DiffIDMismatch
"""What can be wrong with a layer before its entries are looked at."""


@final
@dataclass(frozen=True, slots=True)
class LayerIdentity:
    """Which layer of an image it is, the lowest being 1, and the digest of its bytes."""

    number: int
    diff_id: Digest

    def compare(self, got: Digest) -> Result[None, DiffIDMismatch]:
        """Fail where a layer's bytes have another digest."""
        if got == self.diff_id:
            return Success(None)
        return Failure(DiffIDMismatch(self.number, self.diff_id, got))


@final
class Allowance:
    """What all layers of one image may expand to together: ``archive_bytes``.

    Several threads may take of it at once. A second pass over the layers has one of its own.
    """

    __slots__ = ("_left", "_lock", "limit")

    def __init__(self, limits: Limits) -> None:
        """Start with all of it."""
        self.limit: int = limits.archive_bytes
        self._left = self.limit
        self._lock = threading.Lock()

    def take(self, size: int) -> Result[None, ArchiveTooLarge]:
        """Take so many bytes; errors: ArchiveTooLarge where fewer are left."""
        with self._lock:
            self._left -= size
            is_enough = self._left >= 0
        return Success(None) if is_enough else Failure(ArchiveTooLarge("bytes", self.limit))


def decompress_layer(
    chunks: Iterable[bytes], allowance: Allowance, identity: LayerIdentity | None = None
) -> Iterator[Result[bytes, LayerBytesError]]:
    """Give what a layer's bytes expand to, at most CHUNK_BYTES at a time.

    Errors: a Failure is the last value: NotAnImage, CorruptArchive, ArchiveTooLarge, and at the
    end DiffIDMismatch where the bytes are not those of ``identity``.
    """
    waiting = iter(chunks)
    head = next(waiting, b"")
    compression: Compression = "none"
    if head.strip(b"\0"):
        detected = detect_compression(head[:DETECTION_BYTES])
        if not is_successful(detected):
            yield Failure(detected.failure())
            return
        compression = detected.unwrap()
    decompressor = Decompressor(compression, max_bytes=allowance.limit)
    hasher = None if identity is None else hashlib.new(identity.diff_id.algorithm)
    while head:
        for piece in decompressor.feed(head):
            if not is_successful(piece):
                yield piece
                return
            taken = allowance.take(len(piece.unwrap()))
            if not is_successful(taken):
                yield Failure(taken.failure())
                return
            if hasher is not None:
                hasher.update(piece.unwrap())
            yield piece
        head = next(waiting, b"")
    ended = decompressor.finish()
    if not is_successful(ended):
        yield Failure(ended.failure())
    elif identity is not None and hasher is not None:
        same = identity.compare(replace(identity.diff_id, hex=hasher.hexdigest()))
        if not is_successful(same):
            yield Failure(same.failure())
