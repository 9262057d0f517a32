"""The judge that follows a policy."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.adapters.sigstore import PublicKeyVerifier
from pipeline.admission import (
    ExplainedRequirement,
    Explanation,
    LoadedPolicy,
    PolicyJudge,
    PublicKey,
)
from pipeline.admission.document import parse_policy
from pipeline.admission.requirements import KeyFiles, KeySource
from pipeline.digest import Digest
from pipeline.errors import (
    BadSigstoreSignature,
    IdentityMismatch,
    InvalidPayload,
    PolicyRejects,
    RequirementUnmet,
    TooFewSigners,
    UnknownSigner,
    Unproven,
    UnsupportedSignature,
    VerificationError,
)
from pipeline.limits import SIGNATURE_COUNT
from pipeline.names import ImageName
from pipeline.ports import LetThrough, Proven, Wanted
from pipeline.results import FoundSignature, ManifestEvidence
from pipeline.testing.oci import digest_of, make_image, make_index
from pipeline.trust import (
    ONE_SIGNER,
    AnyScope,
    Decision,
    KeySet,
    Signer,
    SignerPolicy,
    SigstoreSigner,
)
from tests.admission.signing import NOW, cosigner, maker, payload
from tests.admission.test_proofs import Careless

PATH = "/etc/policy.json"
NAME = "example.com/app"
REFERENCE = f"docker://{NAME}:1"
IMAGE, OTHER = make_image({"a": b"1"}), make_image({"a": b"2"})
INDEX = make_index(OTHER, IMAGE)
OUTER = make_index(INDEX)
DIGEST = IMAGE.descriptor.digest

REJECT = {"type": "reject"}
ACCEPT = {"type": "insecureAcceptAnything"}
EXACT_REPOSITORY = {"type": "exactRepository", "dockerRepository": NAME}


def signed_by(*names: str, identity: object = None) -> dict[str, object]:
    """Return a requirement; each maker's key lies in a file of the maker's name."""
    more = {} if identity is None else {"signedIdentity": identity}
    paths = [f"/keys/{name}" for name in names or ("alice",)]
    return {"type": "signedBy", "keyType": "GPGKeys", "keyPaths": paths, **more}


def cosigned_by(*names: str, identity: object = None) -> dict[str, object]:
    more = {} if identity is None else {"signedIdentity": identity}
    paths = [f"/keys/{name}" for name in names or ("carol",)]
    return {"type": "sigstoreSigned", "keyPaths": paths, **more}


def judge(
    *requirements: object,
    scopes: Mapping[str, object] | None = None,
    transport: str = "docker",
    signers: SignerPolicy = ONE_SIGNER,
) -> PolicyJudge:
    document = parse_policy(
        json.dumps(
            {
                "default": requirements or [REJECT],
                "transports": {transport: {name: [each] for name, each in (scopes or {}).items()}},
            }
        ).encode(),
        PATH,
    ).unwrap()
    keyrings: dict[KeySource, KeySet] = {}
    public_keys: dict[KeySource, tuple[PublicKey, ...]] = {}
    for requirement in document.all_requirements:
        keys = getattr(requirement, "keys", None)
        if not isinstance(keys, KeyFiles):
            continue
        names = [path.removeprefix("/keys/") for path in keys.paths]
        trusted = [maker(name).trusted(path=f"/keys/{name}") for name in names]
        keyrings[keys] = KeySet(tuple(trusted))
        public_keys[keys] = tuple(
            PublicKey(f"/keys/{name}", cosigner(name).public) for name in names
        )
    loaded = LoadedPolicy(document, keyrings, public_keys)
    return PolicyJudge(loaded, OpenPGPVerifier(), PublicKeyVerifier(), signers)


def evidence(
    *signatures: FoundSignature,
    reference: str = REFERENCE,
    documents: tuple[bytes, ...] = (IMAGE.raw,),
) -> ManifestEvidence:
    return ManifestEvidence(reference, documents, signatures)


def by(name: str, digest: Digest = DIGEST, reference: str = f"{NAME}:1") -> FoundSignature:
    return maker(name).signature(digest, reference)


def proven(judging: PolicyJudge, given: ManifestEvidence) -> Proven:
    admitted = judging.admit(given, NOW).unwrap()
    assert isinstance(admitted, Proven)
    return admitted


def unmet(judging: PolicyJudge, given: ManifestEvidence) -> RequirementUnmet:
    error = judging.admit(given, NOW).failure()
    assert isinstance(error, RequirementUnmet)
    return error


def causes(judging: PolicyJudge, given: ManifestEvidence) -> tuple[VerificationError, ...]:
    return unmet(judging, given).causes


def test_who_signed_and_which_rule_demanded_it() -> None:
    admitted = proven(judge(scopes={"example.com": signed_by()}), evidence(by("alice")))
    (signer,) = admitted.signers
    assert isinstance(signer, Signer)
    assert signer.primary == maker("alice").fingerprint
    assert signer.granted_by.path == "/keys/alice"
    assert admitted.decision == Decision(PATH, 'docker "example.com"', "signedBy")


def test_no_signature() -> None:
    assert unmet(judge(signed_by()), evidence()) == RequirementUnmet(
        REFERENCE, PATH, "default", "signedBy", ()
    )


def test_a_signature_by_somebody_else_names_the_policy() -> None:
    (cause,) = causes(judge(signed_by()), evidence(by("bob")))
    assert isinstance(cause, UnknownSigner)
    assert (cause.policy, cause.scope) == (PATH, "any name")
    assert "the one key that" in cause.message
    assert "keyPaths" in cause.hint


def test_a_policy_s_keys_are_good_for_any_name() -> None:
    verifier = Careless()
    replace(judge(signed_by()), simple=verifier).admit(evidence(by("alice")), NOW)
    assert [scope for _, scope, _ in verifier.asked] == [AnyScope(), AnyScope()]


def test_bad_and_unknown_signatures_beside_a_good_one_change_nothing() -> None:
    good = by("alice")
    damaged = FoundSignature("simple", DIGEST, good.content[:-1] + b"\0")
    junk = FoundSignature("simple", DIGEST, b"junk")
    for others in ((damaged, junk, by("bob"), good), (good, damaged, junk)):
        assert len(proven(judge(signed_by()), evidence(*others)).signers) == 1


def test_every_requirement_must_hold() -> None:
    both = judge(signed_by("alice"), signed_by("bob"))
    admitted = proven(both, evidence(by("alice"), by("bob")))
    assert len(admitted.signers) == 2
    assert admitted.decision.requirement == "signedBy"
    assert causes(both, evidence(by("alice"), by("alice")))
    assert causes(both, evidence(by("bob")))


def test_the_same_signature_may_meet_several_requirements() -> None:
    twice = judge(signed_by("alice"), signed_by("alice", "bob"))
    assert len(proven(twice, evidence(by("alice"))).signers) == 1


def test_reject_beside_what_holds() -> None:
    judging = judge(signed_by(), REJECT)
    wanted = PolicyRejects(REFERENCE, PATH, "default")
    assert judging.admit(evidence(by("alice")), NOW).failure() == wanted
    assert judging.wanted(REFERENCE).failure() == wanted


def test_accept_anything_proves_nothing() -> None:
    admitted = judge(ACCEPT).admit(evidence(by("alice")), NOW).unwrap()
    assert admitted == LetThrough(
        f"{PATH} accepts anything for default",
        Decision(PATH, "default", "insecureAcceptAnything"),
    )


def test_accept_anything_takes_nothing_from_what_stands_beside_it() -> None:
    judging = judge(ACCEPT, signed_by())
    admitted = proven(judging, evidence(by("alice")))
    assert admitted.decision.requirement == "insecureAcceptAnything, signedBy"
    assert unmet(judging, evidence()).requirement == "signedBy"


def test_cosign() -> None:
    judging = judge(cosigned_by("dave", "carol"))
    good = cosigner("carol").signature(DIGEST, f"{NAME}:1")
    (signer,) = proven(judging, evidence(good)).signers
    assert isinstance(signer, SigstoreSigner)
    assert signer.path == "/keys/carol"
    (cause,) = causes(judging, evidence(cosigner("eve").signature(DIGEST, f"{NAME}:1")))
    assert isinstance(cause, BadSigstoreSignature)


def test_cosign_names_a_repository_alone() -> None:
    """What cosign signs has no tag: only a policy that asks for no more takes it."""
    good = cosigner("carol").signature(DIGEST, NAME)
    (cause,) = causes(judge(cosigned_by()), evidence(good))
    assert cause == IdentityMismatch(NAME, f"{NAME}:1")
    assert proven(judge(cosigned_by(identity={"type": "matchRepository"})), evidence(good)).signers


def test_each_kind_of_signature_meets_its_own_requirement() -> None:
    simple, cosign = by("alice"), cosigner("carol").signature(DIGEST, f"{NAME}:1")
    both = judge(signed_by(), cosigned_by())
    assert proven(both, evidence(simple, cosign)).decision.requirement == "signedBy, sigstoreSigned"
    assert unmet(both, evidence(simple)) == RequirementUnmet(
        REFERENCE, PATH, "default", "sigstoreSigned", ()
    )
    assert unmet(both, evidence(cosign)).requirement == "signedBy"


def test_a_payload_of_the_other_kind() -> None:
    content = maker("alice").message(payload(DIGEST, f"{NAME}:1", "sigstore"))
    (cause,) = causes(judge(signed_by()), evidence(FoundSignature("simple", DIGEST, content)))
    assert isinstance(cause, InvalidPayload)


def test_a_signature_of_another_image() -> None:
    """It lies under the image's digest, or under its own, and says that it is of another."""
    other = OTHER.descriptor.digest
    moved = maker("alice").signature(other, f"{NAME}:1", found=DIGEST)
    unmoved = by("alice", other)
    wanted = IdentityMismatch(str(other), str(DIGEST))
    assert causes(judge(signed_by()), evidence(moved)) == (wanted,)
    assert causes(judge(signed_by()), evidence(unmoved)) == (wanted,)


