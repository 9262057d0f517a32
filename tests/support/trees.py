"""Trees on disk as values, and what stands around a tree that must not change."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from returns.result import Result

from pipeline.adapters.output import (
    UNPRIVILEGED,
    ExtractionOptions,
    ExtractionReport,
    WriteError,
    extract_archive,
)

NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Node:
    """A file as it lies there: everything but its inode's number and when it was looked at."""

    kind: str
    mode: int
    owner: tuple[int, int]
    mtime: int
    content: bytes
    links: int
    device: int
    attributes: tuple[tuple[str, bytes], ...]


def snapshot(root: Path) -> dict[str, Node]:
    """Return everything at and below ``root``, by path; links are not followed."""
    nodes = {".": _node(root)}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            nodes[str(path.relative_to(root))] = _node(path)
    return nodes


def _node(path: Path) -> Node:
    status = path.lstat()
    content = b""
    if stat.S_ISREG(status.st_mode):
        content = path.read_bytes()
    elif stat.S_ISLNK(status.st_mode):
        content = os.fsencode(os.readlink(path))
    return Node(
        kind=stat.filemode(status.st_mode)[0],
        mode=stat.S_IMODE(status.st_mode),
        owner=(status.st_uid, status.st_gid),
        mtime=status.st_mtime_ns,
        content=content,
        links=1 if stat.S_ISDIR(status.st_mode) else status.st_nlink,
        device=status.st_rdev,
        attributes=tuple(
            (name, os.getxattr(path, name, follow_symlinks=False))
            for name in sorted(os.listxattr(path, follow_symlinks=False))
        ),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to unpack into, beside things that nobody may touch."""

    folder: Path

    @property
    def target(self) -> Path:
        """Where trees are to go."""
        return self.folder / "work" / "tree"

    @property
    def canary(self) -> Path:
        """What must not change."""
        return self.folder / "canary"

    def unpack(
        self,
        tar: bytes | BinaryIO,
        *,
        layer: bool = True,
        options: ExtractionOptions = UNPRIVILEGED,
        overwrite: bool = False,
    ) -> Result[ExtractionReport, WriteError]:
        """Unpack a tar, and see that nothing around the target changed and nothing is left."""
        return self.watch(
            lambda: extract_archive(
                BytesIO(tar) if isinstance(tar, bytes) else tar,
                self.target,
                options=options,
                kind="layer" if layer else "image",
                overwrite=overwrite,
            )
        )

    def watch(
        self, unpack: Callable[[], Result[ExtractionReport, WriteError]]
    ) -> Result[ExtractionReport, WriteError]:
        """See that nothing around the target changed by unpacking, and nothing is left."""
        before = snapshot(self.canary)
        outcome = unpack()
        assert snapshot(self.canary) == before
        assert {path.name for path in self.target.parent.iterdir()} <= {self.target.name}
        return outcome

    def refusal(self, tar: bytes, *, layer: bool = True) -> WriteError:
        """Return why a tar is refused; nothing of it may be left."""
        outcome = self.unpack(tar, layer=layer)
        assert not self.target.exists()
        return outcome.failure()

    def tree(self) -> dict[str, Node]:
        """Return what was unpacked."""
        return snapshot(self.target)


def make_place(folder: Path) -> Place:
    """Make a place in an empty folder."""
    place = Place(folder)
    place.target.parent.mkdir()
    (place.canary / "etc").mkdir(parents=True)
    (place.canary / "etc" / "passwd").write_bytes(b"root")
    (place.canary / "run").write_bytes(b"#!/bin/sh")
    (place.canary / "run").chmod(0o755)
    (place.canary / "to").symlink_to("etc")
    return place


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Be nobody in particular, to whom ``folder`` belongs; who is so already stays who they are."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(folder, NOBODY, NOBODY)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
