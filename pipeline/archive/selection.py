"""Which entries of an archive go where: all of it, its rootfs alone, or what white lists name.

An OCI layer goes below a folder, whole: what is called ``manifest`` in it is any file.

Shape: ``bytes -> bytes | None``, an entry's path and its place, or None for what is left out. Pure.

Source: appc/spec v0.8.11 ``spec/aci.md`` "Image Manifest Schema" (``pathWhitelist``: every path
of the assembled rootfs; a folder's own name says nothing of what is in it).
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Protocol, final

from pipeline.archive.scanner import MANIFEST_PATH, ROOTFS_PATH


@final
@dataclass(frozen=True, slots=True)
class Whitelist:
    """Paths below the rootfs, normalized and sorted, without a leading slash."""

    paths: tuple[bytes, ...]

    def has(self, path: bytes, *, is_folder: bool) -> bool:
        """Tell whether a path below the rootfs is named; a folder on the way to one is, too.

        Without the latter, which rkt leaves out, such a folder would lose mode and owner.

        >>> Whitelist((b"bin/sh", b"etc")).has(b"bin", is_folder=True)
        True
        >>> Whitelist((b"bin/sh", b"etc")).has(b"etc/passwd", is_folder=False)
        False
        """
        position = bisect_left(self.paths, path)
        if position < len(self.paths) and self.paths[position] == path:
            return True
        below = bisect_left(self.paths, path + b"/")
        return (
            is_folder
            and self.paths[below : below + 1] != ()
            and self.paths[below].startswith(path + b"/")
        )


def make_whitelist(untrusted_paths: tuple[str, ...]) -> Whitelist:
    """Return a manifest's ``pathWhitelist``; what leads upwards or nowhere names nothing.

    >>> make_whitelist(("/etc/", "bin//sh", "/../x")).paths
    (b'bin/sh', b'etc')
    """
    paths: set[bytes] = set()
    for text in untrusted_paths:
        names = [name for name in text.encode().split(b"/") if name not in {b"", b"."}]
        if b".." not in names:
            paths.add(b"/".join(names))
    return Whitelist(tuple(sorted(paths)))


class Placement(Protocol):
    """Where entries of one archive go."""

    def place(self, path: bytes, *, is_folder: bool) -> bytes | None:
        """Return where an entry goes, the root being ``b""``; None where it is left out."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Selection:
    """What is taken of an image's archive.

    ``rootfs_only`` takes the rootfs' content, without ``rootfs/`` before it; ``manifest`` says
    whether the manifest is taken where it is not. Every one of ``whitelists`` must have a path.
    """

    rootfs_only: bool = False
    manifest: bool = True
    whitelists: tuple[Whitelist, ...] = field(default=())

    def place(self, path: bytes, *, is_folder: bool) -> bytes | None:
        """Return where an entry goes, the root being ``b""``; None where it is left out."""
        if path == MANIFEST_PATH:
            return path if self.manifest and not self.rootfs_only else None
        if not path:
            return None if self.rootfs_only else path
        inside = path[len(ROOTFS_PATH) + 1 :]
        if (
            self.whitelists
            and inside
            and not all(each.has(inside, is_folder=is_folder) for each in self.whitelists)
        ):
            return None
        return inside if self.rootfs_only else path


@final
@dataclass(frozen=True, slots=True)
class Below:
    """All of an archive that is no image, below one folder; ``b""`` is the root itself.

    >>> Below(b"rootfs").place(b"bin", is_folder=True), Below(b"").place(b"bin", is_folder=True)
    (b'rootfs/bin', b'bin')
    """

    folder: bytes

    def place(self, path: bytes, *, is_folder: bool) -> bytes | None:  # noqa: ARG002 - all go
        """Return where an entry goes, a folder or not; the archive's own root is the folder."""
        return b"/".join(filter(None, (self.folder, path)))


EVERYTHING = Selection()
"""A whole archive as it is."""
