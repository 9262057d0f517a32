"""Bodies on their way that outlast their session: ``partials/<SHA-256 of the name>-<user>/``.

    data        what is held, from the body's first byte on
    state.json  what was fetched: validators, size; and how much of it a power cut cannot take
    lock        held by the session that is at it

The name is a URL, or the digest of content that may come from anywhere. Whoever fetches it holds
its lock, so that sessions of any thread or process take turns, and a session that waits goes on
where another was killed. The kernel lets go of a dead owner's lock.

1. Data are void before a new state is written, and a state is whole before it has its name. So
   held bytes always belong to the validators beside them.
2. What the kernel holds outlasts the process, not the machine: after another boot only what was
   made durable counts, every :data:`~pipeline.limits.PARTIAL_SYNC_SECONDS` of a transfer.
3. A partial without a validator is never taken up again: the rest could be of another file. Where
   its name is a digest, that tells in the end whether the parts belong together.
4. What has a digest for a name is let go of as soon as it is whole, and a link to it kept: two
   sessions that each hold what the other waits for would wait for ever. From then on nobody writes
   to that file; whoever begins anew begins another.

The folder has a hash for a name, since a query may hold a secret; users of a shared store do not
see, nor change, what another's transfer holds (a partial is unproven, like all of quarantine).
"""

import errno
import os
import re
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, final

from returns.result import Result

from pipeline.adapters.layout import partial_state
from pipeline.adapters.layout.failures import Refused, attempt
from pipeline.adapters.layout.filesystem import (
    BLOB_MODE,
    PARTIAL_MODE,
    Filesystem,
    make_folders,
    place_file,
    write_all,
)
from pipeline.adapters.layout.partial_folders import DATA, STATE, locked, remove, try_take
from pipeline.adapters.layout.partial_state import State, read_state, sure_bytes
from pipeline.errors import DiskFull, StoreError, StoreUnavailable
from pipeline.limits import PARTIAL_SYNC_SECONDS
from pipeline.ports import BodyStart, ResumePoint
from pipeline.results import QuarantinedBlob, Validators

FOLDER: Final = "partials"

_KEY: Final = re.compile(rf"{FOLDER}/([0-9a-f]{{64}}-[0-9]+)", re.ASCII)

NO_LINK: Final = frozenset(
    {errno.ENOENT, errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK, errno.ENOTSUP}
)
"""Why a file cannot be linked to, where nothing is wrong: it is not there, or is somebody else's
(``fs.protected_hardlinks``), or the file system has no hard links."""


def name_of(url_or_digest: str) -> str:
    """Return the name of a body's folder; each user has their own."""
    return f"{sha256(url_or_digest.encode('utf-8', 'surrogatepass')).hexdigest()}-{os.getuid()}"


