"""The last stage hands on what the store says, and nothing else."""

from dataclasses import dataclass

from returns.result import Failure, Result

from pipeline.adapters.memory import MemoryStore
from pipeline.errors import DiskFull, StoreError
from pipeline.results import Extracted, QuarantinedBlob, Stored
from pipeline.stages.store import store_image
from pipeline.testing.conformance import extracted_of
from pipeline.testing.fakes import EPOCH, FixedClock
from pipeline.testing.samples import Sample


def test_an_extracted_image_is_stored() -> None:
    store = MemoryStore(FixedClock())
    sample = Sample(signers="a")
    with store.quarantine() as session:
        extracted = extracted_of(sample, session.unwrap(), EPOCH)
        stored = store_image(store=store)(extracted).unwrap()
        again = store_image(store=store)(extracted).unwrap()
    assert stored.image_id == sample.image_id
    assert stored.provenance == sample.provenance
    assert (stored.outcome, again.outcome) == ("new", "already-stored")


@dataclass(frozen=True)
class FullStore:
    """A store without room."""

    def commit(self, extracted: Extracted) -> Result[Stored, StoreError]:
        """Refuse."""
        return Failure(DiskFull(extracted.archive.key))


def test_a_failure_of_the_store_is_the_stages_own() -> None:
    extracted = Sample().extracted(QuarantinedBlob("archive-1", 1), EPOCH)
    assert store_image(store=FullStore())(extracted).failure() == DiskFull("archive-1")
