"""What an image needs, before anything of it is fetched: its manifest, verified, and no more.

    Fetcher, Reference -> Result[Looked, PipelineError]

The manifest of a registry's image is judged as a fetch judges it; no configuration and no layer is
asked for. What archives and images in files need is known once they are there. Whoever wants the
store's word alone asks nobody here either.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryQuarantine
from pipeline.digest import Digest
from pipeline.errors import (
    ImageNotFound,
    InvalidDocument,
    PipelineError,
    StoreError,
    document_error,
)
from pipeline.limits import MANIFEST_BYTES
from pipeline.oci import Descriptor, OciManifest
from pipeline.oci.documents import parse_document
from pipeline.recipes.every_platform import every_image
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.inspection import Blobs
from pipeline.recipes.remote_manifests import locate_image
from pipeline.reference import DockerReference, Reference
from pipeline.results import Downloaded, Located
from pipeline.stages.download import NO_IMAGE_PATHS, download_manifest

HasBlob: TypeAlias = Callable[[Digest], Result[bool, StoreError]]
"""Tells whether the target has a blob."""


@final
@dataclass(frozen=True, slots=True)
class Looked:
    """What an entry of a list needs.

    The target lacks the blobs in ``lacking``: digests and sizes in bytes, each once. ``is_known``
    is False where that cannot be told before the fetch. ``is_stored``: the target has exactly what
    was found, and need not ask again. ``image_id`` is that of the one image that was found, and
    ``is_moved`` says that another one than the locked has its name now: that one was looked at.
    """

    lacking: tuple[tuple[Digest, int], ...] = ()
    is_known: bool = True
    is_stored: bool = False
    image_id: Digest | None = None
    is_moved: bool = False


_UNKNOWN: Final = Looked(is_known=False)
_STORED: Final = Looked(is_stored=True)


def look_at(
    fetcher: Fetcher, reference: Reference, has_blob: HasBlob, *, every_platform: bool = False
) -> Result[Looked, PipelineError]:
    """Look at an image, or at every one of an index.

    Errors: what locating the image, downloading its manifest and the policy's judgement fail with;
    what the target does.
    """
    if fetcher.pull_policy == "never":
        return Success(_STORED)
    if not isinstance(reference, DockerReference):
        return Success(_UNKNOWN)
    if not every_platform:
        return _look_at_one(fetcher, reference, has_blob)
    images = every_image(fetcher, reference)
    if not is_successful(images):
        return Failure(images.failure())
    found: list[Looked] = []
    for for_it, wanted in images.unwrap():
        looked = _look_at_one(for_it, wanted, has_blob)
        if not is_successful(looked):
            return looked
        found.append(looked.unwrap())
    lacking = {digest: size for each in found for digest, size in each.lacking}
    return Success(Looked(tuple(lacking.items()), is_stored=all(each.is_stored for each in found)))


def _look_at_one(
    fetcher: Fetcher, reference: DockerReference, has_blob: HasBlob
) -> Result[Looked, PipelineError]:
    stored = fetcher.look_up(reference).bind(lambda found: fetcher.judged(found, reference))
    if fetcher.pull_policy == "new" and is_successful(stored):
        return Success(replace(_STORED, image_id=stored.unwrap().image_id))
    located = locate_image(fetcher, reference)
    if not is_successful(located):
        return Failure(located.failure())
    with_manifest = _verified_manifest(fetcher, located.unwrap())
    if not is_successful(with_manifest):
        return Failure(with_manifest.failure())
    digest, manifest = with_manifest.unwrap()
    if stored.map(lambda image: image.image_id == digest).value_or(False):
        return Success(replace(_STORED, image_id=digest))
    lacking = _lacking(manifest.blobs, has_blob)
    return lacking.map(lambda looked: replace(looked, image_id=digest))


def _verified_manifest(
    fetcher: Fetcher, located: Located
) -> Result[tuple[Digest | None, OciManifest], PipelineError]:
    quarantine = MemoryQuarantine()
    download = download_manifest(
        transport=fetcher.transport,
        quarantine=quarantine,
        clock=fetcher.clock,
        policy=None if fetcher.unsigned_reason is not None else fetcher.policy,
        observer=fetcher.observer,
        limits=fetcher.limits,
        images=fetcher.images or NO_IMAGE_PATHS,
        config=False,
    )
    outcome = download(located)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    return _read_manifest(quarantine, outcome.unwrap())


def _read_manifest(
    quarantine: MemoryQuarantine, downloaded: Downloaded
) -> Result[tuple[Digest | None, OciManifest], PipelineError]:
    opened = quarantine.open(downloaded.blob)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        parsed = parse_document(file.read(MANIFEST_BYTES + 1), downloaded.media_type)
    if not is_successful(parsed):
        return Failure(document_error("manifest", parsed.failure()))
    manifest = parsed.unwrap()
    if not isinstance(manifest, OciManifest):
        return Failure(InvalidDocument("manifest", "$", "got an index, wanted one image"))
    return Success((downloaded.digest, manifest))


def _lacking(blobs: tuple[Descriptor, ...], has_blob: HasBlob) -> Result[Looked, StoreError]:
    lacking: dict[Digest, int] = {}
    for blob in blobs:
        has = has_blob(blob.digest)
        if not is_successful(has):
            return Failure(has.failure())
        if not has.unwrap():
            lacking[blob.digest] = blob.size
    return Success(Looked(tuple(lacking.items())))


def blob_question(store: Blobs) -> HasBlob:
    """Return how a store is asked for a blob."""

    def has_blob(digest: Digest) -> Result[bool, StoreError]:
        opened = store.open_blob(digest)
        if is_successful(opened):
            opened.unwrap().close()
            return Success(True)
        missing = isinstance(opened.failure(), ImageNotFound)
        return Success(False) if missing else Failure(opened.failure())

    return has_blob