def test_what_a_signature_is_found_under_must_be_what_it_signs() -> None:
    """A good signature of the manifest that lies under the index's digest is of the index."""
    documents = (INDEX.raw, IMAGE.raw)
    moved = maker("alice").signature(DIGEST, f"{NAME}:1", found=INDEX.descriptor.digest)
    (cause,) = causes(judge(signed_by()), evidence(moved, documents=documents))
    assert cause == IdentityMismatch(str(DIGEST), str(INDEX.descriptor.digest))


def test_a_sha512_digest_is_computed_too() -> None:
    digest = digest_of(IMAGE.raw, "sha512")
    good = maker("alice").signature(digest, f"{NAME}:1", found=DIGEST)
    assert proven(judge(signed_by()), evidence(good)).signers


def test_a_signature_under_another_name() -> None:
    given = evidence(by("alice", reference=f"{NAME}:2"))
    (cause,) = causes(judge(signed_by()), given)
    assert cause == IdentityMismatch(f"{NAME}:2", f"{NAME}:1")
    (cause,) = causes(
        judge(signed_by(identity={"type": "exactReference", "dockerReference": "vendor.com/a:1"})),
        given,
    )
    assert cause == IdentityMismatch(f"{NAME}:2", "vendor.com/a:1")


def test_nothing_in_a_payload_is_looked_at_before_it_is_proven() -> None:
    content = maker("bob").message(b"no JSON at all")
    (cause,) = causes(judge(signed_by()), evidence(FoundSignature("simple", DIGEST, content)))
    assert isinstance(cause, UnknownSigner)
    content = maker("alice").message(b"no JSON at all")
    (cause,) = causes(judge(signed_by()), evidence(FoundSignature("simple", DIGEST, content)))
    assert isinstance(cause, InvalidPayload)


