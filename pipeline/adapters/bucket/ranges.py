"""A file that is read from a service, a range at a time: seekable, and going on where it broke.

Whoever reads expects of a file what files do, so what goes wrong for good is an ``OSError``.
"""

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody

_BUFFER_BYTES: Final = 256 * 1024


@final
class RangeReader(io.BufferedReader):
    """A :class:`~typing.BinaryIO` of ``size`` bytes; ``ask`` opens the bytes from a place on.

    A body that breaks off is asked for again from where it did, up to ``retries`` times in a row.
    """

    def __init__(self, ask: Callable[[int], StreamingBody], size: int, retries: int) -> None:
        """Open nothing yet."""
        super().__init__(_Ranges(ask, size, retries), _BUFFER_BYTES)


@final
class _Ranges(io.RawIOBase):
    def __init__(self, ask: Callable[[int], StreamingBody], size: int, retries: int) -> None:
        self._ask = ask
        self._size = size
        self._retries = retries
        self._position = 0
        self._body: StreamingBody | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        position = max(0, start + offset)
        if position != self._position:
            self._let_go()
            self._position = position
        return position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer is private to it
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        chunk = self._read(wanted)
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _read(self, wanted: int) -> bytes:
        for _ in range(self._retries + 1):
            with suppress(BotoCoreError, ClientError, OSError):
                if self._body is None:
                    self._body = self._ask(self._position)
                chunk = self._body.read(wanted)
                if chunk:
                    return chunk
            self._let_go()
        raise OSError("the service broke off again and again")

    def _let_go(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()
