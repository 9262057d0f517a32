"""An image into one file: the archive as it is stored, whose sha512 digest is the image ID.

Archive -> Result[None, OutputError | StoreError]
"""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from returns.result import Failure, Result, Success

from pipeline.adapters.output.failures import Refused, WriteError, attempt, required
from pipeline.adapters.output.files import write_all
from pipeline.adapters.output.reading import Archive, read_bytes
from pipeline.adapters.output.target import drafting


def export_archive(
    archive: Archive, target: Path, *, overwrite: bool = False
) -> Result[None, WriteError]:
    """Write an archive's bytes to the file ``target``, at once and whole.

    Errors: OutputExists, OutputUnavailable; StoreCorrupt where the archive has another digest;
    what opening it fails with.
    """
    return attempt(partial(_write, read_bytes(archive), target, overwrite), target)


def export_chunks(
    chunks: Iterable[Result[bytes, WriteError]], target: Path, *, overwrite: bool = False
) -> Result[None, WriteError]:
    """Write what is made as it is asked for to the file ``target``, at once and whole.

    Errors: OutputExists, OutputUnavailable; the first of the chunks that is a Failure.
    """
    return attempt(partial(_write, map(required, chunks), target, overwrite), target)


def archive_chunks(archive: Archive) -> Iterator[Result[bytes, WriteError]]:
    """Give an archive's bytes, for whoever cannot wait for the end to see whether they are right.

    Errors: a Failure is the last value: StoreCorrupt where they were not, or could not be read.
    """
    try:
        for chunk in read_bytes(archive):
            yield Success(chunk)
    except Refused as refused:
        yield Failure(refused.error)


def _write(chunks: Iterable[bytes], target: Path, overwrite: bool) -> None:
    with drafting(target, overwrite=overwrite) as draft:
        draft.make_file()
        for chunk in chunks:
            write_all(draft.descriptor, memoryview(chunk))
        os.fsync(draft.descriptor)
        draft.publish_file()
