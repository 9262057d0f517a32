"""The grammars of names, image IDs and CIMDs. Pure.

    str -> Result[Reference, ReferenceProblem]

Which grammar a text falls under is decided elsewhere (:mod:`pipeline.stages.parse`); locations
and registry references have modules of their own. What is accepted here is what rkt 1.30.0
accepts, except for what ``docs/differences-from-rkt.md`` lists.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import unquote_plus

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import HEX_LENGTH, DigestAlgorithm
from pipeline.names import ImageName, Label, LabelName, Labels, find_fault
from pipeline.reference import (
    BAD_ESCAPE,
    CONTROL,
    AppcReference,
    ImageIDReference,
    Reference,
    ReferenceProblem,
)
from pipeline.reference.archive_url import parse_location
from pipeline.reference.docker import parse_docker_reference

_NAME_ADVICE: Final = "a name is written as example.com/app:1.0.0,os=linux,arch=amd64"
_CIMD_ADVICE: Final = (
    "a CIMD is written as cimd:appc:v=0:NAME, cimd:aci-archive:v=0:URL or cimd:docker:v=0:IMAGE"
)

_NOT_HEX: Final = re.compile(r"[^0-9a-f]")
_CIMD: Final = re.compile(r"cimd:([^:]*):v=([0-9]{1,9}):(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)


def parse_app_string(text: str) -> Result[AppcReference, ReferenceProblem]:
    """Read a name and labels.

    ``app-string = name [":" version] *("," label "=" value)``. Neither a value nor the version
    holds a comma or a colon; nothing is unescaped.
    Source: appc/spec v0.8.11 ``discovery`` package, "NewAppFromString".

    >>> parse_app_string("example.com/app:1.0,os=linux").unwrap().labels.get("os")
    'linux'
    """
    head, *pairs = text.split(",")
    name, colon, version = head.partition(":")
    stray = text.find(":", len(name) + len(colon))
    if stray != -1:
        return Failure(
            ReferenceProblem("wanted one colon at most, right after the name", _NAME_ADVICE, stray)
        )
    labels: list[tuple[str, str, int | None]] = [("version", version, None)] if colon else []
    offset = len(head)
    for pair in pairs:
        label, equals, value = pair.partition("=")
        if not equals:
            return Failure(ReferenceProblem('wanted label=value after ","', _NAME_ADVICE, offset))
        labels.append((label, value, offset + 1))
        offset += 1 + len(pair)
    return _appc_reference(name, labels)


def parse_image_id(text: str) -> Result[ImageIDReference, ReferenceProblem]:
    """Read ``sha512-`` or ``sha256-`` and lower-case hex digits: a prefix of an image's ID.

    At least 2 digits, and no more than a digest has: 128 or 64.

    >>> parse_image_id("sha512-0aF").failure().position
    9
    """
    algorithm: DigestAlgorithm = "sha256" if text.startswith("sha256-") else "sha512"
    start, digits = len(algorithm) + 1, text.removeprefix(f"{algorithm}-")
    advice = (
        "image-pipeline image list shows the IDs; a file of that name is written as "
        f"./{algorithm}-…, an image's name as cimd:appc:v=0:NAME"
    )
    stray = _NOT_HEX.search(digits)
    if stray is not None:
        wanted = f'wanted only lower-case hex digits after "{algorithm}-"'
        return Failure(ReferenceProblem(wanted, advice, start + stray.start()))
    if len(digits) < 2:
        wanted = f"wanted at least 2 hex digits of an image ID, got {len(digits)}"
        return Failure(ReferenceProblem(wanted, advice))
    most = HEX_LENGTH[algorithm]
    if len(digits) > most:
        wanted = f"wanted at most {most} hex digits of an image ID, got {len(digits)}"
        return Failure(ReferenceProblem(wanted, advice, start + most))
    return Success(ImageIDReference(digits, algorithm))


def parse_cimd(text: str) -> Result[Reference, ReferenceProblem]:
    """Read a distribution point.

    ``cimd = "cimd:" type ":v=0:" data``, where ``data`` is, by type: ``appc``, an escaped name
    and ``?label=value&…``; ``aci-archive``, an escaped URL; ``docker``, a registry reference.
    Source: rkt 1.30.0 ``Documentation/distribution-point.md``.
    """
    match = _CIMD.fullmatch(text)
    if match is None:
        return Failure(ReferenceProblem("wanted cimd:TYPE:v=0:DATA", _CIMD_ADVICE))
    kind, version, data = match.groups()
    if int(version) != 0:
        return Failure(
            ReferenceProblem("wanted version 0 of the CIMD", _CIMD_ADVICE, match.start(2))
        )
    if kind == "docker":
        docker = parse_docker_reference(data)
        if not is_successful(docker):
            return Failure(docker.failure().shifted(match.start(3)))
        return Success(docker.unwrap())
    if kind == "aci-archive":
        location = _unescape(data)
        if not is_successful(location):
            return Failure(location.failure())
        return parse_location(location.unwrap()).alt(_without_position)
    if kind == "appc":
        return _parse_appc_data(data).alt(_without_position)
    return Failure(
        ReferenceProblem("wanted appc, aci-archive or docker as type", _CIMD_ADVICE, match.start(1))
    )


def _without_position(problem: ReferenceProblem) -> ReferenceProblem:
    """Return a problem of unescaped text: its position is not one in what was written."""
    return replace(problem, position=None)


def _parse_appc_data(data: str) -> Result[Reference, ReferenceProblem]:
    escaped_name, _, query = data.partition("?")
    fields = [escaped_name]
    for pair in query.split("&") if query else ():
        label, _, value = pair.partition("=")
        fields += [label, value]
    texts: list[str] = []
    for field in fields:
        text = _unescape(field)
        if not is_successful(text):
            return Failure(text.failure())
        texts.append(text.unwrap())
    name, *others = texts
    pairs = zip(others[::2], others[1::2], strict=True)
    return _appc_reference(name, [(label, value, None) for label, value in pairs])


def _appc_reference(
    name: str, pairs: Iterable[tuple[str, str, int | None]]
) -> Result[AppcReference, ReferenceProblem]:
    """Build a reference from texts; with each label, the position where it was written."""
    fault = find_fault(name)
    if fault is not None:
        return Failure(
            ReferenceProblem(f"{fault.wanted} in the name", _NAME_ADVICE, fault.position)
        )
    labels: dict[LabelName, Label] = {}
    for label, value, position in pairs:
        fault = find_fault(label)
        if fault is not None:
            shifted = None if position is None else position + (fault.position or 0)
            wanted = f"{fault.wanted} in a label's name"
            return Failure(ReferenceProblem(wanted, _NAME_ADVICE, shifted))
        if label == "name" or label in labels:
            wanted = (
                f'wanted the label "{label}" once at most'
                if label != "name"
                else 'wanted no label "name", which the image itself has'
            )
            return Failure(ReferenceProblem(wanted, _NAME_ADVICE, position))
        labels[LabelName(label)] = Label(LabelName(label), value)
    return Success(AppcReference(ImageName(name), Labels(tuple(labels.values()))))


def _unescape(text: str) -> Result[str, ReferenceProblem]:
    """Undo a query's escapes, ``+`` for a space among them."""
    if BAD_ESCAPE.search(text) is not None:
        return Failure(ReferenceProblem('wanted two hex digits after "%"', _CIMD_ADVICE))
    try:
        plain = unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        return Failure(ReferenceProblem("wanted escapes of UTF-8", _CIMD_ADVICE))
    if CONTROL.search(plain) is not None:
        return Failure(
            ReferenceProblem("wanted no control character, escaped or not", _CIMD_ADVICE)
        )
    return Success(plain)
