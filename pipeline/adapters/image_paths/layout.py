"""The image of an OCI image layout, wherever its files lie: ``LayoutFiles -> LoadedImage``.

The way to an image (OCI image-spec v1.1.0 ``image-layout.md``, ``annotations.md``):

1. ``oci-layout`` says that this is a layout, of the one version that there is.
2. ``index.json`` names images. The user's name picks one by its annotation ``ref.name``; without a
   name there must be only one. Several may share a name where each is for a platform of its own.
3. From there each document names the next by size and digest, through at most INDEX_DEPTH indexes,
   of which the platform picks an entry, to a manifest.
4. What the manifest names is taken, all of it: its sizes together are within the limit, and each
   size and digest is right.

``index.json`` itself is named by no digest, so it proves nothing, and is no part of what is loaded.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol, final

from pipeline.adapters.image_paths.failures import Refused, readable
from pipeline.adapters.image_paths.intake import check, put
from pipeline.digest import Digest
from pipeline.errors import BodyTooLarge, InvalidDocument, NoSuchImage, PlatformNotFound
from pipeline.hashing import digest_of
from pipeline.limits import INDEX_DEPTH, KIB, MANIFEST_BYTES, Limits
from pipeline.oci import INDEX_TYPE, Descriptor, IndexEntry, OciIndex, OciManifest
from pipeline.oci.documents import parse_document, problem_of
from pipeline.oci.platforms import available, choose, is_attestation
from pipeline.ports import Quarantine
from pipeline.results import Content, ImagePathPlace, LoadedImage, QuarantinedBlob
from pipeline.strict_json import parse_json

REF_NAME: Final = "org.opencontainers.image.ref.name"
"""The annotation by which an index in a layout names an image."""

INDEX_PATH: Final = "index.json"
VERSION_PATH: Final = "oci-layout"

_VERSION: Final = "1.0.0"
_VERSION_BYTES: Final = 4 * KIB


class LayoutFiles(Protocol):
    """The files of a layout. Each method raises Refused for what is not there, or not as named."""

    @property
    def url(self) -> str:
        """The layout's own URL, for messages."""
        ...

    def read(self, path: str, max_bytes: int) -> bytes:
        """Return a small file's content."""
        ...

    def take(self, wanted: Descriptor) -> QuarantinedBlob:
        """Copy a blob into quarantine, its size and digest checked."""
        ...


@final
@dataclass(frozen=True, slots=True)
class _Found:
    """The documents on the way to an image, and at its end the manifest and its descriptor."""

    documents: tuple[bytes, ...]
    descriptor: Descriptor
    manifest: OciManifest


def blob_path(digest: Digest) -> str:
    """Return where a layout has a blob (image-spec v1.1.0 ``image-layout.md`` "Blobs").

    >>> blob_path(Digest("sha256", "0" * 64))[:15]
    'blobs/sha256/00'
    """
    return f"blobs/{digest.algorithm}/{digest.hex}"


def load_layout(
    files: LayoutFiles, place: ImagePathPlace, quarantine: Quarantine, limits: Limits
) -> LoadedImage:
    """Load the image that a place names. Refuses what is wrong."""
    # 1. Another version may mean something else by the same names.
    _check_version(files.read(VERSION_PATH, _VERSION_BYTES))
    # 2. Which image is meant.
    index = readable(parse_document(files.read(INDEX_PATH, MANIFEST_BYTES), INDEX_TYPE), INDEX_PATH)
    if not isinstance(index, OciIndex):
        raise Refused(InvalidDocument(INDEX_PATH, "$", "got a manifest, wanted an index"))
    # 3. From digest to digest.
    found = _descend(files, _pick(index, place).descriptor, place)
    # 4. What the image is made of.
    parts = (found.manifest.config, *found.manifest.layers)
    total = sum(part.size for part in (found.descriptor, *parts))
    if total > limits.image_bytes:
        raise Refused(BodyTooLarge(files.url, limits.image_bytes, total))
    taken = {part.digest: files.take(part) for part in dict.fromkeys(parts)}
    document = put(quarantine, found.manifest.raw, found.descriptor.digest.algorithm)
    return LoadedImage(
        found.documents,
        document.blob,
        document.digest,
        found.manifest.media_type,
        tuple(Content(part, taken[part.digest]) for part in parts),
    )


def _check_version(untrusted: bytes) -> None:
    parsed = parse_json(untrusted, max_bytes=_VERSION_BYTES, max_depth=2)
    version = parsed.bind(lambda value: value.member("imageLayoutVersion").text())
    if readable(version.alt(problem_of), VERSION_PATH) != _VERSION:
        reason = f"got another version of image layouts, wanted {_VERSION}"
        raise Refused(InvalidDocument(VERSION_PATH, "$.imageLayoutVersion", reason))


def _pick(index: OciIndex, place: ImagePathPlace) -> IndexEntry:
    """Return the entry that the user means; refuse to guess among several."""
    name = place.reference.name
    images = [entry for entry in index.entries if not is_attestation(entry)]
    entries = [entry for entry in images if not name or _name_of(entry) == name]
    if len({entry.descriptor.digest for entry in entries}) == 1:
        return entries[0]
    platforms = {entry.platform for entry in entries}
    names = {_name_of(entry) for entry in entries}
    if len(names) != 1 or len(platforms) != len(entries) or None in platforms:
        there = (_name_of(entry) for entry in images)
        listed = tuple(dict.fromkeys(each for each in there if each))
        raise Refused(NoSuchImage(place.reference.string, listed))
    return _choose(replace(index, entries=tuple(entries)), place)


def _name_of(entry: IndexEntry) -> str:
    return entry.annotations.get(REF_NAME, "")


def _choose(index: OciIndex, place: ImagePathPlace) -> IndexEntry:
    entry = choose(index, place.platform)
    if entry is None:
        reference, wanted = place.reference.string, str(place.platform)
        raise Refused(PlatformNotFound(reference, wanted, available(index)))
    return entry


def _descend(files: LayoutFiles, first: Descriptor, place: ImagePathPlace) -> _Found:
    documents: list[bytes] = []
    descriptor = first
    while len(documents) <= INDEX_DEPTH:
        content = files.read(blob_path(descriptor.digest), MANIFEST_BYTES)
        check(files.url, descriptor, len(content), digest_of(descriptor.digest.algorithm, content))
        documents.append(content)
        read = readable(parse_document(content, descriptor.media_type), "manifest")
        if isinstance(read, OciManifest):
            return _Found(tuple(documents), descriptor, read)
        descriptor = _choose(read, place).descriptor
    reason = f"more than {INDEX_DEPTH} indexes lead to it"
    raise Refused(InvalidDocument("index", "$.manifests", reason))
