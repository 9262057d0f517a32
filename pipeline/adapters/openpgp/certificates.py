"""Keyrings: ``bytes -> tuple[Certificate, ...]``, each with its own signatures, checked.

A certificate is a primary key with user IDs and subkeys (RFC 9580 section 10.1). Of their
signatures only those stay that the primary key itself made and that verify; nothing is judged
by time here. Packets, versions and algorithms that nobody here understands are left out and
never spoil what stands beside them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.armor import dearmor
from pipeline.adapters.openpgp.mathematics import PublicKey, read_public_key, verify_digest
from pipeline.adapters.openpgp.packets import Packet, Tag, split_packets
from pipeline.adapters.openpgp.signatures import (
    HASHES,
    Kind,
    SignaturePacket,
    read_signature,
)
from pipeline.limits import (
    KEYRING_BYTES,
    KEYS_PER_FILE,
    PACKETS_PER_FILE,
    SELF_SIGNATURES_PER_KEY,
    USER_ID_BYTES,
)

_CERTIFICATIONS = range(Kind.GENERIC_CERTIFICATION, Kind.POSITIVE_CERTIFICATION + 1)
_KEPT = frozenset(Tag)


@final
@dataclass(frozen=True, slots=True)
class UserID:
    """A user ID with the primary key's statements about it, the newest first."""

    raw: bytes
    certifications: tuple[SignaturePacket, ...]
    revocations: tuple[SignaturePacket, ...]

    @property
    def text(self) -> str:
        """The user ID as text; octets that are not UTF-8 are replaced."""
        return self.raw.decode("utf-8", errors="replace")


@final
@dataclass(frozen=True, slots=True)
class Subkey:
    """A subkey with the primary key's statements about it, the newest first."""

    key: PublicKey
    bindings: tuple[SignaturePacket, ...]
    revocations: tuple[SignaturePacket, ...]


@final
@dataclass(frozen=True, slots=True)
class Certificate:
    """A primary key, what it says of itself, and the packets it came in."""

    primary: PublicKey
    direct: tuple[SignaturePacket, ...]
    revocations: tuple[SignaturePacket, ...]
    user_ids: tuple[UserID, ...]
    subkeys: tuple[Subkey, ...]
    framed: bytes = field(repr=False)


@final
@dataclass(slots=True)
class RawCertificate:
    """A certificate's packets, sorted to their places and not checked at all.

    ``parts`` has the signatures by what they stand behind: the primary key (None), a user ID or
    a subkey. The same part in two places, or in two files, is one part.
    """

    primary: PublicKey
    parts: dict[Packet | None, dict[Packet, None]] = field(default_factory=dict)

    def add(self, part: Packet | None, signatures: Iterator[Packet]) -> None:
        """Note a part, once, and signatures behind it."""
        self.parts.setdefault(part, {}).update(dict.fromkeys(signatures))

    def merge(self, other: "RawCertificate") -> None:
        """Add what another copy of the same certificate says."""
        for part, signatures in other.parts.items():
            self.add(part, iter(signatures))

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """The primary key and every readable subkey, bound or not."""
        return (self.primary, *(key for _, key in self.subkeys))

    @property
    def subkeys(self) -> tuple[tuple[Packet, PublicKey], ...]:
        """Subkeys that can be read."""
        read = (
            (part, read_public_key(part.body))
            for part in self.parts
            if part is not None and part.tag == Tag.PUBLIC_SUBKEY
        )
        return tuple((part, key.unwrap()) for part, key in read if is_successful(key))


def read_keyring(untrusted: bytes) -> Result[tuple[RawCertificate, ...], str]:
    """Cut a key file, armored or binary, into certificates by primary fingerprint.

    Bounds: :data:`~pipeline.limits.KEYRING_BYTES`, ``PACKETS_PER_FILE``, ``KEYS_PER_FILE``.
    Errors: a sentence that says what was wanted; also for a file with a secret key in it.
    """
    if len(untrusted) > KEYRING_BYTES:
        return Failure(f"more than {KEYRING_BYTES} bytes")
    blocks = dearmor(untrusted, "PUBLIC KEY BLOCK")
    if not is_successful(blocks):
        return Failure(blocks.failure())
    outcome = split_packets(b"".join(blocks.unwrap()), max_packets=PACKETS_PER_FILE)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    packets = outcome.unwrap()
    if any(packet.tag in {Tag.SECRET_KEY, Tag.SECRET_SUBKEY} for packet in packets):
        return Failure("it holds a secret key, wanted public keys only")
    return _sort(packets)


