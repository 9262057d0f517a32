"""Layers unpacked to see that they are what an image's configuration says.

    contents, diffIDs -> Result[None, ImageError | StoreError]

A layer's digest is over its compressed bytes, a diffID over the uncompressed ones (OCI image-spec
v1.1.0 ``config.md`` "Layer DiffID"); an image can name any two, and docker2aci compared neither.
Several layers are read at once. Nothing is unpacked, and tar entries are not looked at.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import BinaryIO, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.decompressing import Allowance, LayerIdentity, decompress_layer
from pipeline.digest import Digest
from pipeline.errors import ImageError, StoreError, StoreUnavailable
from pipeline.limits import CHUNK_BYTES, Limits
from pipeline.parallel import in_parallel
from pipeline.results import Content

OpenContent: TypeAlias = Callable[[Content], Result[BinaryIO, StoreError]]
"""Opens a layer as it travelled; whoever reads it closes it."""


def check_diff_ids(
    open_content: OpenContent,
    layers: Sequence[Content],
    diff_ids: Sequence[Digest],
    limits: Limits,
) -> Result[None, ImageError | StoreError]:
    """Decompress every layer and compare its diffID.

    Errors: DiffIDMismatch; NotAnImage, CorruptArchive, ArchiveTooLarge for what is no layer; what
    opening and reading one fails with.
    """
    numbered = tuple(enumerate(zip(layers, diff_ids, strict=True), 1))
    checked = in_parallel(
        partial(_check, open_content, Allowance(limits)),
        numbered,
        most=os.cpu_count() or 1,
        stop=threading.Event(),
    )
    return Success(None) if is_successful(checked) else Failure(checked.failure())


def _check(
    open_content: OpenContent, allowance: Allowance, numbered: tuple[int, tuple[Content, Digest]]
) -> Result[None, ImageError | StoreError]:
    number, (content, wanted) = numbered
    opened = open_content(content)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        try:
            computed = compute_diff_id(file, wanted, allowance)
        except OSError as error:
            reason = error.strerror or str(error)
            return Failure(StoreUnavailable(content.blob.key, "read", reason))
    if not is_successful(computed):
        return Failure(computed.failure())
    return LayerIdentity(number, wanted).compare(computed.unwrap())


def compute_diff_id(
    file: BinaryIO, wanted: Digest, allowance: Allowance
) -> Result[Digest, ImageError]:
    """Return a layer's diffID by the algorithm of the one that is wanted.

    Errors: NotAnImage, CorruptArchive, ArchiveTooLarge. Raises OSError where the file does.
    """
    hasher = hashlib.new(wanted.algorithm)
    for piece in decompress_layer(iter(partial(file.read, CHUNK_BYTES), b""), allowance):
        if not is_successful(piece):
            return Failure(piece.failure())
        hasher.update(piece.unwrap())
    return Success(replace(wanted, hex=hasher.hexdigest()))
