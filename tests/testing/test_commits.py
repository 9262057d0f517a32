"""Stores take images wholly or not at all, and the check notices one that does not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryStore, memory_quarantine
from pipeline.digest import Digest
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.names import ImageName, Labels
from pipeline.ports import Quarantine
from pipeline.results import Extracted, Provenance, QuarantinedBlob, Stored
from pipeline.storage import better_provenance, blobs_of, describe, is_complete
from pipeline.testing.conformance import (
    CommitUnderTest,
    NonConformance,
    StoreUnderTest,
    check_commit,
)
from pipeline.testing.fakes import EPOCH, FixedClock
from tests.adapters.store_world import opened


@contextmanager
def under_test(store: StoreUnderTest) -> Iterator[CommitUnderTest]:
    def read(digest: Digest) -> bytes | None:
        found = store.open_blob(digest)
        if not is_successful(found):
            return None
        with found.unwrap() as file:
            return file.read()

    with store.quarantine() as quarantine:
        yield CommitUnderTest(store, quarantine.unwrap(), read)


def test_our_stores_conform(tmp_path: Path) -> None:
    number = count()
    check_commit(lambda: under_test(MemoryStore(FixedClock())))
    check_commit(lambda: under_test(opened(tmp_path / str(next(number)))))


@dataclass(slots=True)
class TableStore:
    """A store as small as it can be, which does wrong what ``fault`` says, if anything."""

    quarantine: Quarantine
    fault: str = ""
    kept: dict[Digest, bytes] = field(default_factory=dict)
    images: dict[Digest, Stored] = field(default_factory=dict)

    def commit(self, extracted: Extracted) -> Result[Stored, StoreError]:
        if not is_complete(extracted) and self.fault != "not whole":
            return Failure(StoreUnavailable("a table", "commit", "a part is missing"))
        read: dict[Digest, bytes] = {}
        for digest, blob in blobs_of(extracted).items():
            content = self._content(blob)
            if not is_successful(content):
                return Failure(content.failure())
            read[digest] = content.unwrap()
            if self.fault == "in parts":
                self.kept |= read
        self.kept |= KEEPS[self.fault](read) if self.fault in KEEPS else read
        new, there = describe(extracted, EPOCH), self.images.get(extracted.image_id)
        if self.fault in TELLS:
            new = TELLS[self.fault](new)
        if there is not None and self.fault != "always new":
            choose = CHOOSES.get(self.fault, better_provenance)
            provenance = choose(there.provenance, new.provenance)
            new = replace(there, provenance=provenance, outcome="already-stored")
            if self.fault == "imports again":
                new = replace(new, imported_at=EPOCH + timedelta(1))
        self.images[extracted.image_id] = new
        return Success(new)

    def _content(self, blob: QuarantinedBlob) -> Result[bytes, StoreError]:
        found = self.quarantine.open(blob)
        if not is_successful(found):
            return Success(b"") if self.fault == "makes up" else Failure(found.failure())
        with found.unwrap() as file:
            content = file.read()
        if len(content) != blob.size and self.fault != "any size":
            return Failure(StoreUnavailable(blob.key, "read", "it has another size"))
        return Success(content)


KEEPS: Final[dict[str, Callable[[dict[Digest, bytes]], dict[Digest, bytes]]]] = {
    "keeps nothing": lambda read: {},
    "keeps one part": lambda read: dict([list(read.items())[-1]]),
    "cuts": lambda read: {digest: content[:-1] for digest, content in read.items()},
}
TELLS: Final[dict[str, Callable[[Stored], Stored]]] = {
    "another ID": lambda stored: replace(stored, image_id=Digest("sha512", "0" * 128)),
    "another name": lambda stored: replace(stored, name=ImageName("other")),
    "no labels": lambda stored: replace(stored, labels=Labels()),
    "another size": lambda stored: replace(stored, archive_bytes=1),
    "not new": lambda stored: replace(stored, outcome="already-stored"),
}
CHOOSES: Final[dict[str, Callable[[Provenance, Provenance], Provenance]]] = {
    "the first proof": lambda kept, offered: kept,
    "the last proof": lambda kept, offered: offered,
}


@contextmanager
def table(fault: str = "") -> Iterator[CommitUnderTest]:
    with memory_quarantine() as quarantine:
        store = TableStore(quarantine, fault)
        yield CommitUnderTest(store, quarantine, store.kept.get)


def test_a_store_of_ones_own_conforms() -> None:
    check_commit(table)


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        ("keeps nothing", "byte by byte"),
        ("keeps one part", "byte by byte"),
        ("cuts", "byte by byte"),
        ("another ID", "image's ID"),
        ("another name", "name and labels"),
        ("no labels", "name and labels"),
        ("another size", "the size of all of it"),
        ("not new", "that it is new"),
        ("always new", "stays as it is"),
        ("imports again", "stays as it is"),
        ("not whole", "not whole in quarantine"),
        ("makes up", "not whole in quarantine"),
        ("any size", "not whole in quarantine"),
        ("in parts", "nothing is kept"),
        ("the first proof", "a proof replaces none"),
        ("the last proof", "never replaces a proof"),
    ],
)
def test_a_store_with_a_fault_is_noticed(fault: str, promise: str) -> None:
    with pytest.raises(NonConformance, match=promise):
        check_commit(lambda: table(fault))


def test_a_store_with_something_in_it_is_noticed() -> None:
    @contextmanager
    def full() -> Iterator[CommitUnderTest]:
        with table() as bench:
            yield replace(bench, read=lambda digest: b"")

    with pytest.raises(NonConformance, match="empty store has nothing"):
        check_commit(full)
