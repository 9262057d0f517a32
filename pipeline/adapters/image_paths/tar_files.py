"""The files of a tar of images, each in quarantine: ``chunks -> TarFiles``.

The tar, plain or compressed, is read once, as it streams by, through the one decompressor and the
one parser that there are (CVE-2025-62518). Nothing is unpacked: a path is a name to look up, and
names lead nowhere but to another entry of the tar (CVE-2021-29136). So:

1. Every regular file that may be wanted goes into quarantine, whatever else there is.
2. A path that occurs twice is refused: programs differ in which one counts.
3. Links (docker saves layers as such) lead to other entries; a loop, or a way out, to none.
4. What was not used is removed at the end.

The entries are limited, as each may be a file in quarantine; the bytes are by the limits of the
decompressor. Images in files are not judged here.
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, final

from pipeline.adapters.image_paths.failures import Refused, reading, required
from pipeline.adapters.image_paths.intake import Intake, Member, check, file_request, read_file
from pipeline.adapters.image_paths.layout import blob_path
from pipeline.archive.compression import DETECTION_BYTES, Decompressor, detect_compression
from pipeline.archive.reader import Entry, TarReader
from pipeline.digest import DigestAlgorithm
from pipeline.errors import ArchiveTooLarge, CorruptArchive, ManifestMissing
from pipeline.limits import IMAGE_ARCHIVE_ENTRIES, Limits
from pipeline.oci import Descriptor
from pipeline.ports import Quarantine, Transport
from pipeline.reference import file_url
from pipeline.results import QuarantinedBlob

_LINKS: Final = 16
"""Links that are followed one after another: docker makes chains of one."""


@final
@dataclass(slots=True)
class TarFiles:
    """A tar's files; the :class:`~pipeline.adapters.image_paths.layout.LayoutFiles` of a tar."""

    url: str
    quarantine: Quarantine
    members: dict[bytes, Member]
    untrusted_links: dict[bytes, bytes]
    used: set[str] = field(default_factory=set)

    def read(self, path: str, max_bytes: int) -> bytes:
        """Return a small file's content."""
        blob = self.find(path).blob
        if blob.size > max_bytes:
            raise Refused(ArchiveTooLarge(f"bytes in its {path}", max_bytes))
        with required(self.quarantine.open(blob)) as file:
            return reading(blob, partial(file.read, max_bytes))

    def take(self, wanted: Descriptor) -> QuarantinedBlob:
        """Keep a blob, its size and digest checked."""
        member = self.find(blob_path(wanted.digest))
        check(self.url, wanted, member.blob.size, member.digest)
        return self.keep(member)

    def keep(self, member: Member) -> QuarantinedBlob:
        """Keep a file."""
        self.used.add(member.blob.key)
        return member.blob

    def find(self, untrusted_path: str) -> Member:
        """Return the file at a path, or where links lead from there."""
        path = untrusted_path.encode()
        for _ in range(_LINKS):
            if path in self.members:
                return self.members[path]
            if path not in self.untrusted_links:
                break
            path = self.untrusted_links[path]
        raise Refused(CorruptArchive(f"it has no file {untrusted_path}"))

    def drop_unused(self) -> None:
        """Remove from quarantine whatever was not kept."""
        for member in self.members.values():
            if member.blob.key not in self.used:
                member.writer.discard()


def read_tar(
    path: str,
    transport: Transport,
    quarantine: Quarantine,
    limits: Limits,
    marker: str,
    is_wanted: Callable[[bytes], bool],
) -> TarFiles:
    """Read a tar of images, of the kind that has a file ``marker`` at its root.

    ``is_wanted`` tells by a path whether a file is put into quarantine.
    """
    url = file_url(path)
    request = file_request(url, limits.image_bytes, limits)
    collector = read_file(transport, request, partial(_Collector, quarantine, limits, is_wanted))
    collector.finish()
    if marker.encode() not in collector.members:
        raise Refused(ManifestMissing(marker))
    return TarFiles(url, quarantine, collector.members, collector.untrusted_links)


@final
class _Collector:
    """Takes a tar's bytes, and puts its files into quarantine."""

    def __init__(
        self, quarantine: Quarantine, limits: Limits, is_wanted: Callable[[bytes], bool]
    ) -> None:
        self._quarantine = quarantine
        self._max_bytes = limits.archive_bytes
        self._is_wanted = is_wanted
        self._head = b""
        self._decompressor: Decompressor | None = None
        self._reader = TarReader()
        self._intake: Intake | None = None
        self._path = b""
        self._missing = 0
        self._seen: set[bytes] = set()
        self._entries = 0
        self.members: dict[bytes, Member] = {}
        self.untrusted_links: dict[bytes, bytes] = {}

    def take(self, chunk: bytes) -> None:
        if self._decompressor is not None:
            self._feed(self._decompressor, chunk)
            return
        self._head += chunk
        if len(self._head) >= DETECTION_BYTES:
            self._begin()

    def finish(self) -> None:
        decompressor = self._begin() if self._decompressor is None else self._decompressor
        required(decompressor.finish())
        required(self._reader.finish())

    def _begin(self) -> Decompressor:
        compression = required(detect_compression(self._head[:DETECTION_BYTES]))
        self._decompressor = Decompressor(compression, max_bytes=self._max_bytes)
        self._feed(self._decompressor, self._head)
        return self._decompressor

    def _feed(self, decompressor: Decompressor, chunk: bytes) -> None:
        for piece in decompressor.feed(chunk):
            for part in required(self._reader.feed(required(piece))):
                if isinstance(part, Entry):
                    self._on_entry(part)
                else:
                    self._on_data(part)

    def _on_entry(self, entry: Entry) -> None:
        self._entries += 1
        if self._entries > IMAGE_ARCHIVE_ENTRIES:
            raise Refused(ArchiveTooLarge("entries", IMAGE_ARCHIVE_ENTRIES))
        if entry.type == "directory":
            return
        # 2. Which of two counts is for each program to guess.
        if entry.path in self._seen:
            shown = entry.path[:200].decode("utf-8", "backslashreplace")
            raise Refused(CorruptArchive(f'the path "{shown}" occurs twice'))
        self._seen.add(entry.path)
        # 3. A link is a name for another entry, or for nothing.
        if entry.type in {"symlink", "hardlink"}:
            self.untrusted_links[entry.path] = _target_of(entry)
        # 1. Any file may turn out to be needed: what names it may come last.
        elif entry.type == "file" and self._is_wanted(entry.path):
            self._intake = Intake(self._quarantine, _algorithm_of(entry.path))
            self._path, self._missing = entry.path, entry.size
            self._on_data(memoryview(b""))

    def _on_data(self, part: memoryview) -> None:
        if self._intake is None:
            return
        self._intake.take(bytes(part))
        self._missing -= len(part)
        if not self._missing:
            self.members[self._path] = self._intake.finish()
            self._intake = None


def _target_of(entry: Entry) -> bytes:
    """Return the path that a link leads to; one outside of the tar is no entry's."""
    folder = posixpath.dirname(entry.path) if entry.type == "symlink" else b""
    return posixpath.normpath(posixpath.join(folder, entry.untrusted_link))


def _algorithm_of(path: bytes) -> DigestAlgorithm:
    return "sha512" if path.startswith(b"blobs/sha512/") else "sha256"
