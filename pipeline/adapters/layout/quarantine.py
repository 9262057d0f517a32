"""Sessions of quarantine: ``quarantine/<session>/``, where bytes lie until they are proven.

A session is a folder with a ``lock`` file that its process holds locked for as long as it lives.
The folder goes when the session closes. A session whose lock nobody holds belongs to a process
that was killed; whoever starts the next one removes it. Quarantine lies beside the blobs, on one
file system, so that a rename takes a file from here to there, and a hard link one from there to
here. Bodies that are being fetched lie in :mod:`.partials`, where they outlast a session that ends
badly.

Several threads may use one session. What it holds itself, it takes up a second time as if nobody
held any of it: it never waits for itself.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final, final

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.layout import blobs, partials
from pipeline.adapters.layout.failures import Refused, attempt
from pipeline.adapters.layout.filesystem import (
    BLOB_MODE,
    LOCK_MODE,
    QUARANTINE_MODE,
    Filesystem,
    make_folders,
    write_all,
)
from pipeline.adapters.layout.locks import held, try_lock
from pipeline.adapters.layout.partials import NO_LINK, FilePartial
from pipeline.digest import Digest
from pipeline.errors import StoreError, StoreUnavailable
from pipeline.results import QuarantinedBlob
from pipeline.storage import is_rememberable

_LOCK: Final = "lock"
_KEY: Final = re.compile(r"([0-9a-f]{16})/([A-Za-z-]+-[0-9]+)", re.ASCII)
_LOOK_SECONDS: Final = 0.5
"""How often a session that waits for a body sees whether it holds it itself by now."""
_LABEL: Final = re.compile(r"[A-Za-z-]{1,64}", re.ASCII)


def path_of(root: Path, blob: QuarantinedBlob) -> Path:
    """Return where a blob of any session lies. Refuses a key that no session has given."""
    on_its_way = partials.path_of(root, blob.key)
    if on_its_way is not None:
        return on_its_way
    match = _KEY.fullmatch(blob.key)
    if match is None:
        raise Refused(StoreUnavailable(blob.key, "read", "no such file in quarantine"))
    return root / "quarantine" / match[1] / match[2]


@final
@dataclass(slots=True)
class FileWriter:
    """A :class:`~pipeline.ports.BlobWriter` to a file."""

    filesystem: Filesystem
    root: Path
    path: Path
    descriptor: int | None
    size: int = 0

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        """Append a chunk."""
        return attempt(partial(self._write, chunk), self.root, "write")

    def finish(self) -> Result[QuarantinedBlob, StoreError]:
        """Close the file. It need not outlast a power cut until it is committed."""
        return attempt(self._finish, self.root, "write")

    def discard(self) -> None:
        """Remove the file; what cannot be removed now goes with the session."""
        with suppress(OSError):
            self.close()
            self.filesystem.unlink(self.path)

    def _write(self, chunk: bytes) -> None:
        write_all(self.filesystem, self._open(), chunk)
        self.size += len(chunk)

    def _finish(self) -> QuarantinedBlob:
        self._open()
        self.close()
        return QuarantinedBlob(f"{self.path.parent.name}/{self.path.name}", self.size)

    def _open(self) -> int:
        if self.descriptor is None:
            raise Refused(StoreUnavailable(str(self.path), "write", "it is closed"))
        return self.descriptor

    def close(self) -> None:
        """Close the file, where it is open."""
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@final
@dataclass(slots=True)
class FileQuarantine:
    """A :class:`~pipeline.ports.Quarantine` in a session's folder."""

    filesystem: Filesystem
    root: Path
    folder: Path
    writers: list[FileWriter] = field(default_factory=list)
    partials: list[FilePartial] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def create(self, label: str) -> Result[FileWriter, StoreError]:
        """Start a file in the session's folder."""
        return attempt(partial(self._create, label), self.root, "write")

    def resume(self, url: str, wait_seconds: float) -> Result[FilePartial, StoreError]:
        """Take up what is held of ``url``, or start; wait while another session is at it."""
        return attempt(partial(self._resume, url, wait_seconds), self.root, "write")

    def resume_blob(self, digest: Digest, wait_seconds: float) -> Result[FilePartial, StoreError]:
        """Take up what is held of the content with that digest, or start."""
        action = partial(self._take, str(digest), wait_seconds, self._next_path("blob"))
        return attempt(action, self.root, "write")

    def adopt(self, digest: Digest, size: int) -> Result[QuarantinedBlob | None, StoreError]:
        """Link a blob of the store into the session; None where that is not to be had."""
        return attempt(partial(self._adopt, digest, size), self.root, "write")

    def open(self, blob: QuarantinedBlob) -> Result[BinaryIO, StoreError]:
        """Open a finished file of this session."""
        return attempt(partial(self._open, blob), self.root, "read")

    def keep(self, blob: QuarantinedBlob) -> None:
        """Let a finished body outlast the session, so that it need not travel again."""
        for each in self.partials:
            if each.key == blob.key:
                each.release()

    def close(self, *, ended_well: bool) -> None:
        """Close what was never finished; finished bodies have been judged, if all went well."""
        for writer in self.writers:
            writer.close()
        for each in self.partials:
            if each.finished and ended_well:
                each.discard()
            else:
                each.release()

    def _create(self, label: str) -> FileWriter:
        if _LABEL.fullmatch(label) is None:
            reason = "a label has 1 to 64 letters and dashes"
            raise Refused(StoreUnavailable(str(self.folder), "write", reason))
        path = self._next_path(label)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = self.filesystem.open(path, flags, BLOB_MODE)
        self.writers.append(FileWriter(self.filesystem, self.root, path, descriptor))
        return self.writers[-1]

    def _next_path(self, label: str) -> Path:
        return self.folder / f"{label}-{next(self.numbers)}"

    def _resume(self, url: str, wait_seconds: float) -> FilePartial:
        if is_rememberable(url):
            return self._take(url, wait_seconds, None)
        return self._alone()

    def _take(self, name: str, wait_seconds: float, link: Path | None) -> FilePartial:
        deadline = time.monotonic() + wait_seconds
        while not self._holds(name):
            left = max(0.0, deadline - time.monotonic())
            try:
                taken = partials.take(
                    self.filesystem, self.root, name, min(left, _LOOK_SECONDS), link=link
                )
            except Refused:
                # Whoever has it may be another thread of this session by now.
                if left == 0:
                    raise
            else:
                self.partials.append(taken)
                return taken
        return self._alone()

    def _holds(self, name: str) -> bool:
        """Tell whether this very session holds a body: nobody may wait for themselves."""
        key = f"{partials.FOLDER}/{partials.name_of(name)}"
        return any(each.key == key and not each.given_up for each in self.partials)

    def _alone(self) -> FilePartial:
        """Start a body that goes with the session."""
        taken = partials.of_session(self.filesystem, self.root, self._next_path("download"))
        self.partials.append(taken)
        return taken

    def _adopt(self, digest: Digest, size: int) -> QuarantinedBlob | None:
        path = self._next_path("adopted")
        try:
            self.filesystem.link(Path(blobs.name_of(self.root, digest)), path)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            return None
        # Looked at only now: what had the name before may be another file, and this one stays.
        if blobs.is_whole(path, size):
            return QuarantinedBlob(f"{self.folder.name}/{path.name}", size)
        self.filesystem.unlink(path)
        return None

    def _open(self, blob: QuarantinedBlob) -> BinaryIO:
        path = path_of(self.root, blob)
        if path.parent != self.folder and blob.key not in {each.key for each in self.partials}:
            raise Refused(StoreUnavailable(blob.key, "read", "it is in another quarantine"))
        return path.open("rb")


