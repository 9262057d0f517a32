"""OCI images in the stage that decides on trust, over a policy that answers what it is told."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import final

import pytest
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import ConfigurationError, PolicyRejects, Unproven, VerificationError
from pipeline.names import ImageName
from pipeline.ports import Admitted, LetThrough, Proven, Wanted
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import (
    Candidate,
    Downloaded,
    Evidence,
    Expectations,
    FoundSignature,
    Freshness,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    QuarantinedBlob,
    Signed,
    Unsigned,
    Unverified,
    Validators,
    Verified,
)
from pipeline.stages.verify import apply_policy, readmit, verify_signature
from pipeline.testing.fakes import EPOCH, FixedClock, StaticKeyring
from pipeline.testing.oci import digest_of, make_image, make_index
from pipeline.trust import Decision, SigstoreSigner
from tests.stages.test_verify import ScriptedVerifier

REFERENCE = "docker://example.com/app:1"
SHOWN = Unproven("https://example.com/v2/app")
CLOCK = FixedClock(EPOCH + timedelta(days=1))
IMAGE, OTHER = make_image({"a": b"1"}), make_image({"a": b"2"})
INDEX = make_index(IMAGE)
FOUND = FoundSignature("simple", IMAGE.descriptor.digest, b"signature")
EVIDENCE = ManifestEvidence(REFERENCE, (INDEX.raw, IMAGE.raw), (FOUND,))
DECISION = Decision("/etc/policy.json", "default", "sigstoreSigned")
SIGNER = SigstoreSigner("0" * 64, "Ed25519", "/keys/carol")
PROVEN = Proven((SIGNER,), DECISION)
LET_THROUGH = LetThrough("anything goes", DECISION)
REJECTED = PolicyRejects(REFERENCE, "/etc/policy.json", "default")


@final
@dataclass(slots=True)
class ScriptedPolicy:
    """A policy that answers what it is told, and keeps what it was asked."""

    answer: Result[Admitted, VerificationError | ConfigurationError] = field(
        default_factory=lambda: Success(PROVEN)
    )
    wants: Result[Wanted, VerificationError | ConfigurationError] = field(
        default_factory=lambda: Success(Wanted(simple=False, sigstore=False))
    )
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
        """Answer."""
        self.asked.append((reference,))
        return self.wants

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        """Answer."""
        self.asked.append((evidence, now))
        return self.answer


def downloaded(
    evidence: Evidence = EVIDENCE, digest: Digest | None = IMAGE.descriptor.digest
) -> Downloaded:
    """Return an OCI image that has been downloaded."""
    return Downloaded(
        reference=parse_docker_reference("example.com/app:1").unwrap(),
        expected=Expectations(ImageName("example.com/app")),
        source=Candidate("https://user:secret@example.com/v2/app", "https://example.com/none"),
        blob=QuarantinedBlob("image-1", 9),
        evidence=evidence,
        validators=Validators(),
        freshness=Freshness(EPOCH),
        digest=digest,
    )


class TestApplyPolicy:
    """Downloaded -> Verified | Unverified, as the policy says."""

    def test_proven(self) -> None:
        """Who signed and which rule demanded it go on with the image; all was shown, as of now."""
        policy = ScriptedPolicy()
        stage = apply_policy(policy=policy, clock=CLOCK)
        assert stage.name == "verify"
        assert stage(downloaded()).unwrap() == Verified(downloaded(), (SIGNER,), DECISION)
        assert policy.asked == [(EVIDENCE, CLOCK.time)]

    @pytest.mark.parametrize("documents", [(IMAGE.raw,), (INDEX.raw, INDEX.raw, IMAGE.raw)])
    def test_the_last_document_is_the_image_s(self, documents: tuple[bytes, ...]) -> None:
        """However many lead to it."""
        image = downloaded(replace(EVIDENCE, documents=documents))
        stage = apply_policy(policy=ScriptedPolicy(), clock=CLOCK)
        assert stage(image).unwrap() == Verified(image, (SIGNER,), DECISION)

    def test_let_through(self) -> None:
        """It is not verified for that."""
        stage = apply_policy(policy=ScriptedPolicy(Success(LET_THROUGH)), clock=CLOCK)
        wanted = Unverified(downloaded(), "anything goes", DECISION)
        assert stage(downloaded()).unwrap() == wanted

    def test_refusal_passes_on(self) -> None:
        """The policy's error is the stage's."""
        stage = apply_policy(policy=ScriptedPolicy(Failure(REJECTED)), clock=CLOCK)
        assert stage(downloaded()).failure() == REJECTED

    def test_nobody_is_no_proof(self) -> None:
        """Whatever a policy thinks it has proven."""
        stage = apply_policy(policy=ScriptedPolicy(Success(Proven((), DECISION))), clock=CLOCK)
        assert stage(downloaded()).failure() == SHOWN

    @pytest.mark.parametrize(
        "image",
        [
            downloaded(Unsigned()),
            downloaded(Signed(b"signature", ())),
            downloaded(digest=None),
            downloaded(digest=OTHER.descriptor.digest),
            downloaded(digest=INDEX.descriptor.digest),
            downloaded(replace(EVIDENCE, documents=()), digest_of(b"")),
            downloaded(replace(EVIDENCE, documents=(IMAGE.raw, OTHER.raw))),
        ],
        ids=["unsigned", "an archive", "no digest", "another", "the index", "none", "not last"],
    )
    def test_what_is_judged_is_what_is_stored(self, image: Downloaded) -> None:
        """The last document is the manifest in quarantine, or the policy is not asked at all."""
        policy = ScriptedPolicy()
        assert apply_policy(policy=policy, clock=CLOCK)(image).failure() == SHOWN
        assert policy.asked == []


class TestVerifySignature:
    """Downloaded -> Verified: a policy lets nothing through here."""

    @pytest.mark.parametrize(
        ("policy", "error"),
        [
            (None, SHOWN),
            (ScriptedPolicy(Success(LET_THROUGH)), SHOWN),
            (ScriptedPolicy(Failure(REJECTED)), REJECTED),
        ],
    )
    def test_refused(self, policy: ScriptedPolicy | None, error: object) -> None:
        """Without a policy, and by one that proves nobody; no key of an archive is asked."""
        verifier = ScriptedVerifier(Success(()))
        stage = verify_signature(
            keyring=StaticKeyring(()), verifier=verifier, clock=CLOCK, policy=policy
        )
        assert stage(downloaded()).failure() == error
        assert verifier.asked == []

    def test_proven(self) -> None:
        """By the policy."""
        policy = ScriptedPolicy()
        stage = verify_signature(
            keyring=StaticKeyring(()),
            verifier=ScriptedVerifier(Success(())),
            clock=CLOCK,
            policy=policy,
        )
        assert stage(downloaded()).unwrap() == Verified(downloaded(), (SIGNER,), DECISION)
        assert policy.asked == [(EVIDENCE, CLOCK.time)]


class TestReadmit:
    """A stored proof, or none, judged by today's policy."""

    PROOF = ManifestProof((), Decision("old", "old", "old"), EVIDENCE)

    def test_proven(self) -> None:
        """The signers and the rule are today's."""
        policy = ScriptedPolicy()
        again = readmit(self.PROOF, policy=policy, clock=CLOCK)
        assert again.unwrap() == ManifestProof((SIGNER,), DECISION, EVIDENCE)
        assert policy.asked == [(EVIDENCE, CLOCK.time)]

    def test_let_through(self) -> None:
        """What was proven once is not proven for that now."""
        again = readmit(self.PROOF, policy=ScriptedPolicy(Success(LET_THROUGH)), clock=CLOCK)
        assert again.unwrap() == NoProof("anything goes", REFERENCE)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (Failure(REJECTED), REJECTED),
            (Success(Proven((), DECISION)), Unproven(REFERENCE)),
        ],
    )
    def test_refused(
        self, answer: Result[Admitted, VerificationError | ConfigurationError], error: object
    ) -> None:
        """The policy's error, and a proof of nobody."""
        again = readmit(self.PROOF, policy=ScriptedPolicy(answer), clock=CLOCK)
        assert again.failure() == error

    def test_what_was_let_through_stays_so(self) -> None:
        """While nothing is demanded of it."""
        policy = ScriptedPolicy()
        none = NoProof("anything goes", REFERENCE)
        assert readmit(none, policy=policy, clock=CLOCK).unwrap() == none
        assert policy.asked == [(REFERENCE,)]

    @pytest.mark.parametrize(
        ("wants", "error"),
        [
            (Success(Wanted(simple=True, sigstore=False)), Unproven(REFERENCE)),
            (Success(Wanted(simple=False, sigstore=True)), Unproven(REFERENCE)),
            (Failure(REJECTED), REJECTED),
        ],
    )
    def test_what_was_let_through_is_let_through_no_more(
        self, wants: Result[Wanted, VerificationError | ConfigurationError], error: object
    ) -> None:
        """Once any signature is demanded."""
        none = NoProof("anything goes", REFERENCE)
        again = readmit(none, policy=ScriptedPolicy(wants=wants), clock=CLOCK)
        assert again.failure() == error

    def test_nothing_to_ask_about(self) -> None:
        """What was let in by name, before any policy, is proven by none."""
        policy = ScriptedPolicy()
        again = readmit(NoProof("asked for"), policy=policy, clock=CLOCK)
        assert again.failure() == Unproven("the stored image")
        assert policy.asked == []
