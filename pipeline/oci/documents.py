"""Manifests and indexes of OCI images, read strictly: what cannot be misunderstood, or nothing.

    parse_document: bytes, media type told -> OciManifest | OciIndex | DocumentProblem

The same bytes must not be a manifest to one reader and an index to another (CVE-2021-41190):

1. It is strict JSON within MANIFEST_BYTES and MANIFEST_DEPTH, and no member that matters is
   written in other letter case (Go's decoder takes ``Layers`` for ``layers``).
2. Schema 1 is refused, whatever tells it: the media type told, the document's own, or its shape.
3. Media types agree: what the server told and what the document says of itself. Both may be
   missing (image-spec v1.1.0 ``manifest.md``: "SHOULD be used"); then the shape tells.
4. A manifest has no member of an index, and an index none of a manifest.

Layers may name ``urls`` to fetch them from elsewhere; nobody here follows one (CVE-2020-15157), so
they are not read. A ``subject``, embedded ``data`` and whatever else there is, neither.

Sources: OCI image-spec v1.1.0 ``descriptor.md``, ``manifest.md``, ``image-index.md``; distribution
v2.8.2 ``docs/spec/manifest-v2-2.md``. What the blobs are that a document names is not known here.
"""

import re
from dataclasses import dataclass
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, parse_digest
from pipeline.limits import INDEX_ENTRIES, LAYERS, MANIFEST_BYTES, MANIFEST_DEPTH
from pipeline.oci import (
    INDEX_TYPE,
    INDEX_TYPES,
    MANIFEST_TYPE,
    MANIFEST_TYPES,
    SCHEMA1_TYPES,
    Descriptor,
    IndexEntry,
    OciIndex,
    OciManifest,
    OciPlatform,
)
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

PLATFORM_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
"""An operating system, architecture or variant: what fits into ``os/architecture/variant``."""

_MANIFEST_MEMBERS: Final = ("config", "layers")
_INDEX_MEMBERS: Final = ("manifests",)
_SCHEMA1_MEMBERS: Final = ("fsLayers", "history")
_SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+json"
_SCHEMA1_REASON: Final = (
    "docker's schema 1 does not bind what is in the image to a digest, wanted schema 2 or OCI"
)
# What servers call any JSON, or any file.
_TELLS_NOTHING: Final = frozenset(
    {"", "application/json", "application/octet-stream", "text/plain"}
)
_MEDIA_TYPE: Final = re.compile(r"[!-~][ -~]{0,254}", re.ASCII)
_LARGEST_SIZE: Final = 2**63 - 1


@final
@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """Where a document is not what it must be, as ``$.layers[0].digest``, and why.

    ``unsupported_type`` is the media type of a document that may be well-formed, but of a kind that
    is not read here; it is empty otherwise. All three hold text from outside as it came.
    """

    path: str
    reason: str
    unsupported_type: str = ""


def parse_document(
    untrusted: bytes, content_type: str = ""
) -> Result[OciManifest | OciIndex, DocumentProblem]:
    """Read a manifest or an index; ``content_type`` is what the server or a descriptor calls it.

    Parameters of ``content_type`` and letter case do not count. A type that is told is needed
    where the document does not name its own.

    Errors: DocumentProblem.

    >>> parse_document(b'{"schemaVersion": 2, "manifests": []}').unwrap().media_type
    'application/vnd.oci.image.index.v1+json'
    >>> parse_document(b'{"schemaVersion": 2, "manifests": [], "layers": []}').failure().reason
    'got an array, wanted nothing: an index has no layers'
    """
    told = content_type.partition(";")[0].strip().lower()
    told = "" if told in _TELLS_NOTHING else told
    # 2. A schema 1 document need not be read for that.
    if told in SCHEMA1_TYPES:
        return Failure(DocumentProblem("$", _SCHEMA1_REASON, told))
    # 1. What is read is one document to every reader.
    parsed = parse_json(untrusted, max_bytes=MANIFEST_BYTES, max_depth=MANIFEST_DEPTH).bind(
        lambda value: value.fields(
            "schemaVersion",
            "mediaType",
            "annotations",
            *_MANIFEST_MEMBERS,
            *_INDEX_MEMBERS,
            *_SCHEMA1_MEMBERS,
        )
    )
    if not is_successful(parsed):
        return Failure(problem_of(parsed.failure()))
    document = parsed.unwrap()
    kind = _kind_of(document, told)
    if not is_successful(kind):
        return Failure(kind.failure())
    media_type = kind.unwrap()
    if media_type in INDEX_TYPES:
        return _read_index(document, media_type, untrusted)
    return _read_manifest(document, media_type, untrusted)


def problem_of(problem: JsonProblem) -> DocumentProblem:
    """Return what is wrong with a document's JSON as a problem of the document."""
    return DocumentProblem(problem.path, problem.reason)


def read_digest(value: JsonValue) -> Result[Digest, JsonProblem]:
    """Read a digest as OCI writes it, with a colon."""
    return value.checked(_parse_oci_digest)


def read_word(value: JsonValue) -> Result[str, JsonProblem]:
    """Read a word of a platform; nothing counts as empty, and so is it."""
    text = value.text_or("")
    if is_successful(text) and text.unwrap() and PLATFORM_WORD.fullmatch(text.unwrap()) is None:
        return Failure(value.refuse('at most 64 letters, digits, "_", "." and "-"'))
    return text


