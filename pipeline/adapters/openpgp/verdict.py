"""Judging a detached signature file (RFC 9580 section 10.4), step by step.

A signature file holds version 4 Signature packets and nothing else. Those by known keys must all
be good, and there must be one; those by unknown keys prove nothing and are passed over. The file
that was signed is not here: ``plan`` says what must be hashed, ``verify`` gets the digests.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.armor import dearmor
from pipeline.adapters.openpgp.certificates import (
    RawCertificate,
    check_certificate,
    read_keyring,
)
from pipeline.adapters.openpgp.mathematics import PublicKey, verify_digest
from pipeline.adapters.openpgp.packets import Tag, split_packets
from pipeline.adapters.openpgp.review import moment, optional_moment, valid_user_ids
from pipeline.adapters.openpgp.signatures import Kind, SignaturePacket, read_signature
from pipeline.adapters.openpgp.standing import (
    KNOWN_HASHES,
    STRONG_HASHES,
    View,
    earliest,
    judge_key,
)
from pipeline.errors import (
    BadSignature,
    NotASignature,
    SignatureTime,
    UnknownSigner,
    UnsupportedSignature,
    UnusableKey,
    VerificationError,
    WeakSignature,
)
from pipeline.limits import CLOCK_SKEW_SECONDS, SIGNATURE_BYTES, SIGNATURE_COUNT
from pipeline.trust import (
    DigestRequest,
    Fingerprint,
    KeyEntry,
    KeySet,
    NamedScope,
    SignatureHash,
    SignaturePlan,
    SignedDigest,
    Signer,
    TrustScope,
)

SHA1_SELF_SIGNATURES: Final = "sha1-self-signatures"

_DATA_HASHES: dict[int, SignatureHash] = {8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_DATA_KINDS = frozenset({Kind.BINARY, Kind.TEXT})
_WANTED_HASH = "a hash of the SHA-2 family"
_MODULUS_BITS = 2048
"""NIST SP 800-131A rev. 2 section 3: shorter RSA and DSA keys are disallowed."""


@final
@dataclass(frozen=True, slots=True)
class _Trusted:
    """A certificate, merged from all its copies, and the entry that granted it trust."""

    certificate: RawCertificate
    entry: KeyEntry


@final
@dataclass(frozen=True, slots=True)
class _Claim:
    """A signature, and the key that it claims to be by."""

    signature: SignaturePacket
    key: PublicKey
    trusted: _Trusted


_Claims: TypeAlias = tuple[tuple[_Claim, ...], ...]
"""For each signature by a known key, the keys that it may be by; key IDs may collide."""


@final
@dataclass(frozen=True, slots=True)
class _Accepted:
    """A claim that holds if the mathematics do, and the signer that it proves then."""

    claim: _Claim
    request: DigestRequest
    signer: Signer


def plan(
    untrusted_signature: bytes,
    keys: KeySet,
    scope: TrustScope,
    now: datetime,
    leniency: frozenset[str],
) -> Result[SignaturePlan, VerificationError]:
    """See :meth:`pipeline.ports.SignatureVerifier.plan`."""
    outcome = _accept(untrusted_signature, keys, scope, now, leniency)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    accepted = [first for first, *_ in outcome.unwrap()]
    return Success(
        SignaturePlan(
            requests=tuple(dict.fromkeys(one.request for one in accepted)),
            issuers=tuple(dict.fromkeys(one.signer.primary for one in accepted)),
        )
    )


def verify(
    untrusted_signature: bytes,
    digests: tuple[SignedDigest, ...],
    keys: KeySet,
    scope: TrustScope,
    now: datetime,
    leniency: frozenset[str],
) -> Result[tuple[Signer, ...], VerificationError]:
    """See :meth:`pipeline.ports.SignatureVerifier.verify`."""
    outcome = _accept(untrusted_signature, keys, scope, now, leniency)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    values = {digest.request: digest.value for digest in digests}
    signers: dict[Fingerprint, Signer] = {}
    for alternatives in outcome.unwrap():
        proven = next((one for one in alternatives if _holds(one, values)), None)
        if proven is None:
            return Failure(BadSignature(alternatives[0].signer.signing_key))
        signer = proven.signer
        other = signers.setdefault(signer.primary, signer)
        if other.expires is None or (signer.expires and signer.expires < other.expires):
            signers[signer.primary] = signer
    return Success(tuple(signers.values()))


def _holds(accepted: _Accepted, values: dict[DigestRequest, bytes]) -> bool:
    digest = values.get(accepted.request)
    claim = accepted.claim
    return digest is not None and verify_digest(claim.key, claim.signature, digest)


def _accept(
    untrusted_signature: bytes,
    keys: KeySet,
    scope: TrustScope,
    now: datetime,
    leniency: frozenset[str],
) -> Result[tuple[tuple[_Accepted, ...], ...], VerificationError]:
    """Do all that can be done without the signed file."""
    signatures = _read_file(untrusted_signature)
    if not is_successful(signatures):
        return Failure(signatures.failure())
    claims = _claims(signatures.unwrap(), keys, scope)
    if not is_successful(claims):
        return Failure(claims.failure())
    accepted: list[tuple[_Accepted, ...]] = []
    for alternatives in claims.unwrap():
        judged = [_judge(claim, int(now.timestamp()), leniency) for claim in alternatives]
        good = tuple(one.unwrap() for one in judged if is_successful(one))
        if not good:
            return Failure(judged[0].failure())
        accepted.append(good)
    return Success(tuple(accepted))


def _read_file(untrusted: bytes) -> Result[tuple[SignaturePacket, ...], VerificationError]:
    # 1. It is of a size that signatures have.
    if len(untrusted) > SIGNATURE_BYTES:
        return Failure(NotASignature(f"more than {SIGNATURE_BYTES} bytes"))
    # 2. Its armor, if any, is whole.
    blocks = dearmor(untrusted, "SIGNATURE")
    if not is_successful(blocks):
        return Failure(NotASignature(blocks.failure()))
    # 3. It is packets from end to end, not too many (CVE-2023-46737).
    packets = split_packets(b"".join(blocks.unwrap()), max_packets=SIGNATURE_COUNT)
    if not is_successful(packets):
        return Failure(NotASignature(packets.failure()))
    signatures: list[SignaturePacket] = []
    for packet in packets.unwrap():
        # 4. They are Signature packets alone: no message, no key (CVE-2018-12020).
        if packet.tag != Tag.SIGNATURE:
            return Failure(NotASignature(f"it holds a packet of type {packet.tag}"))
        # 5. Each can be read.
        signature = read_signature(packet.body)
        if not is_successful(signature):
            return Failure(UnsupportedSignature(signature.failure()))
        signatures.append(signature.unwrap())
    if not signatures:
        return Failure(NotASignature("it is empty"))
    return Success(tuple(signatures))


def _claims(
    signatures: tuple[SignaturePacket, ...], keys: KeySet, scope: TrustScope
) -> Result[_Claims, VerificationError]:
    """Find the keys that the signatures name, and leave out signatures that name no known key."""
    trusted = _merge(keys)
    known = [(one, key) for one in trusted for key in one.certificate.keys]
    claims = tuple(
        tuple(
            _Claim(signature, key, one)
            for one, key in known
            if signature.issuer is not None and key.fingerprint.endswith(signature.issuer)
        )
        for signature in signatures
    )
    found = tuple(alternatives for alternatives in claims if alternatives)
    if not found:
        issuers = dict.fromkeys(one.issuer for one in signatures if one.issuer is not None)
        name = scope.name if isinstance(scope, NamedScope) else "any name"
        return Failure(UnknownSigner(tuple(issuers), name, len(trusted)))
    return Success(found)


def _merge(keys: KeySet) -> tuple[_Trusted, ...]:
    """Read all key files; copies of a key are one, so that none hides another's revocation."""
    merged: dict[str, _Trusted] = {}
    for key in keys.keys:
        keyring = read_keyring(key.keyring)
        # A file that is no keyring grants nothing, and takes nothing from the others.
        for raw in keyring.unwrap() if is_successful(keyring) else ():
            known = merged.setdefault(raw.primary.fingerprint, _Trusted(raw, key.entry))
            known.certificate.merge(raw)
    return tuple(merged.values())


