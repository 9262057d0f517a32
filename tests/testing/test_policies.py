"""Policies of manifests: ours conform, and broken ones are noticed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters import OpenPGPVerifier, PublicKeyVerifier
from pipeline.admission import KeystoreJudge, LoadedPolicy, PolicyJudge, PublicKey
from pipeline.admission.requirements import (
    AcceptAnything,
    KeyFiles,
    KeySource,
    MatchReference,
    PolicyDocument,
    Requirement,
    SigstoreSigned,
)
from pipeline.errors import (
    ConfigurationError,
    Unproven,
    VerificationError,
)
from pipeline.ports import Admitted, LetThrough, ManifestPolicy, Proven, Wanted
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import ManifestEvidence
from pipeline.testing.conformance import (
    NonConformance,
    check_policy,
)
from pipeline.testing.fakes import (
    StaticKeyring,
    StaticPolicy,
)
from pipeline.testing.oci import make_image, make_index
from pipeline.testing.openpgp import make_openpgp_key
from pipeline.testing.sigstore import make_sigstore_key
from pipeline.trust import Decision, SigstoreSigner

NAME: Final = "registry.example/app:1.0"
IMAGE: Final = make_image({"file": b"content"})
DIGEST: Final = IMAGE.descriptor.digest
OPENPGP, SIGSTORE = make_openpgp_key(), make_sigstore_key()
UNSIGNED: Final = ManifestEvidence(f"docker://{NAME}", (IMAGE.raw,))
SIGNED: Final = replace(UNSIGNED, signatures=(OPENPGP.sign_image(DIGEST, NAME),))
COSIGNED: Final = replace(UNSIGNED, signatures=(SIGSTORE.sign_image(DIGEST, NAME),))
PROVEN: Final = Proven((SigstoreSigner("0" * 64, "Ed25519", ""),), Decision("test", "", "any"))
OPEN: Final = LetThrough("a test lets everything pass", Decision("test", "", "none"))


def by_policy(requirement: Requirement) -> PolicyJudge:
    document = PolicyDocument("/policy.json", (requirement,), {})
    public: dict[KeySource, tuple[PublicKey, ...]] = {
        KeyFiles(("/key",)): (PublicKey("/key", SIGSTORE.public),)
    }
    return PolicyJudge(LoadedPolicy(document, {}, public), OpenPGPVerifier(), PublicKeyVerifier())


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [
        (StaticPolicy({DIGEST: PROVEN}), UNSIGNED),
        (
            StaticPolicy({DIGEST: PROVEN}),
            replace(UNSIGNED, documents=(make_index(IMAGE).raw, IMAGE.raw)),
        ),
        (KeystoreJudge(StaticKeyring((OPENPGP.trusted(),)), OpenPGPVerifier()), SIGNED),
        (
            by_policy(SigstoreSigned(KeyFiles(("/key",)), MatchReference("matchExact"))),
            COSIGNED,
        ),
    ],
)
def test_policies_conform(policy: ManifestPolicy, admitted: ManifestEvidence) -> None:
    other = make_image({"file": b"other"})
    check_policy(policy, admitted=admitted, refused=replace(admitted, documents=(other.raw,)))


def test_a_policy_that_accepts_anything_conforms() -> None:
    """What is refused must be something: of an open policy, that is what is no reference."""
    refused = replace(UNSIGNED, reference="docker://UPPER/case")
    check_policy(by_policy(AcceptAnything()), admitted=UNSIGNED, refused=refused)


@dataclass(slots=True)
class BrokenPolicy:
    """Admits what it is told to, as what it is told to."""

    admits: Callable[["BrokenPolicy", ManifestEvidence], Admitted | None]
    asked: list[ManifestEvidence] = field(default_factory=list)

    def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
        return StaticPolicy().wanted(reference)

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        self.asked.append(evidence)
        found = self.admits(self, evidence)
        return StaticPolicy().admit(evidence, now) if found is None else Success(found)


def only(admitted: Admitted) -> Callable[[BrokenPolicy, ManifestEvidence], Admitted | None]:
    """Admit the one manifest, as that."""
    return lambda _, evidence: admitted if evidence.documents[-1:] == (IMAGE.raw,) else None


def changing(broken: BrokenPolicy, evidence: ManifestEvidence) -> Admitted | None:
    signer = SigstoreSigner(f"{len(broken.asked):064}", "Ed25519", "")
    return replace(PROVEN, signers=(signer,))


def raising(broken: BrokenPolicy, evidence: ManifestEvidence) -> Admitted | None:
    parse_docker_reference(evidence.reference.removeprefix("docker://")).unwrap()
    return only(PROVEN)(broken, evidence)


@pytest.mark.parametrize(
    ("admits", "promise"),
    [
        (lambda _, __: None, "could not admit"),
        (changing, "same each time"),
        (lambda _, __: PROVEN, "nobody vouches for"),
        (lambda _, evidence: PROVEN if evidence.documents != (b"",) else None, "no document"),
        (only(replace(PROVEN, signers=())), "at least one signer"),
        (only(replace(PROVEN, decision=Decision("", "", ""))), "names the policy"),
        (only(replace(OPEN, reason="")), "says so"),
        (
            lambda _, evidence: PROVEN if IMAGE.raw in b"".join(evidence.documents) else None,
            "the very bytes",
        ),
    ],
)
def test_a_broken_policy_is_noticed(
    admits: Callable[[BrokenPolicy, ManifestEvidence], Admitted | None], promise: str
) -> None:
    refused = replace(UNSIGNED, documents=(b"",))
    with pytest.raises(NonConformance, match=promise):
        check_policy(BrokenPolicy(admits), admitted=UNSIGNED, refused=refused)


def test_a_policy_that_raises_is_noticed() -> None:
    refused = replace(UNSIGNED, documents=(b"",))
    with pytest.raises(NonConformance, match="nothing is raised"):
        check_policy(BrokenPolicy(raising), admitted=UNSIGNED, refused=refused)


def test_a_policy_for_which_nothing_would_do_is_noticed() -> None:
    @dataclass(slots=True)
    class Hopeless:
        def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
            return Failure(Unproven(reference))

        def admit(
            self, evidence: ManifestEvidence, now: datetime
        ) -> Result[Admitted, VerificationError | ConfigurationError]:
            return StaticPolicy({DIGEST: PROVEN}).admit(evidence, now)

    refused = replace(UNSIGNED, documents=(b"",))
    with pytest.raises(NonConformance, match="could not tell"):
        check_policy(Hopeless(), admitted=UNSIGNED, refused=refused)
