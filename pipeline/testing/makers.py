"""Makers of images for tests and demonstrations: the same arguments make the same bytes."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence


def make_manifest(
    name: str,
    labels: Mapping[str, str] | None = None,
    dependencies: Sequence[Mapping[str, object]] = (),
    **extra: object,
) -> bytes:
    """Return an image manifest as JSON; ``extra`` members are added as they are."""
    document: dict[str, object] = {
        "acKind": "ImageManifest",
        "acVersion": "0.8.11",
        "name": name,
        "labels": [{"name": key, "value": value} for key, value in (labels or {}).items()],
    }
    if dependencies:
        document["dependencies"] = list(dependencies)
    return json.dumps(document | extra, separators=(",", ":")).encode()


def make_archive(manifest: bytes, files: Mapping[str, bytes] | None = None) -> bytes:
    """Return an uncompressed App Container Image; ``files`` are paths under ``rootfs``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        root = tarfile.TarInfo("rootfs")
        root.type, root.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(root)
        for path, content in (files or {}).items():
            entry = tarfile.TarInfo(f"rootfs/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        entry = tarfile.TarInfo("manifest")
        entry.size = len(manifest)
        archive.addfile(entry, io.BytesIO(manifest))
    return buffer.getvalue()
