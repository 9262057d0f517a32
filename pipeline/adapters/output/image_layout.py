"""An image into a new folder that is an OCI image layout.

    Archive, ImageManifest -> Result[None, OutputError | ImageError | StoreError]

An archive becomes an image of one layer; an OCI image stays what it is, blob by blob.

Source: OCI image-spec v1.1.0 ``image-layout.md``. The same image makes the same bytes.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.output.failures import Refused, WriteError, attempt, required
from pipeline.adapters.output.files import NEW_FILE, write_all
from pipeline.adapters.output.folders import PRIVATE_FOLDER, names_in, open_readable
from pipeline.adapters.output.reading import Archive, OpenBytes, read_bytes, read_parts
from pipeline.adapters.output.target import drafting
from pipeline.archive.decompressing import Allowance
from pipeline.archive.layer import LayerWriter
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import NotExportable
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.manifest import ImageManifest
from pipeline.manifest.oci import LAYOUT, image_config, image_index, image_manifest
from pipeline.names import Platform
from pipeline.oci import CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Descriptor

_FILE_MODE: Final = 0o644
_FOLDER_MODE: Final = 0o755


def export_layout(
    archive: Archive,
    manifest: ImageManifest,
    target: Path,
    *,
    platform: Platform,
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Result[None, WriteError]:
    """Write an image as the OCI image layout ``target``; ``platform`` is where it says none.

    Errors: NotExportable for what an OCI image cannot say, dependencies above all; OutputExists,
    OutputUnavailable; whatever reading the archive fails with.
    """
    action = partial(_export, archive, manifest, target, platform, overwrite, limits)
    return attempt(action, target)


def export_blobs(
    blobs: Mapping[Digest, OpenBytes], index: bytes, target: Path, *, overwrite: bool = False
) -> Result[None, WriteError]:
    """Write blobs as they are, each under its digest, as a layout with that ``index``.

    Errors: OutputExists, OutputUnavailable; StoreCorrupt where a blob has another digest; what
    opening one fails with.
    """
    return attempt(partial(_export_blobs, blobs, index, target, overwrite), target)


def _export_blobs(
    blobs: Mapping[Digest, OpenBytes], index: bytes, target: Path, overwrite: bool
) -> None:
    with drafting(target, overwrite=overwrite) as draft:
        draft.make_folder()
        layout = _Layout(draft.descriptor)
        layout.begin(*{digest.algorithm for digest in blobs})
        for digest, open_blob in blobs.items():
            layout.keep_blob(digest, read_bytes(Archive(open_blob, digest)))
        layout.end(index)
        draft.publish_folder()


def _export(
    archive: Archive,
    manifest: ImageManifest,
    target: Path,
    platform: Platform,
    overwrite: bool,
    limits: Limits,
) -> None:
    if manifest.dependencies:
        raise Refused(NotExportable("it depends on other images, which its layer would lack"))
    with drafting(target, overwrite=overwrite) as draft:
        draft.make_folder()
        layout = _Layout(draft.descriptor)
        layout.begin("sha256")
        layer = layout.add_layer(archive, limits)
        config = image_config(manifest, platform, layer.digest)
        if not is_successful(config):
            raise Refused(NotExportable(config.failure()))
        described = layout.add_blob(CONFIG_TYPE, config.unwrap())
        document = image_manifest(manifest, described, layer)
        image = layout.add_blob(MANIFEST_TYPE, document)
        layout.end(image_index(manifest, platform, image))
        draft.publish_folder()


@final
@dataclass(frozen=True, slots=True)
class _Layout:
    """A layout in a folder that is its maker's alone until the end."""

    root: int

    def begin(self, *algorithms: DigestAlgorithm) -> None:
        os.mkdir(b"blobs", PRIVATE_FOLDER, dir_fd=self.root)
        for algorithm in algorithms:
            os.mkdir(f"blobs/{algorithm}", PRIVATE_FOLDER, dir_fd=self.root)

    def add_layer(self, archive: Archive, limits: Limits) -> Descriptor:
        writer, hasher, size = LayerWriter(archive.selection), hashlib.sha256(), 0
        descriptor = os.open(b"layer", NEW_FILE, _FILE_MODE, dir_fd=self.root)
        try:
            for part in read_parts(archive, limits, Allowance(limits)):
                piece = required(writer.take(part))
                hasher.update(piece)
                write_all(descriptor, memoryview(piece))
                size += len(piece)
            end = writer.finish()
            hasher.update(end)
            write_all(descriptor, memoryview(end))
            os.fchmod(descriptor, _FILE_MODE)
        finally:
            os.close(descriptor)
        digest = Digest("sha256", hasher.hexdigest())
        os.rename(b"layer", _blob_path(digest), src_dir_fd=self.root, dst_dir_fd=self.root)
        return Descriptor(LAYER_TYPE, digest, size + len(end))

    def add_blob(self, media_type: str, content: bytes) -> Descriptor:
        digest = Digest("sha256", hashlib.sha256(content).hexdigest())
        self.keep_blob(digest, (content,))
        return Descriptor(media_type, digest, len(content))

    def keep_blob(self, digest: Digest, chunks: Iterable[bytes]) -> None:
        self._write(_blob_path(digest), chunks)

    def end(self, index: bytes) -> None:
        self._write(b"index.json", (index,))
        self._write(b"oci-layout", (LAYOUT,))
        blobs = open_readable(b"blobs", self.root)
        try:
            for name in names_in(blobs):
                os.chmod(name, _FOLDER_MODE, dir_fd=blobs)
            os.fchmod(blobs, _FOLDER_MODE)
        finally:
            os.close(blobs)
        os.fchmod(self.root, _FOLDER_MODE)

    def _write(self, path: bytes, chunks: Iterable[bytes]) -> None:
        descriptor = os.open(path, NEW_FILE, _FILE_MODE, dir_fd=self.root)
        try:
            for chunk in chunks:
                write_all(descriptor, memoryview(chunk))
            os.fchmod(descriptor, _FILE_MODE)
        finally:
            os.close(descriptor)


def _blob_path(digest: Digest) -> bytes:
    return f"blobs/{digest.algorithm}/{digest.hex}".encode()