def _judge(
    claim: _Claim, now: int, leniency: frozenset[str]
) -> Result[_Accepted, VerificationError]:
    signature, key = claim.signature, claim.key
    fingerprint = Fingerprint(key.fingerprint)
    # 1. It is a signature over a file; other types do not cover it at all.
    if signature.kind not in _DATA_KINDS:
        return Failure(UnsupportedSignature(f"it is of type 0x{signature.kind:02x}"))
    # 2. It demands nothing that is not understood.
    if signature.not_understood is not None:
        return Failure(UnsupportedSignature(f"critical {signature.not_understood}"))
    # 3. Its hash proves something (CVE-2022-39237).
    name = _DATA_HASHES.get(signature.hash_algorithm)
    if name is None:
        return Failure(WeakSignature(fingerprint, signature.hash_name, _WANTED_HASH))
    # 4. So does its key, and the primary key that vouches for it.
    for used in (key, claim.trusted.certificate.primary):
        if used.numbers is None:
            detail = f"{used.name} keys are not supported"
            return Failure(UnusableKey(fingerprint, "unsupported", detail))
        if used.modulus_bits is not None and used.modulus_bits < _MODULUS_BITS:
            wanted = f"at least {_MODULUS_BITS} bits"
            return Failure(WeakSignature(fingerprint, f"a key of {used.name} bits", wanted))
    # 5. It was made when the key existed, not in the future, and has not expired.
    timely = _judge_time(signature, key, fingerprint, now)
    if not is_successful(timely):
        return Failure(timely.failure())
    # 6. The key may sign: now, and when it did.
    return _judge_key(claim, name, timely.unwrap(), now, leniency)


