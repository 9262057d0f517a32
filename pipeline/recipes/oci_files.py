"""Stored OCI images as files: rendered, exported as they are, or converted into archives.

    Stored -> Result[…, PipelineError]

An image is its manifest; everything else is read by the digests in it: its configuration, each
layer, what each layer unpacks to. Nothing gets its name before all of that was compared.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.output import (
    Archive,
    ExtractionOptions,
    ExtractionReport,
    export_blobs,
    export_chunks,
    extract_archives,
)
from pipeline.archive.conversion import Conversion, docker_source, plan_conversion
from pipeline.archive.decompressing import LayerIdentity
from pipeline.archive.scanner import MANIFEST_PATH, ROOTFS_PATH
from pipeline.archive.selection import Below
from pipeline.archive.squash import layers_of
from pipeline.archive.tar_writer import END_OF_ARCHIVE, padding, plain_header
from pipeline.digest import Digest
from pipeline.errors import (
    InvalidDocument,
    PipelineError,
    StoreCorrupt,
    StoreError,
    StoreUnavailable,
    document_error,
)
from pipeline.limits import CONFIG_BYTES, MANIFEST_BYTES, Limits
from pipeline.manifest.oci import index_of
from pipeline.oci import (
    CONFIG_TYPES,
    Descriptor,
    OciConfig,
    OciManifest,
    OciPlatform,
)
from pipeline.oci.config import parse_config
from pipeline.oci.documents import parse_document
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import ManifestProof, OciImage, Stored

OpenBlob: TypeAlias = Callable[[Digest], Result[BinaryIO, StoreError]]
"""Opens anything that a stored image is made of, an archive too; whoever reads it closes it."""

_DOCKER: Final = "docker://"


@final
@dataclass(frozen=True, slots=True)
class OciFiles:
    """Writes stored OCI images to places outside of the store."""

    open_blob: OpenBlob
    limits: Limits

    def convert(self, image: Stored) -> Result[Conversion, PipelineError]:
        """Plan the archive that fetching the image as one would have stored.

        Errors: as :func:`~pipeline.archive.conversion.plan_conversion`; StoreCorrupt.
        """
        read = self._read(image)
        if not is_successful(read):
            return Failure(read.failure())
        found, reference = read.unwrap(), _reference_of(image)
        source = docker_source(found, image.image_id, reference)
        return plan_conversion(found, source, self.open_blob, self.limits)

    def chunks(self, image: Stored) -> Iterator[Result[bytes, PipelineError]]:
        """Give the bytes of the archive; a Failure is the last value."""
        planned = self.convert(image)
        if not is_successful(planned):
            yield Failure(planned.failure())
            return
        yield from planned.unwrap().chunks()

    def export(
        self, image: Stored, target: Path, *, overwrite: bool
    ) -> Result[None, PipelineError]:
        """Write the archive to a file.

        Errors: OutputExists, OutputUnavailable; as :meth:`convert`.
        """
        planned = self.convert(image)
        if not is_successful(planned):
            return Failure(planned.failure())
        return export_chunks(planned.unwrap().chunks(), target, overwrite=overwrite)

    def export_layout(
        self, image: Stored, target: Path, *, overwrite: bool
    ) -> Result[None, PipelineError]:
        """Write the very blobs of the image as an OCI image layout; its tag names it there.

        Errors: OutputExists, OutputUnavailable; StoreError.
        """
        read = self._read(image)
        if not is_successful(read):
            return Failure(read.failure())
        found = read.unwrap()
        described = Descriptor(found.manifest.media_type, image.image_id, len(found.raw))
        digests = (*(each.digest for each in found.manifest.blobs), image.image_id)
        return export_blobs(
            {digest: partial(self.open_blob, digest) for digest in digests},
            index_of(described, found.config.platform, image.labels.get("version")),
            target,
            overwrite=overwrite,
        )

    def render(
        self,
        image: Stored,
        target: Path,
        *,
        rootfs_only: bool,
        options: ExtractionOptions,
        overwrite: bool,
    ) -> Result[ExtractionReport, PipelineError]:
        """Unpack all layers over each other into ``rootfs/``, the manifest beside it.

        Errors: OutputExists, OutputUnavailable; ImageError; StoreError.
        """
        read = self._read(image)
        if not is_successful(read):
            return Failure(read.failure())
        found = read.unwrap()
        layers = layers_of(found, self.open_blob)
        if not is_successful(layers):
            return Failure(layers.failure())
        placement = Below(b"" if rootfs_only else ROOTFS_PATH)
        archives = (
            Archive(layer.open, blob.digest, placement, "layer", LayerIdentity(number, diff_id))
            for number, (layer, blob, diff_id) in enumerate(
                zip(layers.unwrap(), found.manifest.layers, found.config.diff_ids, strict=True), 1
            )
        )
        outside = () if rootfs_only else (_outside(found.raw),)
        return extract_archives(
            (*outside, *archives), target, options=options, overwrite=overwrite, limits=self.limits
        )

    def _read(self, image: Stored) -> Result[OciImage, PipelineError]:
        """Read the documents, each compared with the digest that names it."""
        raw = self._document(image.image_id, MANIFEST_BYTES)
        if not is_successful(raw):
            return Failure(raw.failure())
        parsed = parse_document(raw.unwrap(), image.media_type)
        if not is_successful(parsed):
            return Failure(document_error("manifest", parsed.failure()))
        manifest = parsed.unwrap()
        if not isinstance(manifest, OciManifest):
            return Failure(InvalidDocument("manifest", "$", "got an index, wanted one image"))
        content = self._document(manifest.config.digest, CONFIG_BYTES)
        if not is_successful(content):
            return Failure(content.failure())
        config = OciConfig(OciPlatform("", ""), (), content.unwrap())
        if manifest.config.media_type in CONFIG_TYPES:
            checked = parse_config(content.unwrap())
            if not is_successful(checked):
                return Failure(document_error("configuration", checked.failure()))
            config = checked.unwrap()
        return Success(OciImage(image.name, image.labels, manifest, config))

    def _document(self, digest: Digest, limit: int) -> Result[bytes, StoreError]:
        opened = self.open_blob(digest)
        if not is_successful(opened):
            return Failure(opened.failure())
        with opened.unwrap() as file:
            try:
                content = file.read(limit + 1)
            except OSError as error:
                return Failure(StoreUnavailable(str(digest), "read", error.strerror or str(error)))
        # A longer one than was let in has another digest, too.
        if hashlib.new(digest.algorithm, content).hexdigest() != digest.hex:
            return Failure(StoreCorrupt(str(digest), "its content has another digest"))
        return Success(content)


def _outside(manifest: bytes) -> Archive:
    """Return what stands in a rendered image beside the layers, as an archive below them."""
    file = plain_header(MANIFEST_PATH, "file", size=len(manifest)) + manifest
    folder = plain_header(ROOTFS_PATH + b"/", "directory")
    tar = b"".join((file, padding(len(manifest)), folder, END_OF_ARCHIVE))
    return Archive(lambda: Success(io.BytesIO(tar)))


def _reference_of(image: Stored) -> DockerReference | None:
    """Return what the image was asked for by, in a registry; None where it came from files.

    None, too, where nothing was asked under the name that it has here. Of an image that nobody
    proved, only the store's own note says where it is from.
    """
    proof = image.provenance
    judged = proof.evidence.reference if isinstance(proof, ManifestProof) else ""
    for text in (judged, image.source.partition("#")[0]):
        parsed = parse_docker_reference(text.removeprefix(_DOCKER))
        if not text.startswith(_DOCKER) or not is_successful(parsed):
            continue
        if parsed.unwrap().image_name == image.name:
            return parsed.unwrap()
    return None
