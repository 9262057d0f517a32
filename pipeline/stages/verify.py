"""The stage that decides on trust: ``Downloaded -> Verified | Unverified``.

``verify_signature`` proves who signed: of an archive, by keys that are trusted for the name that
the user asked for; of an OCI image, by whom a policy wants. It fails with a ``VerificationError``,
or with a ``ConfigurationError`` where keys cannot be read. There are two ways past it:
``apply_policy`` lets through unproven what the policy itself says may be, and ``accept_unsigned``
takes a reason; either stays with the image. Nothing here reads the image: the digests of an archive
were computed while it was downloaded, and what is signed of an OCI image is its manifest.
"""

from functools import partial
from typing import Never

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ConfigurationError, TooFewSigners, Unproven, VerificationError
from pipeline.hashing import digest_of
from pipeline.ports import Clock, Keyring, LetThrough, ManifestPolicy, SignatureVerifier
from pipeline.results import (
    Downloaded,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    SignatureProof,
    Unsigned,
    Unverified,
    Verified,
)
from pipeline.stage import Stage
from pipeline.text import redact_url
from pipeline.trust import ONE_SIGNER, Signer, SignerPolicy, TrustScope


def verify_signature(
    *,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    signers: SignerPolicy = ONE_SIGNER,
    policy: ManifestPolicy | None = None,
) -> Stage[Downloaded, Verified, VerificationError | ConfigurationError]:
    """Return the stage that lets an image pass if it is signed by a key trusted for it.

    ``signers`` says how many distinct keys are needed; ``policy``, whose signatures count for OCI
    images, of which none passes without one.

    Errors: what the keyring, the verifier and the policy fail with; ``TooFewSigners``;
    ``Unproven`` for an image whose signature was not asked for.
    """
    return Stage("verify", partial(_verify, keyring, verifier, clock, signers, policy))


def apply_policy(
    *, policy: ManifestPolicy, clock: Clock
) -> Stage[Downloaded, Verified | Unverified, VerificationError | ConfigurationError]:
    """Return the stage that has a policy decide on an OCI image.

    Errors: what the policy fails with; ``Unproven`` for an image of another kind, or whose
    signatures were not asked for.
    """
    return Stage("verify", partial(_apply, policy, clock))


def accept_unsigned(reason: str) -> Stage[Downloaded, Unverified, Never]:
    """Return the stage that lets every image pass unproven, because of ``reason``.

    A signature that was downloaded all the same is not looked at.
    """
    return Stage("accept-unsigned", partial(_accept, reason))


def readmit(
    proof: ManifestProof | NoProof, *, policy: ManifestPolicy, clock: Clock
) -> Result[ManifestProof | NoProof, VerificationError | ConfigurationError]:
    """Judge a stored OCI image once more, by today's policy, keys and time.

    One that a policy once let through is let through again only while nothing is demanded of it.

    Errors: what the policy fails with; ``Unproven`` where signatures are demanded now, and where
    nothing says what to ask the policy about.
    """
    if isinstance(proof, NoProof):
        if not proof.reference:
            return Failure(Unproven("the stored image"))
        wanted = policy.wanted(proof.reference)
        if not is_successful(wanted):
            return Failure(wanted.failure())
        demands = wanted.unwrap().simple or wanted.unwrap().sigstore
        return Failure(Unproven(proof.reference)) if demands else Success(proof)
    evidence = proof.evidence
    admitted = policy.admit(evidence, clock.now())
    if not is_successful(admitted):
        return Failure(admitted.failure())
    verdict = admitted.unwrap()
    if isinstance(verdict, LetThrough):
        return Success(NoProof(verdict.reason, evidence.reference))
    if not verdict.signers:
        # A policy that proves nobody has proven nothing, whatever it says.
        return Failure(Unproven(evidence.reference))
    return Success(ManifestProof(verdict.signers, verdict.decision, evidence))