def _sort(packets: tuple[Packet, ...]) -> Result[tuple[RawCertificate, ...], str]:
    found: dict[str, RawCertificate] = {}
    current: RawCertificate | None = None
    part: Packet | None = None
    for packet in packets:
        if packet.tag == Tag.PUBLIC_KEY:
            key = read_public_key(packet.body)
            # What follows a key that cannot be read belongs to it, and goes with it.
            current, part = None, None
            if is_successful(key):
                fresh = RawCertificate(key.unwrap())
                current = found.setdefault(fresh.primary.fingerprint, fresh)
                current.add(None, iter(()))
            if len(found) > KEYS_PER_FILE:
                return Failure(f"more than {KEYS_PER_FILE} keys")
        elif current is None or packet.tag not in _KEPT:
            continue
        elif packet.tag == Tag.SIGNATURE:
            current.add(part, iter((packet,)))
        else:
            part = packet
            current.add(part, iter(()))
    if not found:
        return Failure("it holds no public key of version 4")
    return Success(tuple(found.values()))


def check_certificate(raw: RawCertificate) -> Result[Certificate, str]:
    """Keep what the primary key says of itself, as far as its signatures verify.

    Bounds: ``SELF_SIGNATURES_PER_KEY`` signatures that claim to be its own are tried.
    """
    primary = raw.primary
    own = {part: _own_signatures(primary, packets) for part, packets in raw.parts.items()}
    if sum(map(len, own.values())) > SELF_SIGNATURES_PER_KEY:
        return Failure(f"more than {SELF_SIGNATURES_PER_KEY} signatures by the key on itself")
    # Statements about the key itself count wherever they stand, above all revocations.
    loose = tuple(signature for signatures in own.values() for signature in signatures)
    user_ids = tuple(
        UserID(
            part.body,
            _verified(primary, own[part], _CERTIFICATIONS, about_user_id(primary, part.body)),
            _verified(
                primary,
                own[part],
                (Kind.CERTIFICATION_REVOCATION,),
                about_user_id(primary, part.body),
            ),
        )
        for part in raw.parts
        if part is not None and part.tag == Tag.USER_ID and len(part.body) <= USER_ID_BYTES
    )
    subkeys = tuple(
        Subkey(
            key,
            _verified(primary, own[part], (Kind.SUBKEY_BINDING,), primary.hashed + key.hashed),
            _verified(primary, own[part], (Kind.SUBKEY_REVOCATION,), primary.hashed + key.hashed),
        )
        for part, key in raw.subkeys
    )
    return Success(
        Certificate(
            primary,
            _verified(primary, loose, (Kind.DIRECT_KEY,), primary.hashed),
            _verified(primary, loose, (Kind.KEY_REVOCATION,), primary.hashed),
            user_ids,
            subkeys,
            _frame(raw),
        )
    )


def _own_signatures(primary: PublicKey, packets: dict[Packet, None]) -> tuple[SignaturePacket, ...]:
    read = (read_signature(packet.body) for packet in packets)
    signatures = (outcome.unwrap() for outcome in read if is_successful(outcome))
    return tuple(
        signature
        for signature in signatures
        if signature.issuer is None or primary.fingerprint.endswith(signature.issuer)
    )


def about_user_id(primary: PublicKey, raw: bytes) -> bytes:
    """Return what a certification covers (RFC 9580 section 5.2.4)."""
    return primary.hashed + b"\xb4" + len(raw).to_bytes(4, "big") + raw


def signs(key: PublicKey, signature: SignaturePacket, subject: bytes) -> bool:
    """Tell whether ``key`` made ``signature`` over ``subject``, in mathematics alone."""
    name = HASHES.get(signature.hash_algorithm)
    if name is None:
        return False
    digest = hashlib.new(name, subject + signature.trailer, usedforsecurity=False).digest()
    return verify_digest(key, signature, digest)


def _verified(
    primary: PublicKey,
    signatures: tuple[SignaturePacket, ...],
    kinds: "tuple[int, ...] | range",
    subject: bytes,
) -> tuple[SignaturePacket, ...]:
    """Keep those of ``kinds`` that verify, are older than nothing they need, newest first."""
    kept = (
        signature
        for signature in signatures
        if signature.kind in kinds
        and signature.not_understood is None
        and signature.created is not None
        and signature.created >= primary.created
        and signs(primary, signature, subject)
    )
    return tuple(sorted(kept, key=lambda signature: signature.created or 0, reverse=True))


def _frame(raw: RawCertificate) -> bytes:
    """Write the certificate alone, in the order it came."""
    packets: list[Packet] = [Packet(Tag.PUBLIC_KEY, raw.primary.body)]
    for part, signatures in raw.parts.items():
        packets += ([] if part is None else [part]) + list(signatures)
    return b"".join(packet.framed for packet in packets)
