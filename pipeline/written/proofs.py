"""How an image was proven, as JSON documents: in the index's columns and in records.

    Provenance <-> document; reading raises what a wrong one leads to

Callers read within a block that refuses :data:`.values.DAMAGE`. Bytes that people may want to look
at are hex, whole documents and signatures base64.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

from returns.pipeline import is_successful

from pipeline.digest import parse_digest
from pipeline.names import ImageName
from pipeline.results import (
    FoundSignature,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    Provenance,
    SignatureProof,
)
from pipeline.trust import (
    AnySigner,
    Decision,
    DigestRequest,
    Fingerprint,
    KeyEntry,
    SignatureHash,
    SignedDigest,
    Signer,
    SigstoreSigner,
)
from pipeline.written.values import from_microseconds, text, to_microseconds

_HASHES: Final[dict[str, SignatureHash]] = {name: name for name in get_args(SignatureHash)}
_FORMATS: Final[dict[str, Literal["simple", "sigstore"]]] = {
    "simple": "simple",
    "sigstore": "sigstore",
}


def provenance_document(provenance: Provenance) -> dict[str, object]:
    """Return how an image was proven, or that it is not, as one document."""
    if isinstance(provenance, NoProof):
        members: dict[str, object] = {"unverified_reason": provenance.reason}
        return members | ({"reference": provenance.reference} if provenance.reference else {})
    if isinstance(provenance, SignatureProof):
        return {
            "signature": _base64(provenance.unverified_signature),
            "digests": digest_documents(provenance.digests),
            "signers": signer_documents(provenance.signers),
        }
    evidence, decision = provenance.evidence, provenance.decision
    return {
        "decision": {
            "policy": decision.policy,
            "scope": decision.scope,
            "requirement": decision.requirement,
        },
        "reference": evidence.reference,
        "documents": [_base64(document) for document in evidence.documents],
        "signatures": [
            {
                "format": found.format,
                "signed": str(found.signed),
                "content": _base64(found.content),
                "signature": _base64(found.signature),
            }
            for found in evidence.signatures
        ],
        "signers": signer_documents(provenance.signers),
    }


def decode_provenance(document: Mapping[str, object]) -> Provenance:
    """Return what :func:`provenance_document` made."""
    if "unverified_reason" in document:
        return NoProof(text(document["unverified_reason"]), text(document.get("reference", "")))
    if "decision" in document:
        return decode_manifest_proof(json.dumps(document))
    return decode_proof(
        _bytes(document["signature"]),
        json.dumps(document["digests"]),
        json.dumps(document["signers"]),
    )


def decode_manifest_proof(document: str) -> ManifestProof:
    """Return what :func:`provenance_document` made of such a proof, written as JSON."""
    members = json.loads(document)
    decision = members["decision"]
    return ManifestProof(
        tuple(_decode_signer(signer) for signer in members["signers"]),
        Decision(text(decision["policy"]), text(decision["scope"]), text(decision["requirement"])),
        ManifestEvidence(
            text(members["reference"]),
            tuple(_bytes(each) for each in members["documents"]),
            tuple(_decode_found(found) for found in members["signatures"]),
        ),
    )


def digest_documents(digests: Sequence[SignedDigest]) -> list[dict[str, object]]:
    """Return signed digests as JSON says them; bytes are hex."""
    return [
        {
            "algorithm": digest.request.algorithm,
            "text": digest.request.text,
            "suffix": digest.request.suffix.hex(),
            "value": digest.value.hex(),
        }
        for digest in digests
    ]


def signer_documents(signers: Sequence[AnySigner]) -> list[dict[str, object]]:
    """Return signers as JSON says them."""
    return [
        _sigstore_document(signer)
        if isinstance(signer, SigstoreSigner)
        else _signer_document(signer)
        for signer in signers
    ]


def decode_proof(signature: bytes, digests: str, signers: str) -> SignatureProof:
    """Return the proof whose digests and signers the documents above are, as JSON."""
    return SignatureProof(
        signers=tuple(_decode_openpgp_signer(signer) for signer in json.loads(signers)),
        unverified_signature=signature,
        digests=tuple(
            SignedDigest(
                DigestRequest(
                    _HASHES[digest["algorithm"]],
                    digest["text"] is True,
                    bytes.fromhex(digest["suffix"]),
                ),
                bytes.fromhex(digest["value"]),
            )
            for digest in json.loads(digests)
        ),
    )


def _signer_document(signer: Signer) -> dict[str, object]:
    return {
        "primary": signer.primary.hex,
        "signing_key": signer.signing_key.hex,
        "user_ids": signer.user_ids,
        "signed_at": to_microseconds(signer.signed_at),
        "hash_algorithm": signer.hash_algorithm,
        "key_algorithm": signer.key_algorithm,
        "granted_by": {
            "origin": signer.granted_by.origin,
            "prefix": signer.granted_by.prefix,
            "fingerprint": signer.granted_by.fingerprint.hex,
            "path": signer.granted_by.path,
            "content_sha256": signer.granted_by.content_sha256,
        },
        "expires": None if signer.expires is None else to_microseconds(signer.expires),
        "leniency": signer.leniency,
    }


def _sigstore_document(signer: SigstoreSigner) -> dict[str, object]:
    return {
        "key_sha256": signer.key_sha256,
        "algorithm": signer.algorithm,
        "path": signer.path,
    }


def _decode_signer(document: Mapping[str, Any]) -> AnySigner:
    if "key_sha256" not in document:
        return _decode_openpgp_signer(document)
    return SigstoreSigner(
        text(document["key_sha256"]), text(document["algorithm"]), text(document["path"])
    )


def _decode_found(document: Mapping[str, Any]) -> FoundSignature:
    signed = parse_digest(text(document["signed"]))
    if not is_successful(signed):
        raise ValueError(signed.failure())
    return FoundSignature(
        _FORMATS[document["format"]],
        signed.unwrap(),
        _bytes(document["content"]),
        _bytes(document["signature"]),
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(value: object) -> bytes:
    return base64.b64decode(text(value), validate=True)


def _decode_openpgp_signer(signer: Mapping[str, Any]) -> Signer:
    return Signer(
        primary=Fingerprint(signer["primary"]),
        signing_key=Fingerprint(signer["signing_key"]),
        user_ids=tuple(text(user_id) for user_id in signer["user_ids"]),
        signed_at=from_microseconds(signer["signed_at"]),
        hash_algorithm=_HASHES[signer["hash_algorithm"]],
        key_algorithm=text(signer["key_algorithm"]),
        granted_by=_decode_entry(**signer["granted_by"]),
        expires=(None if signer["expires"] is None else from_microseconds(signer["expires"])),
        leniency=tuple(text(word) for word in signer["leniency"]),
    )


def _decode_entry(
    origin: object, prefix: object, fingerprint: object, path: object, content_sha256: object
) -> KeyEntry:
    if origin != "system" and origin != "local":
        raise ValueError("wanted system or local")
    return KeyEntry(
        origin,
        None if prefix is None else ImageName(text(prefix)),
        Fingerprint(text(fingerprint)),
        text(path),
        text(content_sha256),
    )
