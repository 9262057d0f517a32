"""The keystore's rule for registry images."""

from dataclasses import dataclass

import pytest
from returns.result import Failure, Result

from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.admission import ExplainedRequirement, Explanation, KeystoreJudge
from pipeline.errors import (
    ConfigurationError,
    IdentityMismatch,
    KeystoreUnavailable,
    RequirementUnmet,
    TooFewSigners,
    UnknownSigner,
    Unproven,
    UnsupportedSignature,
)
from pipeline.names import ImageName
from pipeline.ports import Proven, Wanted
from pipeline.results import FoundSignature, ManifestEvidence
from pipeline.testing.fakes import StaticKeyring
from pipeline.testing.oci import make_image, make_index
from pipeline.trust import ONE_SIGNER, Decision, KeySet, SignerPolicy, TrustScope
from tests.admission.signing import NOW, cosigner, maker

NAME = "example.com/app"
REFERENCE = f"docker://{NAME}:1"
IMAGE = make_image({"a": b"1"})
INDEX = make_index(IMAGE)
DIGEST = IMAGE.descriptor.digest

ALICE = maker("alice").trusted("example.com", "/keys/alice")
BOB = maker("bob").trusted(NAME, "/keys/bob")
ROOT = maker("root").trusted(None, "/keys/root")
KEYRING = StaticKeyring((ALICE, BOB, ROOT, maker("eve").trusted("other.com", "/keys/eve")))


def judge(signers: SignerPolicy = ONE_SIGNER, keyring: StaticKeyring = KEYRING) -> KeystoreJudge:
    return KeystoreJudge(keyring, OpenPGPVerifier(), signers)


def evidence(
    *signatures: FoundSignature,
    reference: str = REFERENCE,
    documents: tuple[bytes, ...] = (IMAGE.raw,),
) -> ManifestEvidence:
    return ManifestEvidence(reference, documents, signatures)


def by(name: str, reference: str = f"{NAME}:1") -> FoundSignature:
    return maker(name).signature(DIGEST, reference)


@pytest.mark.parametrize(
    ("name", "scope"), [("alice", "example.com"), ("bob", NAME), ("root", NAME)]
)
def test_a_key_that_is_trusted_for_the_name(name: str, scope: str) -> None:
    """Which prefix granted the trust is in the decision; for a root key it is the name."""
    admitted = judge().admit(evidence(by(name)), NOW).unwrap()
    assert isinstance(admitted, Proven)
    assert [signer.primary for signer in admitted.signers] == [maker(name).fingerprint]  # type: ignore[union-attr]  # simple signatures alone
    assert admitted.decision == Decision("keystore", scope, "signedBy")


def test_a_key_that_is_trusted_for_another_name() -> None:
    for reference in (REFERENCE, "docker://example.community/app:1"):
        name = reference.removeprefix("docker://")
        error = judge().admit(evidence(by("eve", name), reference=reference), NOW).failure()
        assert isinstance(error, RequirementUnmet)
        (cause,) = error.causes
        assert isinstance(cause, UnknownSigner)
        assert cause.scope == name.removesuffix(":1")


def test_the_name_is_what_appc_can_say() -> None:
    keyring = StaticKeyring((maker("alice").trusted("example.com-5000/app"),))
    signature = by("alice", "example.com:5000/app:1")
    given = evidence(signature, reference="docker://example.com:5000/app:1")
    assert isinstance(judge(keyring=keyring).admit(given, NOW).unwrap(), Proven)
    # The key may speak for both names; what it said is about one of them.
    given = evidence(signature, reference="docker://example.com-5000/app:1")
    error = judge(keyring=keyring).admit(given, NOW).failure()
    assert isinstance(error, RequirementUnmet)
    assert isinstance(error.causes[0], IdentityMismatch)


def test_the_name_that_was_signed() -> None:
    error = judge().admit(evidence(by("alice", f"{NAME}:2")), NOW).failure()
    assert error == RequirementUnmet(
        REFERENCE, "keystore", NAME, "signedBy", (IdentityMismatch(f"{NAME}:2", f"{NAME}:1"),)
    )
    given = evidence(by("alice", f"{NAME}:2"), reference=f"docker://{NAME}@{DIGEST}")
    assert isinstance(judge().admit(given, NOW).unwrap(), Proven)


