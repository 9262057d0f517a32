"""Archives into a new folder: whole, or not at all.

    archives -> Result[ExtractionReport, OutputError | ImageError | StoreError]

The tree is built in a folder of its own beside the target, which nobody else can look into, and
gets its name once every archive is unpacked and has the digest that it must have.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from returns.result import Result, Success

from pipeline.adapters.output.extractor import (
    UNPRIVILEGED,
    ExtractionOptions,
    ExtractionReport,
    Extractor,
)
from pipeline.adapters.output.failures import WriteError, attempt
from pipeline.adapters.output.reading import Archive, ArchiveKind, read_parts
from pipeline.adapters.output.target import drafting
from pipeline.adapters.output.tree import Tree
from pipeline.archive.decompressing import Allowance
from pipeline.archive.layering import Layering
from pipeline.archive.selection import EVERYTHING, Placement
from pipeline.limits import DEFAULT_LIMITS, Limits


def extract_archive(
    source: BinaryIO,
    target: Path,
    *,
    options: ExtractionOptions = UNPRIVILEGED,
    selection: Placement = EVERYTHING,
    kind: ArchiveKind = "image",
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Result[ExtractionReport, WriteError]:
    """Unpack one archive, compressed or not, into the folder ``target``; ``source`` is closed.

    Errors: as :func:`extract_archives`.
    """
    archive = Archive(lambda: Success(source), None, selection, kind)
    with source:
        return extract_archives(
            (archive,), target, options=options, overwrite=overwrite, limits=limits
        )


def extract_archives(
    archives: Iterable[Archive],
    target: Path,
    *,
    options: ExtractionOptions = UNPRIVILEGED,
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Result[ExtractionReport, WriteError]:
    """Unpack archives into the folder ``target``, each over those before it.

    All layers among them are those of one image, in one place, and have its limits together.

    ``target`` must not exist, unless ``overwrite`` lets it be replaced, whatever it is; the
    folder it lies in must. Nothing is at ``target`` before everything is unpacked.

    Errors: OutputExists, OutputUnavailable; NotAnImage, CorruptArchive, ArchiveTooLarge,
    ManifestMissing; StoreCorrupt where an archive has another digest; what opening it fails with.
    """
    return attempt(partial(_extract, archives, target, options, overwrite, limits), target)


def _extract(
    archives: Iterable[Archive],
    target: Path,
    options: ExtractionOptions,
    overwrite: bool,
    limits: Limits,
) -> ExtractionReport:
    with drafting(target, overwrite=overwrite) as draft:
        draft.make_folder()
        tree = Tree(draft.descriptor)
        extractor, layering = Extractor(tree, options), Layering()
        allowance = Allowance(limits)
        try:
            for archive in archives:
                is_layer = archive.kind == "layer"
                layering.begin(partial(_discard, tree, archive.selection))
                for part in read_parts(archive, limits, allowance):
                    extractor.take(part, archive.selection, layering if is_layer else None)
                extractor.end_file()
            report = extractor.finish()
        finally:
            extractor.close()
        draft.publish_folder()
    return report


def _discard(tree: Tree, selection: Placement, path: bytes) -> None:
    """Remove from the tree on disk what a layer removes."""
    place = selection.place(path, is_folder=True)
    if place is not None:
        tree.discard(place)
