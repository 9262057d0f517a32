"""A quarantine in memory: files in the making, and bodies on their way by URL or digest."""

import io
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import BinaryIO, Final, final

from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.ports import BodyStart, ResumePoint
from pipeline.results import QuarantinedBlob, Validators
from pipeline.storage import is_rememberable
from pipeline.text import redact_url

_PAUSE_SECONDS: Final = 0.05
"""How often a body that another session holds is looked at."""


@final
@dataclass(slots=True)
class MemoryWriter:
    """A :class:`~pipeline.ports.BlobWriter` over a buffer."""

    key: str
    blobs: dict[str, bytes]
    buffer: bytearray = field(default_factory=bytearray)
    closed: bool = False

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Append a chunk."""
        if self.closed:
            return Failure(StoreUnavailable(self.key, "write", "it is closed"))
        self.buffer += chunk
        return Success(None)

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Make the bytes readable under the key."""
        if self.closed:
            return Failure(StoreUnavailable(self.key, "write", "it is closed"))
        self.closed = True
        self.blobs[self.key] = bytes(self.buffer)
        return Success(QuarantinedBlob(self.key, len(self.buffer)))

    def discard(self) -> None:
        """Forget the bytes."""
        self.closed = True
        self.blobs.pop(self.key, None)
        self.buffer.clear()


@final
@dataclass(slots=True)
class HeldBody:
    """What is held of a URL or a digest, and the lock of the session that is at it.

    ``holder`` is that session, while the lock is held.
    """

    content_addressed: bool = False
    content: bytearray = field(default_factory=bytearray)
    start: BodyStart | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    holder: "MemoryQuarantine | None" = None

    @property
    def is_resumable(self) -> bool:
        """Whether the rest of it can be asked for."""
        if self.start is None:
            return False
        return self.content_addressed or self.start.validators != Validators()


@final
@dataclass(slots=True)
class MemoryPartial:
    """A :class:`~pipeline.ports.Partial` over a buffer that outlasts its session."""

    key: str
    held: HeldBody
    blobs: dict[str, bytes]
    given_up: bool = False

    def resume_point(self) -> ResumePoint | None:
        """Return what is held; of a whole body all but the last byte."""
        held, start, size = self.held, self.held.start, len(self.held.content)
        if start is None or not held.is_resumable:
            return None
        offset = size - 1 if size == start.total else size
        if offset <= 0:
            return None
        return ResumePoint(offset, start.validators, start.total, held.content_addressed)

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        """Make ready for a body from ``start.offset`` on."""
        if self._is_closed or not 0 <= start.offset <= len(self.held.content):
            return Failure(StoreUnavailable(self.key, "resume", "that much is not held"))
        del self.held.content[start.offset :]
        self.held.start = start
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Append a chunk."""
        if self._is_closed:
            return Failure(StoreUnavailable(self.key, "write", "it is closed"))
        self.held.content += chunk
        return Success(None)

    def read(self) -> Result[BinaryIO, StoreError]:
        """Open what is held for reading."""
        return Success(io.BytesIO(self.held.content))

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Make the bytes readable under the key."""
        if self._is_closed:
            return Failure(StoreUnavailable(self.key, "write", "it is closed"))
        self.blobs[self.key] = bytes(self.held.content)
        return Success(QuarantinedBlob(self.key, len(self.held.content)))

    def release(self) -> None:
        """Let another session go on with what is held, if the rest can be asked for."""
        self._give_up(keep=self.held.is_resumable)

    def discard(self) -> None:
        """Forget the bytes."""
        self._give_up(keep=False)

    @property
    def is_finished(self) -> bool:
        """Whether the body is whole."""
        return self.key in self.blobs

    @property
    def _is_closed(self) -> bool:
        return self.given_up or self.is_finished

    def _give_up(self, *, keep: bool) -> None:
        if self.given_up:
            return
        self.given_up = True
        self.blobs.pop(self.key, None)
        if not keep:
            self.held.content.clear()
            self.held.start = None
        self.held.lock.release()


@final
@dataclass(slots=True)
class MemoryQuarantine:
    """A :class:`~pipeline.ports.Quarantine` in memory; ``prefix`` begins each of its keys.

    ``bodies`` are what is held by URL or digest; quarantines that share them take turns. What one
    has itself, it takes up a second time as if nobody held any of it: it never waits for itself.
    ``stored`` is what the store has. Several threads may use it.
    """

    blobs: dict[str, bytes] = field(default_factory=dict)
    prefix: str = ""
    bodies: dict[str, HeldBody] = field(default_factory=dict)
    stored: Mapping[Digest, bytes] = field(default_factory=dict)
    partials: list[MemoryPartial] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def resume(self, url: str, wait_seconds: float) -> Result[MemoryPartial, StoreError]:
        """Take up what is held of ``url``, or start; wait while another session is at it."""
        held = self.bodies.setdefault(url, HeldBody()) if is_rememberable(url) else HeldBody()
        return self._take(held, redact_url(url), wait_seconds)

    def resume_blob(self, digest: Digest, wait_seconds: float) -> Result[MemoryPartial, StoreError]:
        """Take up what is held of the content with that digest, or start."""
        held = self.bodies.setdefault(str(digest), HeldBody(content_addressed=True))
        return self._take(held, str(digest), wait_seconds)

    def adopt(self, digest: Digest, size: int) -> Result[QuarantinedBlob | None, StoreError]:
        """Hold on to a blob of the store; None where it has none of that digest and size."""
        content = self.stored.get(digest)
        if content is None or len(content) != size:
            return Success(None)
        key = self._next_key("adopted")
        self.blobs[key] = content
        return Success(QuarantinedBlob(key, size))

    def keep(self, blob: QuarantinedBlob) -> None:
        """Let a finished body outlast the session."""
        for each in self.partials:
            if each.key == blob.key:
                each.release()

    def close(self, *, ended_well: bool) -> None:
        """Empty it; finished bodies have been judged, if all went well."""
        for each in self.partials:
            if each.is_finished and ended_well:
                each.discard()
            else:
                each.release()
        self.blobs.clear()

    def create(self, label: str) -> Result[MemoryWriter, StoreError]:
        """Start a blob."""
        return Success(MemoryWriter(self._next_key(label), self.blobs))

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a finished blob."""
        content = self.blobs.get(blob.key)
        if content is None:
            return Failure(StoreUnavailable(blob.key, "read", "no such blob in quarantine"))
        return Success(io.BytesIO(content))

    def _take(
        self, held: HeldBody, name: str, wait_seconds: float
    ) -> Result[MemoryPartial, StoreError]:
        deadline = time.monotonic() + wait_seconds
        while not held.lock.acquire(timeout=_PAUSE_SECONDS if wait_seconds > 0 else 0):
            if held.holder is self:
                held = HeldBody()
            elif time.monotonic() >= deadline:
                return Failure(StoreUnavailable(name, "lock", "another fetch is at it"))
        held.holder = self
        taken = MemoryPartial(self._next_key("download"), held, self.blobs)
        self.partials.append(taken)
        return Success(taken)

    def _next_key(self, label: str) -> str:
        return f"{self.prefix}{label}-{next(self.numbers)}"


@contextmanager
def memory_quarantine() -> Iterator[MemoryQuarantine]:
    """Yield an empty quarantine, and empty it afterwards."""
    with emptied(MemoryQuarantine()) as quarantine:
        yield quarantine


@contextmanager
def emptied(quarantine: MemoryQuarantine) -> Iterator[MemoryQuarantine]:
    ended_well = False
    try:
        yield quarantine
        ended_well = True
    finally:
        quarantine.close(ended_well=ended_well)
