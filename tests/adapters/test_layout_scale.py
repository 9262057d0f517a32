"""What is asked of a store, and one image more, cost the same however many images there are.

Counted in steps of SQLite's machine, which are the same on every machine at any load; the clock's
figures are ``make bench``'s.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path

import pytest

from pipeline.adapters.layout import LayoutStore
from pipeline.adapters.layout.maintenance import Checked, verify_store
from pipeline.digest import Digest
from pipeline.names import Label, LabelName, Labels
from pipeline.results import Freshness, Validators
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH
from pipeline.testing.samples import Sample
from tests.adapters.store_world import StoppingFilesystem, opened
from tests.support.store_filler import BUSY, Tiny, fill

FEW, MANY = 100, 2_000


@dataclass
class CountingFilesystem(StoppingFilesystem):
    """Counts the steps of SQLite's machine."""

    steps: int = field(default=0)

    def connect(self, uri: str) -> sqlite3.Connection:
        connection = super().connect(uri)
        connection.set_progress_handler(self._count, 1)
        return connection

    def _count(self) -> int:
        self.steps += 1
        return 0


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("scale")
    for count in (FEW, MANY):
        fill(folder / str(count), 0, count)
    return folder / str(FEW), folder / str(MANY)


def test_a_filled_store_is_what_commits_make(stores: tuple[Path, Path], tmp_path: Path) -> None:
    size = sum(len(Tiny(number).archive) for number in range(FEW))
    assert verify_store(stores[0]).unwrap() == Checked(FEW, FEW, size, ())
    image = opened(stores[0]).list_images().unwrap()[-1]
    # The same image, committed: all rows are the same.
    tiny = Tiny(0)
    sample = Sample(name=tiny.name, version="1.0", signers="a", url=tiny.url)
    committed = expect_success(put(opened(tmp_path), sample, EPOCH), "commit")
    assert (committed.name, committed.labels) == (image.name, image.labels)
    assert committed.provenance == image.provenance
    filled, other = (sqlite3.connect(path / "image-pipeline.db") for path in (stores[0], tmp_path))
    query = (
        "SELECT name, labels, version, imported_at, latest_at, last_used_at, source, "
        "unverified_reason, raw, signatures.*, remotes.* FROM images "
        "JOIN manifests ON manifests.image = id JOIN signatures ON signatures.image = id "
        "JOIN remotes ON remotes.image = id WHERE id = 1"
    )
    try:
        assert filled.execute(query).fetchall() == other.execute(query).fetchall()
        schemas = [
            each.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
            for each in (filled, other)
        ]
        assert schemas[0] == schemas[1]
    finally:
        filled.close()
        other.close()


def version(text: str) -> Labels:
    return Labels((Label(LabelName("version"), text),))


QUESTIONS: list[Callable[[LayoutStore], object]] = [
    lambda store: store.resolve(sha512(Tiny(55).archive).hexdigest()[:20]),
    lambda store: store.find(BUSY, version("1.0")),
    lambda store: store.find(BUSY, version("never")),
    lambda store: store.find(BUSY, Labels()),
    lambda store: store.lookup(Tiny(55).url),
    lambda store: store.manifest(Digest("sha512", sha512(Tiny(55).archive).hexdigest())),
    lambda store: store.list_page(20),
    lambda store: store.list_page(20, Digest("sha512", sha512(Tiny(55).archive).hexdigest())),
    lambda store: store.refresh(Tiny(55).url, Validators(), Freshness(EPOCH)),
    lambda store: put(store, Sample(name=BUSY, version="one more"), EPOCH),
    lambda store: store.remove(Sample(name=BUSY, version="one more").image_id),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_costs_more_among_more_images(
    question: Callable[[LayoutStore], object], stores: tuple[Path, Path]
) -> None:
    few, many = CountingFilesystem(), CountingFilesystem()
    question(opened(stores[0], few))
    question(opened(stores[1], many))
    assert few.steps > 10
    # A few steps more, where a tree is deeper.
    assert many.steps <= few.steps * 1.2 + 20
    assert len(many.calls) <= len(few.calls) + 2


def test_listing_everything_does(stores: tuple[Path, Path]) -> None:
    """Otherwise nothing is counted above."""
    few, many = CountingFilesystem(), CountingFilesystem()
    opened(stores[0], few).list_images()
    opened(stores[1], many).list_images()
    assert many.steps > few.steps * 10
