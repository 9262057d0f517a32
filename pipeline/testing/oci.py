"""Makers of OCI and docker images for tests: the same arguments make the same bytes.

``make_image`` gives one image with all its blobs, ``make_index`` joins images of several platforms
under one index, and both are a :class:`MadeImage`: what a registry would serve, by digest. For
files, ``layout_files`` gives what lies in an image layout, ``docker_archive_files`` what lies in a
tar as ``docker save`` writes it; ``make_tar_of`` makes a tar of either. The documents alone come
from ``make_oci_config``, ``make_oci_manifest`` and ``make_oci_index``: whatever is wanted, valid or
not.
"""

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

import zstandard

from pipeline.digest import Digest, DigestAlgorithm
from pipeline.oci import (
    CONFIG_TYPE,
    DOCKER_CONFIG_TYPE,
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    OciPlatform,
)

LayerCompression: TypeAlias = Literal["none", "gzip", "zstd"]
"""How a layer travels."""

LINUX_AMD64 = OciPlatform("linux", "amd64")
"""The platform of images unless told otherwise."""

_DOCKER_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
_SUFFIX: dict[LayerCompression, str] = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}
_DOCKER_SUFFIX: dict[LayerCompression, str] = {"none": "", "gzip": ".gzip", "zstd": ".zstd"}


def digest_of(content: bytes, algorithm: DigestAlgorithm = "sha256") -> Digest:
    """Return the digest of some bytes."""
    return Digest(algorithm, hashlib.new(algorithm, content).hexdigest())


def describe_blob(
    media_type: str, content: bytes, algorithm: DigestAlgorithm = "sha256"
) -> Descriptor:
    """Return the descriptor of a blob."""
    return Descriptor(media_type, digest_of(content, algorithm), len(content))


def incompressible(size: int, seed: int = 0) -> bytes:
    """Return so many bytes that no compression makes smaller."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - the same each time


@final
@dataclass(frozen=True, slots=True)
class MadeLayer:
    """A layer: its descriptor, its bytes as they travel, and its bytes uncompressed."""

    descriptor: Descriptor
    content: bytes = field(repr=False)
    tar: bytes = field(repr=False)

    @property
    def diff_id(self) -> Digest:
        """The digest of the uncompressed bytes."""
        return digest_of(self.tar)


@final
@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image or an index: its descriptor, and every blob that leads on from there, by digest."""

    descriptor: Descriptor
    blobs: Mapping[Digest, bytes] = field(repr=False)
    platform: OciPlatform | None = None

    @property
    def raw(self) -> bytes:
        """The manifest's or index' own bytes."""
        return self.blobs[self.descriptor.digest]


def make_tar_of(files: Mapping[str, bytes]) -> bytes:
    """Return an uncompressed tar of these paths; one that ends in a slash is a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.rstrip("/"))
            if path.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def make_layer(
    files: Mapping[str, bytes] | bytes,
    *,
    compression: LayerCompression = "gzip",
    docker: bool = False,
    algorithm: DigestAlgorithm = "sha256",
) -> MadeLayer:
    """Return a layer with these files, or of that tar."""
    tar = files if isinstance(files, bytes) else make_tar_of(files)
    if compression == "gzip":
        content = gzip.compress(tar, mtime=0)
    elif compression == "zstd":
        content = zstandard.ZstdCompressor().compress(tar)
    else:
        content = tar
    media_type = (
        _DOCKER_LAYER_TYPE + _DOCKER_SUFFIX[compression]
        if docker
        else LAYER_TYPE + _SUFFIX[compression]
    )
    return MadeLayer(describe_blob(media_type, content, algorithm), content, tar)


def make_oci_config(
    diff_ids: Sequence[Digest] = (), platform: OciPlatform = LINUX_AMD64, **extra: object
) -> bytes:
    """Return a configuration; ``extra`` members are added as they are."""
    document: dict[str, object] = {
        "os": platform.os,
        "architecture": platform.architecture,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [str(digest) for digest in diff_ids]},
        "history": [{"created_by": "test"} for _ in diff_ids],
    }
    if platform.variant:
        document["variant"] = platform.variant
    return _json(document | extra)


def make_oci_manifest(
    config: Descriptor, layers: Sequence[Descriptor] = (), *, docker: bool = False, **extra: object
) -> bytes:
    """Return a manifest; ``extra`` members are added as they are, None takes one away."""
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST_TYPE if docker else MANIFEST_TYPE,
            "config": config.document,
            "layers": [layer.document for layer in layers],
        }
        | extra
    )


def make_oci_index(
    entries: Sequence[tuple[Descriptor, OciPlatform | None]],
    *,
    docker: bool = False,
    annotations: Sequence[Mapping[str, str]] = (),
    **extra: object,
) -> bytes:
    """Return an index; ``annotations`` are the entries', in their order."""
    manifests: list[dict[str, object]] = []
    for position, (descriptor, platform) in enumerate(entries):
        entry = dict(descriptor.document)
        if platform is not None:
            entry["platform"] = {
                "os": platform.os,
                "architecture": platform.architecture,
            } | ({"variant": platform.variant} if platform.variant else {})
        if position < len(annotations) and annotations[position]:
            entry["annotations"] = dict(annotations[position])
        manifests.append(entry)
    media_type = DOCKER_LIST_TYPE if docker else INDEX_TYPE
    return _json({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests} | extra)


