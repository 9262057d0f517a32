"""A maker of ``policy.json``: ``PolicyDocument -> bytes``, the way back of ``parse_policy``.

Source: containers/image v5.23.1 ``docs/containers-policy.json.5.md``. What a document says is
written as it is; its ``path`` is not part of the file.
"""

import json
from base64 import b64encode
from typing import assert_never

from pipeline.admission.requirements import (
    AcceptAnything,
    ExactReference,
    ExactRepository,
    Identity,
    KeyFiles,
    KeySource,
    MatchReference,
    PolicyDocument,
    Reject,
    RemapIdentity,
    Requirement,
    SignedBy,
    SigstoreSigned,
)


def make_policy(document: PolicyDocument) -> bytes:
    """Return the file that says what ``document`` does.

    >>> from pipeline.admission.requirements import Reject
    >>> make_policy(PolicyDocument("policy.json", (Reject(),), {}))
    b'{"default":[{"type":"reject"}],"transports":{}}'
    """
    transports: dict[str, dict[str, object]] = {}
    for (transport, scope), rule in document.scopes.items():
        transports.setdefault(transport, {})[scope] = [_requirement(each) for each in rule]
    members = {
        "default": [_requirement(each) for each in document.default],
        "transports": transports,
    }
    return json.dumps(members, separators=(",", ":")).encode()


def _requirement(requirement: Requirement) -> dict[str, object]:
    named: dict[str, object] = {"type": requirement.type}
    match requirement:
        case AcceptAnything() | Reject():
            return named
        case SignedBy(keys, identity):
            return named | {"keyType": "GPGKeys"} | _keys(keys) | _identity(identity)
        case SigstoreSigned(keys, identity):
            return named | _keys(keys) | _identity(identity)
        case _:
            assert_never(requirement)


def _keys(keys: KeySource) -> dict[str, object]:
    """Return a single key as one, which every version reads."""
    if isinstance(keys, KeyFiles):
        return {"keyPath": keys.paths[0]} if len(keys.paths) == 1 else {"keyPaths": keys.paths}
    written = [b64encode(content).decode() for content in keys.contents]
    return {"keyData": written[0]} if len(written) == 1 else {"keyDatas": written}


def _identity(identity: Identity) -> dict[str, object]:
    named: dict[str, object] = {"type": identity.type}
    match identity:
        case MatchReference():
            members = named
        case ExactReference(reference):
            members = named | {"dockerReference": reference}
        case ExactRepository(repository):
            members = named | {"dockerRepository": repository}
        case RemapIdentity(prefix, signed_prefix):
            members = named | {"prefix": prefix, "signedPrefix": signed_prefix}
        case _:
            assert_never(identity)
    return {"signedIdentity": members}
