"""Makers of OpenPGP keys and of what they sign: ``make_openpgp_key().sign(archive)``.

The keys are Ed25519, of version 4, and the same for the same user ID; so are their signatures.
They are written with cryptography's mathematics and nothing of the verifier that judges them. Their
private half is known to everybody who reads this: nothing but a test may trust them.

Sources: RFC 9580 sections 4.2 (packets), 5.2 (signatures), 5.4, 5.9 (messages), 5.5.2 (keys),
5.5.5.5 (EdDSALegacy), 6 (armor). No encryption, no subkeys.
"""

import hashlib
from base64 import encodebytes
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.digest import Digest
from pipeline.names import ImageName
from pipeline.results import FoundSignature
from pipeline.testing.fakes import EPOCH
from pipeline.testing.payloads import make_payload
from pipeline.trust import Fingerprint, KeyEntry, TrustedKey

USER_ID: Final = "Example Images <images@example.com>"
"""Whose key it is unless told otherwise."""

_EDDSA, _SHA256 = 22, 8
_CURVE: Final = bytes.fromhex("092b06010401da470f01")
_BINARY, _CERTIFICATION = 0x00, 0x13
_CREATED, _KEY_EXPIRES, _ISSUER, _KEY_FLAGS, _FINGERPRINT = 2, 9, 16, 27, 33
_MAY_CERTIFY_AND_SIGN: Final = b"\x03"


@final
@dataclass(frozen=True, slots=True)
class OpenPGPKey:
    """A key that signs. ``lifetime`` is for how long it does, from ``created`` on; None: for ever.

    Equal keys have equal bytes. ``seed`` makes several keys of one user ID.
    """

    user_id: str = USER_ID
    created: datetime = EPOCH - timedelta(days=365)
    lifetime: timedelta | None = None
    seed: int = 0

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint, by which people know the key."""
        return Fingerprint(hashlib.sha1(self._hashed).hexdigest())  # noqa: S324 - RFC 9580 5.5.4.2

    @property
    def public(self) -> bytes:
        """The key file to trust: the public key, its user ID and the key's word for it."""
        name = self.user_id.encode()
        subject = self._hashed + b"\xb4" + len(name).to_bytes(4, "big") + name
        flags = _subpacket(_KEY_FLAGS, _MAY_CERTIFY_AND_SIGN)
        lifetime = (
            b""
            if self.lifetime is None
            else _subpacket(_KEY_EXPIRES, _seconds(self.lifetime.total_seconds()))
        )
        own = self._signature(_CERTIFICATION, subject, self.created, flags + lifetime)
        return _packet(6, self._body) + _packet(13, name) + own

    def sign(self, content: bytes, *, at: datetime = EPOCH - timedelta(hours=1)) -> bytes:
        """Return a detached signature of ``content``, armored, as it lies beside an image."""
        return _armor(self._signature(_BINARY, content, at))

    def sign_message(self, content: bytes, *, at: datetime = EPOCH - timedelta(hours=1)) -> bytes:
        """Return an OpenPGP message that holds ``content``, signed."""
        announced = bytes((3, _BINARY, _SHA256, _EDDSA)) + self._key_id + b"\x01"
        literal = b"b\x00" + bytes(4) + content
        return _packet(4, announced) + _packet(11, literal) + self._signature(_BINARY, content, at)

    def sign_image(
        self, digest: Digest, reference: str, *, at: datetime = EPOCH - timedelta(hours=1)
    ) -> FoundSignature:
        """Return a simple signature: the manifest with ``digest`` is what ``reference`` names."""
        payload = make_payload(digest, reference, kind="simple")
        return FoundSignature("simple", digest, self.sign_message(payload, at=at))

    def trusted(self, prefix: ImageName | None = None) -> TrustedKey:
        """Return the key as a keyring has it; it speaks for all names where there is no prefix."""
        public = self.public
        path = f"trustedkeys/{'root.d' if prefix is None else prefix}/{self.fingerprint}"
        content = hashlib.sha256(public).hexdigest()
        return TrustedKey(KeyEntry("local", prefix, self.fingerprint, path, content), public)

    @property
    def _private(self) -> Ed25519PrivateKey:
        secret = hashlib.sha256(f"{self.seed} {self.user_id}".encode()).digest()
        return Ed25519PrivateKey.from_private_bytes(secret)

    @property
    def _body(self) -> bytes:
        point = _number(b"\x40" + self._private.public_key().public_bytes_raw())
        return b"\x04" + _time(self.created) + bytes((_EDDSA,)) + _CURVE + point

    @property
    def _hashed(self) -> bytes:
        """The key as it goes into signatures and its fingerprint."""
        return b"\x99" + len(self._body).to_bytes(2, "big") + self._body

    @property
    def _key_id(self) -> bytes:
        return bytes.fromhex(self.fingerprint.hex[-16:])

    def _signature(self, kind: int, subject: bytes, at: datetime, more: bytes = b"") -> bytes:
        """Return a signature packet over ``subject``; ``more`` are further hashed subpackets."""
        fingerprint = b"\x04" + bytes.fromhex(self.fingerprint.hex)
        hashed = _subpacket(_CREATED, _time(at)) + _subpacket(_FINGERPRINT, fingerprint) + more
        start = bytes((4, kind, _EDDSA, _SHA256)) + len(hashed).to_bytes(2, "big") + hashed
        trailer = start + b"\x04\xff" + len(start).to_bytes(4, "big")
        digest = hashlib.sha256(subject + trailer).digest()
        loose = _subpacket(_ISSUER, self._key_id)
        made = self._private.sign(digest)
        numbers = _number(made[:32]) + _number(made[32:])
        return _packet(2, start + len(loose).to_bytes(2, "big") + loose + digest[:2] + numbers)


def make_openpgp_key(
    user_id: str = USER_ID,
    *,
    created: datetime = EPOCH - timedelta(days=365),
    lifetime: timedelta | None = None,
    seed: int = 0,
) -> OpenPGPKey:
    """Return a key that signs, the same for the same arguments.

    >>> key = make_openpgp_key()
    >>> key.fingerprint == make_openpgp_key().fingerprint
    True
    >>> key.sign(b"content").splitlines()[0]
    b'-----BEGIN PGP SIGNATURE-----'
    """
    return OpenPGPKey(user_id, created, lifetime, seed)


def _packet(tag: int, body: bytes) -> bytes:
    """Return a packet in the present format, its length in five octets."""
    return bytes((0xC0 | tag, 0xFF)) + len(body).to_bytes(4, "big") + body


def _subpacket(kind: int, body: bytes) -> bytes:
    return bytes((len(body) + 1, kind)) + body


def _number(value: bytes) -> bytes:
    """Return a multiprecision integer, of which leading zeros are no part."""
    number = int.from_bytes(value, "big")
    bits = number.bit_length()
    return bits.to_bytes(2, "big") + number.to_bytes((bits + 7) // 8, "big")


def _seconds(seconds: float) -> bytes:
    return int(seconds).to_bytes(4, "big")


def _time(moment: datetime) -> bytes:
    return _seconds(moment.timestamp())


def _armor(signature: bytes) -> bytes:
    """Return a signature as text; the checksum, which nobody needs to check, is left out."""
    return (
        b"-----BEGIN PGP SIGNATURE-----\n\n"
        + encodebytes(signature)
        + b"-----END PGP SIGNATURE-----\n"
    )
