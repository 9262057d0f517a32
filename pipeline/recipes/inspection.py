"""Stored images looked at again: are they what their IDs say, and proven by today's keys.

    Stored -> Result[Stored, PipelineError]

Archives are read several at a time, as hashing lets other threads run; each is judged only once
its digest is right. Nothing is changed.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha512
from typing import BinaryIO, Protocol

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import PipelineError, StoreCorrupt, StoreError
from pipeline.limits import CHUNK_BYTES
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.standing import still_proven
from pipeline.results import Stored


class Archives(Protocol):
    """Where stored images' archives are read."""

    def open_archive(self, image_id: Digest) -> Result[BinaryIO, StoreError]:
        """Open an image's uncompressed archive for reading; the caller closes it."""
        ...


def inspect_images(
    images: Sequence[Stored], *, store: Archives, fetcher: Fetcher
) -> Iterator[tuple[Stored, Result[Stored, PipelineError]]]:
    """Yield each image, in order, and what it is found to be: itself, with today's signers.

    Where the fetcher demands no signatures, digests alone are looked at.
    Errors: StoreCorrupt for another digest, ImageNotFound, and what :func:`.still_proven` says.
    """
    waiting: deque[tuple[Stored, Future[Result[None, StoreError]]]] = deque()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            for image in images:
                waiting.append((image, pool.submit(check_digest, image.image_id, store)))
            while waiting:
                stored, future = waiting.popleft()
                yield stored, _judge(stored, future.result(), fetcher)
        finally:
            pool.shutdown(cancel_futures=True)


def check_digest(image_id: Digest, store: Archives) -> Result[None, StoreError]:
    """Compute an archive's digest again.

    Errors: StoreCorrupt for another one; what opening the archive fails with.
    """
    opened = store.open_archive(image_id)
    if not is_successful(opened):
        return Failure(opened.failure())
    hasher = sha512()
    with opened.unwrap() as archive:
        try:
            while chunk := archive.read(CHUNK_BYTES):
                hasher.update(chunk)
        except OSError as error:
            return Failure(StoreCorrupt(image_id.image_id, error.strerror or str(error)))
    if hasher.hexdigest() != image_id.hex:
        reason = f"its archive's digest is sha512:{hasher.hexdigest()}"
        return Failure(StoreCorrupt(image_id.image_id, reason))
    return Success(None)


def _judge(
    stored: Stored, digest: Result[None, StoreError], fetcher: Fetcher
) -> Result[Stored, PipelineError]:
    if not is_successful(digest):
        return Failure(digest.failure())
    if fetcher.unsigned_reason is not None:
        return Success(stored)
    return still_proven(
        stored,
        keyring=fetcher.keyring,
        verifier=fetcher.verifier,
        clock=fetcher.clock,
        leniency=fetcher.leniency,
        signers=fetcher.signers,
        rejudge=True,
    )
