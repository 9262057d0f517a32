"""A maker of OpenPGP keys and signatures, right and wrong ones, with every byte in hand.

Independent of the code under test: it writes what RFC 9580 says, with cryptography alone, and
lets the caller leave out, double or falsify whatever a test is about.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

NOW = 1_795_440_000
"""When tests judge, in seconds since 1970."""

DAY = 86_400
YEAR = 365 * DAY
MADE = NOW - 3 * YEAR
"""When keys were made, unless told otherwise."""

CERTIFY, SIGN, ENCRYPT = 1, 2, 4

_HASHES = {
    "md5": (1, hashes.MD5()),
    "sha1": (2, hashes.SHA1()),
    "sha256": (8, hashes.SHA256()),
    "sha384": (9, hashes.SHA384()),
    "sha512": (10, hashes.SHA512()),
    "sha224": (11, hashes.SHA224()),
}

_OIDS = {
    "secp256r1": "2a8648ce3d030107",
    "secp384r1": "2b81040022",
    "secp521r1": "2b81040023",
    "secp256k1": "2b8104000a",
    "brainpoolP256r1": "2b2403030208010107",
}

PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
)


def number(value: int) -> bytes:
    """Write a multiprecision integer."""
    bits = value.bit_length()
    return bits.to_bytes(2, "big") + value.to_bytes((bits + 7) // 8, "big")


def packet(tag: int, body: bytes) -> bytes:
    """Frame a body with a five-octet length."""
    return bytes((0xC0 | tag, 0xFF)) + len(body).to_bytes(4, "big") + body


def sub(kind: int, body: bytes, *, critical: bool = False) -> bytes:
    """Write a subpacket with the shortest length."""
    size = len(body) + 1
    length = bytes((size,)) if size < 192 else b"\xff" + size.to_bytes(4, "big")
    return length + bytes((kind | (0x80 if critical else 0),)) + body


def time_sub(kind: int, seconds: int, *, critical: bool = False) -> bytes:
    """Write a subpacket that holds a time or a duration."""
    return sub(kind, seconds.to_bytes(4, "big"), critical=critical)


def flags_sub(flags: int) -> bytes:
    """Write key flags."""
    return sub(27, bytes((flags,)))


def armored(data: bytes, label: str = "SIGNATURE") -> bytes:
    """Wrap in armor."""
    text = base64.encodebytes(data).decode() + f"={base64.b64encode(checksum(data)).decode()}"
    return f"-----BEGIN PGP {label}-----\n\n{text}\n-----END PGP {label}-----\n".encode()


def checksum(data: bytes) -> bytes:
    """Compute the armor's CRC-24, a bit at a time as RFC 9580 section 6.1.1 does."""
    crc = 0xB704CE
    for octet in data:
        crc ^= octet << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc.to_bytes(3, "big")


