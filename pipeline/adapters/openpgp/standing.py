"""Whether a key may sign: ``Certificate, key, View -> Result[Usable, Refusal]``.

A signature must pass in both views, gpg's and sqv's (docs/openpgp-policy.md).
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.certificates import Certificate, Subkey, UserID, signs
from pipeline.adapters.openpgp.mathematics import PublicKey
from pipeline.adapters.openpgp.signatures import (
    Kind,
    SignaturePacket,
    Statement,
    end,
    read_signature,
)
from pipeline.adapters.openpgp.views import KNOWN_HASHES, View

SIGN_FLAG = 0x02
_ALL_FLAGS, _NO_FLAGS = 0xFF, 0x00

Problem: TypeAlias = Literal[
    "revoked", "expired", "not-yet-valid", "not-for-signing", "not-bound", "no-valid-user-id"
]


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
    primary = _judge_primary(certificate, view)
    if not is_successful(primary):
        return Failure(primary.failure())
    if key.fingerprint == certificate.primary.fingerprint:
        if not primary_flags(certificate, view) & SIGN_FLAG:
            return Failure(Refusal("not-for-signing", "its key flags do not allow signing"))
        return primary
    for subkey in certificate.subkeys:
        if subkey.key.fingerprint == key.fingerprint:
            judged = _judge_subkey(certificate, subkey, view)
            if not is_successful(judged):
                return judged
            return Success(Usable(earliest(primary.unwrap().expires, judged.unwrap().expires)))
    return Failure(Refusal("not-bound", "it is no subkey of that primary key"))


def _judge_primary(certificate: Certificate, view: View) -> Result[Usable, Refusal]:
    """Judge the primary key, whatever it is used for."""
    # 1. A revoked key stays revoked, whenever and for whatever reason.
    if certificate.revocations:
        return Failure(Refusal("revoked", "it was revoked"))
    # 2. It existed.
    if certificate.primary.created > view.at:
        return Failure(Refusal("not-yet-valid", "the primary key was made later"))
    # 3. It vouches for somebody: gpg wants a user ID, sqv any statement in force.
    vouches = (
        any(
            view.sees(one)
            for user_id in certificate.user_ids
            for one in (*user_id.certifications, *user_id.revocations)
        )
        if view.like == "gpg"
        else bool(_statements(certificate, view))
    )
    if not vouches:
        return Failure(Refusal("no-valid-user-id", "no user ID has a valid self-signature"))
    # 4. It has not expired.
    expires = primary_expiry(certificate, view)
    if view.is_over(expires):
        return Failure(Refusal("expired", "the primary key has expired"))
    return Success(Usable(expires))


def _judge_subkey(certificate: Certificate, subkey: Subkey, view: View) -> Result[Usable, Refusal]:
    # 1. A revoked subkey stays revoked.
    if subkey.revocations:
        return Failure(Refusal("revoked", "the subkey was revoked"))
    # 2. It existed.
    if subkey.key.created > view.at:
        return Failure(Refusal("not-yet-valid", "the subkey was made later"))
    # 3. The primary key says that the subkey is its own. gpg does not look behind the newest
    #    binding; sqv does, where that is for signing and lacks the subkey's consent (5.).
    gpg = view.like == "gpg"
    binding = view.newest(
        (
            one
            for one in subkey.bindings
            if gpg
            or not _flags(view.read(one), view) & SIGN_FLAG
            or _has_back_signature(certificate.primary, subkey.key, one, view)
        ),
        even_expired=gpg,
    )
    if binding is None or view.is_over(view.read(binding).expires):
        return Failure(Refusal("not-bound", "the subkey has no valid binding signature"))
    # 4. For signing.
    said = view.read(binding)
    if not _flags(said, view) & SIGN_FLAG:
        return Failure(Refusal("not-for-signing", "its key flags do not allow signing"))
    # 5. The subkey says that it belongs to that primary key, so that nobody adopts a stranger's.
    if not _has_back_signature(certificate.primary, subkey.key, binding, view):
        return Failure(Refusal("not-bound", "the subkey does not confirm its primary key"))
    # 6. It has not expired.
    expires = subkey_expiry(subkey, view)
    if view.is_over(expires):
        return Failure(Refusal("expired", "the subkey has expired"))
    return Success(Usable(earliest(expires, said.expires)))


def _has_back_signature(
    primary: PublicKey, subkey: PublicKey, binding: SignaturePacket, view: View
) -> bool:
    if binding.embedded is None:
        return False
    outcome = read_signature(binding.embedded)
    if not is_successful(outcome):
        return False
    back = outcome.unwrap()
    return (
        back.kind == Kind.PRIMARY_KEY_BINDING
        and back.not_understood is None
        and back.malformed is None
        and back.hash_algorithm in view.hashes
        and _is_timely(view.read(back), subkey, view)
        and signs(subkey, back, primary.hashed + subkey.hashed)
    )


def _is_timely(said: Statement, subkey: PublicKey, view: View) -> bool:
    """Tell whether a back-signature is not older than its key and, for sqv, in force by then."""
    if said.created is None or said.created < subkey.created:
        return False
    return view.like == "gpg" or (said.created <= view.at and not view.is_over(said.expires))


def _flags(said: Statement, view: View) -> int:
    """Return a statement's key flags; without any, gpg allows all and sqv nothing."""
    if said.key_flags is not None:
        return said.key_flags
    return _ALL_FLAGS if view.like == "gpg" else _NO_FLAGS


