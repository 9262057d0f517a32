"""``policy.json``, read strictly: ``bytes -> Result[PolicyDocument, JsonProblem]``.

One thing that is wrong anywhere fails the whole file: a demand that is misspelt must not silently
demand nothing. So there are no members but those below, each once and none of them ``null``; every
list has an element; and a file is read whole, whatever transports it names. ::

    policy      = {"default": [requirement…], "transports"?: {transport: {scope: [requirement…]}}}
    requirement = {"type": "insecureAcceptAnything"} | {"type": "reject"}
                | {"type": "signedBy", "keyType": "GPGKeys", keys, "signedIdentity"?: identity}
                | {"type": "sigstoreSigned", keys, "signedIdentity"?: identity}
    keys        = "keyPath": path | "keyPaths": [path…] | "keyData": base64
                | "keyDatas": [base64…]                                 (sigstoreSigned alone)

Source: containers/image v5.23.1 ``docs/containers-policy.json.5.md`` and
``signature/policy_config.go``. That reads, and then fails every image by, what is refused here at
once: the key types ``signedByGPGKeys``, ``X509Certificates`` and ``signedByX509CAs``, the type
``signedBaseLayer``, and lists of keys without a key. Later versions have ``keyPaths`` and
``keyDatas`` of ``sigstoreSigned``, too, and what needs a network or a certificate authority
(``fulcio``, ``pki``, ``rekorPublicKey…``), which is refused. Identities are in
:mod:`.identity_document`. Keys in files are not read here.
"""

import binascii
import posixpath
from base64 import b64decode
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.identity_document import parse_identity
from pipeline.admission.members import checked_type, only
from pipeline.admission.requirements import (
    AcceptAnything,
    KeyData,
    KeyFiles,
    KeySource,
    PolicyDocument,
    Reject,
    Requirement,
    Requirements,
    SignedBy,
    SigstoreSigned,
)
from pipeline.admission.scopes import PATH_TRANSPORTS, SCOPELESS_TRANSPORTS
from pipeline.limits import CONFIGURATION_BYTES, POLICY_DEPTH
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

_SIMPLE_KEYS: Final = ("keyPath", "keyPaths", "keyData")
_SIGSTORE_KEYS: Final = (*_SIMPLE_KEYS, "keyDatas")
_ONLINE: Final = (
    "fulcio",
    "pki",
    "rekorPublicKeyPath",
    "rekorPublicKeyPaths",
    "rekorPublicKeyData",
    "rekorPublicKeyDatas",
)
_TYPES: Final = ("insecureAcceptAnything", "reject", "signedBy", "sigstoreSigned")


def parse_policy(untrusted: bytes, path: str) -> Result[PolicyDocument, JsonProblem]:
    """Read a policy of at most CONFIGURATION_BYTES bytes; ``path`` is where it is from.

    Errors: where in the document which rule is broken.

    >>> policy = parse_policy(b'{"default": [{"type": "reject"}]}', "policy.json").unwrap()
    >>> policy.default
    (Reject(),)
    >>> parse_policy(b'{"default": []}', "policy.json").failure().path
    '$.default'
    """
    parsed = parse_json(untrusted, max_bytes=CONFIGURATION_BYTES, max_depth=POLICY_DEPTH).bind(
        lambda value: only(value, ("default",), ("transports",))
    )
    if not is_successful(parsed):
        return Failure(parsed.failure())
    document = parsed.unwrap()
    policy: Result[PolicyDocument, JsonProblem] = Result.do(
        PolicyDocument(path, default, scopes)
        for default in _parse_requirements(document.member("default"))
        for scopes in _parse_transports(document.member("transports"))
    )
    return policy


def _parse_transports(
    value: JsonValue,
) -> Result[dict[tuple[str, str], Requirements], JsonProblem]:
    rules: dict[tuple[str, str], Requirements] = {}
    if value.is_absent:
        return Success(rules)
    if not isinstance(value.value, dict):
        return Failure(value.refuse("an object of transports"))
    for transport in value.value:
        scopes = value.member(transport)
        if not isinstance(scopes.value, dict):
            return Failure(scopes.refuse("an object of scopes"))
        for scope in scopes.value:
            requirements = scopes.member(scope)
            fault = _find_fault(transport, scope)
            if fault is not None:
                return Failure(JsonProblem(requirements.path, f'got the scope "{scope}", {fault}'))
            read = _parse_requirements(requirements)
            if not is_successful(read):
                return Failure(read.failure())
            rules[transport, scope] = read.unwrap()
    return Success(rules)