def test_a_signed_index_vouches_for_what_it_names() -> None:
    documents = (OUTER.raw, INDEX.raw, IMAGE.raw)
    for image in (OUTER, INDEX):
        given = evidence(by("alice", image.descriptor.digest), documents=documents)
        assert proven(judge(signed_by()), given).signers


def test_a_signed_index_vouches_for_nothing_else() -> None:
    stranger = make_image({"a": b"3"})
    for documents in (
        (INDEX.raw, stranger.raw),
        (INDEX.raw, OTHER.raw, IMAGE.raw),
        (INDEX.raw, OUTER.raw, IMAGE.raw),
    ):
        given = evidence(by("alice", INDEX.descriptor.digest), documents=documents)
        (cause,) = causes(judge(signed_by()), given)
        last = str(digest_of(documents[-1]))
        assert cause == IdentityMismatch(str(INDEX.descriptor.digest), last)


def test_what_is_signed_and_no_index_vouches_for_nothing() -> None:
    junk = b"no document"
    given = evidence(by("alice", digest_of(junk)), documents=(junk, IMAGE.raw))
    (cause,) = causes(judge(signed_by()), given)
    assert isinstance(cause, IdentityMismatch)


@pytest.mark.parametrize(
    ("identity", "reference"),
    [
        ({"type": "matchRepository"}, "oci:/images/app:1"),
        ({"type": "remapIdentity", "prefix": NAME, "signedPrefix": "docker.io"}, REFERENCE),
    ],
)
def test_where_no_name_would_do_none_does(identity: object, reference: str) -> None:
    given = evidence(by("alice"), reference=reference)
    (cause,) = causes(judge(signed_by(identity=identity)), given)
    assert cause == IdentityMismatch(f"{NAME}:1", reference)


