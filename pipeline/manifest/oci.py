"""An appc image's manifest as the documents of an OCI image: what docker2aci does, backwards.

Shape: values -> JSON, sorted and without spaces, so that the same image makes the same bytes. Pure.

Sources: OCI image-spec v1.1.0 ``config.md``, ``manifest.md``, ``image-index.md``,
``annotations.md``; appc/spec v0.8.11 ``spec/aci.md`` "Image Manifest Schema".
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.limits import MANIFEST_BYTES, MANIFEST_DEPTH
from pipeline.manifest import ImageManifest
from pipeline.names import Platform
from pipeline.oci import INDEX_TYPE, MANIFEST_TYPE, Descriptor, OciPlatform
from pipeline.oci.platforms import oci_platform
from pipeline.strict_json import JsonValue, parse_json

LAYOUT: Final = b'{"imageLayoutVersion":"1.0.0"}'
"""The file ``oci-layout`` (image-spec v1.1.0 ``image-layout.md``)."""

_ANNOTATIONS: Final[Mapping[str, str]] = {
    "author": "org.opencontainers.image.authors",
    "authors": "org.opencontainers.image.authors",
    "created": "org.opencontainers.image.created",
    "documentation": "org.opencontainers.image.documentation",
    "homepage": "org.opencontainers.image.url",
}
_TAG: Final = re.compile(r"[A-Za-z0-9]+(?:(?:[-._:@/+]|--)[A-Za-z0-9]+)*", re.ASCII)


def image_config(
    manifest: ImageManifest, platform: Platform, diff_id: Digest
) -> Result[bytes, str]:
    """Return the configuration of an image of one layer; ``platform`` is where it says none.

    Errors: a sentence about what the configuration cannot say.
    """
    document = parse_json(manifest.raw, max_bytes=MANIFEST_BYTES, max_depth=MANIFEST_DEPTH)
    if not is_successful(document):
        return Failure(document.failure().reason)
    annotations = dict(manifest.annotations)
    execution = _execution(document.unwrap().member("app"), annotations)
    if not is_successful(execution):
        return Failure(execution.failure())
    members: dict[str, object] = {
        **_members_of(_named(manifest, platform)),
        "config": execution.unwrap(),
        "rootfs": {"type": "layers", "diff_ids": [str(diff_id)]},
        "history": [{"created_by": f"appc image {manifest.name}"}],
    }
    for key, member in (("created", "created"), ("author", "author"), ("authors", "author")):
        if key in annotations:
            members.setdefault(member, annotations[key])
    return Success(_json(members))


def image_manifest(manifest: ImageManifest, config: Descriptor, layer: Descriptor) -> bytes:
    """Return the manifest of an image of one layer."""
    annotations = {
        _ANNOTATIONS[key]: value for key, value in manifest.annotations if key in _ANNOTATIONS
    } | {"org.opencontainers.image.title": manifest.name}
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.document,
            "layers": [layer.document],
            "annotations": annotations,
        }
    )


def image_index(manifest: ImageManifest, platform: Platform, described: Descriptor) -> bytes:
    """Return the index of a layout with that image alone, tagged with its version."""
    version = manifest.labels.get("version") or "latest"
    tag = version if _TAG.fullmatch(version) else "latest"
    return index_of(described, _named(manifest, platform), tag)


def index_of(described: Descriptor, platform: OciPlatform, tag: str | None) -> bytes:
    """Return the index of a layout with one image; a ``tag`` that the spec does not allow is none.

    A platform without an operating system is left out.
    """
    entry = described.document
    if platform.os:
        entry["platform"] = _members_of(platform)
    if tag is not None and _TAG.fullmatch(tag):
        entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    return _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]})


def _named(manifest: ImageManifest, platform: Platform) -> OciPlatform:
    return oci_platform(
        Platform(
            manifest.labels.get("os") or platform.os, manifest.labels.get("arch") or platform.arch
        )
    )


def _members_of(platform: OciPlatform) -> dict[str, object]:
    members: dict[str, object] = {"architecture": platform.architecture, "os": platform.os}
    return members | {"variant": platform.variant} if platform.variant else members


def _execution(app: JsonValue, annotations: Mapping[str, str]) -> Result[dict[str, object], str]:
    """Return how the image is run; only what the manifest says becomes a member."""
    if app.is_absent:
        return Success({})
    user, group = (app.member(key).text_or("").value_or("") for key in ("user", "group"))
    for owner in (user, group):
        if owner.startswith("/") or ":" in owner:
            return Failure(f'its app runs as the owner of "{owner}", wanted a user and a group')
    command = list(app.member("exec").items(JsonValue.text).value_or(()))
    members: dict[str, object] = {
        "User": f"{user}:{group}",
        **_command(command, annotations),
        "Env": [
            f"{_text(each, 'name')}={_text(each, 'value')}" for each in _members(app, "environment")
        ],
        "WorkingDir": app.member("workingDirectory").text_or("").value_or(""),
        "ExposedPorts": {port: {} for each in _members(app, "ports") for port in _ports(each)},
        "Volumes": {_text(each, "path"): {} for each in _members(app, "mountPoints")},
        "Labels": app.member("userLabels").text_map().value_or({}),
    }
    return Success({name: value for name, value in members.items() if value})


def _command(command: list[str], annotations: Mapping[str, str]) -> dict[str, object]:
    """Take a command apart where docker2aci noted how it was put together."""
    entrypoint, arguments = (
        _texts(annotations.get(f"appc.io/docker/{key}", "")) for key in ("entrypoint", "cmd")
    )
    if command and entrypoint + arguments == command:
        return {"Entrypoint": entrypoint, "Cmd": arguments}
    return {"Entrypoint": command}


def _texts(untrusted_json: str) -> list[str]:
    parsed = parse_json(untrusted_json.encode(), max_bytes=MANIFEST_BYTES, max_depth=2)
    return list(parsed.bind(lambda value: value.items(JsonValue.text)).value_or(()))


def _members(app: JsonValue, name: str) -> tuple[JsonValue, ...]:
    return app.member(name).items(Success).value_or(())


def _text(value: JsonValue, name: str) -> str:
    return value.member(name).text_or("").value_or("")


def _ports(value: JsonValue) -> list[str]:
    first = value.member("port").integer(1, 65535).value_or(1)
    count = value.member("count").integer(1, 65535).value_or(1)
    protocol = _text(value, "protocol") or "tcp"
    return [f"{port}/{protocol}" for port in range(first, first + count)]


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
