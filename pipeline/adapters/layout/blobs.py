"""Where what images are made of lies: ``blobs/<algorithm>/<hex>``.

Source: OCI image-spec v1.1.0 ``image-layout.md`` "Blobs". The digest in the name is that of the
content, which whoever places a blob has computed; here only the size is compared.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from pipeline.adapters.layout.filesystem import Filesystem, drop_file, make_folders, sync_path
from pipeline.digest import HEX_LENGTH, Digest


@final
@dataclass(frozen=True, slots=True)
class Blob:
    """A file that an image is made of: an archive, a manifest, a configuration, a layer."""

    digest: Digest
    size: int


def name_of(root: Path, digest: Digest) -> str:
    """Return a blob's path as a text; a digest's hex digits are safe in one."""
    return f"{root}/blobs/{digest.algorithm}/{digest.hex}"


def folders_of(root: Path) -> tuple[Path, ...]:
    """Return where blobs lie, a folder an algorithm, whether or not they are there."""
    return tuple(root / "blobs" / algorithm for algorithm in HEX_LENGTH)


def is_whole(path: str | Path, size: int) -> bool:
    """Tell whether a regular file of exactly ``size`` bytes is there; no link is followed."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def place(filesystem: Filesystem, moves: Iterable[tuple[Path, Path]]) -> None:
    """Give durable files of the same file system their places as blobs, durably."""
    folders = set()
    for source, target in moves:
        make_folders(filesystem, target.parent)
        filesystem.rename(source, target)
        folders.add(target.parent)
    for folder in sorted(folders):
        sync_path(filesystem, folder)


def drop(filesystem: Filesystem, paths: Iterable[Path]) -> None:
    """Remove blobs, or records, durably, in this order; what is not there is gone already."""
    folders = {path.parent for path in paths if drop_file(filesystem, path)}
    for folder in sorted(folders):
        sync_path(filesystem, folder)
