"""Layers that are unpacked only to see what they are: several at once, within one limit."""

import io
from typing import BinaryIO

from returns.pipeline import is_successful
from returns.result import Result, Success

from pipeline.archive.diff_ids import check_diff_ids
from pipeline.errors import ArchiveTooLarge, DiffIDMismatch, ImageError, StoreError
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.results import Content, QuarantinedBlob
from pipeline.testing.oci import make_layer

LAYERS = [make_layer({"a": bytes(3000) + bytes([each])}) for each in range(8)]
TOTAL = sum(len(each.tar) for each in LAYERS)


def check(limits: Limits, wrong: int = 0) -> Result[None, ImageError | StoreError]:
    """Check all layers; as many of the last ones are to be what the first is."""
    contents = [
        Content(each.descriptor, QuarantinedBlob(str(at), 1)) for at, each in enumerate(LAYERS)
    ]
    diff_ids = [each.diff_id for each in LAYERS[: len(LAYERS) - wrong] + LAYERS[:wrong]]
    return check_diff_ids(open_content, contents, diff_ids, limits)


def open_content(content: Content) -> Result[BinaryIO, StoreError]:
    return Success(io.BytesIO(LAYERS[int(content.blob.key)].content))


def test_they_are_what_they_must_be() -> None:
    assert is_successful(check(DEFAULT_LIMITS))


def test_one_is_not() -> None:
    error = check(DEFAULT_LIMITS, wrong=1).failure()
    assert error == DiffIDMismatch(8, LAYERS[0].diff_id, LAYERS[7].diff_id)


def test_bytes_of_all_layers() -> None:
    assert is_successful(check(Limits(archive_bytes=TOTAL)))
    assert check(Limits(archive_bytes=TOTAL - 1)).failure() == ArchiveTooLarge("bytes", TOTAL - 1)