@final
@dataclass(slots=True)
class FilePartial:
    """A :class:`~pipeline.ports.Partial` in a file.

    ``lock`` is None where it goes with its session. ``descriptor`` is the open file's, ``size``
    how many bytes of it count. What is ``content_addressed`` needs no validator; ``link`` is where
    its session keeps it once it is whole.
    """

    filesystem: Filesystem
    root: Path
    data: Path
    key: str
    lock: int | None
    descriptor: int | None
    size: int = 0
    state: State | None = None
    finished: bool = False
    given_up: bool = False
    synced_at: float = 0.0
    link: Path | None = None
    handed_over: bool = False

    @property
    def content_addressed(self) -> bool:
        """Whether the name is the content's digest."""
        return self.link is not None

    def resume_point(self) -> ResumePoint | None:
        """Return what is held; of a whole body all but the last byte.

        Asking for that one lets the server say whether the body is still the same. Of what is
        content-addressed its digest says that, and nothing need be asked.
        """
        state = self.state
        if state is None or not self._is_resumable() or self.descriptor is None:
            return None
        if state.total is not None and self.size > state.total:
            return None
        is_asked_again = self.size == state.total and not self.content_addressed
        offset = self.size - 1 if is_asked_again else self.size
        if offset == 0:
            return None
        return ResumePoint(offset, state.validators, state.total, self.content_addressed)

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        """Make ready for a body from ``start.offset`` on.

        Errors: DiskFull where the body has no room, before any of it is asked for.
        """
        return attempt(partial(self._begin, start), self.root, "write")

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Append a chunk."""
        return attempt(partial(self._write, chunk), self.root, "write")

    def read(self) -> Result[BinaryIO, StoreError]:
        """Open what is held for reading."""
        return attempt(lambda: self.data.open("rb"), self.root, "read")

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Close the file. It need not outlast a power cut until it is committed."""
        return attempt(self._finish, self.root, "write")

    def release(self) -> None:
        """Let go of the lock; what cannot be resumed is removed."""
        self._give_up(keep=self.lock is not None and self._is_resumable())

    def discard(self) -> None:
        """Remove what is held, and let go of the lock."""
        self._give_up(keep=False)

    def _give_up(self, *, keep: bool) -> None:
        # Only once: after that, what has this name may be another session's.
        if self.given_up:
            return
        self.given_up = True
        with suppress(OSError):
            self._close_data()
        if self.handed_over:
            lock = None if keep else try_take(self.filesystem, self.data.parent)
            if lock is not None:
                remove(self.filesystem, self.data.parent)
                os.close(lock)
            return
        if self.lock is None:
            with suppress(OSError):
                self.filesystem.unlink(self.data)
            return
        if not keep:
            remove(self.filesystem, self.data.parent)
        os.close(self.lock)

    def _is_resumable(self) -> bool:
        state = self.state
        if state is None or self.size == 0:
            return False
        return self.content_addressed or state.validators != Validators()

    def _begin(self, start: BodyStart) -> None:
        descriptor = self._open()
        if os.fstat(descriptor).st_nlink > 1:
            descriptor = self._begin_another()
        if not 0 <= start.offset <= self.size:
            reason = f"wanted a body from 0 to {self.size}, got one from {start.offset}"
            raise Refused(StoreUnavailable(str(self.data), "resume", reason))
        self._require_room(start)
        # 1. What is void goes before anything says what comes in its place.
        self.filesystem.truncate(descriptor, start.offset)
        self.size = start.offset
        os.lseek(descriptor, start.offset, os.SEEK_SET)
        durable = 0 if self.state is None else min(self.state.durable, start.offset)
        self._note(start.validators, start.total, durable)

    def _begin_another(self) -> int:
        """Leave a file to the session that has finished it, and begin one of one's own."""
        self._close_data()
        self.filesystem.unlink(self.data)
        self.descriptor = _open_data(self.filesystem, self.data)
        self.size = 0
        return self.descriptor

    def _require_room(self, start: BodyStart) -> None:
        if start.total is None:
            return
        room = self.filesystem.free_bytes(self.data.parent) + self.size - start.offset
        if start.total - start.offset > room:
            raise Refused(DiskFull(str(self.root)))

    def _write(self, chunk: bytes) -> None:
        descriptor = self._open()
        try:
            write_all(self.filesystem, descriptor, chunk)
        finally:
            # Also where the disk was full after half of the chunk.
            self.size = os.lseek(descriptor, 0, os.SEEK_CUR)
        now = time.monotonic()
        if self.lock is not None and now - self.synced_at >= PARTIAL_SYNC_SECONDS:
            self.filesystem.sync(descriptor)
            if self.state is not None:
                self._note(self.state.validators, self.state.total, self.size)
            self.synced_at = now

    def _note(self, validators: Validators, total: int | None, durable: int) -> None:
        state = State(
            validators.etag, validators.last_modified, total, durable, partial_state.boot_id()
        )
        if state == self.state:
            return
        self.state = state
        if self.lock is None:
            return
        # 2. A state has its name only when it is whole.
        place_file(self.filesystem, self.data.with_name(STATE), state.encoded)
        self.synced_at = time.monotonic()

    def _finish(self) -> QuarantinedBlob:
        self.filesystem.set_mode(self._open(), BLOB_MODE)
        self._close_data()
        self.finished = True
        if self.link is not None and self.lock is not None:
            self._hand_over(self.link, self.lock)
        return QuarantinedBlob(self.key, self.size)

    def _hand_over(self, link: Path, lock: int) -> None:
        """Keep what is whole under a name of the session's own, and let others have it."""
        try:
            self.filesystem.link(self.data, link)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            # Without hard links they wait until this session ends.
            return
        self.key = f"{link.parent.name}/{link.name}"
        self.handed_over = True
        os.close(lock)

    def _open(self) -> int:
        if self.descriptor is None:
            raise Refused(StoreUnavailable(str(self.data), "write", "it is closed"))
        return self.descriptor

    def _close_data(self) -> None:
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def take(
    filesystem: Filesystem,
    root: Path,
    name: str,
    wait_seconds: float,
    *,
    link: Path | None = None,
) -> FilePartial:
    """Take up what is held of a URL, or, where a ``link`` is named, of the content with a digest.

    Refuses where another is at it for longer than ``wait_seconds``.
    """
    folder = root / FOLDER / name_of(name)
    make_folders(filesystem, folder.parent)
    with ExitStack() as undo:
        lock = locked(filesystem, folder, wait_seconds)
        undo.callback(os.close, lock)
        descriptor = _open_data(filesystem, folder / DATA)
        undo.callback(os.close, descriptor)
        state = read_state(folder / STATE)
        size = sure_bytes(os.fstat(descriptor).st_size, state)
        os.lseek(descriptor, size, os.SEEK_SET)
        undo.pop_all()
    key = f"{FOLDER}/{folder.name}"
    return FilePartial(
        filesystem,
        root,
        folder / DATA,
        key,
        lock,
        descriptor,
        size,
        state,
        link=link,
    )


def of_session(filesystem: Filesystem, root: Path, path: Path) -> FilePartial:
    """Start a body that goes with its session's folder, whatever happens."""
    descriptor = filesystem.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PARTIAL_MODE)
    return FilePartial(filesystem, root, path, f"{path.parent.name}/{path.name}", None, descriptor)


def path_of(root: Path, key: str) -> Path | None:
    """Return where a body lies whose key is one of :func:`take`'s; None for any other key."""
    match = _KEY.fullmatch(key)
    return None if match is None else root / FOLDER / match[1] / DATA


def _open_data(filesystem: Filesystem, path: Path) -> int:
    """Open the data for going on; a finished body is read-only until then."""
    flags = os.O_RDWR | os.O_CREAT
    try:
        return filesystem.open(path, flags, PARTIAL_MODE)
    except PermissionError:
        descriptor = filesystem.open(path, os.O_RDONLY, 0)
        if os.fstat(descriptor).st_nlink > 1:
            # It is somebody's who has finished it, and whoever begins anew begins another.
            return descriptor
        try:
            filesystem.set_mode(descriptor, PARTIAL_MODE)
        finally:
            os.close(descriptor)
        return filesystem.open(path, flags, PARTIAL_MODE)
