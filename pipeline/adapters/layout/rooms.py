"""A folder for quarantine alone, of a store that keeps its images elsewhere."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, final

from returns.result import Result

from pipeline.adapters.layout import quarantine
from pipeline.adapters.layout.failures import attempt
from pipeline.adapters.layout.filesystem import Filesystem, OsFilesystem
from pipeline.adapters.layout.quarantine import FileQuarantine
from pipeline.errors import StoreError
from pipeline.results import QuarantinedBlob

_REAL: Final = OsFilesystem()


@final
@dataclass(frozen=True, slots=True)
class QuarantineFolder:
    """Sessions in a folder, which need not exist; what was interrupted in one, the next takes up.

    Any number of threads and processes may use it. Sessions whose process is gone are removed.
    """

    root: Path
    filesystem: Filesystem = _REAL

    def session(self) -> AbstractContextManager[Result[FileQuarantine, StoreError]]:
        """Open a session for a ``with`` block; it is emptied whatever ends the block.

        Errors: StoreReadOnly, DiskFull.
        """
        return quarantine.session(self.filesystem, self.root)

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a finished file of any session for reading; the caller closes it."""
        return attempt(partial(self._open, blob), self.root, "read")

    def _open(self, blob: QuarantinedBlob) -> BinaryIO:
        return quarantine.path_of(self.root, blob).open("rb")
