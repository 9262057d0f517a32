"""Certificates: ``RawCertificate -> Certificate``, with the key's own signatures, verified.

Of all signatures in a certificate only those stay that the primary key itself made and that
verify, and revocations by those whom it appointed. Nothing is judged by time here.
"""

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.keyring import RawCertificate
from pipeline.adapters.openpgp.mathematics import PublicKey, verify_digest
from pipeline.adapters.openpgp.packets import Packet, Tag
from pipeline.adapters.openpgp.signatures import (
    HASHES,
    Kind,
    SignaturePacket,
    Sub,
    read_signature,
)
from pipeline.limits import SELF_SIGNATURES, USER_ID_BYTES

_CERTIFICATIONS = frozenset(range(Kind.GENERIC_CERTIFICATION, Kind.POSITIVE_CERTIFICATION + 1))
_ON_KEY = frozenset({Kind.DIRECT_KEY, Kind.KEY_REVOCATION})
_ON_USER_ID = _CERTIFICATIONS | {Kind.CERTIFICATION_REVOCATION}
_ON_SUBKEY = frozenset({Kind.SUBKEY_BINDING, Kind.SUBKEY_REVOCATION})
_REVOCATIONS = frozenset({Kind.KEY_REVOCATION, Kind.SUBKEY_REVOCATION})
_NOWHERE = Packet(-1, b"")


@final
@dataclass(frozen=True, slots=True)
class UserID:
    """A user ID with the primary key's statements about it."""

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
    """A subkey with the primary key's statements about it."""

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
class Budget:
    """How many more signatures of keys on themselves may be verified in one go."""

    left: int = SELF_SIGNATURES

    def spend(self) -> bool:
        """Tell whether one more may be verified."""
        self.left -= 1
        return self.left >= 0


def check_certificate(
    raw: RawCertificate, revokers: Mapping[str, PublicKey], budget: Budget
) -> Result[Certificate, str]:
    """Keep what the primary key says of itself, as far as its signatures verify.

    ``revokers`` are keys by fingerprint: those whom the primary key appointed may revoke it.

    Errors: a sentence, where the budget does not suffice.
    """
    primary = raw.primary
    signatures = {part: _read_all(packets) for part, packets in raw.parts.items()}
    desk = _Desk(primary, signatures, budget)
    user_ids = [part for part in raw.parts if part is not None and _is_user_id(part)]
    subkeys = raw.subkeys
    about_primary = desk.verified(_ON_KEY, {None: primary.hashed})
    about_user_ids = desk.verified(
        _ON_USER_ID, {part: _about_user_id(primary, part.body) for part in user_ids}
    )
    about_subkeys = desk.verified(
        _ON_SUBKEY, {part: primary.hashed + key.hashed for part, key in subkeys}
    )
    own = [*about_primary[None], *(one for part in user_ids for one in about_user_ids[part])]
    everything = [one for found in signatures.values() for one in found]
    by_others = _revoked_by_others(primary, own, everything, revokers, budget)
    if budget.left < 0:
        return Failure(f"more than {SELF_SIGNATURES} signatures of keys on themselves to verify")
    return Success(
        Certificate(
            primary,
            _of(about_primary[None], {Kind.DIRECT_KEY}),
            _of(about_primary[None], {Kind.KEY_REVOCATION}) + by_others,
            tuple(
                UserID(
                    part.body,
                    _of(about_user_ids[part], _CERTIFICATIONS),
                    _of(about_user_ids[part], {Kind.CERTIFICATION_REVOCATION}),
                )
                for part in user_ids
            ),
            tuple(
                Subkey(
                    key,
                    _of(about_subkeys[part], {Kind.SUBKEY_BINDING}),
                    _of(about_subkeys[part], {Kind.SUBKEY_REVOCATION}),
                )
                for part, key in subkeys
            ),
            raw.framed,
        )
    )


def _is_user_id(part: Packet) -> bool:
    return part.tag == Tag.USER_ID and len(part.body) <= USER_ID_BYTES


