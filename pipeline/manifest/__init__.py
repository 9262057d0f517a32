"""The appc image manifest: its JSON, checked against the schema, as a frozen value. No I/O.

    bytes -> Result[ImageManifest, ManifestProblem]

What fetching needs (name, labels, dependencies, white list, annotations) becomes values; the
``app`` section is checked and stays in ``raw``, as do members that the schema does not name.

Source: appc/spec v0.8.11 ``spec/aci.md`` "Image Manifest Schema".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, parse_digest
from pipeline.limits import MANIFEST_BYTES, MANIFEST_DEPTH
from pipeline.manifest.app import check_app
from pipeline.names import (
    ImageName,
    Label,
    LabelName,
    Labels,
    parse_identifier,
    parse_image_name,
    parse_label_name,
)
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

ManifestProblem: TypeAlias = JsonProblem
"""Where a manifest is wrong, as ``$.labels[0].name``, and what was got and wanted there."""

PLATFORMS: Final[Mapping[str, frozenset[str]]] = {
    "linux": frozenset(
        [
            "amd64",
            "i386",
            "aarch64",
            "aarch64_be",
            "armv6l",
            "armv7l",
            "armv7b",
            "ppc64",
            "ppc64le",
            "s390x",
        ]
    ),
    "freebsd": frozenset({"amd64", "i386", "arm"}),
    "darwin": frozenset({"x86_64", "i386"}),
}
"""Architectures by operating system (appc/spec v0.8.11 ``schema/types/labels.go``)."""

_MAX_SIZE: Final = 2**63 - 1
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,8})"
_PRE_RELEASE: Final = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE_RELEASE}(?:\.{_PRE_RELEASE})*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_WEB_URL: Final = re.compile(r"https?://[^\s/?#]+(?:[/?#].*)?", re.IGNORECASE)


@final
@dataclass(frozen=True, slots=True)
class Dependency:
    """Another image that lies below this one. ``archive_bytes`` is the uncompressed size."""

    name: ImageName
    image_id: Digest | None
    labels: Labels
    archive_bytes: int | None


@final
@dataclass(frozen=True, slots=True)
class ImageManifest:
    """What an image says about itself; ``raw`` is exactly what lies in the archive.

    Members that the schema does not name are in ``raw`` alone, so nothing is lost.
    """

    name: ImageName
    schema_version: str
    labels: Labels
    dependencies: tuple[Dependency, ...]
    path_whitelist: tuple[str, ...]
    annotations: tuple[tuple[str, str], ...]
    raw: bytes = field(repr=False)


def parse_manifest(raw: bytes) -> Result[ImageManifest, ManifestProblem]:
    """Read and check an image manifest.

    Errors: the first problem, in the order of the schema.

    >>> parse_manifest(b'{"acKind": "ImageManifest"}').failure()
    JsonProblem(path='$.acVersion', reason='got nothing, wanted a string')
    """
    outcome = parse_json(raw, max_bytes=MANIFEST_BYTES, max_depth=MANIFEST_DEPTH).bind(_document)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    document = outcome.unwrap()
    manifest: Result[ImageManifest, ManifestProblem] = Result.do(
        ImageManifest(name, version, labels, dependencies, whitelist, annotations, raw)
        for _kind in document.member("acKind").checked(_parse_kind)
        for version in document.member("acVersion").checked(_parse_version)
        for name in document.member("name").checked(parse_image_name)
        for labels in _read_labels(document.member("labels"))
        for _app in check_app(document.member("app"))
        for dependencies in document.member("dependencies").items(_read_dependency)
        for whitelist in document.member("pathWhitelist").items(JsonValue.text)
        for annotations in _read_annotations(document.member("annotations"))
    )
    return manifest


def _document(value: JsonValue) -> Result[JsonValue, ManifestProblem]:
    return value.fields(
        "acKind",
        "acVersion",
        "name",
        "labels",
        "app",
        "dependencies",
        "pathWhitelist",
        "annotations",
    )


def _parse_kind(text: str) -> Result[str, str]:
    return Success(text) if text == "ImageManifest" else Failure('wanted "ImageManifest"')


def _parse_version(text: str) -> Result[str, str]:
    """Check a version (semver 2.0.0, sections 2, 9 and 10) other than 0.0.0."""
    if _SEMVER.fullmatch(text) is None or text == "0.0.0":
        return Failure("wanted a version such as 0.8.11")
    return Success(text)


def _read_labels(array: JsonValue) -> Result[Labels, ManifestProblem]:
    outcome = array.items(_read_label)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    labels = outcome.unwrap()
    seen: dict[str, str] = {}
    for index, label in enumerate(labels):
        at = JsonValue(f"{array.path}[{index}].name", label.name)
        if label.name in seen or label.name == "name":
            return Failure(at.refuse('each label once, and none called "name"'))
        seen[label.name] = label.value
    return _check_platform(array, labels).map(lambda _: Labels(labels))


def _read_label(value: JsonValue) -> Result[Label, ManifestProblem]:
    label: Result[Label, ManifestProblem] = Result.do(
        Label(name, text)
        for _ in value.fields("name", "value")
        for name in value.member("name").checked(parse_label_name)
        for text in value.member("value").text_or("")
    )
    return label


def _check_platform(array: JsonValue, labels: tuple[Label, ...]) -> Result[None, ManifestProblem]:
    """Check ``os``, and ``arch`` for that ``os``; without ``os``, ``arch`` means nothing."""
    paths = {
        label.name: JsonValue(f"{array.path}[{index}].value", label.value)
        for index, label in enumerate(labels)
    }
    os, arch = (paths.get(LabelName(name)) for name in ("os", "arch"))
    if os is None:
        return Success(None)
    architectures = PLATFORMS.get(str(os.value))
    if architectures is None:
        return Failure(os.refuse(f"one of {', '.join(PLATFORMS)}"))
    if arch is not None and arch.value not in architectures:
        return Failure(arch.refuse(f"one of {', '.join(sorted(architectures))}"))
    return Success(None)


def _read_dependency(value: JsonValue) -> Result[Dependency, ManifestProblem]:
    dependency: Result[Dependency, ManifestProblem] = Result.do(
        Dependency(name, image_id, labels, size)
        for _ in value.fields("imageName", "imageID", "labels", "size")
        for name in value.member("imageName").checked(parse_image_name)
        for image_id in _read_image_id(value.member("imageID"))
        for labels in _read_labels(value.member("labels"))
        for size in _read_size(value.member("size"))
    )
    return dependency


def _read_image_id(value: JsonValue) -> Result[Digest | None, ManifestProblem]:
    return Success(None) if value.is_absent else value.checked(_parse_image_id)


def _parse_image_id(text: str) -> Result[Digest, str]:
    """Check a whole image ID: a part of one would let several images pass for the one meant."""
    outcome = parse_digest(text)
    if not is_successful(outcome) or not text.startswith("sha512-"):
        return Failure('wanted "sha512-" and 128 lower-case hex digits')
    return outcome


def _read_size(value: JsonValue) -> Result[int | None, ManifestProblem]:
    """Read a size in bytes; 0 means that none was given, as in the schema's package."""
    if value.is_absent:
        return Success(None)
    return value.integer(0, _MAX_SIZE).map(lambda size: size or None)


