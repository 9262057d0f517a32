"""Whether a stored image is still good enough: as proven as is demanded now, and as asked for.

    Stored -> Result[Stored, PipelineError]

rkt served whatever the store had, so an image fetched without verification, or signed by a key
that was trusted once, was served for ever (threat 27: trust by silence). Here a stored image
counts only if today's keys prove it, by the signature that is stored with it.
"""

from dataclasses import replace

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ConfigurationError, TooFewSigners, Unproven, VerificationError
from pipeline.ports import Clock, Keyring, ManifestPolicy, SignatureVerifier
from pipeline.results import Expectations, ManifestProof, NoProof, SignatureProof, Stored
from pipeline.stages.verify import readmit, reverify
from pipeline.storage import has_labels
from pipeline.trust import ONE_SIGNER, NamedScope, Signer, SignerPolicy


def still_proven(
    stored: Stored,
    *,
    keyring: Keyring,
    verifier: SignatureVerifier,
    clock: Clock,
    leniency: frozenset[str] = frozenset(),
    signers: SignerPolicy = ONE_SIGNER,
    rejudge: bool = False,
) -> Result[Stored, VerificationError | ConfigurationError]:
    """Return the image with the signers that today's keystore grants trust for its name.

    A signer whose keystore file is what it was when the signature was judged, and whom time has
    not expired, stands as judged, as long as no other file speaks for the name: any may hold a
    revocation of that very key. Otherwise, and always with ``rejudge``, the stored signature is
    judged again.

    Errors: Unproven where no signature is stored; TooFewSigners; else what the verifier says.
    """
    proof = stored.provenance
    if not isinstance(proof, SignatureProof):
        return Failure(Unproven(f"the stored image {stored.name}"))
    scope = NamedScope(stored.name)
    found = keyring.keys_for(scope)
    if not is_successful(found):
        return Failure(found.failure())
    keys, now = found.unwrap(), clock.now()
    vouched = {signer.granted_by for signer in proof.signers}

    def stands(signer: Signer) -> bool:
        return (
            {key.entry for key in keys.keys} == vouched
            and signer.primary not in keys.masked
            and (signer.expires is None or now < signer.expires)
            and leniency.issuperset(signer.leniency)
        )

    wanted = signers.demanded(stored.name)
    standing = tuple(signer for signer in proof.signers if stands(signer))
    if len(standing) >= wanted and not rejudge:
        return Success(replace(stored, provenance=replace(proof, signers=standing)))
    judged = reverify(proof, scope, keyring=keyring, verifier=verifier, clock=clock)
    if not is_successful(judged):
        return Failure(judged.failure())
    proven = judged.unwrap()
    if len(proven.signers) < wanted:
        return Failure(TooFewSigners(tuple(each.primary for each in proven.signers), wanted))
    return Success(replace(stored, provenance=proven))


def still_admitted(
    stored: Stored, asked: str, *, policy: ManifestPolicy | None, clock: Clock
) -> Result[Stored, VerificationError | ConfigurationError]:
    """Return a registry image with what today's policy says of it.

    ``asked`` is the reference under which it is judged, as in
    :class:`~pipeline.results.ManifestEvidence`; empty for the one by which it was fetched.

    Errors: Unproven where nothing says what to judge; else what the policy says.
    """
    proof = stored.provenance
    if policy is None or isinstance(proof, SignatureProof):
        return Failure(Unproven(f"the stored image {stored.name}"))
    if asked and isinstance(proof, NoProof):
        proof = replace(proof, reference=asked)
    if asked and isinstance(proof, ManifestProof):
        proof = replace(proof, evidence=replace(proof.evidence, reference=asked))
    judged = readmit(proof, policy=policy, clock=clock)
    return judged.map(lambda provenance: replace(stored, provenance=provenance))


def as_expected(stored: Stored, expected: Expectations) -> bool:
    """Tell whether a stored image is the one that is asked for: name, labels, ID, size."""
    return (
        expected.name in {None, stored.name}
        and has_labels(stored.labels, expected.required, expected.defaults)
        and expected.image_id in {None, stored.image_id}
        and expected.archive_bytes in {None, stored.archive_bytes}
    )
