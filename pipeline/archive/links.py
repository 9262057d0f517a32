"""Where a path leads in a tree of names, once the links on its way are followed. Pure.

    follow: path -> Result[bytes, CorruptArchive | ArchiveTooLarge]

As in a container whose root is the tree, and as umoci does it: an absolute target begins at the
root again, ``..`` at the root stays there, what is not there stands for itself. So no path leads
out, whatever links say; and nothing of the machine's own files is asked.

The work for one path is bounded twice: by the links that are followed, so that a circle ends, and
by the names that are looked at, those of targets and ``..`` too.
"""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from returns.result import Failure, Result, Success

from pipeline.errors import ArchiveTooLarge, CorruptArchive
from pipeline.limits import ARCHIVE_PATH_SEGMENTS, LINKS_FOLLOWED

Place = TypeVar("Place")

LinkError: TypeAlias = CorruptArchive | ArchiveTooLarge
"""What can be wrong with links on a path's way."""


def follow(
    path: bytes, root: Place, step: Callable[[Place, bytes], Place | bytes]
) -> Result[bytes, LinkError]:
    """Return the path that has no link on its way, the last name being followed, too.

    ``step`` goes from a place to what has a name there: another place, be anything there or not,
    or a link's target as ``bytes``.

    Errors: CorruptArchive beyond LINKS_FOLLOWED; ArchiveTooLarge beyond ARCHIVE_PATH_SEGMENTS.

    >>> links = {"lib": b"usr/lib", "usr/lib/up": b"../../../lib/x"}
    >>> def step(place: str, name: bytes) -> str | bytes:
    ...     below = f"{place}/{name.decode()}".lstrip("/")
    ...     return links.get(below, below)
    >>> follow(b"lib/up/y", "", step).unwrap()
    b'usr/lib/x/y'
    """
    names: list[bytes] = []
    places = [root]
    waiting = path.split(b"/")[::-1]
    count, followed = len(waiting), 0
    while waiting:
        name = waiting.pop()
        if name in {b"", b"."}:
            continue
        if name == b"..":
            if names:
                names.pop()
                places.pop()
            continue
        found = step(places[-1], name)
        if not isinstance(found, bytes):
            names.append(name)
            places.append(found)
            continue
        followed += 1
        if followed > LINKS_FOLLOWED:
            shown = path[:200].decode("utf-8", "backslashreplace")
            reason = f'"{shown}" leads through more than {LINKS_FOLLOWED} links, or in a circle'
            return Failure(CorruptArchive(reason))
        more = found.split(b"/")
        count += len(more)
        if count > ARCHIVE_PATH_SEGMENTS:
            return Failure(ArchiveTooLarge("names on one way", ARCHIVE_PATH_SEGMENTS))
        if found.startswith(b"/"):
            names.clear()
            del places[1:]
        waiting.extend(more[::-1])
    return Success(b"/".join(names))
