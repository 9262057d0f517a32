"""Judging a claim without the signed file: ``Claim -> Result[Acceptable, Refused]``.

The checks stand in two groups. What gpg refuses spoils the whole signature file, as with gpg.
What only sqv refuses proves nothing, as with sqv: another signature must be good.
"""

from dataclasses import dataclass
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp import SHA1_SELF_SIGNATURES
from pipeline.adapters.openpgp.certificates import Certificate
from pipeline.adapters.openpgp.claims import Claim
from pipeline.adapters.openpgp.mathematics import (
    MODULUS_BITS,
    fits,
    has_long_digest,
    has_plain_numbers,
)
from pipeline.adapters.openpgp.review import moment, optional_moment
from pipeline.adapters.openpgp.signatures import Kind, Statement
from pipeline.adapters.openpgp.standing import (
    Usable,
    earliest,
    judge_key,
    valid_user_ids,
)
from pipeline.adapters.openpgp.views import view_of_now, view_of_then
from pipeline.errors import (
    BadSignature,
    SignatureTime,
    UnsupportedSignature,
    UnusableKey,
    VerificationError,
    WeakSignature,
)
from pipeline.limits import CLOCK_SKEW_SECONDS
from pipeline.trust import DigestRequest, Fingerprint, SignatureHash, Signer