def make_image(
    *layers: MadeLayer | Mapping[str, bytes],
    platform: OciPlatform = LINUX_AMD64,
    docker: bool = False,
    annotations: Mapping[str, str] | None = None,
    algorithm: DigestAlgorithm = "sha256",
    **config: object,
) -> MadeImage:
    """Return an image of these layers, the lowest first; ``config`` goes into its configuration.

    A layer may be the files in it: it is compressed by gzip then.
    """
    made = [
        each
        if isinstance(each, MadeLayer)
        else make_layer(each, docker=docker, algorithm=algorithm)
        for each in layers
    ]
    document = make_oci_config([layer.diff_id for layer in made], platform, **config)
    described = describe_blob(DOCKER_CONFIG_TYPE if docker else CONFIG_TYPE, document, algorithm)
    raw = make_oci_manifest(
        described,
        [layer.descriptor for layer in made],
        docker=docker,
        **({"annotations": dict(annotations)} if annotations else {}),
    )
    image = describe_blob(DOCKER_MANIFEST_TYPE if docker else MANIFEST_TYPE, raw, algorithm)
    blobs = {layer.descriptor.digest: layer.content for layer in made}
    return MadeImage(image, blobs | {described.digest: document, image.digest: raw}, platform)


def make_index(*images: MadeImage, docker: bool = False) -> MadeImage:
    """Return an index of images, or of indexes, each with its own platform."""
    raw = make_oci_index([(each.descriptor, each.platform) for each in images], docker=docker)
    index = describe_blob(DOCKER_LIST_TYPE if docker else INDEX_TYPE, raw)
    blobs: dict[Digest, bytes] = {index.digest: raw}
    for each in images:
        blobs |= each.blobs
    return MadeImage(index, blobs)


def make_artifact(content: bytes = b"text", media_type: str = "text/plain") -> MadeImage:
    """Return an artifact: no image, one blob, and the empty configuration."""
    config = describe_blob("application/vnd.oci.empty.v1+json", b"{}")
    layer = describe_blob(media_type, content)
    raw = make_oci_manifest(config, [layer], artifactType="application/vnd.example.text")
    image = describe_blob(MANIFEST_TYPE, raw)
    return MadeImage(image, {config.digest: b"{}", layer.digest: content, image.digest: raw})


def layout_files(images: Mapping[str, MadeImage]) -> dict[str, bytes]:
    """Return the files of an image layout, by path; each image has its key as name, if any.

    The order is that of a tar that skopeo writes: the blobs, then what names them.
    """
    files: dict[str, bytes] = {}
    for image in images.values():
        for digest, content in image.blobs.items():
            files[f"blobs/{digest.algorithm}/{digest.hex}"] = content
    names = [{"org.opencontainers.image.ref.name": name} if name else {} for name in images]
    entries = [(image.descriptor, image.platform) for image in images.values()]
    files["index.json"] = make_oci_index(entries, annotations=names)
    files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    return files


def docker_archive_files(images: Mapping[str, Sequence[MadeLayer]]) -> dict[str, bytes]:
    """Return the files of an archive as skopeo writes it, by path; each image has its key as tag.

    Layers lie there uncompressed, as they do wherever docker saves them.
    """
    files: dict[str, bytes] = {}
    listed: list[dict[str, object]] = []
    for tag, layers in images.items():
        config = make_oci_config([layer.diff_id for layer in layers])
        for layer in layers:
            files[f"{layer.diff_id.hex}.tar"] = layer.tar
        files[f"{digest_of(config).hex}.json"] = config
        listed.append(
            {
                "Config": f"{digest_of(config).hex}.json",
                "RepoTags": [tag] if tag else None,
                "Layers": [f"{layer.diff_id.hex}.tar" for layer in layers],
            }
        )
    files["manifest.json"] = _json(listed)
    return files


def _json(document: object) -> bytes:
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if value is not None}
    return json.dumps(document, separators=(",", ":")).encode()
