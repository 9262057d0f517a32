"""What no verifier of ours does, and a judge must not fall for."""

from dataclasses import dataclass, field
from datetime import datetime

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.admission.identities import Expected
from pipeline.admission.proofs import Statement, prove_sigstore, prove_simple
from pipeline.errors import (
    IdentityMismatch,
    Unproven,
    UnsupportedSignature,
    VerificationError,
)
from pipeline.names import ImageName
from pipeline.testing.oci import make_image
from pipeline.trust import (
    AnyScope,
    KeySet,
    NamedScope,
    SignaturePlan,
    SignedDigest,
    SignedMessage,
    Signer,
    SigstoreSigner,
    TrustScope,
)
from tests.admission.signing import NOW, cosigner, maker

IMAGE = make_image({"a": b"1"})
STATEMENT = Statement((IMAGE.raw,), Expected("example.com/app:1", of_repository=False), "asked")


@dataclass(frozen=True)
class Careless:
    """A verifier that finds nothing wrong, and nobody who signed; notes whose keys it is shown."""

    asked: list[tuple[KeySet, TrustScope, datetime]] = field(default_factory=list)

    def plan(
        self, untrusted_signature: bytes, keys: KeySet, scope: TrustScope, now: datetime
    ) -> Result[SignaturePlan, VerificationError]:
        """Want nothing hashed."""
        self.asked.append((keys, scope, now))
        return Success(SignaturePlan((), ()))

    def verify(
        self,
        untrusted_signature: bytes,
        digests: tuple[SignedDigest, ...],
        keys: KeySet,
        scope: TrustScope,
        now: datetime,
    ) -> Result[tuple[Signer, ...], VerificationError]:
        """Prove nobody."""
        self.asked.append((keys, scope, now))
        return Success(())

    def read_message(self, untrusted_message: bytes) -> Result[SignedMessage, VerificationError]:
        """Read it rightly."""
        return OpenPGPVerifier().read_message(untrusted_message)


@dataclass(frozen=True)
class Unasked:
    """A verifier that must not be asked."""

    def verify(
        self, untrusted_payload: bytes, untrusted_signature: bytes, public_key: bytes, path: str
    ) -> Result[SigstoreSigner, VerificationError]:
        """Fail the test."""
        raise AssertionError(path)


def test_a_verifier_that_proves_nobody_has_proven_nothing() -> None:
    signature = maker("alice").signature(IMAGE.descriptor.digest, "example.com/app:1")
    verifier, keys, scope = Careless(), KeySet(()), NamedScope(ImageName("example.com/app"))
    outcome = prove_simple(signature, STATEMENT, verifier, keys, scope, NOW)
    assert outcome.failure() == Unproven("the image")
    assert verifier.asked == [(keys, scope, NOW)] * 2


def test_a_hash_that_this_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    lacks = UnsupportedSignature("no such hash here")
    monkeypatch.setattr("pipeline.admission.proofs.start_hashing", lambda _: Failure(lacks))
    signature = maker("alice").signature(IMAGE.descriptor.digest, "example.com/app:1")
    outcome = prove_simple(signature, STATEMENT, Careless(), KeySet(()), AnyScope(), NOW)
    assert outcome.failure() == lacks


def test_no_public_key_proves_nothing() -> None:
    signature = cosigner("carol").signature(IMAGE.descriptor.digest, "example.com/app:1")
    outcome = prove_sigstore(signature, STATEMENT, Unasked(), ())
    assert outcome.failure() == Unproven("asked")


def test_a_signature_of_something_else_needs_no_mathematics() -> None:
    other = make_image({"a": b"2"}).descriptor.digest
    signature = cosigner("carol").signature(other, "example.com/app:1")
    told = IdentityMismatch(str(other), str(IMAGE.descriptor.digest))
    assert prove_sigstore(signature, STATEMENT, Unasked(), ()).failure() == told
