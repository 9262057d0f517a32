"""Images in files, written for a test, and what loading them gives."""

import os
from collections.abc import Mapping
from pathlib import Path

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.file import FileTransport
from pipeline.adapters.image_paths import ImagePathFiles
from pipeline.adapters.image_paths.failures import LoadError
from pipeline.adapters.memory import MemoryQuarantine
from pipeline.digest import Digest
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.oci import OciPlatform
from pipeline.reference import ImagePathKind, ImagePathReference
from pipeline.results import ImagePathPlace, LoadedImage
from pipeline.testing.fakes import FixedClock
from pipeline.testing.oci import LINUX_AMD64, digest_of, make_tar_of

READER = ImagePathFiles(FileTransport(FixedClock()))


def load(
    kind: ImagePathKind,
    path: Path,
    name: str = "",
    *,
    platform: OciPlatform = LINUX_AMD64,
    limits: Limits = DEFAULT_LIMITS,
    quarantine: MemoryQuarantine | None = None,
) -> Result[LoadedImage, LoadError]:
    """Load an image into a quarantine in memory."""
    place = ImagePathPlace(ImagePathReference(kind, str(path), name), platform)
    return READER.load(place, quarantine or MemoryQuarantine(), limits)


def error_of(
    kind: ImagePathKind,
    path: Path,
    name: str = "",
    *,
    platform: OciPlatform = LINUX_AMD64,
    limits: Limits = DEFAULT_LIMITS,
) -> LoadError:
    """Return why an image is not loaded."""
    return load(kind, path, name, platform=platform, limits=limits).failure()


def contents_of(
    kind: ImagePathKind, path: Path, name: str = "", *, platform: OciPlatform = LINUX_AMD64
) -> tuple[LoadedImage, dict[Digest, bytes]]:
    """Load an image, and return it and what lies in quarantine by digest, and nothing else."""
    quarantine = MemoryQuarantine()
    outcome = load(kind, path, name, platform=platform, quarantine=quarantine)
    assert is_successful(outcome), outcome.failure().message
    image = outcome.unwrap()
    blobs = {image.digest: quarantine.blobs[image.blob.key]}
    for content in image.contents:
        held = quarantine.blobs[content.blob.key]
        assert len(held) == content.descriptor.size == content.blob.size
        blobs[content.descriptor.digest] = held
    used = {image.blob.key, *(content.blob.key for content in image.contents)}
    assert quarantine.blobs.keys() == used
    for digest, held in blobs.items():
        assert digest_of(held, digest.algorithm) == digest
    return image, blobs


def write_folder(root: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for path, content in files.items():
        target = root / path
        os.makedirs(target.parent, exist_ok=True)
        target.write_bytes(content)
    return root


def write_tar(path: Path, files: Mapping[str, bytes] | bytes) -> Path:
    """Write a tar of files, or those very bytes."""
    path.write_bytes(files if isinstance(files, bytes) else make_tar_of(files))
    return path
