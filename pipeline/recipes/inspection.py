"""Stored images looked at again: are they what their digests say, and proven by today's keys.

    Stored -> Result[Stored, PipelineError]

Several are read at a time, as hashing lets other threads run; each is judged only once its digest,
and of an OCI image that of every blob, is right. Nothing is changed.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, Protocol

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import PipelineError, StoreCorrupt, StoreError
from pipeline.limits import CHUNK_BYTES, MANIFEST_BYTES
from pipeline.oci import OciIndex
from pipeline.oci.documents import parse_document
from pipeline.recipes.fetcher import Fetcher
from pipeline.results import ACI_TYPE, Stored


class Blobs(Protocol):
    """Where stored images' parts are read."""

    def open_blob(self, digest: Digest) -> Result[BinaryIO, StoreError]:
        """Open an archive, a manifest, a configuration or a layer; the caller closes it."""
        ...


def inspect_images(
    images: Sequence[Stored], *, store: Blobs, fetcher: Fetcher
) -> Iterator[tuple[Stored, Result[Stored, PipelineError]]]:
    """Yield each image, in order, and what it is found to be: itself, with today's signers.

    Where the fetcher demands no signatures, digests alone are looked at.
    Errors: StoreCorrupt for another digest, ImageNotFound, and what :func:`.still_proven` says.
    """
    waiting: deque[tuple[Stored, Future[Result[None, StoreError]]]] = deque()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            for image in images:
                waiting.append((image, pool.submit(check_digests, image, store)))
            while waiting:
                stored, future = waiting.popleft()
                yield stored, _judge(stored, future.result(), fetcher)
        finally:
            pool.shutdown(cancel_futures=True)


def check_digests(image: Stored, store: Blobs) -> Result[None, StoreError]:
    """Compute the digests of an image's parts again.

    Errors: StoreCorrupt for another one; what opening a part fails with.
    """
    checked = _check_digest(image.image_id, store)
    if image.media_type == ACI_TYPE or not is_successful(checked):
        return checked
    opened = store.open_blob(image.image_id)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        parsed = parse_document(file.read(MANIFEST_BYTES + 1), image.media_type)
    if not is_successful(parsed) or isinstance(parsed.unwrap(), OciIndex):
        return Failure(StoreCorrupt(str(image.image_id), "it is no manifest of an image"))
    manifest = parsed.unwrap()
    named = () if isinstance(manifest, OciIndex) else (manifest.config, *manifest.layers)
    for digest in dict.fromkeys(each.digest for each in named):
        checked = _check_digest(digest, store)
        if not is_successful(checked):
            return checked
    return Success(None)


def _check_digest(digest: Digest, store: Blobs) -> Result[None, StoreError]:
    opened = store.open_blob(digest)
    if not is_successful(opened):
        return Failure(opened.failure())
    hasher = hashlib.new(digest.algorithm)
    with opened.unwrap() as blob:
        try:
            while chunk := blob.read(CHUNK_BYTES):
                hasher.update(chunk)
        except OSError as error:
            return Failure(StoreCorrupt(digest.image_id, error.strerror or str(error)))
    if hasher.hexdigest() != digest.hex:
        reason = f"its digest is {digest.algorithm}:{hasher.hexdigest()}"
        return Failure(StoreCorrupt(digest.image_id, reason))
    return Success(None)


def _judge(
    stored: Stored, digest: Result[None, StoreError], fetcher: Fetcher
) -> Result[Stored, PipelineError]:
    if not is_successful(digest):
        return Failure(digest.failure())
    return fetcher.judged(stored, rejudge=True)
