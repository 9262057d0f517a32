"""Bytes on their way from a file into quarantine, counted and hashed.

Shape: :func:`read_file` hands a file's chunks to a :class:`Consumer` that it makes;
:class:`Intake` is one, ``chunks -> Member``. What whoever named a file said of it, :func:`check`
compares. Everything here raises :class:`~pipeline.adapters.image_paths.failures.Refused`.

Files are read by a transport for ``file:`` URLs: regular ones alone, within a limit, a deadline,
and as one version of the file.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar, final

from returns.result import Failure, Result, Success

from pipeline.adapters.image_paths.failures import LoadError, Refused, required
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import BlobSizeMismatch, DigestMismatch, StoreError, StoreUnavailable
from pipeline.limits import Limits
from pipeline.oci import Descriptor
from pipeline.ports import BlobWriter, BodyStart, Quarantine, Request, ResumePoint, Transport
from pipeline.results import QuarantinedBlob

_LABEL: Final = "blob"


class Consumer(Protocol):
    """Takes a file's bytes from its first on."""

    def take(self, chunk: bytes) -> None:
        """Take the next bytes, of any number."""
        ...


AnyConsumer = TypeVar("AnyConsumer", bound=Consumer)


@final
@dataclass(frozen=True, slots=True)
class Member:
    """A complete file in quarantine, its digest, and what removes it."""

    blob: QuarantinedBlob
    digest: Digest
    writer: BlobWriter


@final
class Intake:
    """One file in the making, in quarantine."""

    __slots__ = ("_algorithm", "_hasher", "_writer")

    def __init__(self, quarantine: Quarantine, algorithm: DigestAlgorithm) -> None:
        """Start a file, to be hashed by ``algorithm``."""
        self._algorithm: DigestAlgorithm = algorithm
        self._hasher = hashlib.new(algorithm)
        self._writer = required(quarantine.create(_LABEL))

    def take(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._hasher.update(chunk)
        required(self._writer.write(chunk))

    def finish(self) -> Member:
        """Say that no more bytes come."""
        digest = Digest(self._algorithm, self._hasher.hexdigest())
        return Member(required(self._writer.finish()), digest, self._writer)


def put(quarantine: Quarantine, content: bytes, algorithm: DigestAlgorithm) -> Member:
    """Put what is in memory into quarantine."""
    intake = Intake(quarantine, algorithm)
    intake.take(content)
    return intake.finish()


def check(url: str, wanted: Descriptor, size: int, digest: Digest) -> None:
    """Refuse content that is not what a descriptor says: its size first, then its digest."""
    if size != wanted.size:
        raise Refused(BlobSizeMismatch(url, wanted.size, size))
    if digest != wanted.digest:
        raise Refused(DigestMismatch(url, wanted.digest, digest))


def file_request(url: str, max_bytes: int, limits: Limits) -> Request:
    """Return the request for a file of at most so many bytes."""
    return Request(url, max_bytes, limits.idle_seconds, limits.total_seconds)


def read_file(
    transport: Transport, request: Request, begin: Callable[[], AnyConsumer]
) -> AnyConsumer:
    """Read a file into what ``begin`` makes, and return that; its refusal ends the reading."""
    sink = _Sink(begin)
    outcome = transport.fetch(request, sink)
    if sink.refusal is not None:
        raise Refused(sink.refusal)
    required(outcome)
    return begin() if sink.consumer is None else sink.consumer


@final
@dataclass(slots=True)
class _Sink(Generic[AnyConsumer]):
    """A sink in front of a consumer: what that raises ends the transfer, and is kept."""

    make: Callable[[], AnyConsumer]
    consumer: AnyConsumer | None = None
    refusal: LoadError | None = None

    def resume_point(self) -> ResumePoint | None:
        return None

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        try:
            self.consumer = self.make()
        except Refused as refused:
            return self._end(start.url, refused)
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        try:
            if self.consumer is not None:
                self.consumer.take(chunk)
        except Refused as refused:
            return self._end("", refused)
        return Success(None)

    def _end(self, url: str, refused: Refused) -> Result[None, StoreError]:
        self.refusal = refused.error
        return Failure(StoreUnavailable(url, "read", refused.error.message))
