"""What an OCI image's manifest names: its configuration and its layers, several at once.

    RegistryPlace, descriptors -> tuple[Content, ...], or OnePlaceError, StoreError

A blob that the store has already is not asked for. Of one that an earlier try left a part of, the
rest alone is, from whatever place: its digest tells whether the parts belong together, and it is
fetched anew, once, where they do not. Digest and size are always compared; a registry's word on
either counts for nothing.

Source: distribution-spec v1.1.0 ``spec.md`` "Pulling blobs".
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TypeAlias, TypeVar

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import (
    BlobSizeMismatch,
    BodyTooLarge,
    DigestMismatch,
    HttpStatus,
    StoreError,
    StoreUnavailable,
    TransportError,
)
from pipeline.events import CacheHit, tell
from pipeline.hashing import StreamHasher, start_hashing
from pipeline.limits import PARALLEL_LAYERS
from pipeline.oci import Descriptor
from pipeline.parallel import StoppableObserver, in_parallel
from pipeline.ports import Partial, Request
from pipeline.results import Content, QuarantinedBlob, RegistryPlace
from pipeline.stages.download.transfer import Ports, take, transfer
from pipeline.text import redact_url
from pipeline.trust import DigestRequest

Err = TypeVar("Err")

BlobError: TypeAlias = TransportError | DigestMismatch | BlobSizeMismatch | StoreError
"""What keeps a blob from being had."""


def fetch_contents(
    ports: Ports,
    place: RegistryPlace,
    wanted: tuple[Descriptor, ...],
    undo: ExitStack,
    accept: Callable[[Content], Result[None, Err]],
) -> Result[tuple[Content, ...], BlobError | Err]:
    """Fetch blobs, each once, and return them in order; ``undo`` will release them.

    ``accept`` is asked about each as soon as it is there; what it refuses stops the others.

    Errors: BodyTooLarge for more than ``limits.image_bytes`` in all; of the failures that came
    before the others had stopped, the first.
    """
    distinct = tuple({each.digest: each for each in wanted}.values())
    total = sum(each.size for each in distinct)
    if total > ports.limits.image_bytes:
        url = place.manifest_url(place.reference.tag or str(place.reference.digest))
        return Failure(BodyTooLarge(url, ports.limits.image_bytes, total))
    stop = threading.Event()
    stoppable = replace(ports, observer=StoppableObserver(ports.observer, stop))

    def fetch(descriptor: Descriptor) -> Result[QuarantinedBlob, BlobError | Err]:
        blob = _fetch_blob(stoppable, place, undo, descriptor)
        if not is_successful(blob):
            return Failure(blob.failure())
        accepted = accept(Content(descriptor, blob.unwrap()))
        return blob if is_successful(accepted) else Failure(accepted.failure())

    fetched = in_parallel(fetch, distinct, most=PARALLEL_LAYERS, stop=stop)
    if not is_successful(fetched):
        return Failure(fetched.failure())
    blobs = {each.digest: blob for each, blob in zip(distinct, fetched.unwrap(), strict=True)}
    for each in wanted:
        # Two descriptors of one digest that differ in size: one of them is wrong.
        if blobs[each.digest].size != each.size:
            url = place.blob_url(each.digest)
            return Failure(BlobSizeMismatch(url, each.size, blobs[each.digest].size))
    return Success(tuple(Content(each, blobs[each.digest]) for each in wanted))


def _fetch_blob(
    ports: Ports, place: RegistryPlace, undo: ExitStack, descriptor: Descriptor
) -> Result[QuarantinedBlob, BlobError]:
    """Have one blob in quarantine: out of the store, or from the registry."""
    digest, url = descriptor.digest, place.blob_url(descriptor.digest)
    while True:
        stored = ports.quarantine.adopt(digest, descriptor.size)
        if not is_successful(stored):
            return Failure(stored.failure())
        blob = stored.unwrap()
        if blob is not None:
            tell(ports.observer, CacheHit("blob", str(digest)))
            return Success(blob)
        taken = take(ports, redact_url(url), partial(ports.quarantine.resume_blob, digest))
        if not is_successful(taken):
            return Failure(taken.failure())
        held = taken.unwrap()
        undo.callback(held.release)
        was_held = held.resume_point() is not None
        received = _receive(ports, url, descriptor, held)
        if is_successful(received) or not isinstance(received.failure(), DigestMismatch):
            return received
        if not was_held:
            return received
        # What an earlier try had left may be what is wrong: it is gone now.


def _receive(
    ports: Ports, url: str, descriptor: Descriptor, held: Partial
) -> Result[QuarantinedBlob, BlobError]:
    """Fetch what is missing of a blob, and compare what came of it."""
    digest, size = descriptor.digest, descriptor.size
    hasher = start_hashing((DigestRequest(digest.algorithm, text=False, suffix=b""),)).unwrap()
    point = held.resume_point()
    if point is not None and point.offset == size:
        return _finish_held(url, digest, held, hasher)
    request = Request(
        url,
        max_bytes=size,
        idle_seconds=ports.limits.idle_seconds,
        total_seconds=ports.limits.total_seconds,
        least_bytes_per_second=ports.limits.least_bytes_per_second,
        content_addressed=True,
    )
    received = transfer(ports, request, held, hasher)
    if not is_successful(received):
        return Failure(received.failure())
    response = received.unwrap()
    if response.status != 200:
        return Failure(HttpStatus(url, response.status))
    # 1. The size first: it costs nothing, and says more.
    if response.size != size:
        held.discard()
        return Failure(BlobSizeMismatch(url, size, response.size))
    return _finish(url, digest, held, hasher)


def _finish_held(
    url: str, digest: Digest, held: Partial, hasher: StreamHasher
) -> Result[QuarantinedBlob, BlobError]:
    """Take what is there whole: an earlier try was stopped, or another fetch has just had it."""
    opened = held.read()
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        read = hasher.read_from(file)
    if not is_successful(read):
        return Failure(StoreUnavailable(url, "read", read.failure()))
    return _finish(url, digest, held, hasher)


def _finish(
    url: str, digest: Digest, held: Partial, hasher: StreamHasher
) -> Result[QuarantinedBlob, BlobError]:
    # 2. Then the digest of every byte, those included that an earlier try had left.
    got = replace(digest, hex=hasher.digests()[0].value.hex())
    if got != digest:
        held.discard()
        return Failure(DigestMismatch(url, digest, got))
    return held.finish()