_DATA_HASHES: dict[int, SignatureHash] = {8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_GPG_HASHES = frozenset({2, 3, 8, 9, 10, 11})
"""What gpg still takes over files: these, and SHA-1 and RIPEMD-160, which prove nothing here."""

_DATA_KINDS = frozenset({Kind.BINARY, Kind.TEXT})
_WANTED_HASH = "a hash of the SHA-2 family"
_RSA_ENCRYPT_ONLY = 2


@final
@dataclass(frozen=True, slots=True)
class Acceptable:
    """A claim that holds if the mathematics do, and the signer that it proves then."""

    claim: Claim
    request: DigestRequest
    signer: Signer


@final
@dataclass(frozen=True, slots=True)
class Refused:
    """A claim that does not hold; ``spoils`` where no other signature can make up for it."""

    error: VerificationError
    spoils: bool


def judge_claim(
    claim: Claim, certificate: Certificate, now: int, leniency: frozenset[str]
) -> Result[Acceptable, Refused]:
    """Judge a claim; ``now`` is in seconds since 1970."""
    current = _judge_like_gpg(claim, certificate, now)
    if not is_successful(current):
        return Failure(Refused(current.failure(), spoils=True))
    outcome = _judge_like_sqv(claim, certificate, now, leniency)
    if not is_successful(outcome):
        return Failure(Refused(outcome.failure(), spoils=False))
    request, used = outcome.unwrap()
    signature = claim.signature
    signer = Signer(
        primary=Fingerprint(certificate.primary.fingerprint),
        signing_key=Fingerprint(claim.key.fingerprint),
        user_ids=valid_user_ids(certificate, view_of_now(now)),
        signed_at=moment(signature.last.created or 0),
        hash_algorithm=request.algorithm,
        key_algorithm=claim.key.name,
        granted_by=claim.trusted.entry,
        expires=optional_moment(
            earliest(signature.first.expires, signature.last.expires, current.unwrap().expires)
        ),
        leniency=used,
    )
    return Success(Acceptable(claim, request, signer))


def _judge_like_gpg(
    claim: Claim, certificate: Certificate, now: int
) -> Result[Usable, VerificationError]:
    signature, key = claim.signature, claim.key
    fingerprint = Fingerprint(key.fingerprint)
    # 1. It demands nothing that is not understood, in either area.
    if signature.not_understood is not None:
        return Failure(UnsupportedSignature(signature.not_understood))
    # 2. Its key can be used, and is of the algorithm that it claims.
    for used in (key, certificate.primary):
        if used.numbers is None:
            detail = f"{used.name} keys are not supported"
            return Failure(UnusableKey(fingerprint, "unsupported", detail))
    if not fits(key, signature):
        return Failure(BadSignature(fingerprint, "it is of another algorithm than its key"))
    # 3. Its hash can be computed, and is as long as its key deserves.
    if signature.hash_algorithm not in _GPG_HASHES:
        return Failure(WeakSignature(fingerprint, signature.hash_name, _WANTED_HASH))
    if signature.hash_algorithm in _DATA_HASHES and not has_long_digest(key, signature):
        got = f"{signature.hash_name} with a key of {key.name}"
        return Failure(WeakSignature(fingerprint, got, "a longer hash"))
    # 4. Its numbers can be written in one way only.
    if not has_plain_numbers(signature):
        return Failure(UnsupportedSignature("its numbers are not in the one right form"))
    # 5. It was made when the key existed, and has not expired.
    timely = _judge_time(signature.first, key.created, fingerprint, now)
    if not is_successful(timely):
        return Failure(timely.failure())
    # 6. The key may sign now.
    judged = judge_key(certificate, key, view_of_now(now))
    if not is_successful(judged):
        refusal = judged.failure()
        return Failure(UnusableKey(fingerprint, refusal.problem, refusal.detail))
    return Success(judged.unwrap())


def _judge_like_sqv(
    claim: Claim, certificate: Certificate, now: int, leniency: frozenset[str]
) -> Result[tuple[DigestRequest, tuple[str, ...]], VerificationError]:
    """Return what to hash, and which leniency was used."""
    signature, key = claim.signature, claim.key
    fingerprint = Fingerprint(key.fingerprint)
    # 7. It is a signature over a file; other types do not cover it at all.
    if signature.kind not in _DATA_KINDS:
        return Failure(UnsupportedSignature(f"it is of type 0x{signature.kind:02x}"))
    # 8. Its hash proves something (CVE-2022-39237).
    name = _DATA_HASHES.get(signature.hash_algorithm)
    if name is None:
        return Failure(WeakSignature(fingerprint, signature.hash_name, _WANTED_HASH))
    # 9. So does its key, and the primary key that vouches for it.
    for used in (key, certificate.primary):
        if used.is_weak:
            wanted = f"at least {MODULUS_BITS} bits"
            return Failure(WeakSignature(fingerprint, f"a key of {used.name} bits", wanted))
    # 10. Its algorithm is one that signs.
    if signature.key_algorithm == _RSA_ENCRYPT_ONLY:
        return Failure(UnsupportedSignature("it is by RSA for encryption only"))
    # 11. It is not from the future, nor from before its key, and has not expired.
    timely = _judge_time(signature.last, key.created, fingerprint, now)
    if not is_successful(timely):
        return Failure(timely.failure())
    signed_at = timely.unwrap()
    if signed_at > now + CLOCK_SKEW_SECONDS:
        reason = "that is in the future"
        return Failure(SignatureTime(fingerprint, moment(signed_at), reason))
    # 12. The key was one that may sign when it did, and had said so with strong hashes.
    is_text = signature.kind == Kind.TEXT
    request = DigestRequest(name, is_text, signature.trailer)
    strict = judge_key(certificate, key, view_of_then(signed_at))
    if is_successful(strict):
        return Success((request, ()))
    if is_successful(judge_key(certificate, key, view_of_then(signed_at, sha1=True))):
        if SHA1_SELF_SIGNATURES in leniency:
            return Success((request, (SHA1_SELF_SIGNATURES,)))
        got = "SHA-1 where the key vouches for itself"
        return Failure(WeakSignature(fingerprint, got, _WANTED_HASH))
    refusal = strict.failure()
    detail = f"when it signed, at {moment(signed_at):%Y-%m-%dT%H:%M:%SZ}: {refusal.detail}"
    return Failure(UnusableKey(fingerprint, refusal.problem, detail))


def _judge_time(
    said: Statement, key_created: int, fingerprint: Fingerprint, now: int
) -> Result[int, VerificationError]:
    """Return when the signature was made."""
    if said.created is None:
        return Failure(SignatureTime(fingerprint, None, "it does not say when"))
    if said.created < key_created:
        reason = "that is before its key was"
    elif said.expires is not None and said.expires <= now:
        reason = f"it expired at {moment(said.expires):%Y-%m-%dT%H:%M:%SZ}"
    else:
        return Success(said.created)
    return Failure(SignatureTime(fingerprint, moment(said.created), reason))
