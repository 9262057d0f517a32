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

from pipeline.adapters.layout import LayoutStore, listing
from pipeline.adapters.layout.maintenance import Checked, verify_store, write_index
from pipeline.digest import Digest
from pipeline.names import Label, LabelName, Labels
from pipeline.results import Freshness, Validators
from pipeline.testing.conformance import expect_success, put
from pipeline.testing.fakes import EPOCH
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample
from tests.adapters.store_world import StoppingFilesystem, opened
from tests.support.store_filler import BUSY, Tiny, fill, fill_oci, tiny_oci

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


@pytest.fixture(scope="module")
def registry_stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("scale")
    for count in (FEW, MANY):
        fill_oci(folder / str(count), 0, count)
    return folder / str(FEW), folder / str(MANY)


def test_a_store_filled_with_oci_images_is_what_commits_make(
    registry_stores: tuple[Path, Path],
) -> None:
    checked = verify_store(registry_stores[0]).unwrap()
    assert (checked.images, checked.findings) == (FEW, ())
    assert len(opened(registry_stores[0]).list_images().unwrap()) == FEW


LAYERS = {digest for number in (55, 56) for digest in tiny_oci(number).blobs}
ONE_MORE = OciSample("app", "one-more", layers=(b"shared", b"one more"))
REGISTRY_QUESTIONS: list[Callable[[LayoutStore], object]] = [
    lambda store: store.resolve(tiny_oci(55).image_id.hex[:20], "sha256"),
    lambda store: store.lookup(tiny_oci(55).url),
    lambda store: store.manifest(tiny_oci(55).image_id),
    lambda store: [store.open_blob(digest).unwrap().close() for digest in LAYERS],
    lambda store: store.list_page(20),
    lambda store: put(store, ONE_MORE, EPOCH),
    lambda store: store.remove(ONE_MORE.image_id),
]


@pytest.mark.parametrize("question", REGISTRY_QUESTIONS)
def test_nor_among_more_oci_images(
    question: Callable[[LayoutStore], object],
    registry_stores: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does index.json, which is made anew with each change only while it is short."""
    monkeypatch.setattr(listing, "LISTED_AT_ONCE", FEW // 2)
    monkeypatch.setattr(listing, "LISTING_SHARE", 1)
    few, many = CountingFilesystem(), CountingFilesystem()
    question(opened(registry_stores[0], few))
    question(opened(registry_stores[1], many))
    assert few.steps > 10
    assert many.steps <= few.steps * 1.2 + 20
    assert len(many.calls) <= len(few.calls) + 2


def test_making_index_json_does(registry_stores: tuple[Path, Path]) -> None:
    """Otherwise nothing is counted above."""
    few, many = CountingFilesystem(), CountingFilesystem()
    assert write_index(registry_stores[0], filesystem=few).unwrap() == FEW
    assert write_index(registry_stores[1], filesystem=many).unwrap() == MANY
    assert many.steps > few.steps * 10
