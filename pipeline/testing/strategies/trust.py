"""Who signed, by which rule that counts, and what a signature needs hashed; nothing is signed here.

Signatures that prove something, or nothing, are in :mod:`.signatures`.
"""

from typing import Final, get_args

from hypothesis import strategies as st

from pipeline.ports import Admitted, LetThrough, Proven
from pipeline.testing.strategies.names import image_names
from pipeline.testing.strategies.policy_files import trusted_keys
from pipeline.testing.strategies.text import fingerprints, hex_digits, paths, texts, times
from pipeline.trust import (
    AnyScope,
    AnySigner,
    Decision,
    DigestRequest,
    KeyInfo,
    NamedScope,
    SignatureHash,
    SignaturePlan,
    SignedDigest,
    SignedMessage,
    Signer,
    SignerPolicy,
    SigstoreSigner,
    SkippedKey,
    SubkeyInfo,
    TrustScope,
)

_HASHES: Final[tuple[SignatureHash, ...]] = get_args(SignatureHash)
_SIZES: Final[dict[SignatureHash, int]] = {
    "sha1": 20,
    "ripemd160": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
}
"""Bytes of a digest."""

_ALGORITHMS: Final = st.sampled_from(("RSA 2048", "RSA 4096", "Ed25519", "ECDSA P-256"))
_USER_IDS: Final = st.lists(texts(min_size=1), max_size=2).map(tuple)
_CAPABILITIES: Final = st.sampled_from((("certify", "sign"), ("sign",), ("encrypt",), ()))


def trust_scopes() -> st.SearchStrategy[TrustScope]:
    """For what a keyring is asked: a name, or any."""
    return st.builds(NamedScope, image_names()) | st.builds(AnyScope)


def signers() -> st.SearchStrategy[Signer]:
    """Who signed by OpenPGP, as proven, and what granted them trust."""
    return st.builds(
        lambda key, signing, user_ids, signed_at, algorithm, expires, leniency: Signer(
            key.entry.fingerprint,
            key.entry.fingerprint if signing is None else signing,
            user_ids,
            signed_at,
            "sha256",
            algorithm,
            key.entry,
            expires,
            leniency,
        ),
        trusted_keys(),
        st.none() | fingerprints(),
        _USER_IDS,
        times(),
        _ALGORITHMS,
        st.none() | times(),
        st.sampled_from(((), (), ("weak-hash",))),
    )


def sigstore_signers() -> st.SearchStrategy[SigstoreSigner]:
    """Who signed by cosign's scheme, as proven."""
    digests = hex_digits(min_size=64, max_size=64)
    return st.builds(SigstoreSigner, digests, _ALGORITHMS, st.just("") | paths())


def any_signers() -> st.SearchStrategy[AnySigner]:
    """Whoever can be proven to have signed."""
    return signers() | sigstore_signers()


def signer_policies() -> st.SearchStrategy[SignerPolicy]:
    """How many signers are demanded."""
    counts = st.integers(1, 4)
    by_prefix = st.lists(st.tuples(image_names(), counts), max_size=2).map(tuple)
    return st.builds(SignerPolicy, counts, by_prefix)


def decisions() -> st.SearchStrategy[Decision]:
    """Which rule let an image pass."""
    policies = st.sampled_from(("keystore", "request")) | paths()
    demands = st.sampled_from(("signature", "signedBy", "sigstoreSigned", "insecureAcceptAnything"))
    return st.builds(Decision, policies, texts(), demands)


def admissions() -> st.SearchStrategy[Admitted]:
    """How an image came to pass a policy: proven, or let through."""
    return proven() | let_through()


def proven() -> st.SearchStrategy[Proven]:
    """Proofs for a policy, by a signer or several."""
    by = st.lists(any_signers(), min_size=1, max_size=2).map(tuple)
    return st.builds(Proven, by, decisions())


def let_through() -> st.SearchStrategy[LetThrough]:
    """Rules of a policy that let everything pass."""
    return st.builds(LetThrough, texts(min_size=1), decisions())


def digest_requests() -> st.SearchStrategy[DigestRequest]:
    """What a signature needs hashed behind the file."""
    return st.builds(DigestRequest, st.sampled_from(_HASHES), st.booleans(), st.binary(max_size=12))


def signed_digests() -> st.SearchStrategy[SignedDigest]:
    """Digests of the size that their algorithm has."""
    return digest_requests().flatmap(
        lambda request: st.builds(
            SignedDigest,
            st.just(request),
            st.binary(min_size=_SIZES[request.algorithm], max_size=_SIZES[request.algorithm]),
        )
    )


def signature_plans() -> st.SearchStrategy[SignaturePlan]:
    """What a signature file needs before it can be judged."""
    return st.builds(
        SignaturePlan,
        st.lists(digest_requests(), min_size=1, max_size=2).map(tuple),
        st.lists(fingerprints(), max_size=2).map(tuple),
    )


def signed_messages() -> st.SearchStrategy[SignedMessage]:
    """Messages taken apart, of which nothing is verified."""
    return st.builds(SignedMessage, st.binary(max_size=40), st.binary(max_size=40))


def skipped_keys() -> st.SearchStrategy[SkippedKey]:
    """Files of a keystore that were left out."""
    return st.builds(SkippedKey, paths(), texts(min_size=1))


def subkey_infos() -> st.SearchStrategy[SubkeyInfo]:
    """Subkeys as people review them."""
    return st.builds(
        SubkeyInfo,
        fingerprints(),
        _ALGORITHMS,
        _CAPABILITIES,
        times(),
        st.none() | times(),
        st.booleans(),
    )


def key_infos() -> st.SearchStrategy[KeyInfo]:
    """Keys as people review them before they trust them."""
    return st.builds(
        KeyInfo,
        fingerprints(),
        _USER_IDS,
        _ALGORITHMS,
        _CAPABILITIES,
        times(),
        st.none() | times(),
        st.booleans(),
        st.lists(subkey_infos(), max_size=2).map(tuple),
        st.binary(min_size=1, max_size=40),
        st.none() | texts(min_size=1),
    )
