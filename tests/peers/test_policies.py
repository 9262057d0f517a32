"""Policies, judged by the real skopeo and by us: the verdicts are the same, run by run.

Where they differ, the case says so and why; each of these is in docs/policies.md, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.openpgp import OpenPGPVerifier, read_keys
from pipeline.adapters.policies import read_policy
from pipeline.adapters.sigstore import PublicKeyVerifier, check_public_key
from pipeline.admission import PolicyJudge
from pipeline.ports import LetThrough, Proven
from pipeline.trust import Fingerprint
from tests.peers.policies import Laboratory, laboratory

pytestmark = pytest.mark.peer

TAG, TWO, MULTI = (
    "docker://@HOST/ns/app:1",
    "docker://@HOST/ns/app:2",
    "docker://@HOST/ns/app:multi",
)
BY_DIGEST = "docker://@HOST/ns/app@@ONE"
LAYOUT = "oci:@IMAGES/layout:one"
VENDOR = "vendor.example.com"
ACCEPT, REJECT = {"type": "insecureAcceptAnything"}, {"type": "reject"}
EVERY = '{"type": "insecureAcceptAnything"}'


def signed_by(key: str = "alice.gpg", **more: object) -> dict[str, object]:
    """Return a requirement."""
    return {"type": "signedBy", "keyType": "GPGKeys", "keyPath": f"@KEYS/{key}", **more}


def everywhere(*requirements: object) -> dict[str, object]:
    """Return a policy for all images."""
    return {"default": list(requirements)}


def named(kind: str, **more: str) -> dict[str, object]:
    """Return the policy that Alice signed, under a name of that kind."""
    return everywhere(signed_by(signedIdentity={"type": kind, **more}))


def remapped(prefix: str, signed_prefix: str) -> dict[str, object]:
    """Return the policy that Alice signed, under a name with another prefix."""
    return named("remapIdentity", prefix=prefix, signedPrefix=signed_prefix)


def scoped(
    transport: str, scopes: dict[str, object], default: object = REJECT
) -> dict[str, object]:
    """Return a policy with one requirement for each scope."""
    rules = {scope: [requirement] for scope, requirement in scopes.items()}
    return {"default": [default], "transports": {transport: rules}}


def docker(scopes: dict[str, object], default: object = REJECT) -> dict[str, object]:
    """Return a policy for registries."""
    return scoped("docker", scopes, default)


ALICE = everywhere(signed_by())
ALICE_AND_BOB = everywhere(signed_by(), signed_by("bob.gpg"))


@dataclass(frozen=True)
class Case:
    """What both are asked, and what both say; ``ours`` where we say something else, and why."""

    name: str
    policy: object
    reference: str
    signatures: tuple[str, ...]
    accepted: bool
    ours: bool | None = None
    reason: str = ""


CASES = [
    # Keys and signatures.
    Case("signed", ALICE, TAG, ("alice",), True),
    Case("not signed", ALICE, TAG, (), False),
    Case("by another key", ALICE, TAG, ("bob",), False),
    Case("by the second signature", ALICE, TAG, ("bob", "alice"), True),
    Case("a damaged one beside a good one", ALICE, TAG, ("alice-damaged", "alice"), True),
    Case("a good one beside a damaged one", ALICE, TAG, ("alice", "alice-damaged"), True),
    Case("damaged", ALICE, TAG, ("alice-damaged",), False),
    Case("no signature but its text", ALICE, TAG, ("unsigned",), False),
    Case("an empty file", ALICE, TAG, ("empty",), False),
    Case("a detached signature", ALICE, TAG, ("alice-detached",), False),
    Case("no statement", ALICE, TAG, ("alice-no-json",), False),
    Case("an unknown critical member", ALICE, TAG, ("alice-critical",), False),
    Case("by an expired key", everywhere(signed_by("expired.gpg")), TAG, ("expired",), False),
    Case("an expired signature", ALICE, TAG, ("alice-expired",), False),
    Case("an armored key", everywhere(signed_by("alice.asc")), TAG, ("alice",), True),
    Case("a file of two keys", everywhere(signed_by("both.gpg")), TAG, ("bob",), True),
    Case(
        "two files of keys",
        everywhere(
            {
                "type": "signedBy",
                "keyType": "GPGKeys",
                "keyPaths": ["@KEYS/alice.gpg", "@KEYS/bob.gpg"],
            }
        ),
        TAG,
        ("bob",),
        True,
    ),
    Case("of another image", ALICE, TAG, ("alice-of-two",), False),
    Case("the right one of two", ALICE, TAG, ("alice-of-two", "alice"), True),
    # Several requirements.
    Case("two of two keys", ALICE_AND_BOB, TAG, ("alice", "bob"), True),
    Case("one of two keys", ALICE_AND_BOB, TAG, ("alice",), False),
    Case("one twice of two keys", ALICE_AND_BOB, TAG, ("alice", "alice"), False),
    Case("reject", everywhere(REJECT), TAG, ("alice",), False),
    Case("reject beside a good one", everywhere(signed_by(), REJECT), TAG, ("alice",), False),
    Case("accept", everywhere(ACCEPT), TAG, (), True),
    Case("accept whatever is there", everywhere(ACCEPT), TAG, ("alice-damaged",), True),
    Case(
        "accept beside a demand that is met", everywhere(ACCEPT, signed_by()), TAG, ("alice",), True
    ),
    Case(
        "accept beside a demand that is not", everywhere(ACCEPT, signed_by()), TAG, ("bob",), False
    ),
    Case("accept beside reject", everywhere(ACCEPT, REJECT), TAG, (), False),
    # matchRepoDigestOrExact, the default.
    Case("another tag", ALICE, TAG, ("alice-as-2",), False),
    Case("another tag, by digest", ALICE, BY_DIGEST, ("alice-as-2",), True),
    Case("by digest", ALICE, BY_DIGEST, ("alice",), True),
    Case("by digest, signed by digest", ALICE, BY_DIGEST, ("alice-by-digest",), True),
    Case("by digest, a name alone", ALICE, BY_DIGEST, ("alice-name-alone",), False),
    Case("by digest, another digest's name", ALICE, BY_DIGEST, ("alice-by-other-digest",), True),
    Case("by digest, another repository", ALICE, BY_DIGEST, ("alice-as-vendor",), False),
    Case("a name alone", ALICE, TAG, ("alice-name-alone",), False),
    Case("signed by digest", ALICE, TAG, ("alice-by-digest",), False),
    Case("signed by tag and digest", ALICE, TAG, ("alice-by-both",), False),
    Case("by digest, signed by tag and digest", ALICE, BY_DIGEST, ("alice-by-both",), True),
    # The other identities.
    Case("exact", named("matchExact"), TAG, ("alice",), True),
    Case("exact, another tag", named("matchExact"), TAG, ("alice-as-2",), False),
    Case("exact, by digest", named("matchExact"), BY_DIGEST, ("alice",), False),
    Case("exact, both by digest", named("matchExact"), BY_DIGEST, ("alice-by-digest",), True),
    Case("repository", named("matchRepository"), TAG, ("alice-as-2",), True),
    Case("repository, a name alone", named("matchRepository"), TAG, ("alice-name-alone",), True),
    Case("repository, another", named("matchRepository"), TAG, ("alice-as-vendor",), False),
    Case(
        "exact reference",
        named("exactReference", dockerReference=f"{VENDOR}/app:1"),
        TAG,
        ("alice-as-vendor",),
        True,
    ),
    Case(
        "exact reference, another",
        named("exactReference", dockerReference=f"{VENDOR}/app:2"),
        TAG,
        ("alice-as-vendor",),
        False,
    ),
    Case(
        "exact reference, short",
        named("exactReference", dockerReference="app:1"),
        TAG,
        ("alice-as-hub",),
        True,
    ),
    Case(
        "exact reference, signed short",
        named("exactReference", dockerReference="docker.io/library/app:1"),
        TAG,
        ("alice-short",),
        True,
    ),
    Case(
        "exact repository",
        named("exactRepository", dockerRepository=f"{VENDOR}/app"),
        TAG,
        ("alice-as-vendor",),
        True,
    ),
    Case(
        "exact repository, another",
        named("exactRepository", dockerRepository=f"{VENDOR}/ap"),
        TAG,
        ("alice-as-vendor",),
        False,
    ),
    Case("remapped", remapped("@HOST/ns", VENDOR), TAG, ("alice-as-vendor",), True),
    Case(
        "remapped, by digest", remapped("@HOST/ns", VENDOR), BY_DIGEST, ("alice-as-vendor",), True
    ),
    Case("remapped, as it was", remapped("@HOST/ns", VENDOR), TAG, ("alice",), False),
    Case("remapped, another prefix", remapped("@HOST/n", VENDOR), TAG, ("alice",), True),
    Case(
        "remapped, the whole name",
        remapped("@HOST/ns/app", "docker.io/library/app"),
        TAG,
        ("alice-as-hub",),
        True,
    ),
    Case("remapped to no name", remapped("@HOST/ns", "docker.io"), TAG, ("alice-as-hub",), False),
    Case(
        "remapped, the host without its port", remapped("127.0.0.1", VENDOR), TAG, ("alice",), True
    ),
    # Scopes.
    Case(
        "the reference", docker({"@HOST/ns/app:1": ACCEPT, "@HOST/ns/app": REJECT}), TAG, (), True
    ),
    Case("another reference", docker({"@HOST/ns/app:2": ACCEPT}), TAG, (), False),
    Case("the digest", docker({"@HOST/ns/app@@ONE": ACCEPT}), BY_DIGEST, (), True),
    Case("the digest, by tag", docker({"@HOST/ns/app@@ONE": ACCEPT}), TAG, (), False),
    Case("the tag, by digest", docker({"@HOST/ns/app:1": REJECT, "": ACCEPT}), BY_DIGEST, (), True),
    Case("the repository", docker({"@HOST/ns/app": ACCEPT, "@HOST/ns": REJECT}), TAG, (), True),
    Case("half a repository", docker({"@HOST/ns/ap": ACCEPT}), TAG, (), False),
    Case("a parent", docker({"@HOST/ns": ACCEPT, "@HOST": REJECT}), TAG, (), True),
    Case("a parent with a slash", docker({"@HOST/ns/": ACCEPT}), TAG, (), False),
    Case("the host", docker({"@HOST": ACCEPT, "": REJECT}), TAG, (), True),
    Case("the host without its port", docker({"127.0.0.1": ACCEPT}), TAG, (), False),
    Case("a wildcard", docker({"*.0.0.1": ACCEPT, "*.0.1": REJECT}), TAG, (), True),
    Case("a shorter wildcard", docker({"*.1": ACCEPT, "": REJECT}), TAG, (), True),
    Case("a wildcard with a port", docker({"*.0.0.1:@PORT": ACCEPT}), TAG, (), False),
    Case(
        "the host before a wildcard", docker({"@HOST": REJECT, "*.0.0.1": ACCEPT}), TAG, (), False
    ),
    Case("a wildcard for everything", docker({"*": ACCEPT}), TAG, (), False),
    Case("all registries", docker({"": ACCEPT}), TAG, (), True),
    Case("the default", docker({"other.example.com": REJECT}, ACCEPT), TAG, (), True),
    Case("another transport", scoped("atomic", {"@HOST/ns/app:1": ACCEPT}), TAG, (), False),
    Case(
        "the scope alone decides",
        docker({"@HOST/ns": signed_by("bob.gpg"), "": signed_by()}),
        TAG,
        ("alice",),
        False,
    ),
    Case("a tag's own rule", docker({"@HOST/ns/app:2": ACCEPT, "": REJECT}), TWO, (), True),
    # Images in files.
    Case("a layout's folder", scoped("oci", {"@IMAGES/layout": ACCEPT}), LAYOUT, (), True),
    Case("a layout's parent", scoped("oci", {"@IMAGES": ACCEPT}), LAYOUT, (), True),
    Case("a layout's name", scoped("oci", {"@IMAGES/layout:one": ACCEPT}), LAYOUT, (), False),
    Case("half a folder's name", scoped("oci", {"@IMAGES/lay": ACCEPT}), LAYOUT, (), False),
    Case("all layouts", scoped("oci", {"": ACCEPT}), LAYOUT, (), True),
    Case("a layout is no registry", docker({"": ACCEPT}), LAYOUT, (), False),
    Case("a layout carries no signature", ALICE, LAYOUT, (), False),
    Case(
        "an archive of a layout",
        scoped("oci-archive", {"@IMAGES/one.tar": ACCEPT}),
        "oci-archive:@IMAGES/one.tar:one",
        (),
        True,
    ),
    Case(
        "a docker archive",
        scoped("docker-archive", {"": ACCEPT}),
        "docker-archive:@IMAGES/docker.tar",
        (),
        True,
    ),
    # Indexes.
    Case("an index whose image is signed", ALICE, MULTI, ("alice-as-multi",), True),
    Case("an index that is not signed", ALICE, MULTI, (), False),
    Case("the index's signature beside the image", ALICE, MULTI, ("alice-of-index",), False),
    Case("the image's signature beside the index", ALICE, MULTI, ("alice-as-multi@index",), False),
    # What is no policy.
    Case("no JSON", "{", TAG, (), False),
    Case("no default", {"transports": {}}, TAG, (), False),
    Case("an empty default", {"default": []}, TAG, (), False),
    Case("an unknown member", {"default": [ACCEPT], "x": 1}, TAG, (), False),
    Case("a member twice", f'{{"default": [{EVERY}], "default": [{EVERY}]}}', TAG, (), False),
    Case("another letter case", {"Default": [ACCEPT]}, TAG, (), False),
    Case("an unknown type", {"default": [{"type": "accept"}]}, TAG, (), False),
    Case("an unknown member of a type", {"default": [ACCEPT | {"x": 1}]}, TAG, (), False),
    Case(
        "a broken rule elsewhere",
        docker({"other.example.com": {"type": "?"}}, ACCEPT),
        TAG,
        (),
        False,
    ),
    Case(
        "an empty rule elsewhere",
        {"default": [ACCEPT], "transports": {"dir": {"": []}}},
        TAG,
        (),
        False,
    ),
    Case("no key", everywhere({"type": "signedBy", "keyType": "GPGKeys"}), TAG, ("alice",), False),
    Case("two sources of keys", everywhere(signed_by(keyData="YQ==")), TAG, ("alice",), False),
    Case(
        "no key type",
        everywhere({"type": "signedBy", "keyPath": "@KEYS/alice.gpg"}),
        TAG,
        ("alice",),
        False,
    ),
    Case(
        "a key type that nobody judges by",
        everywhere(signed_by() | {"keyType": "signedByGPGKeys"}),
        TAG,
        ("alice",),
        False,
    ),
    Case(
        "another key type that nobody judges by",
        everywhere(signed_by() | {"keyType": "X509Certificates"}),
        TAG,
        ("alice",),
        False,
    ),
    Case(
        "a base layer",
        everywhere({"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}),
        TAG,
        ("alice",),
        False,
    ),
    Case(
        "an identity with a name alone",
        named("exactReference", dockerReference="app"),
        TAG,
        ("alice",),
        False,
    ),
    Case(
        "a prefix with a tag",
        remapped("@HOST/ns/app:1", "v.example.com/app"),
        TAG,
        ("alice",),
        False,
    ),
    Case("a prefix with a slash", remapped("@HOST/", "v.example.com"), TAG, ("alice",), False),
    Case("a relative path as scope", scoped("oci", {"images": ACCEPT}, ACCEPT), TAG, (), False),
    Case("the root as scope", scoped("oci", {"/": ACCEPT}, ACCEPT), TAG, (), False),
    Case(
        "a path with two slashes as scope", scoped("oci", {"/a//b": ACCEPT}, ACCEPT), TAG, (), False
    ),
    Case("a scope of an archive", scoped("docker-archive", {"/a": ACCEPT}, ACCEPT), TAG, (), False),
    Case("null as transports", {"default": [ACCEPT], "transports": None}, TAG, (), False),
    Case(
        "a key file that is missing", everywhere(signed_by("missing.gpg")), TAG, ("alice",), False
    ),
    Case(
        "a key file that holds none", everywhere(signed_by("rubbish.gpg")), TAG, ("alice",), False
    ),
]

DIFFERENT = [
    Case(
        "by a subkey",
        everywhere(signed_by("owner.gpg")),
        TAG,
        ("subkey",),
        False,
        True,
        "skopeo 1.9 compares the subkey's fingerprint with the primary keys'; later ones do not",
    ),
    Case(
        "two signers in one message",
        ALICE,
        TAG,
        ("alice-and-bob",),
        False,
        True,
        "skopeo takes messages with one signature alone; the one that counts here is good",
    ),
    Case(
        "sha512 in the statement",
        ALICE,
        TAG,
        ("alice-sha512",),
        False,
        True,
        "skopeo compares texts and computes sha256 alone",
    ),
    Case(
        "the index is signed",
        ALICE,
        MULTI,
        ("alice-of-index@index",),
        False,
        True,
        "skopeo looks at the image's own manifest; an index names that by its digest",
    ),
    Case(
        "a key file elsewhere is missing",
        docker({"other.example.com": signed_by("missing.gpg")}, ACCEPT),
        TAG,
        (),
        True,
        False,
        "skopeo reads keys when they are needed; a policy without its keys is none here",
    ),
    Case(
        "a key file elsewhere is empty",
        docker({"other.example.com": signed_by("empty.gpg")}, ACCEPT),
        TAG,
        (),
        True,
        False,
        "skopeo reads keys when they are needed; a policy without its keys is none here",
    ),
    Case(
        "a key type elsewhere that nobody judges by",
        docker({"other.example.com": signed_by() | {"keyType": "signedByGPGKeys"}}, ACCEPT),
        TAG,
        (),
        True,
        False,
        "skopeo reads it, and fails every image by it; here the file fails at once",
    ),
    Case(
        "no keys in a list elsewhere",
        docker(
            {"other.example.com": {"type": "signedBy", "keyType": "GPGKeys", "keyPaths": []}},
            ACCEPT,
        ),
        TAG,
        (),
        True,
        False,
        "skopeo reads it, and fails every image by it; here the file fails at once",
    ),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("policies")) as made:
        yield made


def ask_us(lab: Laboratory, case: Case) -> bool:
    def first_key(content: bytes) -> Result[Fingerprint, str]:
        return read_keys(content, lab.now).map(lambda keys: keys[0].fingerprint)

    loaded = read_policy(
        lab.write_policy(case.policy), first_key=first_key, check_public_key=check_public_key
    )
    if not is_successful(loaded):
        return False
    judge = PolicyJudge(loaded.unwrap(), OpenPGPVerifier(), PublicKeyVerifier())
    evidence = lab.evidence(case.reference, case.signatures)
    outcome = judge.admit(evidence, lab.now)
    wanted = judge.wanted(evidence.reference)
    if not is_successful(outcome):
        return False
    # What is let through was not refused before anything was asked for.
    admitted = outcome.unwrap()
    demanded = wanted.unwrap().simple
    assert isinstance(admitted, Proven if demanded else LetThrough)
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_say_the_same(lab: Laboratory, case: Case) -> None:
    theirs = lab.ask_skopeo(case.policy, case.reference, case.signatures)
    assert (theirs, ask_us(lab, case)) == (case.accepted, case.accepted)


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: case.name)
def test_where_we_differ(lab: Laboratory, case: Case) -> None:
    theirs = lab.ask_skopeo(case.policy, case.reference, case.signatures)
    assert (theirs, ask_us(lab, case)) == (case.accepted, case.ours), case.reason


def test_tag_and_digest_together(lab: Laboratory) -> None:
    """Skopeo refuses to read that; here the digest counts, as where podman reads it."""
    both = "docker://@HOST/ns/app:1@@ONE"
    with pytest.raises(pytest.fail.Exception, match="both a tag and digest"):
        lab.ask_skopeo(ALICE, both, ("alice",))
    assert ask_us(lab, Case("", ALICE, both, ("alice",), True))
    assert ask_us(lab, Case("", ALICE, both, ("alice-as-2",), True))
    assert not ask_us(lab, Case("", ALICE, both, ("alice-as-vendor",), False))
    scope = docker({"@HOST/ns/app@@ONE": ACCEPT, "@HOST/ns/app:1": REJECT})
    assert ask_us(lab, Case("", scope, both, (), True))


def test_the_matrix_is_large_enough() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in (*CASES, *DIFFERENT)}) == len(CASES) + len(DIFFERENT)
