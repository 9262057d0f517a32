"""The verdict on a detached signature file, before (``plan``) and after (``verify``) the file.

Signatures by known keys must all be good, as gpg wants it; those that only sqv refuses, and
those by unknown keys, prove nothing and are passed over, and one good signature must remain.
The signed file is not here: ``plan`` says what must be hashed, ``verify`` gets the digests.
"""

from datetime import datetime

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.certificates import Budget, Certificate, check_certificate
from pipeline.adapters.openpgp.claims import Claims, Trusted, find_claims, merge_keys
from pipeline.adapters.openpgp.judgement import Acceptable, Refused, judge_claim
from pipeline.adapters.openpgp.mathematics import verify_digest
from pipeline.adapters.openpgp.signature_file import read_signature_file
from pipeline.errors import BadSignature, UnusableKey, VerificationError
from pipeline.trust import (
    DigestRequest,
    Fingerprint,
    KeySet,
    SignaturePlan,
    SignedDigest,
    Signer,
    TrustScope,
)


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
    acceptable = [one for alternatives in outcome.unwrap() for one in alternatives]
    return Success(
        SignaturePlan(
            requests=tuple(dict.fromkeys(one.request for one in acceptable)),
            issuers=tuple(dict.fromkeys(one.signer.primary for one in acceptable)),
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
        proven = next((one.signer for one in alternatives if _holds(one, values)), None)
        if proven is None:
            return Failure(BadSignature(alternatives[0].signer.signing_key))
        # A primary key counts once (CVE-2020-6174), by its signature that expires first.
        known = signers.setdefault(proven.primary, proven)
        if proven.expires is not None and (known.expires is None or proven.expires < known.expires):
            signers[proven.primary] = proven
    return Success(tuple(signers.values()))


def _holds(acceptable: Acceptable, values: dict[DigestRequest, bytes]) -> bool:
    digest = values.get(acceptable.request)
    claim = acceptable.claim
    return digest is not None and verify_digest(claim.key, claim.signature, digest)


def _accept(
    untrusted_signature: bytes,
    keys: KeySet,
    scope: TrustScope,
    now: datetime,
    leniency: frozenset[str],
) -> Result[tuple[tuple[Acceptable, ...], ...], VerificationError]:
    """Do all that can be done without the signed file; at least one signature remains."""
    file = read_signature_file(untrusted_signature)
    if not is_successful(file):
        return Failure(file.failure())
    trusted = merge_keys(keys)
    found = find_claims(file.unwrap(), trusted, scope)
    if not is_successful(found):
        return Failure(found.failure())
    certificates = _check(found.unwrap(), trusted)
    accepted: list[tuple[Acceptable, ...]] = []
    passed_over: list[VerificationError] = []
    for claims in found.unwrap():
        outcome = _accept_one(claims, certificates, int(now.timestamp()), leniency)
        if is_successful(outcome):
            accepted.append(outcome.unwrap())
            continue
        refused = outcome.failure()
        if refused.spoils:
            return Failure(refused.error)
        passed_over.append(refused.error)
    return Success(tuple(accepted)) if accepted else Failure(passed_over[0])


def _check(
    found: tuple[Claims, ...], trusted: tuple[Trusted, ...]
) -> dict[str, Result[Certificate, str]]:
    """Check the certificates that are claimed, by their primary keys' fingerprints."""
    revokers = {one.certificate.primary.fingerprint: one.certificate.primary for one in trusted}
    raws = {
        claim.trusted.certificate.primary.fingerprint: claim.trusted.certificate
        for claims in found
        for claim in claims
    }
    budget = Budget()
    return {name: check_certificate(raw, revokers, budget) for name, raw in raws.items()}


def _accept_one(
    claims: Claims,
    certificates: dict[str, Result[Certificate, str]],
    now: int,
    leniency: frozenset[str],
) -> Result[tuple[Acceptable, ...], Refused]:
    """Judge what one signature claims; where key IDs collide, one key that may sign is enough."""
    accepted: list[Acceptable] = []
    refused: list[Refused] = []
    for claim in claims:
        certificate = certificates[claim.trusted.certificate.primary.fingerprint]
        if not is_successful(certificate):
            fingerprint = Fingerprint(claim.key.fingerprint)
            error = UnusableKey(fingerprint, "unsupported", certificate.failure())
            refused.append(Refused(error, spoils=True))
            continue
        judged = judge_claim(claim, certificate.unwrap(), now, leniency)
        if is_successful(judged):
            accepted.append(judged.unwrap())
        else:
            refused.append(judged.failure())
    return Success(tuple(accepted)) if accepted else Failure(refused[0])
