"""Whether a signed reference is the one that was asked for. Pure.

    Identity, DockerReference asked for -> Expected
    Expected, signed reference          -> bool

Both sides are normalised as docker does it, then compared whole: never by prefix. Where tag and
digest were asked for, the digest counts. A signed reference without tag and digest names a
repository alone: it is no exact reference, and ``latest`` is not made up for it.

Sources: containers/image v5.23.1 ``docs/containers-policy.json.5.md`` "signedBy" and
``signature/policy_reference_match.go``, which says what the page leaves open.
"""

import re
from dataclasses import dataclass
from typing import Final, assert_never, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.requirements import (
    ExactReference,
    ExactRepository,
    Identity,
    MatchReference,
    MatchType,
    RemapIdentity,
)
from pipeline.reference import DockerReference
from pipeline.reference.docker import parse_docker_reference

DEFAULT_IDENTITY: Final = MatchReference("matchRepoDigestOrExact")
"""What is demanded where a policy names no identity, and by the keystore."""

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PREFIX: Final = re.compile(
    rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?(?:/{_PART})*", re.ASCII
)  # distribution/reference v0.6.0 regexp.go: DomainRegexp, then parts of a name


@final
@dataclass(frozen=True, slots=True)
class Expected:
    """What a signature must name: ``text`` is a whole reference or, ``of_repository``, a name.

    Where ``name_suffices``, a signed reference may have neither tag nor digest.
    """

    text: str
    of_repository: bool
    name_suffices: bool = False


def expected_reference(identity: Identity, asked: DockerReference | None) -> Expected | None:
    """Return what a signature must name; None where nothing it could name would do.

    ``asked`` is None for an image that is not in a registry.
    """
    match identity:
        case ExactReference(reference):
            return Expected(reference, of_repository=False)
        case ExactRepository(repository):
            return Expected(repository, of_repository=True, name_suffices=True)
        case MatchReference(how):
            return None if asked is None else _match(how, asked)
        case RemapIdentity():
            remapped = None if asked is None else _remap(identity, asked)
            return None if remapped is None else _match("matchRepoDigestOrExact", remapped)
        case _:
            assert_never(identity)


def is_expected(expected: Expected, signed_reference: str) -> bool:
    """Tell whether a signed reference, proven but not trusted in any way, is the expected one.

    >>> is_expected(Expected("docker.io/library/app:1", of_repository=False), "app:1")
    True
    >>> is_expected(Expected("docker.io/library/app:latest", of_repository=False), "app")
    False
    """
    parsed = parse_docker_reference(signed_reference)
    if not is_successful(parsed):
        return False
    signed = parsed.unwrap()
    if is_name_alone(signed) and not expected.name_suffices:
        return False
    return (signed.name if expected.of_repository else signed.normal) == expected.text


def is_name_alone(reference: DockerReference) -> bool:
    """Tell whether what was written has neither tag nor digest, so that ``latest`` was filled in.

    >>> is_name_alone(parse_docker_reference("localhost:5000/app").unwrap())
    True
    """
    return reference.digest is None and not reference.given.endswith(f":{reference.tag}")


def parse_prefix(untrusted_text: str) -> Result[str, str]:
    """Check a prefix of ``remapIdentity``: a host, and parts of a repository where there are some.

    Errors: a sentence that says what was wanted.
    """
    if _PREFIX.fullmatch(untrusted_text) is None:
        return Failure("wanted a host, and parts of a repository behind it, without tag and digest")
    return Success(untrusted_text)


def _exact(asked: DockerReference) -> str:
    """Return the reference by its digest, where it has one, otherwise by its tag."""
    return f"{asked.name}@{asked.digest}" if asked.digest is not None else asked.normal


def _match(how: MatchType, asked: DockerReference) -> Expected:
    if how == "matchRepository":
        return Expected(asked.name, of_repository=True, name_suffices=True)
    # The digest was compared with the image already: it says more than a signed tag could.
    if how == "matchRepoDigestOrExact" and asked.digest is not None:
        return Expected(asked.name, of_repository=True)
    return Expected(_exact(asked), of_repository=False)


def _remap(identity: RemapIdentity, asked: DockerReference) -> DockerReference | None:
    name, prefix = asked.name, identity.prefix
    # A prefix ends where a part does: example.com/foo never covers example.com/foobar.
    if name != prefix and not name.startswith(f"{prefix}/"):
        return asked
    remapped = identity.signed_prefix + _exact(asked).removeprefix(prefix)
    parsed = parse_docker_reference(remapped)
    # What reads back as something else (docker.io/app is docker.io/library/app) names nothing.
    if not is_successful(parsed) or parsed.unwrap().normal != remapped:
        return None
    return parsed.unwrap()
