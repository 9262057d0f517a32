"""Signatures by bare public keys, as cosign makes them: a payload, a raw signature, a PEM key.

``PublicKeyVerifier`` is a :class:`~pipeline.ports.SigstoreVerifier`; :func:`check_public_key`
tells beforehand, where a policy is read, whether a key is one that it would take.

| key | signature over the payload |
|---|---|
| ECDSA P-256, P-384, P-521 | ASN.1 DER, SHA-256 |
| RSA from 2048 bits | PKCS #1 v1.5, SHA-256 |
| Ed25519 | over the payload itself |

SHA-256 it is with every curve: cosign v2 and containers/image v5.23 know no other. What is signed
is not looked at, and there is no certificate, no transparency log and no time in this scheme.
cryptography takes its time to import, so it is loaded at the first use.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import BadSigstoreSignature, VerificationError, WeakSignature
from pipeline.limits import PUBLIC_KEY_BYTES
from pipeline.trust import SigstoreSigner

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_BLOCK: Final = re.compile(rb"^-----BEGIN ([A-Z0-9 ]{1,40})-----", re.MULTILINE)
_LABELS: Final = frozenset({b"PUBLIC KEY", b"RSA PUBLIC KEY"})
"""SubjectPublicKeyInfo (RFC 7468 section 13) and PKCS #1 (RFC 8017 appendix A.1.1)."""

_MODULUS_BITS: Final = 2048
"""NIST SP 800-131A rev. 2 section 3: shorter RSA keys are disallowed."""

_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_WANTED: Final = f"ECDSA P-256, P-384 or P-521, RSA from {_MODULUS_BITS} bits, or Ed25519"


@final
@dataclass(frozen=True, slots=True)
class PublicKeyVerifier:
    """A :class:`~pipeline.ports.SigstoreVerifier`."""

    def verify(
        self, untrusted_payload: bytes, untrusted_signature: bytes, public_key: bytes, path: str
    ) -> Result[SigstoreSigner, VerificationError]:
        """Judge a raw signature by a PEM public key; ``path`` is where that came from.

        Errors: ``BadSigstoreSignature`` also for a key that cannot be read, ``WeakSignature`` for
        one of a kind or size that is not taken.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        read = _read_key(public_key)
        if not is_successful(read):
            return Failure(BadSigstoreSignature(path, read.failure()))
        key = read.unwrap()
        name = _name(key)
        if not _is_taken(key):
            return Failure(WeakSignature(None, name, _WANTED))
        if not _verifies(key, untrusted_signature, untrusted_payload):
            reason = "the signature does not match what was signed"
            return Failure(BadSigstoreSignature(path, reason))
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Success(SigstoreSigner(hashlib.sha256(der).hexdigest(), name, path))


def check_public_key(untrusted_pem: bytes) -> Result[None, str]:
    """Tell whether signatures by a key would be believed, for whoever reads a policy.

    Bounds: :data:`~pipeline.limits.PUBLIC_KEY_BYTES`.
    Errors: a sentence that says what was got and what was wanted.
    """
    read = _read_key(untrusted_pem)
    if not is_successful(read):
        return Failure(read.failure())
    if not _is_taken(read.unwrap()):
        return Failure(f"got {_name(read.unwrap())}, wanted {_WANTED}")
    return Success(None)


def _read_key(untrusted_pem: bytes) -> "Result[PublicKeyTypes, str]":
    """Read a file that holds one public key; of several, none would be the one that is meant."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if len(untrusted_pem) > PUBLIC_KEY_BYTES:
        return Failure(f"the key has more than {PUBLIC_KEY_BYTES} bytes")
    labels: list[bytes] = _BLOCK.findall(untrusted_pem)
    if len(labels) != 1 or labels[0] not in _LABELS:
        return Failure('wanted one block "-----BEGIN PUBLIC KEY-----" and nothing else')
    try:
        return Success(load_pem_public_key(untrusted_pem))
    except (ValueError, UnsupportedAlgorithm):
        return Failure("the key is damaged, or of an unknown kind")


def _name(key: "PublicKeyTypes") -> str:
    """Return algorithm and size or curve, for people."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {_CURVES.get(key.curve.name, key.curve.name)}"
    return type(key).__name__.removesuffix("PublicKey")


def _is_taken(key: "PublicKeyTypes") -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _MODULUS_BITS
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name in _CURVES
    return isinstance(key, ed25519.Ed25519PublicKey)


def _verifies(key: "PublicKeyTypes", signature: bytes, payload: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, payload, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, payload, ec.ECDSA(SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, payload)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


__all__ = ["PublicKeyVerifier", "check_public_key"]
