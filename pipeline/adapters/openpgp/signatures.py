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
    KEY_EXPIRATION_TIME = 9
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

UNDERSTOOD = frozenset({*Sub} - {Sub.NOTATION})
"""Subpackets that may be critical."""


@final
@dataclass(frozen=True, slots=True)
class Subpacket:
    """One subpacket: its type without the critical bit, and its body."""

    type: int
    critical: bool
    body: bytes

    @property
    def number(self) -> int:
        """The body as an unsigned number."""
        return int.from_bytes(self.body, "big")


@final
@dataclass(frozen=True, slots=True)
class SignaturePacket:
    """What a version 4 signature says; nothing of it is verified.

    ``trailer`` is what is hashed after the signed data (section 5.2.4). Times are seconds since
    1970.
    """

    kind: int
    key_algorithm: int
    hash_algorithm: int
    hashed: tuple[Subpacket, ...]
    unhashed: tuple[Subpacket, ...]
    trailer: bytes
    mathematics: bytes

    def values(self, wanted: Sub) -> tuple[Subpacket, ...]:
        """Return the hashed subpackets of one type."""
        return tuple(subpacket for subpacket in self.hashed if subpacket.type == wanted)

    @property
    def hash_name(self) -> str:
        """The hash algorithm's name."""
        return HASH_NAMES.get(self.hash_algorithm, f"hash algorithm {self.hash_algorithm}")

    @property
    def created(self) -> int | None:
        """When it was made; the first where several are given, None without any."""
        times = self.values(Sub.CREATION_TIME)
        return times[0].number if times else None

    @property
    def expires(self) -> int | None:
        """From when on it is void; the earliest where several are given, None for never."""
        return self.after(self.created, Sub.EXPIRATION_TIME)

    def after(self, start: int | None, wanted: Sub) -> int | None:
        """Return ``start`` and the shortest lifetime of that type; zero means without end."""
        lifetimes = [value.number for value in self.values(wanted) if value.number]
        return start + min(lifetimes) if start is not None and lifetimes else None

    @property
    def key_flags(self) -> int | None:
        """The lowest eight key flags, those that all subpackets of that type share, or None."""
        flags = [value.body[0] if value.body else 0 for value in self.values(Sub.KEY_FLAGS)]
        shared = 0xFF
        for given in flags:
            shared &= given
        return shared if flags else None

    @property
    def is_primary_user_id(self) -> bool:
        """Whether it marks its user ID as the primary one."""
        return any(value.number for value in self.values(Sub.PRIMARY_USER_ID))

    @property
    def issuer(self) -> str | None:
        """Which key claims to have made it: 40 or 16 hex digits.

        A hashed issuer fingerprint goes before a key ID, hashed or not, as in gpg.
        """
        for value in self.values(Sub.ISSUER_FINGERPRINT):
            if len(value.body) == 21 and value.body[0] == 4:
                return value.body[1:].hex()
        for value in (*self.hashed, *self.unhashed):
            if value.type == Sub.ISSUER and len(value.body) == 8:
                return value.body.hex()
        return None

    @property
    def embedded(self) -> tuple[bytes, ...]:
        """Bodies of embedded signatures, from both areas: they carry their own proof."""
        return tuple(
            value.body
            for value in (*self.hashed, *self.unhashed)
            if value.type == Sub.EMBEDDED_SIGNATURE
        )

    @property
    def not_understood(self) -> str | None:
        """The first critical subpacket that may not be ignored (section 5.2.3.7), or None."""
        for value in (*self.hashed, *self.unhashed):
            if value.critical and value.type not in UNDERSTOOD:
                return "notation" if value.type == Sub.NOTATION else f"subpacket {value.type}"
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
        )
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
