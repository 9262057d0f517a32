"""``policy.json``, as bytes, as what it says, and with the keys that it names; keystores' keys."""

import json
from typing import Final, get_args

from hypothesis import strategies as st

from pipeline.admission import LoadedPolicy, PublicKey
from pipeline.admission.requirements import (
    AcceptAnything,
    ExactReference,
    ExactRepository,
    Identity,
    KeyData,
    KeyFiles,
    MatchReference,
    MatchType,
    PolicyDocument,
    Reject,
    RemapIdentity,
    Requirement,
    SignedBy,
    SigstoreSigned,
)
from pipeline.testing.policies import make_policy
from pipeline.testing.strategies.names import image_names
from pipeline.testing.strategies.reference_kinds import docker_references
from pipeline.testing.strategies.signatures import openpgp_keys, sigstore_keys
from pipeline.testing.strategies.text import paths
from pipeline.trust import KeySet, TrustedKey

_PATH: Final = "/etc/containers/policy.json"
_MATCHES: Final[tuple[MatchType, ...]] = get_args(MatchType)


def requirements() -> st.SearchStrategy[Requirement]:
    """Single demands of policies, of every type."""
    return st.one_of(st.builds(AcceptAnything), st.builds(Reject), signed_by(), sigstore_signed())


def signed_by() -> st.SearchStrategy[SignedBy]:
    """Demands of OpenPGP simple signatures."""
    return st.builds(SignedBy, key_files() | _openpgp_data(), identities())


def sigstore_signed() -> st.SearchStrategy[SigstoreSigned]:
    """Demands of cosign's signatures."""
    return st.builds(SigstoreSigned, key_files() | key_data(), identities())


def identities() -> st.SearchStrategy[Identity]:
    """Rules for which signed reference speaks for the one that was asked for, of every type."""
    return st.one_of(
        match_references(), exact_references(), exact_repositories(), remap_identities()
    )


def match_references() -> st.SearchStrategy[MatchReference]:
    """Rules that go by what was asked for."""
    return st.sampled_from(_MATCHES).map(MatchReference)


def exact_references() -> st.SearchStrategy[ExactReference]:
    """Rules that name the signed reference."""
    return docker_references().map(lambda reference: ExactReference(reference.normal))


def exact_repositories() -> st.SearchStrategy[ExactRepository]:
    """Rules that name the signed repository."""
    return docker_references().map(lambda reference: ExactRepository(reference.name))


def remap_identities() -> st.SearchStrategy[RemapIdentity]:
    """Rules that put another prefix in place of one."""
    names = docker_references().map(lambda reference: reference.name)
    return st.builds(RemapIdentity, names, names)


def policy_documents() -> st.SearchStrategy[PolicyDocument]:
    """Policies as what they say, with and without scopes."""
    rule = st.lists(requirements(), min_size=1, max_size=3).map(tuple)
    scopes = st.one_of(
        st.just(("docker", "")),
        docker_references().map(lambda reference: ("docker", reference.name)),
        docker_references().map(lambda reference: ("docker", reference.host)),
        st.sampled_from((("oci", ""), ("oci", "/srv/images"), ("docker-archive", ""))),
    )
    return st.builds(
        PolicyDocument, st.just(_PATH), rule, st.dictionaries(scopes, rule, max_size=3)
    )


def policies() -> st.SearchStrategy[bytes]:
    """Files ``policy.json`` that are read."""
    return policy_documents().map(make_policy)


def bad_policies() -> st.SearchStrategy[bytes]:
    """Files ``policy.json`` with one thing wrong, which must fail the whole file."""
    reject = {"type": "reject"}
    wrong: tuple[object, ...] = (
        [],
        {},
        {"default": []},
        {"default": None},
        {"default": [reject], "defaults": [reject]},
        {"default": [{"type": "insecureAcceptAnythin"}]},
        {"default": [reject | {"keyPath": "/key"}]},
        {"default": [{"type": "signedBy", "keyType": "GPGKeys"}]},
        {"default": [{"type": "signedBy", "keyType": "GPGKeys", "keyPaths": []}]},
        {"default": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "key.pub"}]},
        {"default": [{"type": "sigstoreSigned", "keyPath": "/a", "keyData": "YQ=="}]},
        {"default": [{"type": "sigstoreSigned", "keyPath": "/a", "fulcio": {}}]},
        {"default": [reject], "transports": {"docker": {"": []}}},
        {"default": [reject], "transports": {"oci": {"relative": [reject]}}},
    )
    documents = st.sampled_from(wrong).map(lambda document: json.dumps(document).encode())
    twice = b'{"default": [{"type": "reject"}], "default": [{"type": "insecureAcceptAnything"}]}'
    cut = policies().map(lambda good: good[:-1])
    return documents | cut | st.sampled_from((twice, b"", b"\xff"))


def loaded_policies() -> st.SearchStrategy[LoadedPolicy]:
    """Policies with the keys that they name."""

    def make(document: PolicyDocument, keys: KeySet, public: bytes) -> LoadedPolicy:
        demands = document.all_requirements
        simple = {each.keys: keys for each in demands if isinstance(each, SignedBy)}
        sigstore = {
            each.keys: (PublicKey("", public),)
            for each in demands
            if isinstance(each, SigstoreSigned)
        }
        return LoadedPolicy(document, simple, sigstore)

    public = sigstore_keys().map(lambda key: key.public)
    return st.builds(make, policy_documents(), key_sets(), public)


def key_files() -> st.SearchStrategy[KeyFiles]:
    """Keys of a demand, in files that nobody has."""
    return st.lists(paths(), min_size=1, max_size=2).map(lambda found: KeyFiles(tuple(found)))


def key_data() -> st.SearchStrategy[KeyData]:
    """Keys of a demand for cosign's signatures, in the policy itself."""
    return st.lists(sigstore_keys(), min_size=1, max_size=2).map(
        lambda keys: KeyData(tuple(key.public for key in keys))
    )


def trusted_keys() -> st.SearchStrategy[TrustedKey]:
    """Keys that are trusted for all names, or for those under a prefix."""
    prefixes = st.none() | image_names()
    return st.builds(lambda key, prefix: key.trusted(prefix), openpgp_keys(), prefixes)


def key_sets() -> st.SearchStrategy[KeySet]:
    """What a keyring says for a scope: a few keys, or none."""
    return st.lists(trusted_keys(), max_size=3, unique_by=lambda key: key.entry.path).map(
        lambda keys: KeySet(tuple(keys))
    )


def _openpgp_data() -> st.SearchStrategy[KeyData]:
    return openpgp_keys().map(lambda key: KeyData((key.public,)))
