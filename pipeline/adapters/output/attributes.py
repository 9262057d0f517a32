"""Modes, times, owners and extended attributes, set by descriptor and never through a link.

What an unprivileged user cannot have, or nobody should get unasked, is left out and counted:
setuid and setgid bits, other people's ownership, attributes outside ``user.``. The sticky bit is
kept: without it, anybody could remove what others put into ``/tmp`` of the tree. Calls raise
``OSError``, and :class:`~pipeline.adapters.output.failures.Refused` for what is no mode or time.
"""

import errno
import os
import stat
from dataclasses import dataclass, field
from typing import Final, final

from pipeline.adapters.output.failures import required
from pipeline.archive.metadata import extended_attributes, parse_mode, parse_mtime, parse_owner
from pipeline.archive.reader import Entry

_SET_IDS: Final = stat.S_ISUID | stat.S_ISGID
_USER_ATTRIBUTE: Final = b"user."
_CAPABILITY: Final = b"security.capability"
_LABELS: Final = (b"SCHILY.acl.", b"RHT.security.")
# What file systems and the kernel say of attributes that they do not take, or not from this user.
_NOT_TAKEN: Final = frozenset(
    {
        errno.E2BIG,
        errno.EACCES,
        errno.EINVAL,
        errno.ENOSPC,
        errno.ENOTSUP,
        errno.EPERM,
        errno.ERANGE,
    }
)


@final
@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that the archive has and the tree has not: how often, and the first path."""

    what: str
    count: int
    first: bytes


@final
@dataclass(slots=True)
class Tally:
    """Counts what is left out, by kind."""

    found: dict[str, LeftOut] = field(default_factory=dict)

    def add(self, what: str, path: bytes) -> None:
        """Count one more of a kind."""
        earlier = self.found.get(what)
        first = path if earlier is None else earlier.first
        self.found[what] = LeftOut(what, 1 if earlier is None else earlier.count + 1, first)


@final
@dataclass(frozen=True, slots=True)
class AttributeWriter:
    """Sets what an entry says of a file that was just made."""

    same_owner: bool
    setuid: bool
    tally: Tally
    effective: tuple[int, int] = field(default_factory=lambda: (os.geteuid(), os.getegid()))

    def complete(self, descriptor: int, entry: Entry) -> None:
        """Set everything on an open file, which must be its maker's alone until then."""
        self.begin(descriptor, entry)
        os.fchmod(descriptor, self.mode(entry))
        mtime = required(parse_mtime(entry))
        os.utime(descriptor, ns=(mtime, mtime))

    def begin(self, descriptor: int, entry: Entry) -> None:
        """Set the owner, which takes capabilities away, then the extended attributes."""
        if self._chowns(entry):
            os.fchown(descriptor, *required(parse_owner(entry)))
        if not entry.records:
            return
        for name, value in extended_attributes(entry):
            if not self._set_attribute(descriptor, name, value):
                self.tally.add("extended attributes", entry.path)
        if any(key.startswith(_LABELS) for key in entry.records):
            self.tally.add("access control lists and labels", entry.path)

    def mode(self, entry: Entry) -> int:
        """Return the mode that the file gets."""
        mode = required(parse_mode(entry))
        if mode & _SET_IDS and not self.setuid:
            self.tally.add("setuid and setgid bits", entry.path)
            return mode & ~_SET_IDS
        return mode

    def complete_unopened(self, name: bytes, parent: int, entry: Entry) -> None:
        """Set owner and time of a symbolic link or device, which cannot be opened."""
        if self._chowns(entry):
            uid, gid = required(parse_owner(entry))
            os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        if extended_attributes(entry):
            self.tally.add("extended attributes", entry.path)
        if entry.type != "symlink":
            handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            try:
                os.chmod(f"/proc/self/fd/{handle}", self.mode(entry))  # noqa: PTH101 - no path
            finally:
                os.close(handle)
        mtime = required(parse_mtime(entry))
        os.utime(name, ns=(mtime, mtime), dir_fd=parent, follow_symlinks=False)

    def _chowns(self, entry: Entry) -> bool:
        """Tell whether the entry's owner is set; where it is another's and is not, count it."""
        if self.same_owner:
            return True
        if parse_owner(entry).value_or(None) != self.effective:
            self.tally.add("owners", entry.path)
        return False

    def _set_attribute(self, descriptor: int, name: bytes, value: bytes) -> bool:
        # A capability makes whoever runs the file more than they are, as setuid does.
        allowed = name.startswith(_USER_ATTRIBUTE) or (name == _CAPABILITY and self.setuid)
        if not allowed or b"\0" in name:
            return False
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            if error.errno not in _NOT_TAKEN:
                raise
            return False
        return True


def drop_attributes(descriptor: int) -> None:
    """Remove the attributes that an earlier entry gave; a later one replaces them all."""
    try:
        names = os.listxattr(descriptor)
    except OSError as error:
        if error.errno not in _NOT_TAKEN:
            raise
        return
    for name in names:
        if name.startswith(_USER_ATTRIBUTE.decode()):
            os.removexattr(descriptor, name)
