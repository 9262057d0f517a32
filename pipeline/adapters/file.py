"""Local files: a :class:`~pipeline.ports.Transport` for ``file:`` URLs, and a path probe.

    Request, Sink -> Result[Response, TransportError | StoreError]

Source: RFC 8089. Only regular files are read: a pipe or device could block for ever or have no
end. A file that changes while it is read is an error. There are no validators: a path is read
again each time.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, final
from urllib.parse import unquote_to_bytes, urlsplit

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    FileUnreadable,
    StoreError,
    TransportError,
    TruncatedBody,
)
from pipeline.limits import CHUNK_BYTES
from pipeline.ports import BodyStart, Clock, Request, Response, Sink
from pipeline.results import Freshness, Validators

# Opening a pipe without a writer must not wait, nor a terminal become ours.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@final
class FileTransport:
    """Reads ``file:`` URLs."""

    def __init__(self, clock: Clock) -> None:
        """Keep the clock, for deadlines and for when a file was read."""
        self._clock = clock

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Read the file that ``request.url`` names into ``sink``.

        Errors: FileUnreadable, BodyTooLarge, TruncatedBody, DeadlineExceeded; the sink's own.
        """
        path = _path_of(request.url)
        if not is_successful(path):
            return Failure(FileUnreadable(request.url, path.failure()))
        shown = os.fsdecode(path.unwrap())
        if request.method != "GET":
            return Failure(FileUnreadable(shown, f"{request.method} is for servers"))
        try:
            # 1. What is not a regular file is not even opened: opening a device can act on it.
            if not stat.S_ISREG(Path(shown).stat().st_mode):
                return Failure(FileUnreadable(shown, "it is not a regular file"))
            descriptor = os.open(shown, _OPEN_FLAGS)
        except OSError as error:
            return Failure(FileUnreadable(shown, error.strerror or str(error)))
        except ValueError:
            return Failure(FileUnreadable(shown, "no path holds a zero byte"))
        try:
            return self._read(descriptor, shown, request, sink)
        except OSError as error:
            return Failure(FileUnreadable(shown, error.strerror or str(error)))
        finally:
            os.close(descriptor)

    def _read(
        self, descriptor: int, shown: str, request: Request, sink: Sink
    ) -> Result[Response, TransportError | StoreError]:
        # 2. Asked again of what was opened: another file may have taken the path since.
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return Failure(FileUnreadable(shown, "it is not a regular file"))
        if before.st_size > request.max_bytes:
            return Failure(BodyTooLarge(request.url, request.max_bytes, before.st_size))
        begun = sink.begin(BodyStart(request.url, 0, before.st_size, Validators()))
        if not is_successful(begun):
            return Failure(begun.failure())
        deadline = self._clock.monotonic() + request.total_seconds
        size = 0
        # One byte more than is expected is asked for, so that growth is noticed and bounded.
        while chunk := os.read(descriptor, min(CHUNK_BYTES, before.st_size + 1 - size)):
            size += len(chunk)
            if size > before.st_size:
                break
            written = sink.write(chunk)
            if not is_successful(written):
                return Failure(written.failure())
            if self._clock.monotonic() > deadline:
                return Failure(DeadlineExceeded(request.url, request.total_seconds, "total"))
        if size < before.st_size:
            return Failure(TruncatedBody(request.url, size, before.st_size))
        # 3. What was read is one version of the file, not a mixture.
        after = os.fstat(descriptor)
        if size > before.st_size or after.st_mtime_ns != before.st_mtime_ns:
            return Failure(
                FileUnreadable(
                    shown, "it changed while it was read", "try again when nothing writes to it"
                )
            )
        freshness = Freshness(self._clock.now())
        return Success(Response(request.url, 200, size, Validators(), freshness))


def _path_of(url: str) -> Result[bytes, str]:
    """Return the path of a ``file:`` URL as the system's bytes; query and fragment do not count."""
    try:
        parts = urlsplit(url)
        path = unquote_to_bytes(parts.path)
    except UnicodeError:
        return Failure("wanted other bytes than UTF-8 as %FF")
    except ValueError as error:
        return Failure(str(error))
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        return Failure("wanted a file: URL without a host")
    return Success(path)


@final
class LocalPaths:
    """A :class:`~pipeline.ports.PathProbe` over the file system."""

    def is_file(self, path: str) -> bool:
        """Tell whether ``path`` leads to a regular file; links are followed."""
        with suppress(OSError, ValueError):
            return stat.S_ISREG(Path(path).stat().st_mode)
        return False

    def absolute(self, path: str) -> str:
        """Return ``path`` as an absolute one, without ``.`` and ``..``; links are not resolved."""
        try:
            return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
        except OSError:
            # The working folder was removed: nothing relative to it exists any more.
            return os.path.normpath(f"/{path}")
