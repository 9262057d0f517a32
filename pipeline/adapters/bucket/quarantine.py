"""Quarantine of a bucket's store: unproven bytes on a local disk, proven ones where they are.

Where that disk is, and how sessions and interrupted downloads live on it, is another adapter's
business, which comes in as :class:`Rooms`. What the bucket has already is adopted by its name alone
and read from there if anybody asks: nothing travels.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, Protocol, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.bucket import keys, reading
from pipeline.adapters.bucket.failures import attempt
from pipeline.adapters.bucket.objects import Objects
from pipeline.digest import Digest, parse_digest
from pipeline.errors import StoreError
from pipeline.ports import BlobWriter, Partial, Quarantine
from pipeline.results import QuarantinedBlob

_ADOPTED: Final = "bucket:"


class Room(Quarantine, Protocol):
    """A session of a quarantine on disk."""

    def keep(self, blob: QuarantinedBlob) -> None:
        """Let a finished body outlast the session."""
        ...


class Rooms(Protocol):
    """Where sessions of quarantine are opened."""

    def session(self) -> AbstractContextManager[Result[Room, StoreError]]:
        """Open a session for a ``with`` block; it is emptied whatever ends the block."""
        ...

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a finished file of any session for reading; the caller closes it."""
        ...


def adopted_digest(blob: QuarantinedBlob) -> Digest | None:
    """Return which blob of the bucket was adopted; None for a file on disk."""
    if not blob.key.startswith(_ADOPTED):
        return None
    return parse_digest(blob.key.removeprefix(_ADOPTED)).value_or(None)


@final
@dataclass(frozen=True, slots=True)
class BucketQuarantine:
    """A :class:`~pipeline.ports.Quarantine`: a session on disk, and what the bucket has."""

    objects: Objects
    room: Room

    def create(self, label: str) -> Result[BlobWriter, StoreError]:
        """Start a file on disk."""
        return self.room.create(label)

    def resume(self, url: str, wait_seconds: float) -> Result[Partial, StoreError]:
        """Take up what is held of ``url`` on disk, or start."""
        return self.room.resume(url, wait_seconds)

    def resume_blob(self, digest: Digest, wait_seconds: float) -> Result[Partial, StoreError]:
        """Take up what is held of the content with that digest on disk, or start."""
        return self.room.resume_blob(digest, wait_seconds)

    def adopt(self, digest: Digest, size: int) -> Result[QuarantinedBlob | None, StoreError]:
        """Name a blob of the bucket that an image needs; None where there is none of that size."""
        return attempt(partial(self._adopt, digest, size))

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a file of this session, or what was adopted, for reading; the caller closes it."""
        digest = adopted_digest(blob)
        if digest is None:
            return self.room.open(blob)
        return attempt(partial(reading.open_placed, self.objects, digest))

    def keep(self, blob: QuarantinedBlob) -> None:
        """Let a finished body outlast the session, so that it need not travel again."""
        self.room.keep(blob)

    def _adopt(self, digest: Digest, size: int) -> QuarantinedBlob | None:
        is_there = self.objects.size_of(keys.blob(digest)) == size
        if not is_there or not reading.is_needed(self.objects, digest):
            return None
        return QuarantinedBlob(f"{_ADOPTED}{digest}", size)


@contextmanager
def session(objects: Objects, rooms: Rooms) -> Iterator[Result[BucketQuarantine, StoreError]]:
    """Open a session for the length of the block."""
    with rooms.session() as opened:
        if is_successful(opened):
            yield Success(BucketQuarantine(objects, opened.unwrap()))
        else:
            yield Failure(opened.failure())
