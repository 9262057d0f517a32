"""What quarantines of the tests have in common that know archives alone."""

from returns.result import Result, Success

from pipeline.digest import Digest
from pipeline.errors import StoreError
from pipeline.ports import Partial
from pipeline.results import QuarantinedBlob


class ArchivesAlone:
    """The part of a quarantine that fetching an archive never asks."""

    __slots__ = ()

    def resume_blob(self, digest: Digest, wait_seconds: float) -> Result[Partial, StoreError]:
        """Never called."""
        raise AssertionError(digest)

    def adopt(self, digest: Digest, size: int) -> Result[QuarantinedBlob | None, StoreError]:
        """Have nothing."""
        return Success(None)
