"""Taking an image into the store out of a quarantine elsewhere: ``Extracted -> Stored``.

A rename takes a file to its place at once, and works within one file system alone. So what lies on
another disk is copied into a session of the store's own first, and committed from there: until
then nothing of it has a name in the store, and what a crash leaves is a session like any other. The
copy is what becomes durable; the original stays until its own session ends.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.layout import committing, quarantine
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.place import Place
from pipeline.adapters.layout.quarantine import FileQuarantine
from pipeline.errors import StoreError
from pipeline.limits import CHUNK_BYTES
from pipeline.results import Extracted, QuarantinedBlob, Stored

Value = TypeVar("Value")


def commit_from(elsewhere: Path, place: Place, extracted: Extracted, now: datetime) -> Stored:
    """Commit an image whose bytes are in quarantine in the folder ``elsewhere``."""
    with quarantine.session(place.filesystem, place.root) as opened:
        session = _granted(opened)
        blobs = {extracted.archive: None} | {each.blob: None for each in extracted.contents}
        copies = {blob: _copy(elsewhere, blob, session) for blob in blobs}
        carried = replace(
            extracted,
            archive=copies[extracted.archive],
            contents=tuple(replace(each, blob=copies[each.blob]) for each in extracted.contents),
        )
        return committing.commit(place, carried, now)


def _copy(elsewhere: Path, blob: QuarantinedBlob, session: FileQuarantine) -> QuarantinedBlob:
    writer = _granted(session.create("carried"))
    with quarantine.path_of(elsewhere, blob).open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            _granted(writer.write(chunk))
    # As large as it was: the commit refuses a file that is more or less than that.
    return replace(_granted(writer.finish()), size=blob.size)


def _granted(outcome: Result[Value, StoreError]) -> Value:
    if not is_successful(outcome):
        raise Refused(outcome.failure())
    return outcome.unwrap()
