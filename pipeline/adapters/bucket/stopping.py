"""A file that can no longer be read once a run ends, so that an upload of it ends, too."""

import io
import threading
from typing import BinaryIO, final


@final
class StoppableFile(io.RawIOBase):
    """Reads ``file``, which stays the caller's; raises ``OSError`` once ``stop`` is set."""

    def __init__(self, file: BinaryIO, stop: threading.Event) -> None:
        """Nothing is read yet."""
        self._file = file
        self._stop = stop

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from any place."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer is private to it
        """Read some bytes, or raise."""
        if self._stop.is_set():
            raise OSError("the run ends")
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)
