"""Conformance checks for whoever writes a policy of manifests: :func:`check_policy`."""

from dataclasses import replace
from datetime import datetime

from returns.pipeline import is_successful

from pipeline.ports import ManifestPolicy, Proven
from pipeline.results import ManifestEvidence
from pipeline.testing.conformance.promises import NonConformance, expect, expect_success
from pipeline.testing.fakes import EPOCH


def check_policy(
    policy: ManifestPolicy,
    *,
    admitted: ManifestEvidence,
    refused: ManifestEvidence,
    now: datetime = EPOCH,
) -> None:
    """Check that a policy keeps what the port promises.

    ``admitted`` is evidence that passes, ``refused`` some that does not, both as of ``now``.

    Errors: NonConformance.
    """
    expect_success(policy.wanted(admitted.reference), "tell what to look for")
    outcome = expect_success(policy.admit(admitted, now), "admit what should pass")
    again = expect_success(policy.admit(admitted, now), "admit what should pass again")
    expect(outcome == again, "a judgement is the same each time")
    expect(not is_successful(policy.admit(refused, now)), "what nobody vouches for is refused")
    expect(outcome.decision.policy != "", "a decision names the policy")
    nothing = replace(admitted, documents=())
    expect(not is_successful(policy.admit(nothing, now)), "no document is no image")
    if isinstance(outcome, Proven):
        expect(len(outcome.signers) > 0, "a proof names at least one signer")
        *others, manifest = admitted.documents
        changed = replace(admitted, documents=(*others, manifest + b" "))
        expect(not is_successful(policy.admit(changed, now)), "a proof is of the very bytes")
    else:
        expect(outcome.reason != "", "who lets everything pass says so")
    for reference in ("", "docker://", "docker://UPPER/case", "\0", "x" * 10_000):
        # Whatever it says of them: it says something.
        try:
            policy.wanted(reference)
            policy.admit(replace(admitted, reference=reference), now)
        except Exception as error:
            raise NonConformance(f"nothing is raised, got {error!r} for {reference!r}") from error