@contextmanager
def session(filesystem: Filesystem, root: Path) -> Iterator[Result[FileQuarantine, StoreError]]:
    """Open a session for the length of the block; its folder goes, whatever ends the block."""
    with ExitStack() as leaving:
        started = attempt(partial(_start, filesystem, root, leaving), root, "write")
        ended_well = False
        try:
            yield started
            ended_well = True
        finally:
            if is_successful(started):
                started.unwrap().close(ended_well=ended_well)


def _start(filesystem: Filesystem, root: Path, leaving: ExitStack) -> FileQuarantine:
    folder = root / "quarantine" / os.urandom(8).hex()
    make_folders(filesystem, folder.parent)
    make_folders(filesystem, root / "locks")
    # Between the making of a session's folder and the locking of its lock, nobody may sweep.
    with held(filesystem, root / "locks" / "quarantine"):
        for other in folder.parent.iterdir():
            sweep(filesystem, other)
        leaving.callback(remove_session, filesystem, folder)
        filesystem.make_folder(folder, QUARANTINE_MODE)
        lock = filesystem.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, LOCK_MODE)
        leaving.callback(os.close, lock)
        try_lock(lock)
    return FileQuarantine(filesystem, root, folder)


def sweep(
    filesystem: Filesystem, folder: Path, act: Callable[[Filesystem, Path], None] | None = None
) -> None:
    """Remove a session whose process is gone; leave one that lives, or that is not ours to see.

    ``act`` is done with it in place of removing it; the caller holds ``locks/quarantine``.
    """
    act = act or remove_session
    with suppress(OSError):
        try:
            lock = filesystem.open(folder / _LOCK, os.O_RDWR, 0)
        except FileNotFoundError:
            # Its process was killed before it had a lock, or while removing the folder.
            act(filesystem, folder)
            return
        try:
            if try_lock(lock):
                act(filesystem, folder)
        finally:
            os.close(lock)


def remove_session(filesystem: Filesystem, folder: Path) -> None:
    """Remove a session's folder as far as that is possible; the next session tries again."""
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                filesystem.unlink(path)
        filesystem.remove_folder(folder)
