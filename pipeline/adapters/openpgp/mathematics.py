"""Keys and the mathematics of signatures: pgpy reads the numbers, cryptography computes.

Here and nowhere else pgpy is used. It gets single, framed packets whose outline was checked
before, signatures without their subpackets, and every exception that it knows ends here. A key
that pgpy would write differently than it stands is not used: the two readings differ.
"""

import hashlib
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.packets import Packet, Tag
from pipeline.adapters.openpgp.signatures import SignaturePacket

with warnings.catch_warnings():
    # pgpy imports a retired module and retired ciphers, which nothing here uses.
    warnings.simplefilter("ignore")
    from pgpy import PGPKey, PGPSignature
    from pgpy.errors import PGPError

MathematicalKey: TypeAlias = (
    rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
)

_PGPY_ERRORS = (
    PGPError,
    ArithmeticError,
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    StopIteration,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
)
"""What pgpy, and cryptography under it, raise for malformed numbers."""

_RSA, _RSA_SIGNING = frozenset({1, 2, 3}), frozenset({1, 3})
_DSA, _ECDSA, _EDDSA = 17, 19, 22
_WITH_MODULUS, _WITH_CURVE = _RSA | {16, _DSA, 20}, frozenset({18, _ECDSA, _EDDSA})

_NAMES = {1: "RSA", 2: "RSA", 3: "RSA", 16: "ElGamal", 17: "DSA", 18: "ECDH", 19: "ECDSA"}
_NAMES |= {20: "ElGamal", 22: "EdDSA", 25: "X25519", 26: "X448", 27: "Ed25519", 28: "Ed448"}

MODULUS_BITS = 2048
"""NIST SP 800-131A rev. 2 section 3: shorter RSA and DSA keys are disallowed."""

_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): "P-256",
    bytes.fromhex("2b81040022"): "P-384",
    bytes.fromhex("2b81040023"): "P-521",
    bytes.fromhex("2b06010401da470f01"): "Ed25519",
    bytes.fromhex("2b060104019755010501"): "Curve25519",
    bytes.fromhex("2b8104000a"): "secp256k1",
    bytes.fromhex("2b2403030208010107"): "brainpoolP256r1",
    bytes.fromhex("2b240303020801010b"): "brainpoolP384r1",
    bytes.fromhex("2b240303020801010d"): "brainpoolP512r1",
}
"""Curves by object identifier (RFC 9580 section 9.2)."""

_SIGNING_CURVES = {(_ECDSA, "P-256"), (_ECDSA, "P-384"), (_ECDSA, "P-521"), (_EDDSA, "Ed25519")}

_RSA_BITS = range(512, 8192 + 1)
_RSA_EXPONENT_BITS = 32
"""Larger ones exist only to make verification slow."""

_HASHES: dict[int, hashes.HashAlgorithm] = {
    2: hashes.SHA1(),  # noqa: S303 - to read old self-signatures; never enough over a file
    8: hashes.SHA256(),
    9: hashes.SHA384(),
    10: hashes.SHA512(),
    11: hashes.SHA224(),
}


@final
@dataclass(frozen=True, slots=True)
class PublicKey:
    """A version 4 public key as it stands in its packet.

    ``fingerprint`` is 40 hex digits, ``created`` seconds since 1970.
    """

    body: bytes
    fingerprint: str
    created: int
    algorithm: int

    @property
    def hashed(self) -> bytes:
        """How the key goes into a signature's hash (RFC 9580 section 5.2.4)."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def numbers(self) -> MathematicalKey | None:
        """The key's numbers; None for an algorithm, a curve or a size that is not used here."""
        return _read_numbers(self.body, self.fingerprint)

    @property
    def modulus_bits(self) -> int | None:
        """The size of an RSA modulus or a DSA or ElGamal prime; None for curves."""
        if self.algorithm not in _WITH_MODULUS:
            return None
        # The first number's length in bits stands before it.
        return int.from_bytes(self.body[6:8], "big")

    @property
    def is_weak(self) -> bool:
        """Whether it is an RSA, DSA or ElGamal key that is too short to prove anything."""
        return self.modulus_bits is not None and self.modulus_bits < MODULUS_BITS

    @property
    def name(self) -> str:
        """Algorithm and size or curve, for people."""
        name = _NAMES.get(self.algorithm, f"algorithm {self.algorithm}")
        if self.algorithm == _EDDSA:
            return _curve(self.body)
        if self.algorithm in _WITH_CURVE:
            return f"{name} {_curve(self.body)}"
        return name if self.modulus_bits is None else f"{name} {self.modulus_bits}"