def reverify(
    proof: SignatureProof,
    scope: TrustScope,
    *,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
) -> Result[SignatureProof, VerificationError | ConfigurationError]:
    """Judge what a stored image was proven by once more, by today's keys, time and rules.

    A proof that was good goes bad when its key is revoked, expires or is no longer trusted for
    ``scope``. The result has today's signers. The image itself is not hashed again: the proof's
    digests are of the file as it travelled, and the store answers for its own content.

    Errors: what the keyring and the verifier fail with.
    """
    signers = _judge(proof, scope, keyring, verifier, clock)
    if not is_successful(signers):
        return Failure(signers.failure())
    return Success(SignatureProof(signers.unwrap(), proof.unverified_signature, proof.digests))


def _verify(
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    signers: SignerPolicy,
    policy: ManifestPolicy | None,
    downloaded: Downloaded,
) -> Result[Verified, VerificationError | ConfigurationError]:
    evidence = downloaded.evidence
    unproven = Unproven(redact_url(downloaded.source.image))
    if isinstance(evidence, Unsigned):
        return Failure(unproven)
    if isinstance(evidence, ManifestEvidence):
        if policy is None:
            return Failure(unproven)
        applied = _apply(policy, clock, downloaded)
        # What the policy lets through is not proven for that.
        return applied.bind(
            lambda passed: Success(passed) if isinstance(passed, Verified) else Failure(unproven)
        )
    claimed = SignatureProof((), evidence.unverified_signature, evidence.digests)
    # The scope is the user's reference; nothing in the image has a say (invariant 2).
    scope = downloaded.expected.trust_scope
    judged = _judge(claimed, scope, keyring, verifier, clock)
    if not is_successful(judged):
        return Failure(judged.failure())
    proven = judged.unwrap()
    wanted = signers.demanded(downloaded.expected.name)
    if len(proven) < wanted:
        return Failure(TooFewSigners(tuple(signer.primary for signer in proven), wanted))
    return Success(Verified(downloaded, proven))


def _apply(
    policy: ManifestPolicy, clock: Clock, downloaded: Downloaded
) -> Result[Verified | Unverified, VerificationError | ConfigurationError]:
    evidence = downloaded.evidence
    if not isinstance(evidence, ManifestEvidence):
        return Failure(Unproven(redact_url(downloaded.source.image)))
    # What was judged must be what is stored: the last document is the manifest in quarantine.
    documents, digest = evidence.documents, downloaded.digest
    if digest is None or not documents or digest_of(digest.algorithm, documents[-1]) != digest:
        return Failure(Unproven(redact_url(downloaded.source.image)))
    admitted = policy.admit(evidence, clock.now())
    if not is_successful(admitted):
        return Failure(admitted.failure())
    verdict = admitted.unwrap()
    if isinstance(verdict, LetThrough):
        return Success(Unverified(downloaded, verdict.reason, verdict.decision))
    if not verdict.signers:
        # A policy that proves nobody has proven nothing, whatever it says.
        return Failure(Unproven(redact_url(downloaded.source.image)))
    return Success(Verified(downloaded, verdict.signers, verdict.decision))


def _judge(
    proof: SignatureProof,
    scope: TrustScope,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
) -> Result[tuple[Signer, ...], VerificationError | ConfigurationError]:
    keys = keyring.keys_for(scope)
    if not is_successful(keys):
        return Failure(keys.failure())
    outcome = verifier.verify(
        proof.unverified_signature, proof.digests, keys.unwrap(), scope, clock.now()
    )
    if not is_successful(outcome):
        return Failure(outcome.failure())
    signers = outcome.unwrap()
    # A verifier that proves nobody has proven nothing, whatever it says.
    return Success(signers) if signers else Failure(Unproven("the image"))


def _accept(reason: str, downloaded: Downloaded) -> Result[Unverified, Never]:
    return Success(Unverified(downloaded, reason))