def _read_all(packets: Iterable[Packet]) -> tuple[SignaturePacket, ...]:
    read = (read_signature(packet.body) for packet in packets)
    return tuple(outcome.unwrap() for outcome in read if is_successful(outcome))


def _of(
    signatures: Iterable[SignaturePacket], kinds: Container[int]
) -> tuple[SignaturePacket, ...]:
    return tuple(one for one in signatures if one.kind in kinds)


def _about_user_id(primary: PublicKey, raw: bytes) -> bytes:
    """Return what a certification covers (RFC 9580 section 5.2.4)."""
    return primary.hashed + b"\xb4" + len(raw).to_bytes(4, "big") + raw


def signs(key: PublicKey, signature: SignaturePacket, subject: bytes) -> bool:
    """Tell whether ``key`` made ``signature`` over ``subject``, in mathematics alone."""
    name = HASHES.get(signature.hash_algorithm)
    if name is None:
        return False
    digest = hashlib.new(name, subject + signature.trailer, usedforsecurity=False).digest()
    return verify_digest(key, signature, digest)


@final
@dataclass(slots=True)
class _Desk:
    """Verifies a primary key's signatures on itself, within a budget."""

    primary: PublicKey
    signatures: Mapping[Packet | None, tuple[SignaturePacket, ...]]
    budget: Budget

    def verified(
        self, kinds: Container[int], subjects: Mapping[Packet | None, bytes]
    ) -> dict[Packet | None, tuple[SignaturePacket, ...]]:
        """Return the signatures of ``kinds`` that verify over each subject."""
        found: dict[Packet | None, list[SignaturePacket]] = {part: [] for part in subjects}
        for place, signatures in self.signatures.items():
            for signature in _of(signatures, kinds):
                part = self._subject_of(signature, place, subjects)
                if part is not _NOWHERE:
                    found[part].append(signature)
        return {part: tuple(signatures) for part, signatures in found.items()}

    def _subject_of(
        self,
        signature: SignaturePacket,
        place: Packet | None,
        subjects: Mapping[Packet | None, bytes],
    ) -> Packet | None:
        """Find what a signature is about: what it stands behind, or else anything.

        A signature in the wrong place counts where it belongs, above all a revocation.
        """
        if not _counts(signature, self.primary):
            return _NOWHERE
        first = (place,) if place in subjects else ()
        for part in chain(first, (part for part in subjects if part is not place)):
            if not self.budget.spend():
                return _NOWHERE
            if signs(self.primary, signature, subjects[part]):
                return part
        return _NOWHERE


def _counts(signature: SignaturePacket, primary: PublicKey) -> bool:
    """Tell whether a signature may be the key's word on itself, before any mathematics."""
    created = signature.first.created
    if signature.not_understood is not None or created is None or created < primary.created:
        return False
    # A malformed revocation is still a warning; nothing else is worth anything malformed. gpg
    # knows a key's own signatures by the key ID alone.
    if signature.kind in _REVOCATIONS:
        return signature.names(primary.fingerprint)
    return signature.malformed is None and signature.key_id == primary.fingerprint[-16:]


def _revoked_by_others(
    primary: PublicKey,
    own: Iterable[SignaturePacket],
    signatures: Iterable[SignaturePacket],
    revokers: Mapping[str, PublicKey],
    budget: Budget,
) -> tuple[SignaturePacket, ...]:
    """Return revocations by keys that the primary key appointed (RFC 9580 section 5.2.3.23)."""
    appointed = {
        value.body[2:].hex()
        for one in own
        for value in one.hashed
        if value.type == Sub.REVOCATION_KEY
    }
    keys = [revokers[fingerprint] for fingerprint in sorted(appointed & set(revokers))]
    return tuple(
        one
        for one in _of(signatures, {Kind.KEY_REVOCATION})
        for key in keys
        if one.names(key.fingerprint) and budget.spend() and signs(key, one, primary.hashed)
    )
