"""Which rule of a policy decides on an image: the most specific one, and that alone. Pure.

    reference as in ManifestEvidence -> Subject
    PolicyDocument, Subject          -> Rule

Of a registry's image ``host:port/a/b:tag``, in this order::

    docker "host:port/a/b:tag"      the reference, by its digest where it has one
    docker "host:port/a/b"          the repository
    docker "host:port/a"            what is above it
    docker "host:port"              the host, with its port where it has one
    docker "*.domain"               wildcards, the longest first, without the port
    docker ""                       all registries
    default                         everything else

Of an image in files ``oci:/a/b:name`` (and ``oci-archive:``): ``/a/b``, ``/a``, ``""``; of
``docker-archive:``, which has no scopes, ``""``. Paths are compared as they are written, once
absolute: links are not followed, as what a name means must not change under a policy.

Source: containers/image v5.23.1 ``docs/containers-policy.json.5.md`` "Supported transports and
their scopes", ``docker/policyconfiguration/naming.go``, ``oci/layout/oci_transport.go``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.requirements import PolicyDocument, Requirements
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference

DOCKER: Final = "docker"
PATH_TRANSPORTS: Final = frozenset({"oci", "oci-archive"})
"""Transports whose scopes are absolute paths."""

SCOPELESS_TRANSPORTS: Final = frozenset({"docker-archive"})
"""Transports that have no scope but all of themselves."""

_REGISTRY_SCHEME: Final = "docker://"


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """An image that a policy is asked about, and its scopes, the most specific first.

    ``docker`` is None for an image that is not in a registry.
    """

    reference: str
    transport: str
    scopes: tuple[str, ...]
    docker: DockerReference | None


@final
@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that decides: ``scope`` as people recognise it, ``docker "example.com/app"``."""

    scope: str
    requirements: Requirements


def parse_subject(reference: str) -> Result[Subject, str]:
    """Read a reference as it stands in :class:`~pipeline.results.ManifestEvidence`.

    Errors: a sentence that says what was wanted.

    >>> parse_subject("docker://localhost:5000/app:1").unwrap().scopes
    ('localhost:5000/app:1', 'localhost:5000/app', 'localhost:5000')
    >>> parse_subject("oci:/images/app:1.0").unwrap().scopes
    ('/images/app', '/images')
    """
    if reference.startswith(_REGISTRY_SCHEME):
        parsed = parse_docker_reference(reference.removeprefix(_REGISTRY_SCHEME))
        if is_successful(parsed):
            docker = parsed.unwrap()
            return Success(Subject(reference, DOCKER, tuple(docker_scopes(docker)), docker))
    transport, _, rest = reference.partition(":")
    path = rest.partition(":")[0]
    if path.startswith("/"):
        if transport in PATH_TRANSPORTS:
            return Success(Subject(reference, transport, tuple(_path_scopes(path)), None))
        if transport in SCOPELESS_TRANSPORTS:
            return Success(Subject(reference, transport, (), None))
    # To let it fall to a default would let what is misread pass what a scope forbids.
    return Failure("wanted the reference of an image in a registry or in files")


def find_rule(policy: PolicyDocument, subject: Subject) -> Rule:
    """Return the one rule that decides."""
    for scope in (*subject.scopes, ""):
        requirements = policy.scopes.get((subject.transport, scope))
        if requirements is not None:
            return Rule(f'{subject.transport} "{scope}"', requirements)
    return Rule("default", policy.default)


def docker_scopes(reference: DockerReference) -> Iterator[str]:
    """Return the scopes that cover an image of a registry, the most specific first."""
    digest = reference.digest
    yield f"{reference.name}:{reference.tag}" if digest is None else f"{reference.name}@{digest}"
    yield from _parents(reference.name)
    _, dot, domain = reference.host.partition(":")[0].partition(".")
    while dot:
        yield f"*.{domain}"
        _, dot, domain = domain.partition(".")


def _parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition("/")[0]


def _path_scopes(path: str) -> Iterator[str]:
    return _parents(path.rstrip("/"))