def read_public_key(body: bytes) -> Result[PublicKey, str]:
    """Read a Public-Key or Public-Subkey packet's body.

    Errors: a sentence, for what is no version 4 key at all. Keys of an algorithm that cannot be
    used here succeed, without numbers.
    """
    if body[:1] != b"\x04":
        return Failure(f"wanted a key of version 4, got {body[0] if body else 'none'}")
    if not 6 < len(body) <= 0xFFFF:
        return Failure("the key is cut off or too large")
    # SHA-1 names the key here, as version 4 wants it; it proves nothing.
    hashed = b"\x99" + len(body).to_bytes(2, "big") + body
    fingerprint = hashlib.sha1(hashed, usedforsecurity=False).hexdigest()
    return Success(PublicKey(body, fingerprint, int.from_bytes(body[1:5], "big"), body[5]))


def _can_verify(body: bytes) -> bool:
    return body[5] in _RSA_SIGNING or body[5] == _DSA or (body[5], _curve(body)) in _SIGNING_CURVES


def _curve(body: bytes) -> str:
    return _CURVES.get(body[7 : 7 + body[6]], "unknown curve")


@lru_cache(maxsize=1024)
def _read_numbers(body: bytes, fingerprint: str) -> MathematicalKey | None:
    if not _can_verify(body):
        return None
    try:
        parsed = PGPKey.from_blob(Packet(Tag.PUBLIC_KEY, body).framed)
        key = parsed[0] if isinstance(parsed, tuple) else parsed
        numbers = key.__key__.__pubkey__()
        if str(key.fingerprint).lower() != fingerprint:
            return None
    except _PGPY_ERRORS:
        return None
    if isinstance(numbers, rsa.RSAPublicKey) and (
        numbers.key_size not in _RSA_BITS
        or numbers.public_numbers().e.bit_length() > _RSA_EXPONENT_BITS
    ):
        return None
    return numbers


def fits(key: PublicKey, signature: SignaturePacket) -> bool:
    """Tell whether a signature is of its key's algorithm; RFC 9580 section 9.1 has RSA thrice."""
    return key.algorithm == signature.key_algorithm or (
        {key.algorithm, signature.key_algorithm} <= _RSA
    )


def has_long_digest(key: PublicKey, signature: SignaturePacket) -> bool:
    """Tell whether the digest fills the group of a DSA or ECDSA key (FIPS 186-5 section 6.4).

    SHA-512 is enough for P-521, as there is nothing longer.
    """
    algorithm, numbers = _HASHES.get(signature.hash_algorithm), key.numbers
    bits = 0
    if isinstance(numbers, dsa.DSAPublicKey):
        bits = numbers.public_numbers().parameter_numbers.q.bit_length()
    elif isinstance(numbers, ec.EllipticCurvePublicKey):
        bits = min(numbers.key_size, 512)
    return algorithm is not None and algorithm.digest_size * 8 >= bits


def has_plain_numbers(signature: SignaturePacket) -> bool:
    """Tell whether the signature's numbers are whole and say their true length in bits."""
    # Two octets of the digest go before, which prove nothing.
    numbers, offset = signature.mathematics, 2
    for _ in range(1 if signature.key_algorithm in _RSA else 2):
        bits = int.from_bytes(numbers[offset : offset + 2], "big")
        end = offset + 2 + (bits + 7) // 8
        number = numbers[offset + 2 : end]
        if end > len(numbers) or int.from_bytes(number, "big").bit_length() != bits:
            return False
        offset = end
    return True


@lru_cache(maxsize=4096)
def verify_digest(key: PublicKey, signature: SignaturePacket, digest: bytes) -> bool:
    """Tell whether ``key`` made ``signature`` over ``digest``; False for whatever cannot be."""
    algorithm = _HASHES.get(signature.hash_algorithm)
    if algorithm is None or len(digest) != algorithm.digest_size:
        return False
    if not (fits(key, signature) and has_long_digest(key, signature)):
        return False
    if not has_plain_numbers(signature):
        return False
    # pgpy gets the signature without its subpackets, which it would refuse for small reasons.
    bare = bytes((4, 0, signature.key_algorithm, signature.hash_algorithm, 0, 0, 0, 0))
    try:
        value = PGPSignature.from_blob(
            Packet(Tag.SIGNATURE, bare + signature.mathematics).framed
        ).__sig__
        _compute(key.numbers, bytes(value), digest, Prehashed(algorithm))
    except (InvalidSignature, *_PGPY_ERRORS):
        return False
    return True


def _compute(
    numbers: MathematicalKey | None, value: bytes, digest: bytes, algorithm: Prehashed
) -> None:
    if isinstance(numbers, rsa.RSAPublicKey):
        # OpenPGP writes numbers without leading zeros, PKCS #1 as long as the modulus.
        value = value.rjust((numbers.key_size + 7) // 8, b"\0")
        numbers.verify(value, digest, padding.PKCS1v15(), algorithm)
    elif isinstance(numbers, dsa.DSAPublicKey):
        numbers.verify(value, digest, algorithm)
    elif isinstance(numbers, ec.EllipticCurvePublicKey):
        numbers.verify(value, digest, ec.ECDSA(algorithm))
    elif isinstance(numbers, ed25519.Ed25519PublicKey):
        numbers.verify(value, digest)
    else:
        raise InvalidSignature("the key cannot verify")
