"""An OCI image as an App Container Image: its manifest and all layers, in one archive. Pure.

    plan_conversion: OciImage, … -> Result[Conversion, ImageError | StoreError]

The archive has ``manifest`` and, in the order of :mod:`pipeline.archive.squash`, what is left of
the layers in ``rootfs/``. Where ``/dev/stdin``, ``stdout``, ``stderr`` or ``fd`` are missing, links
to ``/proc`` stand for them at the end, as docker makes them in each container; they are not made
where ``/dev`` is no folder. Times and owners that nobody speaks of are 0. The same image makes the
same bytes, on any machine.

What comes out is read by the very scanner that reads archives when they are fetched, on its way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.scanner import MANIFEST_PATH, ROOTFS_PATH, ArchiveScanner
from pipeline.archive.squash import Squash, SquashError, layers_of, plan_squash
from pipeline.archive.squashed_tree import Folder, SquashedTree
from pipeline.archive.tar_writer import END_OF_ARCHIVE, padding, plain_header
from pipeline.digest import Digest
from pipeline.errors import ArchiveTooLarge, InvalidManifest, NotExportable, StoreError
from pipeline.limits import CHUNK_BYTES, Limits
from pipeline.manifest import ImageManifest, parse_manifest
from pipeline.manifest.docker import DockerSource, docker_manifest
from pipeline.reference import DockerReference, Reference
from pipeline.results import OciImage

ConversionError: TypeAlias = SquashError
"""What can be wrong with an image that is to be an archive, and with reading its layers."""

_DEVICES: Final = b"dev"
_STANDARD_LINKS: Final = {
    b"fd": b"/proc/self/fd",
    b"stderr": b"/proc/self/fd/2",
    b"stdin": b"/proc/self/fd/0",
    b"stdout": b"/proc/self/fd/1",
}


@final
@dataclass(frozen=True, slots=True)
class Conversion:
    """An archive that can be made: its manifest, and what is left of the layers."""

    manifest: ImageManifest
    squash: Squash
    limits: Limits

    def chunks(self) -> Iterator[Result[bytes, ConversionError]]:
        """Give the archive's bytes, in chunks of CHUNK_BYTES at least, but for the last.

        Errors: a Failure is the last value: what reading the layers fails with, ArchiveTooLarge
        where the archive is, and whatever its scanner finds.
        """
        scanner, total = ArchiveScanner(manifest_only=True), 0
        for chunk in _gathered(self._pieces()):
            if not is_successful(chunk):
                yield chunk
                return
            total += len(chunk.unwrap())
            if total > self.limits.archive_bytes:
                yield Failure(ArchiveTooLarge("bytes", self.limits.archive_bytes))
                return
            scanned = scanner.feed(chunk.unwrap())
            if not is_successful(scanned):
                yield Failure(scanned.failure())
                return
            yield chunk
        ended = scanner.finish()
        if not is_successful(ended):
            yield Failure(ended.failure())

    def _pieces(self) -> Iterator[Result[bytes | memoryview, ConversionError]]:
        raw = self.manifest.raw
        yield Success(plain_header(MANIFEST_PATH, "file", size=len(raw)) + raw + padding(len(raw)))
        yield from self.squash.chunks(ROOTFS_PATH)
        for name in _missing_links(self.squash.tree):
            path = b"/".join((ROOTFS_PATH, _DEVICES, name))
            yield Success(plain_header(path, "symlink", link=_STANDARD_LINKS[name]))
        yield Success(END_OF_ARCHIVE)


def plan_conversion(
    image: OciImage,
    source: DockerSource,
    open_blob: Callable[[Digest], Result[BinaryIO, StoreError]],
    limits: Limits,
) -> Result[Conversion, ConversionError]:
    """Make the manifest, and read all layers once.

    Errors: NotExportable for an artifact, and for what appc cannot say; InvalidDocument,
    InvalidManifest; what reading the layers fails with.
    """
    layers = layers_of(image, open_blob)
    if not is_successful(layers):
        return Failure(layers.failure())
    made = docker_manifest(image.name, image.labels, source, image.config.raw)
    if not is_successful(made):
        return Failure(NotExportable(made.failure()))
    parsed = parse_manifest(made.unwrap())
    if not is_successful(parsed):
        return Failure(InvalidManifest(parsed.failure().path, parsed.failure().reason))
    planned = plan_squash(layers.unwrap(), limits)
    return planned.map(lambda squash: Conversion(parsed.unwrap(), squash, limits))


def docker_source(image: OciImage, image_id: Digest, reference: Reference | None) -> DockerSource:
    """Return where an image is from; ``reference`` is what was asked for, where that is known.

    What lies in files is from nowhere: the archive must not depend on where they lay.
    """
    host, repository = (
        (reference.host, reference.repository)
        if isinstance(reference, DockerReference)
        else ("", "")
    )
    config, tag = image.manifest.config.digest, image.labels.get("version")
    return DockerSource(host, repository, tag, image_id, config)


def _missing_links(tree: SquashedTree) -> tuple[bytes, ...]:
    folder = tree.at(_DEVICES)
    if folder is None:
        return tuple(_STANDARD_LINKS)
    if not isinstance(folder, Folder):
        return ()
    return tuple(name for name in _STANDARD_LINKS if name not in folder.inside)


def _gathered(
    pieces: Iterator[Result[bytes | memoryview, ConversionError]],
) -> Iterator[Result[bytes, ConversionError]]:
    """Join pieces, most of which are headers, into chunks that are worth a call."""
    waiting = bytearray()
    for piece in pieces:
        if not is_successful(piece):
            yield Failure(piece.failure())
            return
        waiting += piece.unwrap()
        if len(waiting) >= CHUNK_BYTES:
            yield Success(bytes(waiting))
            waiting.clear()
    yield Success(bytes(waiting))
