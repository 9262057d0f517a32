"""Whether a key may sign: ``Certificate, key, View -> Result[Usable, Refusal]``.

gpg judges a key as it stands now, sqv as it stood when the signature was made, with stricter
hashes. A :class:`View` is either; a signature must pass both (docs/openpgp-policy.md). Only
statements made at or before the view's time count, except revocations, which always do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.certificates import Certificate, Subkey, UserID, signs
from pipeline.adapters.openpgp.mathematics import PublicKey
from pipeline.adapters.openpgp.signatures import (
    HASHES,
    Kind,
    SignaturePacket,
    Sub,
    read_signature,
)

STRONG_HASHES = frozenset({8, 9, 10, 11})
"""The SHA-2 family: what a signature over a file must use, and by default one over a key."""

KNOWN_HASHES = frozenset(HASHES)
"""With SHA-1, as gpg takes it in signatures over keys."""

CERTIFY_FLAG, SIGN_FLAG = 0x01, 0x02
FLAGS = {0x01: "certify", 0x02: "sign", 0x04: "encrypt", 0x08: "encrypt", 0x20: "authenticate"}

Problem: TypeAlias = Literal[
    "revoked", "expired", "not-yet-valid", "not-for-signing", "not-bound", "no-valid-user-id"
]


@final
@dataclass(frozen=True, slots=True)
class View:
    """When a key is judged, in seconds since 1970, and which hashes its statements may use."""

    at: int
    hashes: frozenset[int]

    def newest(self, signatures: Iterable[SignaturePacket]) -> SignaturePacket | None:
        """Return the statement in force: made by then, not expired by then, the newest."""
        for signature in signatures:
            if (
                signature.hash_algorithm in self.hashes
                and signature.created is not None
                and signature.created <= self.at
                and not _is_over(signature.expires, self.at)
            ):
                return signature
        return None


@final
@dataclass(frozen=True, slots=True)
class Usable:
    """A key that may sign, and from when on it may not."""

    expires: int | None


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """A key that may not sign, and why."""

    problem: Problem
    detail: str


def judge_key(certificate: Certificate, key: PublicKey, view: View) -> Result[Usable, Refusal]:
    """Judge a primary key or a subkey of ``certificate`` as a maker of signatures over files."""
    primary = judge_primary(certificate, view)
    if not is_successful(primary):
        return Failure(primary.failure())
    if key.fingerprint == certificate.primary.fingerprint:
        for flags in primary_flags(certificate, view):
            if not flags & SIGN_FLAG:
                return Failure(Refusal("not-for-signing", "its key flags do not allow signing"))
        return primary
    for subkey in certificate.subkeys:
        if subkey.key.fingerprint == key.fingerprint:
            judged = _judge_subkey(certificate, subkey, view)
            if not is_successful(judged):
                return judged
            return Success(Usable(earliest(primary.unwrap().expires, judged.unwrap().expires)))
    return Failure(Refusal("not-bound", "it is no subkey of that primary key"))


def judge_primary(certificate: Certificate, view: View) -> Result[Usable, Refusal]:
    """Judge the primary key, whatever it is used for."""
    # 1. A revoked key stays revoked, whenever and for whatever reason.
    if certificate.revocations:
        return Failure(Refusal("revoked", "its owner revoked it"))
    # 2. It existed.
    if certificate.primary.created > view.at:
        return Failure(Refusal("not-yet-valid", "the primary key was made later"))
    # 3. It vouches for somebody.
    if not any(view.newest(user_id.certifications) for user_id in certificate.user_ids):
        return Failure(Refusal("no-valid-user-id", "no user ID has a valid self-signature"))
    # 4. It has not expired.
    expires = primary_expiry(certificate, view)
    if _is_over(expires, view.at):
        return Failure(Refusal("expired", "the primary key has expired"))
    return Success(Usable(expires))


def _judge_subkey(certificate: Certificate, subkey: Subkey, view: View) -> Result[Usable, Refusal]:
    # 1. A revoked subkey stays revoked.
    if subkey.revocations:
        return Failure(Refusal("revoked", "the subkey was revoked"))
    # 2. It existed.
    if subkey.key.created > view.at:
        return Failure(Refusal("not-yet-valid", "the subkey was made later"))
    # 3. The primary key says that the subkey is its own.
    binding = view.newest(subkey.bindings)
    if binding is None:
        return Failure(Refusal("not-bound", "the subkey has no valid binding signature"))
    # 4. For signing.
    if binding.key_flags is not None and not binding.key_flags & SIGN_FLAG:
        return Failure(Refusal("not-for-signing", "its key flags do not allow signing"))
    # 5. The subkey says that it belongs to that primary key, so that nobody adopts a stranger's.
    if not _has_back_signature(certificate.primary, subkey.key, binding, view):
        return Failure(Refusal("not-bound", "the subkey does not confirm its primary key"))
    # 6. It has not expired.
    expires = binding.after(subkey.key.created, Sub.KEY_EXPIRATION_TIME)
    if _is_over(expires, view.at):
        return Failure(Refusal("expired", "the subkey has expired"))
    return Success(Usable(expires))


def _has_back_signature(
    primary: PublicKey, subkey: PublicKey, binding: SignaturePacket, view: View
) -> bool:
    for body in binding.embedded:
        outcome = read_signature(body)
        if not is_successful(outcome):
            continue
        back = outcome.unwrap()
        if (
            back.kind == Kind.PRIMARY_KEY_BINDING
            and back.not_understood is None
            and view.newest((back,)) is not None
            and signs(subkey, back, primary.hashed + subkey.hashed)
        ):
            return True
    return False


def primary_user_id(certificate: Certificate, view: View) -> UserID | None:
    """Return the user ID marked as primary, else the one with the newest self-signature."""
    ranked: list[tuple[bool, int, UserID]] = []
    for user_id in certificate.user_ids:
        statement = view.newest(user_id.certifications)
        if statement is not None:
            ranked.append((statement.is_primary_user_id, statement.created or 0, user_id))
    return max(ranked, key=lambda entry: entry[:2])[2] if ranked else None


def _statements(certificate: Certificate, view: View) -> tuple[SignaturePacket, ...]:
    """Return what speaks for the primary key: its direct signature, then its user IDs'."""
    direct = view.newest(certificate.direct)
    chosen = primary_user_id(certificate, view)
    others = (user_id for user_id in certificate.user_ids if user_id is not chosen)
    ordered = (() if chosen is None else (chosen,)) + tuple(others)
    found = (direct, *(view.newest(user_id.certifications) for user_id in ordered))
    return tuple(signature for signature in found if signature is not None)


def primary_expiry(certificate: Certificate, view: View) -> int | None:
    """Return when the primary key expires: what the direct signature, else a user ID's says."""
    created = certificate.primary.created
    for signature in _statements(certificate, view):
        expires = signature.after(created, Sub.KEY_EXPIRATION_TIME)
        if expires is not None:
            return expires
    return None


def primary_flags(certificate: Certificate, view: View) -> tuple[int, ...]:
    """Return the key flags that the primary key's statements give, none where none does."""
    statements = _statements(certificate, view)
    return tuple(s.key_flags for s in statements[:2] if s.key_flags is not None)


def earliest(*moments: int | None) -> int | None:
    """Return the first of the moments that come, None where none does."""
    return min((moment for moment in moments if moment is not None), default=None)


def _is_over(expires: int | None, at: int) -> bool:
    return expires is not None and expires <= at
