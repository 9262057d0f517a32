"""A new name in a folder: what is written has another until it is whole.

A draft is made beside the name, and takes its place by a rename; whatever ends the block before
that, the draft is removed. A process that is killed leaves it, as ``.NAME.XXXXXXXX.part``. Calls
raise ``OSError``, and :class:`~pipeline.adapters.output.failures.Refused`.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, final

from pipeline.adapters.output.failures import Refused
from pipeline.adapters.output.files import NEW_FILE
from pipeline.adapters.output.folders import PRIVATE_FOLDER, open_readable, remove
from pipeline.errors import OutputExists, OutputUnavailable

_NEW_FILE_MODE: Final = 0o666
_SHOWN_BYTES: Final = 200  # so that a draft's name is never longer than a name may be


@final
class Draft:
    """Something that is on its way to a name; ``descriptor`` is what is written to."""

    __slots__ = ("_folder", "_is_made", "_name", "_overwrite", "_target", "descriptor", "name")

    def __init__(self, target: Path, folder: int, *, overwrite: bool) -> None:
        """Refuse a name that is taken, unless it may be."""
        self._target = target
        self._folder = folder
        self._name = os.fsencode(target.name)
        self._overwrite = overwrite
        self.name: bytes = b".%b.%b.part" % (
            self._name[:_SHOWN_BYTES],
            secrets.token_hex(4).encode(),
        )
        self._is_made = False
        self.descriptor: int = -1
        self._check()

    def make_folder(self) -> None:
        """Make the draft a folder that is its maker's alone."""
        os.mkdir(self.name, PRIVATE_FOLDER, dir_fd=self._folder)
        self._is_made = True
        self.descriptor = open_readable(self.name, self._folder)

    def make_file(self) -> None:
        """Make the draft a file."""
        self.descriptor = os.open(self.name, NEW_FILE, _NEW_FILE_MODE, dir_fd=self._folder)
        self._is_made = True

    def publish_file(self) -> None:
        """Give the draft its name, in place of another file that may have it."""
        self._check()
        self._rename(self.name, self._name)

    def publish_folder(self) -> None:
        """Give the draft its name; what had it goes, once the draft is there."""
        if not self._check():
            self._rename(self.name, self._name)
            return
        old = self.name[: -len(b"part")] + b"old"
        self._rename(self._name, old)
        is_placed = False
        try:
            self._rename(self.name, self._name)
            is_placed = True
        finally:
            if not is_placed:
                self._rename(old, self._name)
        remove(old, self._folder)

    def discard(self) -> None:
        """Close the draft, and remove it where it was not published."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        if self._is_made:
            with suppress(FileNotFoundError):
                remove(self.name, self._folder)

    def _check(self) -> bool:
        """Tell whether the name is taken; refuse where it may not be."""
        try:
            os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if not self._overwrite:
            raise Refused(OutputExists(str(self._target)))
        return True

    def _rename(self, source: bytes, target: bytes) -> None:
        os.rename(source, target, src_dir_fd=self._folder, dst_dir_fd=self._folder)


@contextmanager
def drafting(target: Path, *, overwrite: bool) -> Iterator[Draft]:
    """Begin a draft for ``target``, whose folder must exist, and discard it at the end."""
    if target.name in {"", ".."}:
        raise Refused(OutputUnavailable(str(target), "wanted the name of something to make"))
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        draft = Draft(target, folder, overwrite=overwrite)
        try:
            yield draft
        finally:
            draft.discard()
    finally:
        os.close(folder)
