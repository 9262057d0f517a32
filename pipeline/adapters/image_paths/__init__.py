"""Images in files, the way over an air gap: ``oci:``, ``oci-archive:``, ``docker-archive:``.

    ImagePathPlace -> Result[LoadedImage, ImageError | OnePlaceError | StoreError]

An :class:`~pipeline.ports.ImagePathReader`. Files are read through a transport for ``file:`` URLs;
a tar is read once, as it streams by. Who may vouch for an image is not judged here.

Sources: skopeo's ``containers-transports.5``; OCI image-spec v1.1.0 ``image-layout.md``; moby
``image/spec/v1.2.md``.
"""

from functools import partial
from typing import assert_never, final

from returns.result import Result

from pipeline.adapters.image_paths.docker_archive import LIST_PATH, load_docker_archive
from pipeline.adapters.image_paths.failures import LoadError, attempt
from pipeline.adapters.image_paths.folder import FolderFiles
from pipeline.adapters.image_paths.layout import INDEX_PATH, VERSION_PATH, load_layout
from pipeline.adapters.image_paths.tar_files import read_tar
from pipeline.limits import Limits
from pipeline.ports import Quarantine, Transport
from pipeline.results import ImagePathPlace, LoadedImage

_LAYOUT_FILES = frozenset({INDEX_PATH.encode(), VERSION_PATH.encode()})


@final
class ImagePathFiles:
    """Loads images from files."""

    def __init__(self, files: Transport) -> None:
        """Take a transport for ``file:`` URLs."""
        self._files = files

    def load(
        self, place: ImagePathPlace, quarantine: Quarantine, limits: Limits
    ) -> Result[LoadedImage, LoadError]:
        """Copy an image into quarantine, every digest and size checked on the way.

        Errors: NoSuchImage, PlatformNotFound; InvalidDocument, UnsupportedManifest, DiffIDMismatch;
        NotAnImage, CorruptArchive, ArchiveTooLarge; DigestMismatch, BlobSizeMismatch; what the
        transport and the quarantine fail with.
        """
        return attempt(partial(self._load, place, quarantine, limits))

    def _load(self, place: ImagePathPlace, quarantine: Quarantine, limits: Limits) -> LoadedImage:
        kind, path = place.reference.kind, place.reference.path
        if kind == "oci":
            folder = FolderFiles(path, self._files, quarantine, limits)
            return load_layout(folder, place, quarantine, limits)
        if kind == "oci-archive":
            tar = read_tar(path, self._files, quarantine, limits, VERSION_PATH, _is_of_layout)
            loaded = load_layout(tar, place, quarantine, limits)
        elif kind == "docker-archive":
            tar = read_tar(path, self._files, quarantine, limits, LIST_PATH, _is_any)
            loaded = load_docker_archive(tar, place, quarantine, limits)
        else:
            assert_never(kind)
        tar.drop_unused()
        return loaded


def _is_of_layout(path: bytes) -> bool:
    return path in _LAYOUT_FILES or path.startswith(b"blobs/")


def _is_any(path: bytes) -> bool:  # noqa: ARG001 - docker has layers under any name
    return True


__all__ = ["ImagePathFiles"]
