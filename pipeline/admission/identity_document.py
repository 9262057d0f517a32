"""``signedIdentity`` of ``policy.json``: ``JsonValue -> Result[Identity, JsonProblem]``. ::

    identity = {"type": "matchExact" | "matchRepoDigestOrExact" | "matchRepository"}
             | {"type": "exactReference", "dockerReference": reference with a tag or digest}
             | {"type": "exactRepository", "dockerRepository": reference}
             | {"type": "remapIdentity", "prefix": prefix, "signedPrefix": prefix}

Source: containers/image v5.23.1 ``docs/containers-policy.json.5.md`` "signedBy" and
``signature/policy_config.go``.
"""

from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.identities import DEFAULT_IDENTITY, is_name_alone, parse_prefix
from pipeline.admission.members import checked_type, only
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
from pipeline.strict_json import JsonProblem, JsonValue

_MATCHES: Final[dict[str, MatchType]] = {
    "matchExact": "matchExact",
    "matchRepoDigestOrExact": "matchRepoDigestOrExact",
    "matchRepository": "matchRepository",
}
_TYPES: Final = (*_MATCHES, "exactReference", "exactRepository", "remapIdentity")


def parse_identity(value: JsonValue) -> Result[Identity, JsonProblem]:
    """Read an identity; nothing counts as ``matchRepoDigestOrExact``."""
    if value.is_absent:
        return Success(DEFAULT_IDENTITY)
    named = checked_type(value, _TYPES)
    if not is_successful(named):
        return Failure(named.failure())
    match named.unwrap():
        case "exactReference":
            return only(value, ("type", "dockerReference")).bind(
                lambda known: (
                    known.member("dockerReference")
                    .checked(_parse_whole)
                    .map(lambda reference: ExactReference(reference.normal))
                )
            )
        case "exactRepository":
            return only(value, ("type", "dockerRepository")).bind(
                lambda known: (
                    known.member("dockerRepository")
                    .checked(_parse)
                    .map(lambda reference: ExactRepository(reference.name))
                )
            )
        case "remapIdentity":
            return _parse_remapping(value)
        case how:
            return only(value, ("type",)).map(lambda _: MatchReference(_MATCHES[how]))


def _parse_remapping(value: JsonValue) -> Result[Identity, JsonProblem]:
    remapping: Result[Identity, JsonProblem] = Result.do(
        RemapIdentity(prefix, signed_prefix)
        for _ in only(value, ("type", "prefix", "signedPrefix"))
        for prefix in value.member("prefix").checked(parse_prefix)
        for signed_prefix in value.member("signedPrefix").checked(parse_prefix)
    )
    return remapping


def _parse(untrusted_text: str) -> Result[DockerReference, str]:
    return parse_docker_reference(untrusted_text).alt(lambda problem: problem.wanted)


def _parse_whole(untrusted_text: str) -> Result[DockerReference, str]:
    parsed = _parse(untrusted_text)
    if is_successful(parsed) and is_name_alone(parsed.unwrap()):
        return Failure("wanted a tag or a digest behind the name")
    return parsed
