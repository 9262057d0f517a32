"""Signatures of all schemes, good ones and bad ones; a bad one knows by which error it is refused.

The keys are few and the same each time, so that what is drawn stays small and is quick to make.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

from hypothesis import strategies as st

from pipeline.results import FoundSignature, ManifestEvidence
from pipeline.testing.fakes import EPOCH
from pipeline.testing.oci import make_image
from pipeline.testing.openpgp import OpenPGPKey, make_openpgp_key
from pipeline.testing.payloads import make_payload
from pipeline.testing.signed import SignedFile, SignedImage
from pipeline.testing.sigstore import SigstoreKey, make_sigstore_key
from pipeline.trust import KeySet

_DAY: Final = timedelta(days=1)
_KEYS: Final = 3
_STRANGER: Final = make_openpgp_key(seed=_KEYS)
_IMAGE, _OTHER = make_image({"file": b"content"}), make_image({"file": b"other"})
_DIGEST, _OTHER_DIGEST = _IMAGE.descriptor.digest, _OTHER.descriptor.digest

_OpenPGPFault: TypeAlias = tuple[Callable[[OpenPGPKey, str], FoundSignature], str]
_SigstoreFault: TypeAlias = tuple[Callable[[SigstoreKey, str], FoundSignature], str]


def openpgp_keys() -> st.SearchStrategy[OpenPGPKey]:
    """Keys that sign OpenPGP signatures, of which nothing is wrong."""
    return st.integers(0, _KEYS - 1).map(lambda seed: make_openpgp_key(seed=seed))


def sigstore_keys() -> st.SearchStrategy[SigstoreKey]:
    """Keys that sign as cosign does."""
    return st.integers(0, _KEYS - 1).map(lambda seed: make_sigstore_key(seed=seed))


def signed_files(
    *, contents: st.SearchStrategy[bytes] | None = None
) -> st.SearchStrategy[SignedFile]:
    """Files with a detached signature by a key that is trusted, alone or among others."""

    def make(content: bytes, key: OpenPGPKey, others: frozenset[OpenPGPKey]) -> SignedFile:
        keys = _trusting(key, *(others - {key}))
        return SignedFile(content, key.sign(content), keys, (key.fingerprint,))

    return st.builds(
        make,
        st.binary(max_size=200) if contents is None else contents,
        openpgp_keys(),
        st.frozensets(openpgp_keys(), max_size=2),
    )


def badly_signed_files(
    *, contents: st.SearchStrategy[bytes] | None = None
) -> st.SearchStrategy[SignedFile]:
    """Files whose detached signature proves nothing."""
    return st.builds(
        lambda good, spoil: spoil(replace(good, signers=())),
        signed_files(contents=contents),
        st.sampled_from(_FILE_FAULTS),
    )


def simple_signatures() -> st.SearchStrategy[SignedImage]:
    """Images in a registry with an OpenPGP simple signature by a key that is trusted."""
    return st.builds(
        lambda key, name: _simple(key, name, key.sign_image(_DIGEST, name)),
        openpgp_keys(),
        _names(),
    )


def bad_simple_signatures() -> st.SearchStrategy[SignedImage]:
    """Images in a registry with an OpenPGP simple signature that proves nothing."""
    return st.builds(
        lambda key, name, fault: _simple(key, name, fault[0](key, name), fault[1]),
        openpgp_keys(),
        _names(),
        st.sampled_from(_SIMPLE_FAULTS),
    )


def sigstore_signatures() -> st.SearchStrategy[SignedImage]:
    """Images in a registry with a signature of cosign's kind by a key that is trusted."""
    return st.builds(
        lambda key, name: _cosigned(key, name, key.sign_image(_DIGEST, name)),
        sigstore_keys(),
        _names(),
    )


def bad_sigstore_signatures() -> st.SearchStrategy[SignedImage]:
    """Images in a registry with a signature of cosign's kind that proves nothing."""
    return st.builds(
        lambda key, name, fault: _cosigned(key, name, fault[0](key, name), fault[1]),
        sigstore_keys(),
        _names(),
        st.sampled_from(_SIGSTORE_FAULTS),
    )


def _names() -> st.SearchStrategy[str]:
    """Names of images in registries, each with a tag."""
    tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,6}", fullmatch=True)
    return tags.map(lambda tag: f"registry.example/app:{tag}")


def _trusting(*keys: OpenPGPKey) -> KeySet:
    return KeySet(tuple(key.trusted() for key in keys))


def _evidence(name: str, signature: FoundSignature) -> ManifestEvidence:
    return ManifestEvidence(f"docker://{name}", (_IMAGE.raw,), (signature,))


def _simple(
    key: OpenPGPKey, name: str, signature: FoundSignature, kind: str | None = None
) -> SignedImage:
    return SignedImage(_evidence(name, signature), keys=_trusting(key), kind=kind)


