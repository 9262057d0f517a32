"""Which of two images was signed earlier, and of which nobody can say."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.names import Labels
from pipeline.recipes.rollback import older_signature
from pipeline.results import (
    ManifestEvidence,
    ManifestProof,
    NoProof,
    OlderSignature,
    Provenance,
    SignatureProof,
    Stored,
)
from pipeline.testing.fakes import EPOCH
from pipeline.testing.oci import digest_of
from pipeline.testing.samples import NAME, sample_signer
from pipeline.trust import BY_KEYSTORE, Signer, SigstoreSigner

COSIGN = SigstoreSigner("0" * 64, "ECDSA P-256", "key.pem")


def signer(day: int) -> Signer:
    return replace(sample_signer("a"), signed_at=EPOCH + timedelta(days=day))


def stored(content: bytes, proof: Provenance) -> Stored:
    return Stored(digest_of(content), NAME, Labels(), 1, EPOCH, proof, "somewhere")


def archive(content: bytes, *days: int) -> Stored:
    return stored(content, SignatureProof(tuple(map(signer, days)), b"", ()))


def registry_image(manifest: bytes, *days: int, content: bytes = b"") -> Stored:
    evidence = ManifestEvidence("docker://h/app:1", (manifest,))
    proof = ManifestProof(tuple(map(signer, days)), BY_KEYSTORE, evidence)
    return stored(content or manifest, proof)


@pytest.mark.parametrize("make", [archive, registry_image])
def test_by_the_newest_signature_of_each(make: Callable[..., Stored]) -> None:
    before = (make(b"b", 1, 5), make(b"c", 7), make(b"d", 6))
    assert older_signature(make(b"a", 3, 4), before) == OlderSignature(
        EPOCH + timedelta(days=4), EPOCH + timedelta(days=7), digest_of(b"c")
    )
    assert older_signature(make(b"a", 7), before) is None
    assert older_signature(make(b"a", 1, 8), before) is None
    assert older_signature(make(b"a", 1), ()) is None


def test_the_same_image_is_no_step_back() -> None:
    assert older_signature(archive(b"a", 1), (archive(b"a", 2),)) is None
    as_archive = registry_image(b"a", 2, content=b"the archive of it")
    assert older_signature(registry_image(b"a", 1), (as_archive,)) is None


def test_what_has_no_time_or_no_signer() -> None:
    cosigned = stored(b"a", ManifestProof((COSIGN,), BY_KEYSTORE, ManifestEvidence("", (b"a",))))
    unproven = stored(b"a", NoProof("a test"))
    for image in (cosigned, unproven):
        assert older_signature(image, (archive(b"b", 2),)) is None
        assert older_signature(archive(b"b", 2), (image,)) is None
