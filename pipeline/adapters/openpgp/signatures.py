"""Version 4 Signature packets: ``bytes -> SignaturePacket``, or a reason (RFC 9580 section 5.2.3).

Only fields and subpackets; the numbers of the signature itself stay in ``mathematics``, for
pgpy. What is believed comes from the hashed area alone, which the signature covers; the one
exception is the issuer, a mere hint at which key to try. Subpackets keep their raw bytes, since
pgpy writes some of them back differently and the trailer is part of what was signed.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success


class Kind(IntEnum):
    """Signature types that are told apart here (RFC 9580 section 5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    GENERIC_CERTIFICATION = 0x10
    POSITIVE_CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_KEY_BINDING = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    CERTIFICATION_REVOCATION = 0x30


class Sub(IntEnum):
    """Subpacket types that are told apart here (RFC 9580 section 5.2.3.7)."""

    CREATION_TIME = 2
    EXPIRATION_TIME = 3
    EXPORTABLE = 4
    REVOCABLE = 7
    KEY_EXPIRATION_TIME = 9
    REVOCATION_KEY = 12
    ISSUER = 16
    NOTATION = 20
    PRIMARY_USER_ID = 25
    KEY_FLAGS = 27
    EMBEDDED_SIGNATURE = 32
    ISSUER_FINGERPRINT = 33


HASHES = {2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
"""Hash algorithms that can be computed (RFC 9580 section 9.5), by their names in hashlib."""

HASH_NAMES = HASHES | {1: "md5", 3: "ripemd160", 12: "sha3-256", 14: "sha3-512"}
"""Names for messages."""

_UNDERSTOOD = frozenset({2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 21, 22, 24, 25, 26, 27, 29, 30, 32, 33})
"""Subpackets that may be critical: those that gpg and sqv both know. No notation is known."""

_LENGTHS = {2: 4, 3: 4, 4: 1, 5: 2, 7: 1, 9: 4, 12: 22, 16: 8, 25: 1}
_LEAST_LENGTHS = {6: 1, 20: 8, 29: 1, 31: 2, 32: 10, 33: 21, 35: 21, 38: 1}
_BOOLEANS = frozenset({Sub.EXPORTABLE, Sub.REVOCABLE, Sub.PRIMARY_USER_ID})


@final
@dataclass(frozen=True, slots=True)
class Subpacket:
    """One subpacket: its type without the critical bit, and its body."""

    type: int
    critical: bool
    body: bytes

    @property
    def is_malformed(self) -> bool:
        """Whether the body cannot be what the type says; unknown types may be anything."""
        size = len(self.body)
        return (
            size != _LENGTHS.get(self.type, size)
            or size < _LEAST_LENGTHS.get(self.type, 0)
            or (self.type in _BOOLEANS and self.body not in {b"\0", b"\1"})
        )


@final
@dataclass(frozen=True, slots=True)
class Statement:
    """What the hashed subpackets say, for one choice among several of a type.

    Times are seconds since 1970, lifetimes seconds; None is for what is not said. A lifetime of
    zero is without end.
    """

    created: int | None
    lifetime: int | None
    key_lifetime: int | None
    key_flags: int | None
    is_primary_user_id: bool

    @property
    def expires(self) -> int | None:
        """From when on the signature is void, None for never."""
        return end(self.created, self.lifetime)


def end(start: int | None, lifetime: int | None) -> int | None:
    """Return when a lifetime ends, None for never.

    >>> end(1000, 60), end(1000, 0), end(1000, None)
    (1060, None, None)
    """
    return start + lifetime if start is not None and lifetime else None


@final
@dataclass(frozen=True, slots=True)
class SignaturePacket:
    """What a version 4 signature says; nothing of it is verified.

    ``first`` is how gpg reads it, which takes the first of several subpackets of a type, ``last``
    how sqv does. ``trailer`` is what is hashed after the signed data (section 5.2.4).
    """

    kind: int
    key_algorithm: int
    hash_algorithm: int
    hashed: tuple[Subpacket, ...]
    unhashed: tuple[Subpacket, ...]
    trailer: bytes
    mathematics: bytes
    first: Statement
    last: Statement

    @property
    def hash_name(self) -> str:
        """The hash algorithm's name."""
        return HASH_NAMES.get(self.hash_algorithm, f"hash algorithm {self.hash_algorithm}")

    @property
    def key_id(self) -> str | None:
        """The first key ID that it gives for its maker, hashed or not: 16 hex digits."""
        for value in (*self.hashed, *self.unhashed):
            if value.type == Sub.ISSUER and len(value.body) == 8:
                return value.body.hex()
        return None

    @property
    def issuers(self) -> tuple[str, ...]:
        """Which key claims to have made it: 40 or 16 hex digits; wrong ones are no harm.

        As in gpg, a fingerprint counts where it is hashed, and the first key ID anywhere.
        """
        fingerprints = [
            value.body[1:].hex()
            for value in self.hashed
            if value.type == Sub.ISSUER_FINGERPRINT and value.body[:1] == b"\x04"
        ]
        return (*fingerprints[:1], *(() if self.key_id is None else (self.key_id,)))

    def names(self, fingerprint: str) -> bool:
        """Tell whether an issuer is the key with that fingerprint."""
        return any(fingerprint.endswith(issuer) for issuer in self.issuers)

    @property
    def embedded(self) -> bytes | None:
        """The body of the first embedded signature, from either area: it carries its own proof."""
        for value in (*self.hashed, *self.unhashed):
            if value.type == Sub.EMBEDDED_SIGNATURE:
                return value.body
        return None

    @property
    def not_understood(self) -> str | None:
        """The first critical subpacket that may not be ignored (section 5.2.3.7), or None."""
        for value in (*self.hashed, *self.unhashed):
            if value.critical and value.type not in _UNDERSTOOD:
                return f"critical subpacket of type {value.type}"
        return None

    @property
    def is_local(self) -> bool:
        """Whether it is marked as not to be exported."""
        said = [value.body for value in self.hashed if value.type == Sub.EXPORTABLE]
        return said[-1:] == [b"\0"]

    @property
    def malformed(self) -> str | None:
        """The first malformed subpacket, or None."""
        for value in (*self.hashed, *self.unhashed):
            if value.is_malformed:
                return f"malformed subpacket of type {value.type}"
        return None


def read_signature(body: bytes) -> Result[SignaturePacket, str]:
    """Read a Signature packet's body.

    Errors: a sentence that says what was wanted.
    """
    if body[:1] != b"\x04":
        version = body[0] if body else "none"
        return Failure(f"wanted a signature of version 4, got {version}")
    unhashed_start = 6 + int.from_bytes(body[4:6], "big")
    start = unhashed_start + 2 + int.from_bytes(body[unhashed_start : unhashed_start + 2], "big")
    # Two octets of the digest follow, which prove nothing, and at least one number.
    if len(body) < start + 4:
        return Failure("the signature is cut off")
    hashed = _read_area(body[6:unhashed_start])
    unhashed = _read_area(body[unhashed_start + 2 : start])
    if not is_successful(hashed):
        return Failure(hashed.failure())
    if not is_successful(unhashed):
        return Failure(unhashed.failure())
    return Success(
        SignaturePacket(
            kind=body[1],
            key_algorithm=body[2],
            hash_algorithm=body[3],
            hashed=hashed.unwrap(),
            unhashed=unhashed.unwrap(),
            trailer=body[:unhashed_start] + b"\x04\xff" + unhashed_start.to_bytes(4, "big"),
            mathematics=body[start:],
            first=_state(hashed.unwrap()[::-1]),
            last=_state(hashed.unwrap()),
        )
    )


def _state(hashed: tuple[Subpacket, ...]) -> Statement:
    """Read subpackets so that a later one overrides an earlier of its type."""
    bodies = {subpacket.type: subpacket.body for subpacket in hashed}
    numbers = {kind: int.from_bytes(body, "big") for kind, body in bodies.items()}
    flags = bodies.get(Sub.KEY_FLAGS)
    return Statement(
        created=numbers.get(Sub.CREATION_TIME),
        lifetime=numbers.get(Sub.EXPIRATION_TIME),
        key_lifetime=numbers.get(Sub.KEY_EXPIRATION_TIME),
        key_flags=None if flags is None else int.from_bytes(flags[:1], "big"),
        is_primary_user_id=bool(numbers.get(Sub.PRIMARY_USER_ID)),
    )


def _read_area(area: bytes) -> Result[tuple[Subpacket, ...], str]:
    """Cut subpackets apart (section 5.2.3.7); a length may be longer than it need be."""
    subpackets: list[Subpacket] = []
    offset = 0
    while offset < len(area):
        first = area[offset]
        if first < 192:
            start, length = offset + 1, first
        elif first < 255:
            start = offset + 2
            length = (first - 192 << 8) + int.from_bytes(area[offset + 1 : start], "big") + 192
        else:
            start = offset + 5
            length = int.from_bytes(area[offset + 1 : start], "big")
        offset = start + length
        if length == 0 or offset > len(area):
            return Failure("a subpacket of the signature is malformed")
        subpackets.append(
            Subpacket(area[start] & 0x7F, bool(area[start] & 0x80), area[start + 1 : offset])
        )
    return Success(tuple(subpackets))
