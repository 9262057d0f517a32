"""The image of a tar as ``docker save`` writes it: ``TarFiles -> LoadedImage``.

``manifest.json`` lists images: each one's configuration, tags and layers, by their paths in the tar
(docker v1.10 and later; moby ``image/spec/v1.2.md`` "Combined Image JSON + Filesystem Changeset
Format"). Paths prove nothing. So:

1. The user's name, normalised, picks an image by its tags; without a name there must be only one.
2. Each layer is hashed as it lies there, and uncompressed; the latter must be the digest that the
   configuration has for it.
3. The tar has no manifest, so one is made, of docker's schema 2: the configuration and the layers
   as they lie there, by their digests. The same files make the same manifest, and so the same ID.

Whether anybody vouches for an image that has no manifest of its own, is for a policy to say.
"""

import json
from dataclasses import dataclass
from functools import partial
from typing import Final, final

from returns.result import Result

from pipeline.adapters.image_paths.failures import Refused, readable, reading, required
from pipeline.adapters.image_paths.intake import Member, put
from pipeline.adapters.image_paths.tar_files import TarFiles
from pipeline.archive.compression import DETECTION_BYTES, Compression, detect_compression
from pipeline.archive.decompressing import Allowance
from pipeline.archive.diff_ids import compute_diff_id
from pipeline.digest import Digest
from pipeline.errors import DiffIDMismatch, InvalidDocument, NoSuchImage
from pipeline.limits import (
    CONFIG_BYTES,
    INDEX_ENTRIES,
    LAYERS,
    MANIFEST_BYTES,
    MANIFEST_DEPTH,
    Limits,
)
from pipeline.oci import DOCKER_CONFIG_TYPE, DOCKER_MANIFEST_TYPE, Descriptor
from pipeline.oci.config import parse_config
from pipeline.oci.documents import problem_of
from pipeline.ports import Quarantine
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import Content, ImagePathPlace, LoadedImage
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

LIST_PATH: Final = "manifest.json"

_LAYER_TYPES: Final[dict[Compression, str]] = {
    "none": "application/vnd.docker.image.rootfs.diff.tar",
    "gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "zstd": "application/vnd.docker.image.rootfs.diff.tar.zstd",
}


@final
@dataclass(frozen=True, slots=True)
class _Listed:
    """An image as ``manifest.json`` lists it; its layers are in order, the lowest first."""

    untrusted_config: str
    tags: tuple[str, ...]
    untrusted_layers: tuple[str, ...]


def load_docker_archive(
    files: TarFiles, place: ImagePathPlace, quarantine: Quarantine, limits: Limits
) -> LoadedImage:
    """Load the image that a place names. Refuses what is wrong."""
    # 1. Which image is meant.
    listed = _pick(_read_list(files.read(LIST_PATH, MANIFEST_BYTES)), place)
    untrusted_config = files.read(listed.untrusted_config, CONFIG_BYTES)
    diff_ids = readable(parse_config(untrusted_config), "configuration").diff_ids
    if len(diff_ids) != len(listed.untrusted_layers):
        reason = f"got {len(diff_ids)}, wanted {len(listed.untrusted_layers)}, one for each layer"
        raise Refused(InvalidDocument("configuration", "$.rootfs.diff_ids", reason))
    # 2. What it is made of.
    allowance = Allowance(limits)
    config = files.find(listed.untrusted_config)
    contents = [Content(_describe(config, DOCKER_CONFIG_TYPE), files.keep(config))]
    for position, (path, diff_id) in enumerate(
        zip(listed.untrusted_layers, diff_ids, strict=True), 1
    ):
        layer = files.find(path)
        compression = _compression_of(layer, quarantine)
        got = _diff_id(layer, compression, diff_id, quarantine, allowance)
        if got != diff_id:
            raise Refused(DiffIDMismatch(position, diff_id, got))
        contents.append(Content(_describe(layer, _LAYER_TYPES[compression]), files.keep(layer)))
    # 3. One document that names all of it.
    manifest = _manifest(contents)
    document = put(quarantine, manifest, "sha256")
    return LoadedImage(
        (manifest,), document.blob, document.digest, DOCKER_MANIFEST_TYPE, tuple(contents)
    )


def _read_list(untrusted: bytes) -> tuple[_Listed, ...]:
    parsed = parse_json(untrusted, max_bytes=MANIFEST_BYTES, max_depth=MANIFEST_DEPTH)
    listed: Result[tuple[_Listed, ...], JsonProblem] = Result.do(
        images
        for value in parsed
        for bounded in value.at_most(INDEX_ENTRIES)
        for images in bounded.items(_read_listed)
    )
    return readable(listed.alt(problem_of), LIST_PATH)


def _read_listed(value: JsonValue) -> Result[_Listed, JsonProblem]:
    listed: Result[_Listed, JsonProblem] = Result.do(
        _Listed(config, tags, layers)
        for _ in value.fields("Config", "RepoTags", "Layers")
        for config in value.member("Config").text()
        for tags in value.member("RepoTags").items(JsonValue.text)
        for bounded in value.member("Layers").at_most(LAYERS)
        for layers in bounded.items(JsonValue.text)
    )
    return listed


def _pick(images: tuple[_Listed, ...], place: ImagePathPlace) -> _Listed:
    """Return the image that the user means; refuse to guess among several."""
    name = place.reference.name
    wanted = _normal(name)
    meant = [
        image
        for image in images
        if not name or (wanted and wanted in {_normal(tag) for tag in image.tags})
    ]
    if len(meant) != 1:
        there = tuple(dict.fromkeys(tag for image in images for tag in image.tags))
        raise Refused(NoSuchImage(place.reference.string, there))
    return meant[0]


def _normal(untrusted_name: str) -> str:
    """Return a name in docker's full form; empty where it is none."""
    return parse_docker_reference(untrusted_name).map(lambda each: each.normal).value_or("")


def _describe(member: Member, media_type: str) -> Descriptor:
    return Descriptor(media_type, member.digest, member.blob.size)


def _compression_of(layer: Member, quarantine: Quarantine) -> Compression:
    with required(quarantine.open(layer.blob)) as file:
        head = reading(layer.blob, partial(file.read, DETECTION_BYTES))
    # Two zero blocks are a layer that changes nothing.
    compression = required(detect_compression(head)) if head.strip(b"\0") else "none"
    if compression not in _LAYER_TYPES:
        reason = f"a layer is compressed with {compression}, wanted gzip, zstd, or none of it"
        raise Refused(InvalidDocument(LIST_PATH, "$", reason))
    return compression


def _diff_id(
    layer: Member,
    compression: Compression,
    wanted: Digest,
    quarantine: Quarantine,
    allowance: Allowance,
) -> Digest:
    """Return a layer's diffID by the algorithm of the one that is wanted."""
    if compression == "none" and layer.digest.algorithm == wanted.algorithm:
        # It was hashed when it passed by.
        return layer.digest
    with required(quarantine.open(layer.blob)) as file:
        return required(reading(layer.blob, partial(compute_diff_id, file, wanted, allowance)))


def _manifest(contents: list[Content]) -> bytes:
    config, *layers = (content.descriptor.document for content in contents)
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST_TYPE,
        "config": config,
        "layers": layers,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
