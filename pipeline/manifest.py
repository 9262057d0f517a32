"""The appc image manifest as a frozen value. No I/O.

Source: appc/spec v0.8.11 ``spec/aci.md`` "Image Manifest Schema".
"""

from dataclasses import dataclass, field
from typing import final

from pipeline.digest import Digest
from pipeline.names import ImageName, Labels


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
