"""Ports in memory: for tests, and for pipelines that keep nothing on disk."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, final

from returns.result import Failure, Result, Success

from pipeline.errors import StoreError, StoreUnavailable
from pipeline.results import QuarantinedBlob


@final
@dataclass(slots=True)
class MemoryWriter:
    """A :class:`~pipeline.ports.BlobWriter` over a buffer."""

    key: str
    blobs: dict[str, bytes]
    buffer: bytearray = field(default_factory=bytearray)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Append a chunk."""
        self.buffer += chunk
        return Success(None)

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Make the bytes readable under the key."""
        self.blobs[self.key] = bytes(self.buffer)
        return Success(QuarantinedBlob(self.key, len(self.buffer)))

    def discard(self) -> None:
        """Forget the bytes."""
        self.blobs.pop(self.key, None)
        self.buffer.clear()


@final
@dataclass(slots=True)
class MemoryQuarantine:
    """A :class:`~pipeline.ports.Quarantine` in memory; memory grows with the image."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    created: int = 0

    def create(self, label: str) -> Result[MemoryWriter, StoreError]:
        """Start a blob."""
        self.created += 1
        return Success(MemoryWriter(f"{label}-{self.created}", self.blobs))

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a finished blob."""
        content = self.blobs.get(blob.key)
        if content is None:
            return Failure(StoreUnavailable(blob.key, "read", "no such blob in quarantine"))
        return Success(io.BytesIO(content))


@contextmanager
def memory_quarantine() -> Iterator[MemoryQuarantine]:
    """Yield an empty quarantine, and empty it afterwards."""
    quarantine = MemoryQuarantine()
    try:
        yield quarantine
    finally:
        quarantine.blobs.clear()
