"""The grammar of registry references. Pure.

    str -> Result[DockerReference, ReferenceProblem]

Source: distribution/reference v0.6.0 ``reference.go`` (grammar) and ``normalize.go`` (defaults);
distribution-spec v1.1.0 ``spec.md`` "Pulling manifests". As there, an IPv6 address stands in
brackets, without a zone and without an IPv4 address in it; it must be one.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, parse_digest
from pipeline.reference import DockerReference, ReferenceProblem

_ADVICE: Final = "a registry reference is written as docker://host:port/repository:tag@digest"
_NAME_CHARACTERS: Final = 255

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?P<ipv6>[0-9A-Fa-f:]+)\])(?::(?P<port>[0-9]{{1,5}}))?",
    re.ASCII,
)
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_BARE_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DOCKER_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


def parse_docker_reference(text: str) -> Result[DockerReference, ReferenceProblem]:
    """Read what follows ``docker:`` or ``docker://``.

    ``reference = [host [":" port] "/"] path ["/" path…] [":" tag] ["@" digest]``. The first
    part is a host where it has a dot or a colon or is ``localhost``, and an IPv6 address in
    brackets has colons; otherwise the host is docker.io, where a repository of one part lies
    under ``library/``. Without tag and digest the tag is ``latest``; with both, the digest
    counts and the tag is kept.

    >>> parse_docker_reference("busybox").unwrap().full
    'registry-1.docker.io/library/busybox:latest'
    """
    named, at, digest_text = text.partition("@")
    digest: Digest | None = None
    if at:
        outcome = parse_digest(digest_text)
        if not is_successful(outcome) or ":" not in digest_text:
            wanted = 'wanted "sha256:" and 64, or "sha512:" and 128 lower-case hex digits after "@"'
            return Failure(ReferenceProblem(wanted, _ADVICE, len(named) + 1))
        digest = outcome.unwrap()
    first, has_host = named.partition("/")[0], begins_with_host(named)
    path_start = len(first) + 1 if has_host else 0
    if has_host:
        match = _HOST.match(first)
        stop = match.end() if match else 0
        if match is not None and match["ipv6"] and not _is_ipv6(match["ipv6"]):
            wanted = "wanted an IPv6 address in the brackets"
            return Failure(ReferenceProblem(wanted, _ADVICE, match.start("ipv6")))
        if match is None or stop < len(first) or not 0 < int(match["port"] or 443) < 65536:
            wanted = "wanted a host's name, and a port from 1 to 65535 where there is one"
            at_port = match.start("port") if match and stop == len(first) else stop
            return Failure(ReferenceProblem(wanted, _ADVICE, at_port))
    path, colon, tag = named[path_start:].partition(":")
    matched = _REPOSITORY.match(path)
    if matched is None or matched.end() < len(path):
        wanted = (
            'wanted lower-case letters and digits, with single "." or "_" between them, as path'
        )
        return Failure(
            ReferenceProblem(wanted, _ADVICE, path_start + (matched.end() if matched else 0))
        )
    if colon and _TAG.fullmatch(tag) is None:
        wanted = 'wanted 1 to 128 letters, digits, "_", "." and "-" as tag, the first no "." or "-"'
        return Failure(ReferenceProblem(wanted, _ADVICE, path_start + len(path) + 1))
    if path_start + len(path) > _NAME_CHARACTERS:
        wanted = f"wanted at most {_NAME_CHARACTERS} characters of host and repository"
        return Failure(ReferenceProblem(wanted, _ADVICE, _NAME_CHARACTERS))
    if not has_host and _BARE_DIGEST.fullmatch(path) is not None:
        # Whoever writes this means an image ID, and would get somebody's repository of that name.
        wanted = "wanted a repository, got 64 hex digits"
        return Failure(
            ReferenceProblem(wanted, f"a digest is written after a name: NAME@sha256:{path[:6]}…")
        )
    host = first if has_host else "docker.io"
    if host in _DOCKER_HUB:
        host = "docker.io"
        path = path if "/" in path else f"library/{path}"
    shown_tag = tag if colon else None if digest else "latest"
    return Success(DockerReference(text, host, path, shown_tag, digest))


def begins_with_host(text: str) -> bool:
    """Tell whether the first part of a name is a host, and not a part of a repository's path.

    >>> begins_with_host("localhost/app"), begins_with_host("library/app"), begins_with_host("a.b")
    (True, False, False)
    """
    first, slash, _ = text.partition("/")
    return bool(slash) and (first == "localhost" or "." in first or ":" in first)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
