"""rkt's credentials files: the bytes of one -> ``Result[AuthFile, InvalidSetting]``.

    {"rktKind": "auth", "rktVersion": "v1", "domains": ["example.com"],
     "type": "basic", "credentials": {"user": "…", "password": "…"}}

``type`` is ``basic`` (``user``, ``password``), ``oauth`` (``token``) or ``aws`` (``accessKeyID``,
``secretAccessKey``, and ``awsRegion`` where the domain's name does not tell it). The kind
``dockerAuth`` has ``registries``, and ``credentials`` with ``user`` and ``password``.

Source: rkt 1.30.0 ``Documentation/configuration.md``, "rktKind: auth" and "rktKind: dockerAuth".
Stricter than that, since a misspelt file should not silently prove nothing: exactly these members.

Errors name the file and the path in it, and say what is there by its kind alone: whatever stands
in such a file may be a secret, wherever somebody wrote it by mistake.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.credentials.origins import Origin, parse_origin
from pipeline.adapters.credentials.proofs import (
    AwsKey,
    Basic,
    Bearer,
    Proof,
    check_key_id,
    check_password,
    check_region,
    check_token,
    check_user,
)
from pipeline.adapters.credentials.signing import region_of
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES, CREDENTIALS_DEPTH
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

_HEAD: Final = ("rktKind", "rktVersion")

Value = TypeVar("Value")
_ProofFor: TypeAlias = Callable[[Origin], Result[Proof, JsonProblem]]


@final
@dataclass(frozen=True, slots=True)
class AuthFile:
    """What one file says: for which origins what is sent, or which registries take what."""

    proofs: tuple[tuple[Origin, Proof], ...] = ()
    registries: tuple[tuple[Origin, Basic], ...] = ()


def parse_auth_file(path: Path, content: bytes) -> Result[AuthFile, InvalidSetting]:
    """Read the content of the file at ``path``.

    Errors: InvalidSetting with the file, the place in it, and what was wanted there.
    """
    document = parse_json(
        content, max_bytes=CONFIGURATION_BYTES, max_depth=CREDENTIALS_DEPTH, is_secret=True
    )
    return document.bind(_parse_document).alt(
        lambda problem: InvalidSetting(f"{path}: {problem.path}", *_got_and_wanted(problem))
    )


def _got_and_wanted(problem: JsonProblem) -> tuple[str, str]:
    got, separator, wanted = problem.reason.partition(", wanted ")
    return (got.removeprefix("got "), wanted) if separator else (got, "JSON")


def _parse_document(document: JsonValue) -> Result[AuthFile, JsonProblem]:
    if not isinstance(document.value, dict):
        return Failure(_refuse(document, "an object"))
    kind = document.member("rktKind")
    if kind.value not in ("auth", "dockerAuth"):
        return Failure(_refuse(kind, "auth or dockerAuth"))
    version = document.member("rktVersion")
    if version.value != "v1":
        return Failure(_refuse(version, "v1"))
    return _parse_auth(document) if kind.value == "auth" else _parse_docker_auth(document)


def _parse_auth(document: JsonValue) -> Result[AuthFile, JsonProblem]:
    known = _only(document, *_HEAD, "domains", "type", "credentials")
    if not is_successful(known):
        return Failure(known.failure())
    origins = _origins(document.member("domains"))
    if not is_successful(origins):
        return Failure(origins.failure())
    kind = document.member("type")
    parse = _TYPES.get(kind.value) if isinstance(kind.value, str) else None
    if parse is None:
        return Failure(_refuse(kind, "basic, oauth or aws"))
    proof_for = parse(document.member("credentials"))
    if not is_successful(proof_for):
        return Failure(proof_for.failure())
    proofs: list[tuple[Origin, Proof]] = []
    for origin in origins.unwrap():
        proof = proof_for.unwrap()(origin)
        if not is_successful(proof):
            return Failure(proof.failure())
        proofs.append((origin, proof.unwrap()))
    return Success(AuthFile(proofs=tuple(proofs)))


def _parse_docker_auth(document: JsonValue) -> Result[AuthFile, JsonProblem]:
    known = _only(document, *_HEAD, "registries", "credentials")
    if not is_successful(known):
        return Failure(known.failure())
    origins = _origins(document.member("registries"))
    if not is_successful(origins):
        return Failure(origins.failure())
    return _login(document.member("credentials")).map(
        lambda login: AuthFile(registries=tuple((each, login) for each in origins.unwrap()))
    )


def _origins(array: JsonValue) -> Result[tuple[Origin, ...], JsonProblem]:
    """Read domains, at least one, none of them twice."""
    if not isinstance(array.value, list) or not array.value:
        return Failure(_refuse(array, "an array of domains, at least one"))
    outcome = array.items(lambda element: _checked(element, parse_origin))
    if not is_successful(outcome):
        return Failure(outcome.failure())
    origins = outcome.unwrap()
    for index, origin in enumerate(origins):
        if origin in origins[:index]:
            place = f"{array.path}[{index}]"
            return Failure(JsonProblem(place, f"got {origin} again, wanted each domain once"))
    return Success(origins)


def _basic(credentials: JsonValue) -> Result[_ProofFor, JsonProblem]:
    return _login(credentials).map(_the_same)


def _login(credentials: JsonValue) -> Result[Basic, JsonProblem]:
    known = _only(credentials, "user", "password")
    if not is_successful(known):
        return Failure(known.failure())
    user = _checked(credentials.member("user"), check_user)
    password = _checked(credentials.member("password"), check_password)
    return user.bind(lambda name: password.map(lambda secret: Basic(name, secret)))


def _oauth(credentials: JsonValue) -> Result[_ProofFor, JsonProblem]:
    known = _only(credentials, "token")
    if not is_successful(known):
        return Failure(known.failure())
    return _checked(credentials.member("token"), check_token).map(
        lambda token: _the_same(Bearer(token))
    )


def _the_same(proof: Proof) -> _ProofFor:
    return lambda _: Success(proof)


def _aws(credentials: JsonValue) -> Result[_ProofFor, JsonProblem]:
    known = _only(credentials, "accessKeyID", "secretAccessKey", "awsRegion")
    if not is_successful(known):
        return Failure(known.failure())
    key_id = _checked(credentials.member("accessKeyID"), check_key_id)
    if not is_successful(key_id):
        return Failure(key_id.failure())
    secret = _checked(credentials.member("secretAccessKey"), check_password)
    if not is_successful(secret):
        return Failure(secret.failure())
    region = credentials.member("awsRegion")
    # An empty region counts as none, as in rkt.
    is_given = not region.is_absent and region.value != ""

    def proof_for(origin: Origin) -> Result[Proof, JsonProblem]:
        found = (
            _checked(region, check_region)
            if is_given
            else region_of(origin.host).alt(lambda wanted: _refuse(region, wanted))
        )
        return found.map(lambda name: AwsKey(key_id.unwrap(), secret.unwrap(), name))

    return Success(proof_for)


_TYPES: Final = {"basic": _basic, "oauth": _oauth, "aws": _aws}


def _only(value: JsonValue, *known: str) -> Result[None, JsonProblem]:
    """Check that this is an object without members but the known ones."""
    if not isinstance(value.value, dict):
        return Failure(_refuse(value, "an object"))
    if set(value.value) - set(known):
        reason = f"got an object with another member, wanted none but {', '.join(known)}"
        return Failure(JsonProblem(value.path, reason))
    return Success(None)


def _checked(
    value: JsonValue, check: Callable[[str], Result[Value, str]]
) -> Result[Value, JsonProblem]:
    """Return a string as ``check`` reads it; its failure says what was wanted."""
    text = value.value if isinstance(value.value, str) else ""
    return check(text).alt(lambda wanted: _refuse(value, wanted))


def _refuse(value: JsonValue, wanted: str) -> JsonProblem:
    return JsonProblem(value.path, f"got {value.kind}, wanted {wanted}")