def _cosigned(
    key: SigstoreKey, name: str, signature: FoundSignature, kind: str | None = None
) -> SignedImage:
    return SignedImage(_evidence(name, signature), public_key=key.public, kind=kind)


def _unknown(good: SignedFile) -> SignedFile:
    signature = _STRANGER.sign(good.content)
    return replace(good, signature=signature, kind="unknown-signer")


def _expired(good: SignedFile) -> SignedFile:
    key = make_openpgp_key(created=EPOCH - 300 * _DAY, lifetime=200 * _DAY)
    signature = key.sign(good.content, at=EPOCH - _DAY)
    return replace(good, signature=signature, keys=_trusting(key), kind="unusable-key")


def _from_the_future(good: SignedFile) -> SignedFile:
    signature = _STRANGER.sign(good.content, at=EPOCH + _DAY)
    return replace(good, signature=signature, keys=_trusting(_STRANGER), kind="signature-time")


def _before_its_key(good: SignedFile) -> SignedFile:
    signature = _STRANGER.sign(good.content, at=_STRANGER.created - _DAY)
    return replace(good, signature=signature, keys=_trusting(_STRANGER), kind="signature-time")


_FILE_FAULTS: Final[tuple[Callable[[SignedFile], SignedFile], ...]] = (
    lambda good: replace(good, content=good.content + b"\0", kind="bad-signature"),
    lambda good: replace(good, keys=KeySet(()), kind="unknown-signer"),
    lambda good: replace(good, signature=b"", kind="not-a-signature"),
    lambda good: replace(good, signature=b"junk" + good.content, kind="not-a-signature"),
    lambda good: replace(good, signature=_STRANGER.public, kind="not-a-signature"),
    _unknown,
    _expired,
    _from_the_future,
    _before_its_key,
)


def _changed(key: OpenPGPKey, name: str) -> FoundSignature:
    """Change a statement, not its signature."""
    found = key.sign_image(_DIGEST, name)
    content = found.content.replace(str(_DIGEST).encode(), str(_OTHER_DIGEST).encode())
    return replace(found, content=content)


def _message(key: OpenPGPKey, payload: bytes) -> FoundSignature:
    return FoundSignature("simple", _DIGEST, key.sign_message(payload))


def _cosign(key: SigstoreKey, payload: bytes) -> FoundSignature:
    return FoundSignature("sigstore", _DIGEST, payload, key.sign(payload))


_SIMPLE_FAULTS: Final[tuple[_OpenPGPFault, ...]] = (
    # Of another image; handed out for this one; of this one, by another name.
    (lambda key, name: key.sign_image(_OTHER_DIGEST, name), "identity-mismatch"),
    (lambda key, name: _message(key, make_payload(_OTHER_DIGEST, name)), "identity-mismatch"),
    (lambda key, name: key.sign_image(_DIGEST, f"{name}-other"), "identity-mismatch"),
    # By somebody else; changed after signing; from the future.
    (lambda _, name: _STRANGER.sign_image(_DIGEST, name), "unknown-signer"),
    (_changed, "bad-signature"),
    (lambda key, name: key.sign_image(_DIGEST, name, at=EPOCH + _DAY), "signature-time"),
    # No message; a detached signature; no statement; the other scheme's.
    (lambda *_: FoundSignature("simple", _DIGEST, b"junk"), "not-a-signed-message"),
    (lambda key, _: FoundSignature("simple", _DIGEST, key.sign(b"")), "not-a-signed-message"),
    (lambda key, _: _message(key, b"{}"), "invalid-payload"),
    (
        lambda key, name: _message(key, make_payload(_DIGEST, name, kind="sigstore")),
        "invalid-payload",
    ),
)

_SIGSTORE_FAULTS: Final[tuple[_SigstoreFault, ...]] = (
    # Of another image; handed out for this one; of this one, by another name.
    (lambda key, name: key.sign_image(_OTHER_DIGEST, name), "identity-mismatch"),
    (
        lambda key, name: _cosign(key, make_payload(_OTHER_DIGEST, name, kind="sigstore")),
        "identity-mismatch",
    ),
    (lambda key, name: key.sign_image(_DIGEST, f"{name}-other"), "identity-mismatch"),
    # By somebody else; changed after signing; no signature at all.
    (
        lambda _, name: make_sigstore_key(seed=_KEYS).sign_image(_DIGEST, name),
        "bad-sigstore-signature",
    ),
    (
        lambda key, name: replace(key.sign_image(_DIGEST, name), content=b"{}"),
        "bad-sigstore-signature",
    ),
    (
        lambda key, name: replace(key.sign_image(_DIGEST, name), signature=b""),
        "bad-sigstore-signature",
    ),
    # No statement; the other scheme's.
    (lambda key, _: _cosign(key, b"{}"), "invalid-payload"),
    (lambda key, name: _cosign(key, make_payload(_DIGEST, name)), "invalid-payload"),
)
