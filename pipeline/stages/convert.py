"""A stage between extracting and storing, for who wants archives: ``Extracted -> Extracted``.

An OCI image becomes an App Container Image whose rootfs is all its layers, squashed, and whose
manifest is docker2aci's (:mod:`pipeline.manifest.docker`). It is kept as what was fetched and
proven: provenance and source stay the registry image's. An archive passes as it is.

Errors: ImageError for layers that are not what the configuration says, and for what an archive
cannot be; StoreError from the quarantine.
"""

import hashlib
from functools import partial

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.conversion import Conversion, docker_source, plan_conversion
from pipeline.background import background
from pipeline.digest import Digest
from pipeline.errors import ImageError, InvalidDocument, StoreError
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.ports import BlobWriter, Quarantine
from pipeline.results import Extracted, OciImage, QuarantinedBlob
from pipeline.stage import Stage
from pipeline.storage import blobs_of, is_complete


def convert_to_aci(
    *, quarantine: Quarantine, limits: Limits = DEFAULT_LIMITS
) -> Stage[Extracted, Extracted, ImageError | StoreError]:
    """Return the stage that makes an archive of an OCI image.

    Every layer is compared with its diffID before anything is written. What was written into
    quarantine is discarded on failure.

    Errors: DiffIDMismatch, NotAnImage, CorruptArchive, ArchiveTooLarge; NotExportable for an
    artifact and for what appc cannot say; StoreError.
    """
    return Stage("convert", partial(_run, quarantine, limits))


def _run(
    quarantine: Quarantine, limits: Limits, extracted: Extracted
) -> Result[Extracted, ImageError | StoreError]:
    image = extracted.manifest
    if not isinstance(image, OciImage):
        return Success(extracted)
    if not is_complete(extracted):
        # Stages cannot build this: extracting has compared them.
        return Failure(InvalidDocument("manifest", "$", "it names other blobs than have come"))
    blobs = blobs_of(extracted)
    planned = plan_conversion(
        image,
        docker_source(image, extracted.image_id, extracted.origin.downloaded.reference),
        lambda digest: quarantine.open(blobs[digest]),
        limits,
    )
    if not is_successful(planned):
        return Failure(planned.failure())
    created = quarantine.create("archive")
    if not is_successful(created):
        return Failure(created.failure())
    writer = created.unwrap()
    written = _write(planned.unwrap(), writer)
    if not is_successful(written):
        writer.discard()
        return Failure(written.failure())
    image_id, blob = written.unwrap()
    return Success(Extracted(extracted.origin, planned.unwrap().manifest, image_id, blob))


def _write(
    conversion: Conversion, writer: BlobWriter
) -> Result[tuple[Digest, QuarantinedBlob], ImageError | StoreError]:
    hasher = hashlib.sha512()

    def keep(chunk: bytes) -> Result[None, StoreError]:
        hasher.update(chunk)
        return writer.write(chunk)

    with background(keep) as worker:
        for chunk in conversion.chunks():
            if not is_successful(chunk):
                return Failure(chunk.failure())
            kept = worker.put(chunk.unwrap())
            if not is_successful(kept):
                return Failure(kept.failure())
        all_kept = worker.finish()
        if not is_successful(all_kept):
            return Failure(all_kept.failure())
    finished = writer.finish()
    return finished.map(lambda blob: (Digest("sha512", hasher.hexdigest()), blob))