def _judge_time(
    signature: SignaturePacket, key: PublicKey, fingerprint: Fingerprint, now: int
) -> Result[int, VerificationError]:
    """Return when the signature was made."""
    created, expires = signature.created, signature.expires
    if created is None:
        return Failure(SignatureTime(fingerprint, None, "it does not say when"))
    if created > now + CLOCK_SKEW_SECONDS:
        reason = "that is in the future"
    elif created < key.created:
        reason = "that is before its key was"
    elif expires is not None and expires <= now:
        reason = f"it expired at {moment(expires):%Y-%m-%dT%H:%M:%SZ}"
    else:
        return Success(created)
    return Failure(SignatureTime(fingerprint, moment(created), reason))


def _judge_key(
    claim: _Claim,
    hash_name: SignatureHash,
    signed_at: int,
    now: int,
    leniency: frozenset[str],
) -> Result[_Accepted, VerificationError]:
    fingerprint = Fingerprint(claim.key.fingerprint)
    checked = check_certificate(claim.trusted.certificate)
    if not is_successful(checked):
        return Failure(UnusableKey(fingerprint, "unsupported", checked.failure()))
    certificate = checked.unwrap()
    present = View(now, KNOWN_HASHES)
    current = judge_key(certificate, claim.key, present)
    past = judge_key(certificate, claim.key, View(signed_at, STRONG_HASHES))
    used: tuple[str, ...] = ()
    if is_successful(current) and not is_successful(past):
        lenient = judge_key(certificate, claim.key, View(signed_at, KNOWN_HASHES))
        if is_successful(lenient):
            if SHA1_SELF_SIGNATURES not in leniency:
                got = "SHA-1 where the key vouches for itself"
                return Failure(WeakSignature(fingerprint, got, _WANTED_HASH))
            past, used = lenient, (SHA1_SELF_SIGNATURES,)
    for judged in (current, past):
        if not is_successful(judged):
            refusal = judged.failure()
            return Failure(UnusableKey(fingerprint, refusal.problem, refusal.detail))
    signer = Signer(
        primary=Fingerprint(certificate.primary.fingerprint),
        signing_key=fingerprint,
        user_ids=valid_user_ids(certificate, present),
        signed_at=moment(signed_at),
        hash_algorithm=hash_name,
        key_algorithm=claim.key.name,
        granted_by=claim.trusted.entry,
        expires=optional_moment(earliest(claim.signature.expires, current.unwrap().expires)),
        leniency=used,
    )
    is_text = claim.signature.kind == Kind.TEXT
    request = DigestRequest(hash_name, is_text, claim.signature.trailer)
    return Success(_Accepted(claim, request, signer))
