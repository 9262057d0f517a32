"""The judge that follows a ``policy.json``: a :class:`~pipeline.ports.ManifestPolicy`. Pure.

    reference        -> Wanted, or why nothing could help
    ManifestEvidence -> Proven | LetThrough, or why not

In this order:

1. The reference is read; it alone finds the rule, whatever the image says.
2. A rule with ``reject`` lets nothing pass, whatever else it demands.
3. Where a digest was asked for, the documents are those of that digest.
4. Every requirement holds: one good signature for each, by one of its own keys, of its identity.
   What other signatures there are, unknown or bad, changes nothing.
5. As many distinct keys signed, over all requirements, as the user demands beside the policy.
6. Who demands no signature lets it through, unproven; ``insecureAcceptAnything`` proves nothing.

Source: containers/image v5.23.1 ``docs/containers-policy.json.5.md`` and
``signature/policy_eval.go``. Where it differs, and why: docs/policies.md.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.cases import check_documents, read_subject
from pipeline.admission.explanation import ExplainedRequirement, Explanation
from pipeline.admission.identities import expected_reference
from pipeline.admission.loaded import LoadedPolicy
from pipeline.admission.proofs import (
    Outcome,
    Statement,
    key_of,
    prove_all,
    prove_sigstore,
    prove_simple,
)
from pipeline.admission.requirements import (
    AcceptAnything,
    KeyFiles,
    Reject,
    Requirement,
    SignedBy,
    SigstoreSigned,
)
from pipeline.admission.scopes import Rule, Subject, find_rule
from pipeline.errors import (
    ConfigurationError,
    PolicyRejects,
    RequirementUnmet,
    TooFewSigners,
    UnknownSigner,
    VerificationError,
)
from pipeline.ports import (
    Admitted,
    LetThrough,
    MessageVerifier,
    Proven,
    SigstoreVerifier,
    Wanted,
)
from pipeline.results import ManifestEvidence
from pipeline.trust import ONE_SIGNER, AnyScope, AnySigner, Decision, SignerPolicy


@final
@dataclass(frozen=True, slots=True)
class PolicyJudge:
    """Judges by a policy and its keys.

    ``signers`` is what the user demands beside it: whatever a policy says, fewer distinct signers
    than that are not enough, if more than one is demanded.
    """

    policy: LoadedPolicy
    simple: MessageVerifier
    sigstore: SigstoreVerifier
    signers: SignerPolicy = ONE_SIGNER

    def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
        """Tell which signatures the deciding rule demands.

        Errors: PolicyRejects; RequirementUnmet for an image in files, which carries no signature,
        where one is demanded, and where more signers are demanded than a rule without signatures
        can have; UnsupportedSignature for what is no reference.
        """
        found = self._find(reference)
        if not is_successful(found):
            return Failure(found.failure())
        subject, rule = found.unwrap()
        demanding = _demanding(rule)
        if subject.docker is None and demanding:
            return Failure(self._unmet(subject, rule, demanding[0].type, ()))
        if not demanding:
            enough = self._check_number(subject, rule, ())
            if not is_successful(enough):
                return Failure(enough.failure())
        return Success(
            Wanted(
                simple=any(isinstance(each, SignedBy) for each in demanding),
                sigstore=any(isinstance(each, SigstoreSigned) for each in demanding),
            )
        )

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        """Judge a manifest, as of ``now``; see the steps above.

        Errors: PolicyRejects; RequirementUnmet with why each signature proves nothing;
        IdentityMismatch for documents that are not those of the digest that was asked for;
        UnsupportedSignature for what is no reference, Unproven for no document at all.
        """
        # 1. and 2. Before anything else is looked at.
        found = self._find(evidence.reference)
        if not is_successful(found):
            return Failure(found.failure())
        subject, rule = found.unwrap()
        # 3. The user's own digest vouches for the first document.
        whole = check_documents(subject, evidence.documents)
        if not is_successful(whole):
            return Failure(whole.failure())
        # 4. All of them, each by its own keys.
        signers: dict[str, AnySigner] = {}
        for requirement in rule.requirements:
            outcome = self._prove(requirement, subject, evidence, now)
            if outcome is None:
                continue
            if not outcome.signers:
                return Failure(self._unmet(subject, rule, requirement.type, outcome.causes))
            for signer in outcome.signers:
                signers.setdefault(key_of(signer), signer)
        proven = tuple(signers.values())
        # 5. Neither of the two demands can be talked down by the other.
        enough = self._check_number(subject, rule, proven)
        if not is_successful(enough):
            return Failure(enough.failure())
        types = ", ".join(dict.fromkeys(each.type for each in rule.requirements))
        decision = Decision(self.policy.document.path, rule.scope, types)
        # 6. Nobody is proven: that is what the result says.
        if not proven:
            reason = f"{decision.policy} accepts anything for {rule.scope}"
            return Success(LetThrough(reason, decision))
        return Success(Proven(proven, decision))

    def explain(
        self, reference: str
    ) -> Result[Explanation, VerificationError | ConfigurationError]:
        """Tell which rule decides on a reference, and what it demands; nothing is judged.

        Errors: UnsupportedSignature for what is no reference.
        """
        read = read_subject(reference)
        if not is_successful(read):
            return Failure(read.failure())
        subject = read.unwrap()
        rule = find_rule(self.policy.document, subject)
        demanding = () if _rejects(rule) else _demanding(rule)
        kinds = {"signedBy": "simple", "sigstoreSigned": "sigstore"}
        return Success(
            Explanation(
                reference,
                self.policy.document.path,
                rule.scope,
                tuple(_explain(each, subject) for each in rule.requirements),
                self._demanded(subject) if demanding else 0,
                tuple(dict.fromkeys(kinds[each.type] for each in demanding)),
            )
        )

    def _find(self, reference: str) -> Result[tuple[Subject, Rule], VerificationError]:
        read = read_subject(reference)
        if not is_successful(read):
            return Failure(read.failure())
        subject = read.unwrap()
        rule = find_rule(self.policy.document, subject)
        if _rejects(rule):
            return Failure(PolicyRejects(reference, self.policy.document.path, rule.scope))
        return Success((subject, rule))

    def _prove(
        self, requirement: Requirement, subject: Subject, evidence: ManifestEvidence, now: datetime
    ) -> Outcome | None:
        """Return who meets a requirement; None for one that demands nobody."""
        match requirement:
            case AcceptAnything() | Reject():
                return None
            case SignedBy():
                keys = self.policy.keyrings[requirement.keys]
                statement = _statement(requirement, subject, evidence)
                outcome = prove_all(
                    evidence.signatures,
                    "simple",
                    lambda each: prove_simple(each, statement, self.simple, keys, AnyScope(), now),
                )
                return Outcome(outcome.signers, tuple(map(self._by_policy, outcome.causes)))
            case SigstoreSigned():
                public_keys = self.policy.public_keys[requirement.keys]
                statement = _statement(requirement, subject, evidence)
                return prove_all(
                    evidence.signatures,
                    "sigstore",
                    lambda each: prove_sigstore(each, statement, self.sigstore, public_keys),
                )
            case _:
                assert_never(requirement)

    def _by_policy(self, cause: VerificationError) -> VerificationError:
        """Say that it was the policy's keys that were looked up, not those of the keystore."""
        if isinstance(cause, UnknownSigner):
            return replace(cause, policy=self.policy.document.path)
        return cause

    def _demanded(self, subject: Subject) -> int:
        return self.signers.demanded(subject.docker and subject.docker.image_name)

    def _check_number(
        self, subject: Subject, rule: Rule, signers: tuple[AnySigner, ...]
    ) -> Result[None, VerificationError]:
        wanted = self._demanded(subject)
        if wanted > 1 and len(signers) < wanted:
            few = TooFewSigners(tuple(map(key_of, signers)), wanted)
            return Failure(self._unmet(subject, rule, "signers", (few,)))
        return Success(None)

    def _unmet(
        self,
        subject: Subject,
        rule: Rule,
        requirement: str,
        causes: tuple[VerificationError, ...],
    ) -> RequirementUnmet:
        path = self.policy.document.path
        return RequirementUnmet(subject.reference, path, rule.scope, requirement, causes)


def _rejects(rule: Rule) -> bool:
    return any(isinstance(each, Reject) for each in rule.requirements)


def _demanding(rule: Rule) -> tuple[SignedBy | SigstoreSigned, ...]:
    return tuple(each for each in rule.requirements if isinstance(each, SignedBy | SigstoreSigned))


def _statement(
    requirement: SignedBy | SigstoreSigned, subject: Subject, evidence: ManifestEvidence
) -> Statement:
    expected = expected_reference(requirement.identity, subject.docker)
    return Statement(evidence.documents, expected, subject.reference)


def _explain(requirement: Requirement, subject: Subject) -> ExplainedRequirement:
    if not isinstance(requirement, SignedBy | SigstoreSigned):
        return ExplainedRequirement(requirement.type)
    keys = requirement.keys
    expected = expected_reference(requirement.identity, subject.docker)
    return ExplainedRequirement(
        requirement.type,
        keys.paths if isinstance(keys, KeyFiles) else ("keyData",),
        requirement.identity.type,
        "" if expected is None else expected.text,
    )
