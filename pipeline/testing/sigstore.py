"""Makers of bare public keys and of cosign's signatures by them: ``make_sigstore_key()``.

The keys are Ed25519 and the same for the same seed; so are their signatures. Their private half is
known to everybody who reads this: nothing but a test may trust them.

Source: cosign v2.0.0 ``specs/SIGNATURE_SPEC.md``. No certificates, no transparency log.
"""

import hashlib
from dataclasses import dataclass
from typing import final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipeline.digest import Digest
from pipeline.results import FoundSignature
from pipeline.testing.payloads import make_payload


@final
@dataclass(frozen=True, slots=True)
class SigstoreKey:
    """A key that signs; equal keys have equal bytes."""

    seed: int = 0

    @property
    def public(self) -> bytes:
        """The public key, as PEM."""
        key = self._private.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, payload: bytes) -> bytes:
        """Return the raw signature over ``payload``."""
        return self._private.sign(payload)

    def sign_image(self, digest: Digest, reference: str) -> FoundSignature:
        """Return cosign's signature: the manifest with ``digest`` is what ``reference`` names."""
        payload = make_payload(digest, reference, kind="sigstore")
        return FoundSignature("sigstore", digest, payload, self.sign(payload))

    @property
    def _private(self) -> Ed25519PrivateKey:
        secret = hashlib.sha256(f"sigstore {self.seed}".encode()).digest()
        return Ed25519PrivateKey.from_private_bytes(secret)


def make_sigstore_key(*, seed: int = 0) -> SigstoreKey:
    """Return a key that signs, the same for the same seed.

    >>> make_sigstore_key().public.splitlines()[0]
    b'-----BEGIN PUBLIC KEY-----'
    """
    return SigstoreKey(seed)
