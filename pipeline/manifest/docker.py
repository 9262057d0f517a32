"""A registry image's configuration as an appc image manifest: docker2aci's mapping. Pure.

    name, labels, DockerSource, configuration -> Result[bytes, str]

The name is the one under which the image is kept, as ``docker.io/library/busybox``: keystore
prefixes speak of that one, and not of ``registry-1.docker.io``, as docker2aci would have it. The
command is the entrypoint and what stands behind it; how it was put together is in annotations, so
that :mod:`pipeline.manifest.oci` can take it apart again.

Left out, since appc has no place for it: environment entries without ``=``, a time of creation that
is none, and members that say how docker treats a container (``Healthcheck``, ``OnBuild``,
``Shell``, ``StopSignal`` and such). Refused, since the app would run as somebody else, elsewhere or
otherwise: a user that is the path of a file or has more than two parts, a relative working
directory, a variable whose name appc does not allow, a port that is none, a platform that appc has
no word for. JSON, sorted and without spaces, so that the same image makes the same bytes.

Sources: appc/docker2aci v0.17.2 ``README.md`` and what it makes of images; OCI image-spec v1.1.0
``config.md``; appc/spec v0.8.11 ``spec/aci.md`` "Image Manifest Schema".
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.limits import CONFIG_BYTES, MANIFEST_DEPTH
from pipeline.manifest import PLATFORMS, is_time
from pipeline.manifest.app import ENVIRONMENT_NAME
from pipeline.names import ImageName, Labels
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

_AC_VERSION: Final = "0.8.11"
_PREFIX: Final = "appc.io/docker/"
_ROOT: Final = "0"
_PORT: Final = re.compile(r"([0-9]{1,5})(?:/([A-Za-z0-9]+))?", re.ASCII)
_LAST_PORT: Final = 65535
_NO_NAME: Final = re.compile(r"[^a-z0-9]+", re.ASCII)


@final
@dataclass(frozen=True, slots=True)
class DockerSource:
    """Where a registry image is from. ``host`` and ``repository`` are empty for one from a file."""

    host: str
    repository: str
    tag: str | None
    manifest: Digest
    config: Digest


def docker_manifest(
    name: ImageName, labels: Labels, source: DockerSource, config: bytes
) -> Result[bytes, str]:
    """Return the manifest of an archive that has all layers of an image in it.

    Errors: a sentence about what appc cannot say.
    """
    platform = _check_platform(labels)
    if not is_successful(platform):
        return Failure(platform.failure())
    parsed = parse_json(config, max_bytes=CONFIG_BYTES, max_depth=MANIFEST_DEPTH)
    if not is_successful(parsed):
        return Failure(_sentence(parsed.failure()))
    document = parsed.unwrap()
    run = document.member("config")
    if not run.is_absent:
        checked = run.fields(
            "User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Volumes", "ExposedPorts", "Labels"
        )
        if not is_successful(checked):
            return Failure(_sentence(checked.failure()))
    made: Result[bytes, str] = Result.do(
        _json(
            {
                "acKind": "ImageManifest",
                "acVersion": _AC_VERSION,
                "name": name,
                "labels": [{"name": each.name, "value": each.value} for each in labels.items],
                "app": app,
                "annotations": annotations,
            }
        )
        for entrypoint in _texts(run.member("Entrypoint"))
        for command in _texts(run.member("Cmd"))
        for app in _app(run, [*entrypoint, *command])
        for annotations in _annotations(document, source, entrypoint, command)
    )
    return made


def _check_platform(labels: Labels) -> Result[None, str]:
    os, arch = labels.get("os"), labels.get("arch")
    if os is not None and (os not in PLATFORMS or arch not in {None, *PLATFORMS[os]}):
        return Failure(f'appc has no word for the platform "{os}/{arch or ""}"')
    return Success(None)


def _app(run: JsonValue, command: list[str]) -> Result[dict[str, object], str]:
    app: Result[dict[str, object], str] = Result.do(
        {
            name: value
            for name, value in {
                "exec": command,
                "user": owner[0],
                "group": owner[1],
                "environment": environment,
                "workingDirectory": directory,
                "mountPoints": _mount_points(volumes),
                "ports": ports,
                "userLabels": labels,
            }.items()
            if value
        }
        for owner in _text(run.member("User")).bind(_owner)
        for entries in _texts(run.member("Env"))
        for environment in _environment(entries)
        for directory in _text(run.member("WorkingDir")).bind(_directory)
        for volumes in _names(run.member("Volumes"))
        for exposed in _names(run.member("ExposedPorts"))
        for ports in _ports(exposed)
        for labels in run.member("Labels").text_map().alt(_sentence)
    )
    return app


def _owner(text: str) -> Result[tuple[str, str], str]:
    """Take ``user[:group]`` apart; without a group the user's name stands for it, too."""
    user, _, group = text.partition(":")
    for part in (user, group):
        if part.startswith("/") or ":" in part:
            return Failure(f'its user is "{text}", wanted USER or USER:GROUP')
    return Success((user or _ROOT, group or user or _ROOT))