def _kind_of(document: JsonValue, told: str) -> Result[str, DocumentProblem]:
    """Return which of the four media types a document has; see the rules above."""
    version, own = document.member("schemaVersion"), document.member("mediaType")
    named = own.text_or("").map(str.lower)
    if not is_successful(named):
        return Failure(problem_of(named.failure()))
    # 2. Its shape is enough: old registries send it under any name.
    is_first = is_successful(version.integer(1, 1))
    if named.unwrap() in SCHEMA1_TYPES or is_first or _has(document, "fsLayers"):
        return Failure(DocumentProblem("$", _SCHEMA1_REASON, named.unwrap() or _SCHEMA1))
    right_version = version.integer(2, 2)
    if not is_successful(right_version):
        return Failure(problem_of(right_version.failure()))
    # 3. Two names for one document are one too many.
    if told and named.unwrap() and told != named.unwrap():
        return Failure(problem_of(own.refuse(f'"{told}", as it was sent')))
    media_type = named.unwrap() or told
    if not media_type:
        return _kind_by_shape(document)
    if media_type not in MANIFEST_TYPES | INDEX_TYPES:
        reason = "wanted a manifest or an index of OCI, or of docker's schema 2"
        return Failure(DocumentProblem("$", reason, media_type))
    return Success(media_type)


def _kind_by_shape(document: JsonValue) -> Result[str, DocumentProblem]:
    if any(_has(document, name) for name in _INDEX_MEMBERS):
        return Success(INDEX_TYPE)
    if any(_has(document, name) for name in _MANIFEST_MEMBERS):
        return Success(MANIFEST_TYPE)
    return Failure(DocumentProblem("$", "got neither layers nor manifests, wanted one of them"))


def _has(document: JsonValue, name: str) -> bool:
    return not document.member(name).is_absent


def _read_manifest(
    document: JsonValue, media_type: str, raw: bytes
) -> Result[OciManifest | OciIndex, DocumentProblem]:
    manifest: Result[OciManifest | OciIndex, JsonProblem] = Result.do(
        OciManifest(media_type, config, layers, annotations, raw)
        for _ in _without(document, "a manifest", (*_INDEX_MEMBERS, *_SCHEMA1_MEMBERS))
        for config in _read_descriptor(document.member("config"))
        for bounded in document.member("layers").at_most(LAYERS)
        for layers in bounded.items(_read_descriptor)
        for annotations in document.member("annotations").text_map()
    )
    return manifest.alt(problem_of)


def _read_index(
    document: JsonValue, media_type: str, raw: bytes
) -> Result[OciManifest | OciIndex, DocumentProblem]:
    index: Result[OciManifest | OciIndex, JsonProblem] = Result.do(
        OciIndex(media_type, entries, raw)
        for _ in _without(document, "an index", (*_MANIFEST_MEMBERS, *_SCHEMA1_MEMBERS))
        for bounded in document.member("manifests").at_most(INDEX_ENTRIES)
        for entries in bounded.items(_read_entry)
    )
    return index.alt(problem_of)


def _without(
    document: JsonValue, what: str, names: tuple[str, ...]
) -> Result[JsonValue, JsonProblem]:
    # 4. Whoever looks for the other kind must find nothing.
    for name in names:
        member = document.member(name)
        if not member.is_absent:
            return Failure(member.refuse(f"nothing: {what} has no {name}"))
    return Success(document)


def _read_descriptor(value: JsonValue) -> Result[Descriptor, JsonProblem]:
    descriptor: Result[Descriptor, JsonProblem] = Result.do(
        Descriptor(media_type, digest, size)
        for _ in value.fields("mediaType", "digest", "size", "platform", "annotations")
        for media_type in value.member("mediaType").checked(_parse_media_type)
        for digest in read_digest(value.member("digest"))
        for size in value.member("size").integer(0, _LARGEST_SIZE)
    )
    return descriptor


def _read_entry(value: JsonValue) -> Result[IndexEntry, JsonProblem]:
    entry: Result[IndexEntry, JsonProblem] = Result.do(
        IndexEntry(descriptor, platform, annotations)
        for descriptor in _read_descriptor(value)
        for platform in _read_platform(value.member("platform"))
        for annotations in value.member("annotations").text_map()
    )
    return entry


def _read_platform(value: JsonValue) -> Result[OciPlatform | None, JsonProblem]:
    """Read an entry's platform; one that names nothing is none."""
    if value.is_absent:
        return Success(None)
    read: Result[OciPlatform, JsonProblem] = Result.do(
        OciPlatform(os, architecture, variant)
        for _ in value.fields("os", "architecture", "variant")
        for os in read_word(value.member("os"))
        for architecture in read_word(value.member("architecture"))
        for variant in read_word(value.member("variant"))
    )
    if not is_successful(read):
        return Failure(read.failure())
    platform = read.unwrap()
    if platform == OciPlatform("", ""):
        return Success(None)
    if not platform.os or not platform.architecture:
        return Failure(value.refuse("both os and architecture"))
    return Success(platform)


def _parse_media_type(untrusted_text: str) -> Result[str, str]:
    if _MEDIA_TYPE.fullmatch(untrusted_text) is None:
        return Failure("wanted a media type of 1 to 255 ASCII characters")
    return Success(untrusted_text)


def _parse_oci_digest(untrusted_text: str) -> Result[Digest, str]:
    if ":" not in untrusted_text:
        # The appc form is another spelling, and two spellings are two names for one thing.
        return Failure('wanted "sha256:" or "sha512:" and lower-case hex digits')
    return parse_digest(untrusted_text)
