"""A store of one's own: it keeps no image, only a line about each."""

from dataclasses import dataclass, field
from typing import final

from returns.result import Failure, Result, Success

from pipeline import Extracted, NoProof, Stored
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.ports import Clock


@final
@dataclass(frozen=True, slots=True)
class LedgerStore:
    """Remembers what came in, in order; ``limit`` is how many lines it holds."""

    clock: Clock
    limit: int = 100
    entries: list[Stored] = field(default_factory=list[Stored])

    def commit(self, extracted: Extracted) -> Result[Stored, StoreError]:
        """Write the image down."""
        if len(self.entries) >= self.limit:
            return Failure(StoreUnavailable("ledger", "write", "the ledger is full"))
        stored = Stored(
            image_id=extracted.image_id,
            name=extracted.manifest.name,
            labels=extracted.manifest.labels,
            archive_bytes=extracted.size,
            imported_at=self.clock.now(),
            provenance=NoProof("the ledger keeps no proofs"),
            source=extracted.origin.downloaded.source.image,
        )
        self.entries.append(stored)
        return Success(stored)
