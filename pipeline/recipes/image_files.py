"""Stored images as files: exported, extracted, or rendered with what they depend on.

    Stored -> Result[…, PipelineError]

An image leaves the store as it is served: on the proof that is demanded now. The caller has had
it proven; the images below it are proven here. What is written is compared with the image ID.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.output import (
    UNPRIVILEGED,
    Archive,
    ExtractionOptions,
    ExtractionReport,
    archive_chunks,
    export_archive,
    export_layout,
    extract_archives,
)
from pipeline.archive.selection import EVERYTHING, Selection, make_whitelist
from pipeline.errors import PipelineError
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.oci_files import OciFiles, OpenBlob
from pipeline.recipes.rendering import plan_rendering, read_manifest
from pipeline.results import ACI_TYPE, Stored


@final
@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Writes stored images to places outside of the store."""

    fetcher: Fetcher
    open_blob: OpenBlob

    def chunks(self, image: Stored) -> Iterator[Result[bytes, PipelineError]]:
        """Give the archive's bytes, of an OCI image those that it converts to.

        Errors: a Failure is the last value.
        """
        if _is_oci(image):
            return self._oci.chunks(image)
        return archive_chunks(self._archive(image))

    def export(
        self, image: Stored, target: Path, *, overwrite: bool
    ) -> Result[None, PipelineError]:
        """Write the archive, uncompressed, to a file; an OCI image is converted into one.

        Errors: OutputExists, OutputUnavailable; StoreCorrupt where it is not that image;
        NotExportable and DiffIDMismatch for an OCI image that cannot be one.
        """
        if _is_oci(image):
            return self._oci.export(image, target, overwrite=overwrite)
        return export_archive(self._archive(image), target, overwrite=overwrite)

    def export_layout(
        self, image: Stored, target: Path, *, overwrite: bool
    ) -> Result[None, PipelineError]:
        """Write the image as an OCI image layout: an archive becomes one layer.

        Errors: as :meth:`export`, and NotExportable for what an OCI image cannot say.
        """
        if _is_oci(image):
            return self._oci.export_layout(image, target, overwrite=overwrite)
        read = read_manifest(self.fetcher, image)
        if not is_successful(read):
            return Failure(read.failure())
        manifest = read.unwrap()
        own = (make_whitelist(manifest.path_whitelist),) if manifest.path_whitelist else ()
        return export_layout(
            self._archive(image, Selection(rootfs_only=True, whitelists=own)),
            manifest,
            target,
            platform=self.fetcher.platform,
            overwrite=overwrite,
            limits=_limits(image),
        )

    def extract(
        self,
        image: Stored,
        target: Path,
        *,
        rootfs_only: bool = False,
        options: ExtractionOptions = UNPRIVILEGED,
        overwrite: bool = False,
    ) -> Result[ExtractionReport, PipelineError]:
        """Unpack the image's own archive, without what it depends on, into a folder.

        All layers of an OCI image are its own.

        Errors: OutputExists, OutputUnavailable; ImageError; StoreError.
        """
        if _is_oci(image):
            return self._oci.render(
                image, target, rootfs_only=rootfs_only, options=options, overwrite=overwrite
            )
        archive = self._archive(image, Selection(rootfs_only=rootfs_only))
        return extract_archives(
            (archive,), target, options=options, overwrite=overwrite, limits=_limits(image)
        )

    def render(
        self,
        image: Stored,
        target: Path,
        *,
        rootfs_only: bool = False,
        options: ExtractionOptions = UNPRIVILEGED,
        overwrite: bool = False,
    ) -> Result[ExtractionReport, PipelineError]:
        """Unpack the image over what it depends on, as an app would see it.

        Errors: as :meth:`extract`; ImageNotFound for a dependency that the store has not.
        """
        if _is_oci(image):
            return self._oci.render(
                image, target, rootfs_only=rootfs_only, options=options, overwrite=overwrite
            )
        planned = plan_rendering(self.fetcher, image, rootfs_only=rootfs_only)
        if not is_successful(planned):
            return Failure(planned.failure())
        layers = planned.unwrap()
        return extract_archives(
            tuple(self._archive(layer.image, layer.selection) for layer in layers),
            target,
            options=options,
            overwrite=overwrite,
            limits=_limits(*(layer.image for layer in layers)),
        )

    @property
    def _oci(self) -> OciFiles:
        return OciFiles(self.open_blob, self.fetcher.limits)

    def _archive(self, image: Stored, selection: Selection = EVERYTHING) -> Archive:
        return Archive(partial(self.open_blob, image.image_id), image.image_id, selection)


def _is_oci(image: Stored) -> bool:
    return image.media_type != ACI_TYPE


def _limits(*images: Stored) -> Limits:
    """Return the limits under which these images were let in: none is larger than it is."""
    return replace(DEFAULT_LIMITS, archive_bytes=max(image.archive_bytes for image in images))
