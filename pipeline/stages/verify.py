"""The stage that decides on trust: ``Downloaded -> Verified | Unverified``.

``verify_signature`` proves who signed, by keys that are trusted for the name that the user asked
for; it fails with a ``VerificationError``, or with a ``ConfigurationError`` where the keyring
cannot be read. ``accept_unsigned`` is the only way past it, and takes a reason, which stays with
the image. Nothing here reads the image: its digests were computed while it was downloaded.
"""

from functools import partial
from typing import Never

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ConfigurationError, TooFewSigners, Unproven, VerificationError
from pipeline.ports import Clock, Keyring, SignatureVerifier
from pipeline.results import Downloaded, SignatureProof, Unsigned, Unverified, Verified
from pipeline.stage import Stage
from pipeline.text import redact_url
from pipeline.trust import ONE_SIGNER, Signer, SignerPolicy, TrustScope


def verify_signature(
    *,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    signers: SignerPolicy = ONE_SIGNER,
) -> Stage[Downloaded, Verified, VerificationError | ConfigurationError]:
    """Return the stage that lets an image pass if it is signed by a key trusted for it.

    ``signers`` says how many distinct keys are needed.

    Errors: what the keyring and the verifier fail with; ``TooFewSigners``; ``Unproven`` for an
    image whose signature was not asked for.
    """
    return Stage("verify", partial(_verify, keyring, verifier, clock, signers))


def accept_unsigned(reason: str) -> Stage[Downloaded, Unverified, Never]:
    """Return the stage that lets every image pass unproven, because of ``reason``.

    A signature that was downloaded all the same is not looked at.
    """
    return Stage("accept-unsigned", partial(_accept, reason))


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
    policy: SignerPolicy,
    downloaded: Downloaded,
) -> Result[Verified, VerificationError | ConfigurationError]:
    evidence = downloaded.evidence
    if isinstance(evidence, Unsigned):
        return Failure(Unproven(redact_url(downloaded.source.image)))
    claimed = SignatureProof((), evidence.unverified_signature, evidence.digests)
    # The scope is the user's reference; nothing in the image has a say (invariant 2).
    scope = downloaded.expected.trust_scope
    signers = _judge(claimed, scope, keyring, verifier, clock)
    if not is_successful(signers):
        return Failure(signers.failure())
    proven = signers.unwrap()
    wanted = policy.demanded(downloaded.expected.name)
    if len(proven) < wanted:
        return Failure(TooFewSigners(tuple(signer.primary for signer in proven), wanted))
    return Success(Verified(downloaded, proven))


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