def _read_annotations(array: JsonValue) -> Result[tuple[tuple[str, str], ...], ManifestProblem]:
    outcome = array.items(_read_annotation)
    if not is_successful(outcome):
        return outcome
    seen: set[str] = set()
    for index, (name, _) in enumerate(outcome.unwrap()):
        if name in seen:
            at = JsonValue(f"{array.path}[{index}].name", name)
            return Failure(at.refuse("each annotation once"))
        seen.add(name)
    return outcome


def _read_annotation(value: JsonValue) -> Result[tuple[str, str], ManifestProblem]:
    annotation: Result[tuple[str, str], ManifestProblem] = Result.do(
        (name, text)
        for _ in value.fields("name", "value")
        for name in value.member("name").checked(parse_identifier)
        for text in value.member("value").text_or("")
    )
    if not is_successful(annotation):
        return annotation
    name, text = annotation.unwrap()
    if name == "created" and not is_time(text):
        return Failure(value.member("value").refuse("a time such as 2014-10-27T19:32:27Z"))
    if name in {"homepage", "documentation"} and _WEB_URL.fullmatch(text) is None:
        return Failure(value.member("value").refuse("an http: or https: URL"))
    return annotation


def is_time(text: str) -> bool:
    """Tell whether a text is a time by RFC 3339 section 5.6, as the schema's package reads it."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return False
    try:
        datetime.fromisoformat(f"{match[1]}T{match[2]}")
    except ValueError:
        return False
    return True
