"""OCI images as frozen values: what their documents say. No I/O, nothing is trusted.

    bytes -> OciManifest | OciIndex (:mod:`.documents`), OciConfig (:mod:`.config`)

Docker's schema 2 documents differ in their media types alone, and become the same values; the bytes
are kept as they came, since their digest is what is named and signed.

Sources: OCI image-spec v1.1.0 ``descriptor.md``, ``manifest.md``, ``image-index.md``,
``config.md``; distribution v2.8.2 ``docs/spec/manifest-v2-2.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, final

from pipeline.digest import Digest

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST_TYPE: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST_TYPE: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG_TYPE: Final = "application/vnd.docker.container.image.v1+json"
CONFIG_TYPES: Final = frozenset({CONFIG_TYPE, DOCKER_CONFIG_TYPE})
SCHEMA1_TYPES: Final = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)
"""What was before schema 2: its digests do not bind what is in the image, so it is refused."""

MANIFEST_TYPES: Final = frozenset({MANIFEST_TYPE, DOCKER_MANIFEST_TYPE})
INDEX_TYPES: Final = frozenset({INDEX_TYPE, DOCKER_LIST_TYPE})


@final
@dataclass(frozen=True, slots=True)
class OciPlatform:
    """An operating system, an architecture and its variant in Go's words: ``linux/arm/v7``.

    ``variant`` is empty where there is none.
    """

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        """Return ``os/architecture[/variant]``."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


@final
@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob of an OCI image: what it is, its digest, its size in bytes."""

    media_type: str
    digest: Digest
    size: int

    @property
    def document(self) -> dict[str, object]:
        """The descriptor as JSON has it (image-spec v1.1.0 ``descriptor.md``)."""
        return {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}


@final
@dataclass(frozen=True, slots=True)
class OciManifest:
    """One image: its configuration and its layers, the lowest first.

    An artifact has no layers of files, or a configuration of some other kind. ``raw`` are exactly
    the document's bytes.
    """

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]
    raw: bytes = field(repr=False)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Everything that the manifest names: the configuration, then the layers in order."""
        return (self.config, *self.layers)


@final
@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One entry of an index. ``platform`` is None where it names none."""

    descriptor: Descriptor
    platform: OciPlatform | None
    annotations: Mapping[str, str] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class OciIndex:
    """Several images under one name, one for each platform; or indexes again."""

    media_type: str
    entries: tuple[IndexEntry, ...]
    raw: bytes = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class OciConfig:
    """What an image's configuration says that is acted on; ``raw`` has all of it.

    ``diff_ids`` are the digests of the layers, uncompressed, in the manifest's order.
    """

    platform: OciPlatform
    diff_ids: tuple[Digest, ...]
    raw: bytes = field(repr=False)