def _environment(entries: Iterable[str]) -> Result[list[dict[str, str]], str]:
    """Read ``NAME=value``; of two for one name the later counts, as it does to docker."""
    variables: dict[str, str] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not equals:
            continue
        if ENVIRONMENT_NAME.fullmatch(name) is None:
            return Failure(f'appc allows no environment variable called "{name}"')
        variables[name] = value
    return Success([{"name": name, "value": value} for name, value in variables.items()])


def _directory(path: str) -> Result[str, str]:
    if path and not path.startswith("/"):
        return Failure(f'its working directory is "{path}", wanted an absolute path')
    return Success(path)


def _mount_points(volumes: Iterable[str]) -> list[dict[str, str]]:
    """Name each volume by its path; where two would have one name, the later gets a number."""
    points: list[dict[str, str]] = []
    taken: set[str] = set()
    for path in sorted(volumes):
        plain = "-".join(filter(None, ("volume", _NO_NAME.sub("-", path.lower()).strip("-"))))
        name, number = plain, 0
        while name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        points.append({"name": name, "path": path})
    return points


def _ports(exposed: Iterable[str]) -> Result[list[dict[str, object]], str]:
    """Read ``PORT[/PROTOCOL]``, tcp where none is given."""
    ports: set[tuple[int, str]] = set()
    for text in exposed:
        match = _PORT.fullmatch(text)
        number = int(match[1]) if match else 0
        if match is None or not 0 < number <= _LAST_PORT:
            return Failure(f'its port is "{text}", wanted one from 1 to {_LAST_PORT}/PROTOCOL')
        ports.add((number, (match[2] or "tcp").lower()))
    return Success(
        [
            {"name": f"{number}-{protocol}", "protocol": protocol, "port": number}
            for number, protocol in sorted(ports)
        ]
    )


def _annotations(
    document: JsonValue, source: DockerSource, entrypoint: list[str], command: list[str]
) -> Result[list[dict[str, str]], str]:
    tag = f":{source.tag}" if source.tag is not None else ""
    name = f"{source.host}/{source.repository}{tag}" if source.host else ""
    annotations: Result[list[dict[str, str]], str] = Result.do(
        [
            {"name": key, "value": value}
            for key, value in {
                "author": author,
                "created": created if is_time(created) else "",
                f"{_PREFIX}originalname": name,
                f"{_PREFIX}registryurl": source.host,
                f"{_PREFIX}repository": source.repository,
                f"{_PREFIX}tag": source.tag or "",
                f"{_PREFIX}imageid": str(source.config),
                f"{_PREFIX}parentimageid": parent,
                f"{_PREFIX}entrypoint": _json(entrypoint).decode() if entrypoint else "",
                f"{_PREFIX}cmd": _json(command).decode() if command else "",
                f"{_PREFIX}manifesthash": str(source.manifest),
            }.items()
            if value
        ]
        for author in _text(document.member("author"))
        for created in _text(document.member("created"))
        for parent in _text(document.member("parent"))
    )
    return annotations


def _text(value: JsonValue) -> Result[str, str]:
    return value.text_or("").alt(_sentence)


def _texts(value: JsonValue) -> Result[list[str], str]:
    return value.items(JsonValue.text).map(list).alt(_sentence)


def _names(value: JsonValue) -> Result[tuple[str, ...], str]:
    """Return the names of an object's members, which say nothing themselves."""
    if value.is_absent:
        return Success(())
    if not isinstance(value.value, dict):
        return Failure(_sentence(value.refuse("an object")))
    return Success(tuple(value.value))


def _sentence(problem: JsonProblem) -> str:
    return f"its configuration at {problem.path}: {problem.reason}"


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