@dataclass(frozen=True)
class Key:
    """A private key with its creation time; ``algorithm`` is the public-key algorithm."""

    private: PrivateKey
    created: int = MADE
    declared: int | None = None

    @property
    def algorithm(self) -> int:
        """The algorithm's number (RFC 9580 section 9.1)."""
        if self.declared is not None:
            return self.declared
        if isinstance(self.private, rsa.RSAPrivateKey):
            return 1
        if isinstance(self.private, dsa.DSAPrivateKey):
            return 17
        return 19 if isinstance(self.private, ec.EllipticCurvePrivateKey) else 22

    @property
    def body(self) -> bytes:
        """The key packet's body."""
        return b"\x04" + self.created.to_bytes(4, "big") + bytes((self.algorithm,)) + self.numbers

    @property
    def numbers(self) -> bytes:
        """The public numbers as a key packet holds them."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            of_rsa = self.private.public_key().public_numbers()
            return number(of_rsa.n) + number(of_rsa.e)
        if isinstance(self.private, dsa.DSAPrivateKey):
            of_dsa = self.private.public_key().public_numbers()
            group = of_dsa.parameter_numbers
            return b"".join(map(number, (group.p, group.q, group.g, of_dsa.y)))
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            oid = bytes.fromhex(_OIDS[self.private.curve.name])
            point = self.private.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
        else:
            oid = bytes.fromhex("2b06010401da470f01")
            point = b"\x40" + self.private.public_key().public_bytes_raw()
        return bytes((len(oid),)) + oid + number(int.from_bytes(point, "big"))

    @property
    def hashed(self) -> bytes:
        """The key as it goes into signatures."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def fingerprint(self) -> str:
        """The fingerprint, 40 hex digits."""
        return hashlib.sha1(self.hashed).hexdigest()

    def _compute(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            made = self.private.sign(digest, padding.PKCS1v15(), Prehashed(algorithm))
            return number(int.from_bytes(made, "big"))
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            made = self.private.sign(digest)
            return number(int.from_bytes(made[:32], "big")) + number(
                int.from_bytes(made[32:], "big")
            )
        if isinstance(self.private, dsa.DSAPrivateKey):
            made = self.private.sign(digest, Prehashed(algorithm))
        else:
            made = self.private.sign(digest, ec.ECDSA(Prehashed(algorithm)))
        return b"".join(map(number, decode_dss_signature(made)))

    def sign(
        self,
        kind: int,
        subject: bytes,
        *,
        at: int | None = MADE,
        hashed: Sequence[bytes] = (),
        unhashed: Sequence[bytes] = (),
        issuer: bool = True,
        digest: str = "sha256",
        algorithm: int | None = None,
    ) -> bytes:
        """Return a Signature packet's body over ``subject``.

        ``at`` None leaves the creation time out; ``issuer`` adds fingerprint and key ID where
        they belong.
        """
        areas = b"" if at is None else time_sub(2, at)
        loose = b"".join(unhashed)
        if issuer:
            areas += sub(33, b"\x04" + bytes.fromhex(self.fingerprint))
            loose += sub(16, bytes.fromhex(self.fingerprint[-16:]))
        areas += b"".join(hashed)
        hash_number, hash_algorithm = _HASHES[digest]
        start = bytes((4, kind, self.algorithm if algorithm is None else algorithm, hash_number))
        start += len(areas).to_bytes(2, "big") + areas
        trailer = start + b"\x04\xff" + len(start).to_bytes(4, "big")
        value = hashlib.new(digest, subject + trailer).digest()
        return (
            start
            + len(loose).to_bytes(2, "big")
            + loose
            + value[:2]
            + self._compute(value, hash_algorithm)
        )

    # What follows are whole packets.

    def sign_file(
        self, data: bytes, *, kind: int = 0, at: int | None = NOW - DAY, **options: Any
    ) -> bytes:
        """Sign a file."""
        return packet(2, self.sign(kind, data, at=at, **options))

    def certify(
        self,
        user_id: bytes = b"Alice <alice@example.com>",
        *,
        kind: int = 0x13,
        flags: int | None = CERTIFY | SIGN,
        hashed: Sequence[bytes] = (),
        **options: Any,
    ) -> bytes:
        """Return a self-signature over a user ID."""
        subject = self.hashed + b"\xb4" + len(user_id).to_bytes(4, "big") + user_id
        given = (*hashed, *(() if flags is None else (flags_sub(flags),)))
        return packet(2, self.sign(kind, subject, hashed=given, **options))

    def on_key(self, kind: int, *, target: "Key | None" = None, **options: Any) -> bytes:
        """Return a signature over a primary key: direct (0x1F) or a revocation (0x20)."""
        return packet(2, self.sign(kind, (target or self).hashed, **options))

    def bind(
        self,
        subkey: "Key",
        *,
        kind: int = 0x18,
        flags: int | None = SIGN,
        back: "bytes | None" = b"",
        back_hashed: bool = False,
        hashed: Sequence[bytes] = (),
        **options: Any,
    ) -> bytes:
        """Return a signature over a subkey: a binding (0x18) or a revocation (0x28).

        ``back`` is the body of the back-signature: a right one by default, None for none.
        """
        subject = self.hashed + subkey.hashed
        if back == b"":
            back = subkey.sign(0x19, subject)
        embedded = () if back is None or kind != 0x18 else (sub(32, back),)
        given = (*hashed, *(() if flags is None or kind != 0x18 else (flags_sub(flags),)))
        return packet(
            2,
            self.sign(
                kind,
                subject,
                hashed=(*given, *(embedded if back_hashed else ())),
                unhashed=() if back_hashed else embedded,
                **options,
            ),
        )

    @property
    def as_primary(self) -> bytes:
        """The Public-Key packet."""
        return packet(6, self.body)

    @property
    def as_subkey(self) -> bytes:
        """The Public-Subkey packet."""
        return packet(14, self.body)

    def certificate(
        self,
        *parts: bytes,
        user_id: bytes = b"Alice <alice@example.com>",
        before: Iterable[bytes] = (),
        **options: Any,
    ) -> bytes:
        """Return a plain certificate; ``before`` goes behind the key, ``parts`` go to the end."""
        own = self.certify(user_id, **options)
        return b"".join((self.as_primary, *before, packet(13, user_id), own, *parts))


@cache
def ed25519_key(name: str = "alice", created: int = MADE) -> Key:
    """Return a key that is the same for the same name."""
    seed = hashlib.sha256(name.encode()).digest()
    return Key(ed25519.Ed25519PrivateKey.from_private_bytes(seed), created)


@cache
def rsa_key(bits: int = 2048) -> Key:
    """Return an RSA key."""
    return Key(rsa.generate_private_key(65537, bits))


@cache
def dsa_key(bits: int = 2048) -> Key:
    """Return a DSA key."""
    return Key(dsa.generate_private_key(bits))


@cache
def ec_key(curve: ec.EllipticCurve) -> Key:
    """Return an ECDSA key; the same for the same curve."""
    return Key(ec.derive_private_key(2**200 + 12345, curve))