def test_a_signed_manifest_is_enough_whatever_leads_to_it() -> None:
    """Which index a registry hands out is its own business, where a tag was asked for."""
    stranger = make_index(OTHER)
    assert proven(
        judge(signed_by()), evidence(by("alice"), documents=(stranger.raw, IMAGE.raw))
    ).signers


@pytest.mark.parametrize("requirement", [signed_by(), ACCEPT], ids=["signed", "accept"])
def test_the_digest_that_was_asked_for(requirement: object) -> None:
    judging = judge(requirement)

    def ask(digest: Digest, *documents: bytes) -> VerificationError | None:
        reference = f"docker://{NAME}@{digest}"
        outcome = judging.admit(
            evidence(by("alice"), reference=reference, documents=documents), NOW
        )
        error = outcome.swap().value_or(None)
        assert error is None or isinstance(error, IdentityMismatch)
        return error

    assert ask(DIGEST, IMAGE.raw) is None
    assert ask(digest_of(IMAGE.raw, "sha512"), IMAGE.raw) is None
    assert ask(INDEX.descriptor.digest, INDEX.raw, IMAGE.raw) is None
    other = OTHER.descriptor.digest
    assert ask(other, IMAGE.raw) == IdentityMismatch(str(DIGEST), str(other))
    assert ask(INDEX.descriptor.digest, IMAGE.raw) is not None
    assert ask(DIGEST, INDEX.raw, IMAGE.raw) is not None
    # The first document is the right one, and does not lead to the last.
    stranger = make_index(OTHER)
    assert ask(stranger.descriptor.digest, stranger.raw, IMAGE.raw) is not None
    assert ask(DIGEST, IMAGE.raw, IMAGE.raw) is not None


def test_no_document_proves_nothing() -> None:
    for requirement in (signed_by(), ACCEPT):
        outcome = judge(requirement).admit(evidence(by("alice"), documents=()), NOW)
        assert outcome.failure() == Unproven(REFERENCE)


@pytest.mark.parametrize("reference", ["", "docker://", "docker://UPPER", "app", "oci:relative"])
def test_what_is_no_reference(reference: str) -> None:
    judging = judge(ACCEPT)
    for outcome in (
        judging.wanted(reference),
        judging.admit(evidence(reference=reference), NOW),
        judging.explain(reference),
    ):
        assert isinstance(outcome.failure(), UnsupportedSignature)


def test_so_many_signatures_are_looked_at_and_no_more() -> None:
    junk = FoundSignature("simple", DIGEST, b"junk")
    flood = (junk,) * (SIGNATURE_COUNT - 1)
    assert proven(judge(signed_by()), evidence(*flood, by("alice"))).signers
    told = causes(judge(signed_by()), evidence(*flood, junk, by("alice")))
    assert len(told) == SIGNATURE_COUNT + 1
    assert told[0] == OpenPGPVerifier().read_message(b"junk").failure()
    reason = f"there are {SIGNATURE_COUNT + 1}, of which {SIGNATURE_COUNT} are looked at"
    assert told[-1] == UnsupportedSignature(reason)
    assert len(causes(judge(signed_by()), evidence(*flood, junk))) == SIGNATURE_COUNT
    # Those of another kind take no place.
    other = cosigner("carol").signature(DIGEST, NAME)
    assert proven(judge(signed_by()), evidence(*(other,) * SIGNATURE_COUNT, by("alice"))).signers


