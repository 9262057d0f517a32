"""What the store's tests share: a filesystem that stops the program, and children to stop."""

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import signal
import sqlite3
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.adapters.layout import LayoutStore
from pipeline.adapters.layout.filesystem import Filesystem, OsFilesystem
from pipeline.adapters.layout.place import Place
from pipeline.limits import STORE_WAIT_SECONDS
from pipeline.ports import Clock
from pipeline.testing.fakes import FixedClock

NOBODY = 65534
NOT_PERMITTED = 77


def io_error() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def disk_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt() -> None:
    raise KeyboardInterrupt


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def never() -> None:
    raise AssertionError("this call is never stopped")


@dataclass
class StoppingFilesystem:
    """The real calls, the ``stop_at``-th of which is not made: ``stop`` is called instead.

    SQL statements count as calls, before each of them. ``calls`` is what was asked for, in order.
    """

    stop_at: int = 0
    stop: Callable[[], None] = never
    real: OsFilesystem = field(default_factory=OsFilesystem)
    calls: list[str] = field(default_factory=list)

    def note(self, call: str) -> None:
        self.calls.append(call)
        if len(self.calls) == self.stop_at:
            self.stop()

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        self.note(f"make_folder {path.name}")
        self.real.make_folder(path, mode)

    def open(self, path: Path, flags: int, mode: int) -> int:
        self.note(f"open {path}")
        return self.real.open(path, flags, mode)

    def write(self, descriptor: int, chunk: memoryview) -> int:
        self.note("write")
        # The kernel may take less than it is given.
        return self.real.write(descriptor, chunk[: max(1, len(chunk) // 2)])

    def truncate(self, descriptor: int, size: int) -> None:
        self.note(f"truncate {size}")
        self.real.truncate(descriptor, size)

    def set_mode(self, descriptor: int, mode: int) -> None:
        self.note("set_mode")
        self.real.set_mode(descriptor, mode)

    def free_bytes(self, folder: Path) -> int:
        return self.real.free_bytes(folder)

    def sync(self, descriptor: int) -> None:
        # Nobody cuts the power here, and waiting for the disk takes most of the tests' time.
        self.note(f"sync {os.readlink(f'/proc/self/fd/{descriptor}')}")

    def rename(self, source: Path, target: Path) -> None:
        self.note(f"rename {target}")
        self.real.rename(source, target)

    def link(self, source: Path, target: Path) -> None:
        self.note(f"link {target}")
        self.real.link(source, target)

    def unlink(self, path: Path) -> None:
        self.note(f"unlink {path}")
        self.real.unlink(path)

    def remove_folder(self, path: Path) -> None:
        self.note(f"remove_folder {path}")
        self.real.remove_folder(path)

    def connect(self, uri: str) -> sqlite3.Connection:
        self.note("connect")
        connection = sqlite3.connect(
            uri,
            uri=True,
            isolation_level=None,
            timeout=STORE_WAIT_SECONDS,
            factory=NotedConnection,
        )
        connection.world = self
        return connection


class NotedConnection(sqlite3.Connection):
    """A connection whose statements are noted by its filesystem before they run."""

    world: StoppingFilesystem

    def execute(self, sql: str, parameters: Sequence[str] = ()) -> sqlite3.Cursor:  # type: ignore[override] # what the package passes are sequences
        self.world.note(f"sql {' '.join(sql.split()[:2])}")
        # Nobody cuts the power here, and waiting for the disk takes most of the tests' time.
        durable = "PRAGMA synchronous = FULL"
        return super().execute(sql.replace(durable, "PRAGMA synchronous = OFF"), parameters)


def opened(
    root: Path, filesystem: Filesystem | None = None, clock: Clock | None = None
) -> LayoutStore:
    """The store in a folder; without a look at it, so that no call is made yet."""
    return LayoutStore(Place(root, filesystem or StoppingFilesystem()), clock or FixedClock())


def assert_sound(root: Path) -> None:
    """Assert what must hold of a store's files at any moment, however it was stopped."""
    database = root / "image-pipeline.db"
    needed: set[str] = set()
    if database.exists():
        with contextlib.closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            tables = {0: (), 1: ("images",), 2: ("images",)}.get(version, ("images", "blobs"))
            for table in tables:
                needed |= {hex_ for (hex_,) in connection.execute(f"SELECT hex FROM {table}")}
    blobs = {path: path.read_bytes() for path in (root / "blobs").glob("sha*/*")}
    for path, content in blobs.items():
        assert hashlib.new(path.parent.name, content).hexdigest() == path.name
    assert needed <= {path.name for path in blobs}
    index = root / "index.json"
    if index.exists():
        # Whoever reads it meanwhile finds a whole one.
        assert json.loads(index.read_bytes())["schemaVersion"] == 2


def fork() -> int:
    """Fork as ``os.fork`` does."""
    with warnings.catch_warnings():
        # Later Pythons warn of forking beside threads; the children here wait for none.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def run_in_child(body: Callable[[], None]) -> int:
    """Run ``body`` in a forked child; return its exit code, or minus the signal that ended it."""
    child = fork()
    if child == 0:
        code = 1
        try:
            body()
            code = 0
        except BaseException:  # noqa: BLE001 - the child must end here, whatever happens
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def require_child(body: Callable[[], None]) -> None:
    """Run ``body`` in a child and fail, or skip, as it does."""
    code = run_in_child(body)
    if code == NOT_PERMITTED:
        pytest.skip("needs leave to mount file systems in a namespace of its own")
    assert code == 0


def mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), os.fsencode(target), kind.encode(), flags, options.encode()):
        os._exit(NOT_PERMITTED)


def enter_private_mounts() -> None:
    """Leave for a namespace whose mounts nobody else sees; they go with the process."""
    new_mounts, new_user = 0x00020000, 0x10000000
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_mounts | (new_user if uid else 0)):
        os._exit(NOT_PERMITTED)
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    recursive_private = 0x4000 | 0x40000
    mount("none", Path("/"), "", recursive_private)


def mount_small(target: Path, size: str) -> None:
    """Mount an empty file system of a size; only in a child."""
    enter_private_mounts()
    target.mkdir(exist_ok=True)
    mount("tmpfs", target, "tmpfs", 0, f"size={size}")


def mount_read_only(target: Path) -> None:
    """Make a folder read-only, for root too; only in a child."""
    bind, remount, read_only = 0x1000, 0x20, 0x1
    enter_private_mounts()
    mount(str(target), target, "", bind)
    mount("none", target, "", bind | remount | read_only)


@contextlib.contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder in memory, where there is such a thing: for thousands of small changes."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


def become_nobody() -> None:
    """Give up root, on whom permissions do not bind; only in a child."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