def _find_fault(transport: str, scope: str) -> str | None:
    """Return what keeps a scope from being one; those of other programs' transports are theirs."""
    if not scope:
        return None
    if transport in SCOPELESS_TRANSPORTS:
        return f'wanted no scope of {transport} but ""'
    if transport in PATH_TRANSPORTS:
        if not scope.startswith("/") or scope == "/":
            return 'wanted an absolute path, and "" for all of them'
        # Go's filepath.Clean, but for two leading slashes, which POSIX and Python keep.
        if posixpath.normpath(scope) != scope or scope.startswith("//"):
            return 'wanted a path without "//", "." and ".." in it or "/" at its end'
    return None


def _parse_requirements(value: JsonValue) -> Result[Requirements, JsonProblem]:
    if not isinstance(value.value, list) or not value.value:
        return Failure(value.refuse("an array of requirements, at least one"))
    return value.items(_parse_requirement)


def _parse_requirement(value: JsonValue) -> Result[Requirement, JsonProblem]:
    named = checked_type(value, _TYPES)
    if not is_successful(named):
        return Failure(named.failure())
    match named.unwrap():
        case "insecureAcceptAnything":
            return only(value, ("type",)).map(lambda _: AcceptAnything())
        case "reject":
            return only(value, ("type",)).map(lambda _: Reject())
        case "signedBy":
            return _parse_signed_by(value)
        case _:
            return _parse_sigstore_signed(value)


def _parse_signed_by(value: JsonValue) -> Result[Requirement, JsonProblem]:
    requirement: Result[Requirement, JsonProblem] = Result.do(
        SignedBy(keys, identity)
        for _ in only(value, ("type", "keyType"), (*_SIMPLE_KEYS, "signedIdentity"))
        for _ in _check_key_type(value.member("keyType"))
        for keys in _parse_keys(value, _SIMPLE_KEYS)
        for identity in parse_identity(value.member("signedIdentity"))
    )
    return requirement


def _check_key_type(value: JsonValue) -> Result[None, JsonProblem]:
    if value.value != "GPGKeys":
        return Failure(value.refuse('"GPGKeys": no program judges by another type'))
    return Success(None)


def _parse_sigstore_signed(value: JsonValue) -> Result[Requirement, JsonProblem]:
    for name in _ONLINE:
        if isinstance(value.value, dict) and name in value.value:
            reason = f"{name} is not judged here, wanted public keys alone, which need no network"
            return Failure(JsonProblem(f"{value.path}.{name}", reason))
    requirement: Result[Requirement, JsonProblem] = Result.do(
        SigstoreSigned(keys, identity)
        for _ in only(value, ("type",), (*_SIGSTORE_KEYS, "signedIdentity"))
        for keys in _parse_keys(value, _SIGSTORE_KEYS)
        for identity in parse_identity(value.member("signedIdentity"))
    )
    return requirement


def _parse_keys(value: JsonValue, names: tuple[str, ...]) -> Result[KeySource, JsonProblem]:
    given = [name for name in names if not value.member(name).is_absent]
    if len(given) != 1:
        return Failure(
            JsonProblem(
                value.path,
                f"got {' and '.join(given) or 'no key'}, wanted exactly one of {', '.join(names)}",
            )
        )
    keys = value.member(given[0])
    match given[0]:
        case "keyPath":
            return keys.checked(_parse_path).map(lambda path: KeyFiles((path,)))
        case "keyPaths":
            return _parse_list(keys).bind(
                lambda array: array.items(lambda each: each.checked(_parse_path)).map(KeyFiles)
            )
        case "keyData":
            return keys.checked(_parse_base64).map(lambda content: KeyData((content,)))
        case _:
            return _parse_list(keys).bind(
                lambda array: array.items(lambda each: each.checked(_parse_base64)).map(KeyData)
            )


def _parse_list(value: JsonValue) -> Result[JsonValue, JsonProblem]:
    if not isinstance(value.value, list) or not value.value:
        return Failure(value.refuse("an array, not empty"))
    return Success(value)


def _parse_path(untrusted_text: str) -> Result[str, str]:
    # A relative one would be relative to wherever the program happens to run: whoever can put a
    # file there would pick the key.
    if not untrusted_text.startswith("/") or "\0" in untrusted_text:
        return Failure("wanted the absolute path of a key file")
    return Success(untrusted_text)


def _parse_base64(untrusted_text: str) -> Result[bytes, str]:
    try:
        # Go's decoder passes line ends over, and nothing else.
        content = b64decode(untrusted_text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return Failure("wanted base64, padded")
    return Success(content) if content else Failure("wanted a key, which has bytes")
