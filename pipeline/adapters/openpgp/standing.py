"""Whether a key may sign: ``Certificate, key, View -> Result[Usable, Refusal]``.

gpg judges a key as it stands now; sqv as it stood when the signature was made, and with stricter
hashes. They also take what a key says of itself from different places. A :class:`View` is one
of the two, and a signature must pass both (docs/openpgp-policy.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.certificates import Certificate, Subkey, UserID, signs
from pipeline.adapters.openpgp.mathematics import PublicKey
from pipeline.adapters.openpgp.signatures import (
    HASHES,
    Kind,
    SignaturePacket,
    Statement,
    end,
    read_signature,
)

STRONG_HASHES = frozenset({8, 9, 10, 11})
"""The SHA-2 family: what a signature over a file must use, and by default one over a key."""

KNOWN_HASHES = frozenset(HASHES)
"""With SHA-1, as gpg takes it in signatures over keys."""

SIGN_FLAG = 0x02
_ALL_FLAGS, _NO_FLAGS = 0xFF, 0x00

Problem: TypeAlias = Literal[
    "revoked", "expired", "not-yet-valid", "not-for-signing", "not-bound", "no-valid-user-id"
]


@final
@dataclass(frozen=True, slots=True)
class View:
    """Whose eyes judge a key, and when: ``at`` is in seconds since 1970.

    ``hashes`` are those that the key's signatures on itself may use.
    """

    like: Literal["gpg", "sqv"]
    at: int
    hashes: frozenset[int]

    def read(self, signature: SignaturePacket) -> Statement:
        """Read what a signature says."""
        return signature.first if self.like == "gpg" else signature.last

    def newest(
        self, signatures: Iterable[SignaturePacket], *, even_expired: bool = False
    ) -> SignaturePacket | None:
        """Return the signature in force: the newest that has not expired.

        sqv looks only at what had been made by then; gpg at all that there is now, except what
        is marked as not to be exported. Of two made in one second gpg takes the later in the
        file, sqv the one with the smaller numbers.
        """
        seen = [one for one in signatures if self.sees(one)]
        if self.like == "sqv":
            seen.sort(key=lambda one: one.mathematics[2:], reverse=True)
        in_force = [one for one in seen if even_expired or not self.is_over(self.read(one).expires)]
        return max(reversed(in_force), key=lambda one: self.read(one).created or 0, default=None)

    def sees(self, signature: SignaturePacket) -> bool:
        """Tell whether a signature counts at all."""
        if signature.hash_algorithm not in self.hashes:
            return False
        if self.like == "gpg":
            return not signature.is_local
        return (self.read(signature).created or 0) <= self.at

    def says(self, signatures: Iterable[SignaturePacket]) -> Statement | None:
        """Return what the signature in force says, None where there is none."""
        newest = self.newest(signatures)
        return None if newest is None else self.read(newest)

    def is_over(self, expires: int | None) -> bool:
        """Tell whether that moment has come."""
        return expires is not None and expires <= self.at


def view_of_now(at: int) -> View:
    """Return gpg's view."""
    return View("gpg", at, KNOWN_HASHES)


def view_of_then(at: int, *, sha1: bool = False) -> View:
    """Return sqv's view, with SHA-1 let pass or not."""
    return View("sqv", at, KNOWN_HASHES if sha1 else STRONG_HASHES)


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
    # 3. The primary key says that the subkey is its own; gpg does not look behind the newest.
    binding = view.newest(subkey.bindings, even_expired=view.like == "gpg")
    if binding is None or view.is_over(view.read(binding).expires):
        return Failure(Refusal("not-bound", "the subkey has no valid binding signature"))
    # 4. For signing.
    said = view.read(binding)
    default = _ALL_FLAGS if view.like == "gpg" else _NO_FLAGS
    if not (default if said.key_flags is None else said.key_flags) & SIGN_FLAG:
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
    for body in binding.embedded:
        outcome = read_signature(body)
        if not is_successful(outcome):
            continue
        back = outcome.unwrap()
        if (
            back.kind == Kind.PRIMARY_KEY_BINDING
            and back.not_understood is None
            and back.malformed is None
            and view.newest((back,), even_expired=view.like == "gpg") is not None
            and (view.read(back).created or -1) >= subkey.created
            and signs(subkey, back, primary.hashed + subkey.hashed)
        ):
            return True
    return False


def _statements(certificate: Certificate, view: View) -> tuple[Statement, ...]:
    """Return what the primary key says of itself, in the order in which it is asked.

    gpg asks the direct-key signature, then the user IDs, newest first; sqv asks the primary
    user ID, then the direct-key signature. A revoked user ID is asked where no other is left.
    """
    direct = view.says(certificate.direct)
    unrevoked = [user_id for user_id in certificate.user_ids if _is_valid(user_id, view)]
    by_user_ids = (
        view.says(user_id.certifications) for user_id in unrevoked or certificate.user_ids
    )
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
