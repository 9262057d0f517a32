"""What was signed of an image: ``bytes -> Result[SignedIdentity, InvalidPayload]``.

    {"critical": {"type": "…",
                  "image": {"docker-manifest-digest": "sha256:…"},
                  "identity": {"docker-reference": "example.com/app:1.2.0"}},
     "optional": {"creator": "…", "timestamp": 1795440000, …}}

Sources: containers/image v5.23.1 ``containers-signature.5`` "JSON data format" for simple
signatures, and cosign v2.0.0 ``specs/SIGNATURE_SPEC.md`` "Simple Signing" for sigstore's. As in
containers/image, a member of ``critical`` that is not known refuses the whole, and one of
``optional`` does not; both must be there, where cosign may say ``null`` for the latter. Nothing
is compared with an image here.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, parse_digest
from pipeline.errors import InvalidPayload
from pipeline.limits import MESSAGE_BYTES, PAYLOAD_DEPTH
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

PayloadKind: TypeAlias = Literal["simple", "sigstore"]
"""Which scheme's signature it was that covers a payload."""

_TYPES: Final[dict[PayloadKind, str]] = {
    "simple": "atomic container signature",
    "sigstore": "cosign container image signature",
}
_INT64: Final = 2**63


@final
@dataclass(frozen=True, slots=True)
class SignedIdentity:
    """Which image was signed, under which name, and when, as the signer says.

    ``reference`` is as the signer wrote it; a simple signature's is not empty, cosign's may be.
    ``timestamp`` is seconds since 1970, and no more than a note: OpenPGP's own time is judged.
    """

    manifest_digest: Digest
    reference: str
    timestamp: int | None


def parse_payload(
    verified_payload: bytes, kind: PayloadKind
) -> Result[SignedIdentity, InvalidPayload]:
    """Read what was signed, once the signature is proven to be by somebody trusted; not before.

    Bounds: :data:`~pipeline.limits.MESSAGE_BYTES`, ``PAYLOAD_DEPTH``.
    Errors: what was got and what was wanted, and where in the document.

    >>> parse_payload(b'{"critical": {}}', "simple").failure().reason
    '$: got no member "optional", wanted critical, optional'
    """
    return (
        parse_json(verified_payload, max_bytes=MESSAGE_BYTES, max_depth=PAYLOAD_DEPTH)
        .bind(lambda document: _read(document, kind))
        .alt(lambda problem: InvalidPayload(f"{problem.path}: {problem.reason}"))
    )


def _read(document: JsonValue, kind: PayloadKind) -> Result[SignedIdentity, JsonProblem]:
    identity: Result[SignedIdentity, JsonProblem] = Result.do(
        SignedIdentity(digest, reference, timestamp)
        for top in _exactly(document, "critical", "optional")
        for critical in _exactly(top.member("critical"), "type", "image", "identity")
        for _ in _equal(critical.member("type"), _TYPES[kind])
        for image in _exactly(critical.member("image"), "docker-manifest-digest")
        for digest in image.member("docker-manifest-digest").checked(_parse_digest)
        for named in _exactly(critical.member("identity"), "docker-reference")
        for reference in _reference(named.member("docker-reference"), kind)
        for timestamp in _timestamp(top.member("optional"), kind)
    )
    return identity


def _exactly(value: JsonValue, *names: str) -> Result[JsonValue, JsonProblem]:
    """Return this, an object, if it has these members and no other."""
    members = value.value
    if not isinstance(members, dict):
        return Failure(value.refuse("an object"))
    missing = [f'no member "{name}"' for name in names if name not in members]
    unknown = [f'the member "{name}"' for name in members if name not in names]
    if missing or unknown:
        got = (missing + unknown)[0]
        return Failure(JsonProblem(value.path, f"got {got}, wanted {', '.join(names)}"))
    return Success(value)


def _equal(value: JsonValue, wanted: str) -> Result[None, JsonProblem]:
    if value.value != wanted:
        return Failure(value.refuse(f'"{wanted}"'))
    return Success(None)


def _parse_digest(text: str) -> Result[Digest, str]:
    """Read a digest in the one form that is written here, which has a colon."""
    outcome = parse_digest(text)
    if is_successful(outcome) and str(outcome.unwrap()) != text:
        return Failure('wanted a colon after "sha256" or "sha512"')
    return outcome


def _reference(value: JsonValue, kind: PayloadKind) -> Result[str, JsonProblem]:
    # containers/image leaves it to policies whether an empty one names anything; by none it does.
    # cosign has written such, so they are no malformed ones here either.
    if kind == "simple" and value.value == "":
        return Failure(value.refuse("a reference"))
    return value.text()


def _timestamp(optional: JsonValue, kind: PayloadKind) -> Result[int | None, JsonProblem]:
    """Check the members of ``optional`` that are known, and return the time if there is one."""
    if not isinstance(optional.value, dict) and not (kind == "sigstore" and optional.is_absent):
        return Failure(optional.refuse("an object"))
    creator = optional.member("creator").text_or("")
    if not is_successful(creator):
        return Failure(creator.failure())
    timestamp = optional.member("timestamp")
    return Success(None) if timestamp.is_absent else timestamp.integer(-_INT64, _INT64 - 1)