def _statements(certificate: Certificate, view: View) -> tuple[Statement, ...]:
    """Return what the primary key says of itself, in the order in which it is asked.

    gpg asks the direct-key signature, then the user IDs, newest first; sqv asks the primary
    user ID, a revoked one where no other is left, then the direct-key signature.
    """
    direct = view.says(certificate.direct)
    user_ids = [user_id for user_id in certificate.user_ids if _is_valid(user_id, view)]
    if not user_ids and view.like == "sqv":
        user_ids = list(certificate.user_ids)
    by_user_ids = (view.says(user_id.certifications) for user_id in user_ids)
    said = [one for one in by_user_ids if one is not None]
    if view.like == "gpg":
        said.sort(key=lambda one: one.created or 0, reverse=True)
        ordered = [direct, *said]
    else:
        said.sort(key=lambda one: (one.is_primary_user_id, one.created or 0), reverse=True)
        ordered = [*said[:1], direct]
    return tuple(one for one in ordered if one is not None)


def primary_expiry(certificate: Certificate, view: View) -> int | None:
    """Return when the primary key expires; for gpg, "never" does not end the search."""
    for said in _statements(certificate, view):
        if said.key_lifetime or (said.key_lifetime == 0 and view.like == "sqv"):
            return end(certificate.primary.created, said.key_lifetime)
    return None


def subkey_expiry(subkey: Subkey, view: View) -> int | None:
    """Return when a subkey expires, None for never."""
    binding = view.newest(subkey.bindings, even_expired=view.like == "gpg")
    return None if binding is None else end(subkey.key.created, view.read(binding).key_lifetime)


def primary_flags(certificate: Certificate, view: View) -> int:
    """Return the primary key's flags; without any, gpg allows all and sqv nothing."""
    for said in _statements(certificate, view):
        if said.key_flags is not None:
            return said.key_flags
    return _ALL_FLAGS if view.like == "gpg" else _NO_FLAGS


def valid_user_ids(certificate: Certificate, view: View) -> tuple[str, ...]:
    """Return the user IDs that the key vouches for and has not revoked since."""
    return tuple(one.text for one in certificate.user_ids if _is_valid(one, view))


def _is_valid(user_id: UserID, view: View) -> bool:
    said = view.says(user_id.certifications)
    # A revocation is believed even with SHA-1: forging one would gain little.
    revoked = replace(view, hashes=KNOWN_HASHES).says(user_id.revocations)
    return said is not None and (revoked is None or (revoked.created or 0) < (said.created or 0))


def earliest(*moments: int | None) -> int | None:
    """Return the first of the moments that come, None where none does."""
    return min((moment for moment in moments if moment is not None), default=None)