def test_the_digest_that_was_asked_for() -> None:
    given = evidence(by("alice"), reference=f"docker://{NAME}@sha256:{'0' * 64}")
    assert isinstance(judge().admit(given, NOW).failure(), IdentityMismatch)


def test_a_signed_index() -> None:
    signature = maker("alice").signature(INDEX.descriptor.digest, f"{NAME}:1")
    given = evidence(signature, documents=(INDEX.raw, IMAGE.raw))
    assert isinstance(judge().admit(given, NOW).unwrap(), Proven)


def test_how_many_must_have_signed() -> None:
    two = judge(SignerPolicy(by_prefix=((ImageName("example.com"), 2),)))
    admitted = two.admit(evidence(by("alice"), by("bob")), NOW).unwrap()
    assert isinstance(admitted, Proven)
    assert len(admitted.signers) == 2
    # Nobody counts twice (CVE-2020-6174).
    error = two.admit(evidence(by("alice"), by("alice")), NOW).failure()
    assert isinstance(error, RequirementUnmet)
    assert error.causes == (TooFewSigners((maker("alice").fingerprint.hex,), 2),)
    error = two.admit(evidence(), NOW).failure()
    assert error == RequirementUnmet(REFERENCE, "keystore", NAME, "signedBy", ())


def test_cosign_has_no_key_in_a_keystore() -> None:
    given = evidence(cosigner("carol").signature(DIGEST, f"{NAME}:1"))
    assert isinstance(judge().admit(given, NOW).failure(), RequirementUnmet)


def test_simple_signatures_are_what_to_look_for() -> None:
    assert judge().wanted(REFERENCE).unwrap() == Wanted(simple=True, sigstore=False)


def test_nothing_is_asked_for_where_no_key_could_help() -> None:
    keyring = StaticKeyring((maker("eve").trusted("other.com"),))
    error = judge(keyring=keyring).wanted(REFERENCE).failure()
    assert error == RequirementUnmet(
        REFERENCE, "keystore", NAME, "signedBy", (UnknownSigner((), NAME, 0),)
    )
    assert f"there is no key trusted for {NAME}, so no signature can prove anything" in (
        error.message
    )
    assert "image-pipeline trust add --prefix example.com/app" in error.hint


@pytest.mark.parametrize("reference", ["oci:/images/app:1", "docker-archive:/a.tar"])
def test_images_in_files_carry_no_signature(reference: str) -> None:
    wanted = RequirementUnmet(reference, "keystore", "", "signedBy", ())
    assert judge().wanted(reference).failure() == wanted
    assert judge().admit(evidence(reference=reference), NOW).failure() == wanted
    assert judge().explain(reference).failure() == wanted


def test_what_is_no_reference() -> None:
    for outcome in (judge().wanted("app"), judge().admit(evidence(reference="app"), NOW)):
        assert isinstance(outcome.failure(), UnsupportedSignature)


def test_no_document_proves_nothing() -> None:
    outcome = judge().admit(evidence(by("alice"), documents=()), NOW)
    assert outcome.failure() == Unproven(REFERENCE)


@dataclass(frozen=True)
class BrokenKeyring:
    """A keystore that cannot be read."""

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Fail."""
        return Failure(KeystoreUnavailable("/keys", "read", "no"))


def test_a_keystore_that_cannot_be_read() -> None:
    judging = KeystoreJudge(BrokenKeyring(), OpenPGPVerifier())
    for outcome in (
        judging.wanted(REFERENCE),
        judging.admit(evidence(by("alice")), NOW),
        judging.explain(REFERENCE),
    ):
        assert outcome.failure() == KeystoreUnavailable("/keys", "read", "no")


def test_explain() -> None:
    requirement = ExplainedRequirement(
        "signedBy",
        ("/keys/alice", "/keys/bob", "/keys/root"),
        "matchRepoDigestOrExact",
        f"{NAME}:1",
    )
    assert judge(SignerPolicy(2)).explain(REFERENCE).unwrap() == Explanation(
        REFERENCE, "keystore", NAME, (requirement,), 2, ("simple",)
    )


def test_explain_counts_what_the_name_demands() -> None:
    signers = SignerPolicy(1, by_prefix=((ImageName("example.com"), 2),))
    assert judge(signers).explain(REFERENCE).unwrap().signers == 2