def test_what_the_user_demands_beside_the_policy() -> None:
    two = SignerPolicy(by_prefix=((ImageName("example.com"), 2),))
    judging = judge(signed_by("alice", "bob"), signers=two)
    assert len(proven(judging, evidence(by("alice"), by("bob"))).signers) == 2
    # Nobody counts twice (CVE-2020-6174).
    given = evidence(by("alice"), by("alice"), by("eve"))
    few = TooFewSigners((maker("alice").fingerprint.hex,), 2)
    assert unmet(judging, given) == RequirementUnmet(REFERENCE, PATH, "default", "signers", (few,))
    # Nor does a policy that accepts anything talk the demand down, at any time.
    accepting = judge(ACCEPT, signers=two)
    assert causes(accepting, evidence()) == (TooFewSigners((), 2),)
    assert isinstance(accepting.wanted(REFERENCE).failure(), RequirementUnmet)
    assert accepting.wanted("docker://other.com/app:1").unwrap() == Wanted(False, False)


def test_keys_of_both_kinds_count_together() -> None:
    judging = judge(signed_by(), cosigned_by(), signers=SignerPolicy(2))
    cosign = cosigner("carol").signature(DIGEST, f"{NAME}:1")
    assert len(proven(judging, evidence(by("alice"), cosign)).signers) == 2


@pytest.mark.parametrize(
    ("requirements", "wanted"),
    [
        ((ACCEPT,), Wanted(simple=False, sigstore=False)),
        ((signed_by(),), Wanted(simple=True, sigstore=False)),
        ((cosigned_by(),), Wanted(simple=False, sigstore=True)),
        ((ACCEPT, signed_by(), cosigned_by()), Wanted(simple=True, sigstore=True)),
    ],
)
def test_what_to_look_for(requirements: tuple[object, ...], wanted: Wanted) -> None:
    assert judge(*requirements).wanted(REFERENCE).unwrap() == wanted


def test_images_in_files_carry_no_signature() -> None:
    judging = judge(signed_by(), scopes={"/images": ACCEPT, "/images/bad": REJECT}, transport="oci")
    good, bad, other = "oci:/images/app:1", "oci:/images/bad", "oci:/other:1"
    assert isinstance(judging.admit(evidence(reference=good), NOW).unwrap(), LetThrough)
    assert judging.wanted(good).unwrap() == Wanted(simple=False, sigstore=False)
    assert judging.wanted(bad).failure() == PolicyRejects(bad, PATH, 'oci "/images/bad"')
    wanted = RequirementUnmet(other, PATH, "default", "signedBy", ())
    assert judging.wanted(other).failure() == wanted
    assert judging.admit(evidence(reference=other), NOW).failure() == wanted


def test_explain() -> None:
    judging = judge(
        signed_by("alice", "bob"),
        cosigned_by(identity=EXACT_REPOSITORY),
        ACCEPT,
        scopes={"rejected.com": REJECT},
        signers=SignerPolicy(2),
    )
    assert judging.explain(REFERENCE).unwrap() == Explanation(
        REFERENCE,
        PATH,
        "default",
        (
            ExplainedRequirement(
                "signedBy", ("/keys/alice", "/keys/bob"), "matchRepoDigestOrExact", f"{NAME}:1"
            ),
            ExplainedRequirement("sigstoreSigned", ("/keys/carol",), "exactRepository", NAME),
            ExplainedRequirement("insecureAcceptAnything"),
        ),
        2,
        ("simple", "sigstore"),
    )
    rejected = "docker://rejected.com/app:1"
    assert judging.explain(rejected).unwrap() == Explanation(
        rejected, PATH, 'docker "rejected.com"', (ExplainedRequirement("reject"),), 0, ()
    )
    # What else such a rule demands is never looked for.
    explained = judge(REJECT, signed_by()).explain(REFERENCE).unwrap()
    assert (explained.signers, explained.looks_for) == (0, ())


def test_explain_names_keys_of_the_policy_itself() -> None:
    policy = {"default": [{"type": "sigstoreSigned", "keyData": "YQ=="}]}
    document = parse_policy(json.dumps(policy).encode(), PATH).unwrap()
    judging = PolicyJudge(LoadedPolicy(document, {}, {}), OpenPGPVerifier(), PublicKeyVerifier())
    (requirement,) = judging.explain("oci:/images").unwrap().requirements
    assert requirement == ExplainedRequirement(
        "sigstoreSigned", ("keyData",), "matchRepoDigestOrExact", ""
    )
