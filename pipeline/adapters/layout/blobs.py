"""Where an image's archive lies: ``blobs/<algorithm>/<hex>``.

Source: OCI image-spec v1.1.0 ``image-layout.md`` "Blobs". The digest in the name is that of the
content, which whoever places a blob has computed; here only the size is compared.
"""

import os
import stat
from pathlib import Path

from pipeline.adapters.layout.filesystem import Filesystem, drop_file, make_folders, sync_path
from pipeline.digest import Digest


def name_of(root: Path, image_id: Digest) -> str:
    """Return a blob's path as a text; a digest's hex digits are safe in one."""
    return f"{root}/blobs/{image_id.algorithm}/{image_id.hex}"


def folder_of(root: Path) -> Path:
    """Return where the archives lie."""
    return root / "blobs" / "sha512"


def is_whole(path: str | Path, size: int) -> bool:
    """Tell whether a regular file of exactly ``size`` bytes is there; no link is followed."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def place(filesystem: Filesystem, source: Path, target: Path) -> None:
    """Give a durable file of the same file system its place as a blob, durably."""
    make_folders(filesystem, target.parent)
    filesystem.rename(source, target)
    sync_path(filesystem, target.parent)


def drop(filesystem: Filesystem, path: Path) -> bool:
    """Remove a blob, or a record, durably; False where there is none."""
    if not drop_file(filesystem, path):
        return False
    sync_path(filesystem, path.parent)
    return True
