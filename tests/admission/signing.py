"""Keys and signatures of registry images, made in this process."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.digest import Digest
from pipeline.names import ImageName
from pipeline.results import FoundSignature
from pipeline.trust import Fingerprint, KeyEntry, TrustedKey
from tests.adapters.openpgp.forge import NOW as NOW_SECONDS
from tests.adapters.openpgp.forge import Key, ed25519_key, packet, time_sub

NOW = datetime.fromtimestamp(NOW_SECONDS, UTC)
"""When everything here is judged."""

_TYPES = {
    "simple": "atomic container signature",
    "sigstore": "cosign container image signature",
}


def payload(digest: Digest, reference: str, kind: str = "simple", **critical: object) -> bytes:
    """Return what is signed of an image."""
    body = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": str(digest)},
        "type": _TYPES[kind],
    }
    return json.dumps({"critical": body | critical, "optional": {}}).encode()


@dataclass(frozen=True)
class Maker:
    """Somebody with an OpenPGP key; ``expires`` is its end, seconds since 1970."""

    key: Key = field(repr=False)
    expires: int | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """The primary key's."""
        return Fingerprint(self.key.fingerprint)

    @property
    def public(self) -> bytes:
        """A key file."""
        life = () if self.expires is None else (time_sub(9, self.expires - self.key.created),)
        return self.key.certificate(hashed=life)

    def trusted(self, prefix: str | None = None, path: str = "/keys/maker") -> TrustedKey:
        """Return a keystore's entry for it."""
        name = None if prefix is None else ImageName(prefix)
        digest = sha256(self.public).hexdigest()
        return TrustedKey(KeyEntry("local", name, self.fingerprint, path, digest), self.public)

    def message(self, signed: bytes) -> bytes:
        """Return a signed message: what announces the signature, what is signed, and that."""
        key_id = bytes.fromhex(self.key.fingerprint[-16:])
        one_pass = packet(4, bytes((3, 0, 8, self.key.algorithm)) + key_id + b"\1")
        literal = packet(11, b"b\0" + bytes(4) + signed)
        return one_pass + literal + self.key.sign_file(signed)

    def signature(
        self, digest: Digest, reference: str, *, found: Digest | None = None
    ) -> FoundSignature:
        """Return a simple signature, where a registry's lookaside has it."""
        content = self.message(payload(digest, reference))
        return FoundSignature("simple", found or digest, content)


def maker(name: str) -> Maker:
    """Return the same maker for the same name."""
    return Maker(ed25519_key(name))


@dataclass(frozen=True)
class Cosigner:
    """Somebody with a bare key."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        """The public key in PEM."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def signature(
        self, digest: Digest, reference: str, *, found: Digest | None = None
    ) -> FoundSignature:
        """Return a signature of cosign's kind."""
        content = payload(digest, reference, "sigstore")
        signature = self.key.sign(content, ec.ECDSA(hashes.SHA256()))
        return FoundSignature("sigstore", found or digest, content, signature)


@cache
def cosigner(name: str) -> Cosigner:
    """Return one cosigner for each name."""
    return Cosigner(ec.generate_private_key(ec.SECP256R1()))
