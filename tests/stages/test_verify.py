"""The stage that decides on trust, over fakes of what it asks."""

import hashlib
import pickle
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import final

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.errors import (
    BadSignature,
    ConfigurationError,
    KeystoreUnavailable,
    TooFewSigners,
    Unproven,
    UnusableKey,
    VerificationError,
)
from pipeline.names import ImageName
from pipeline.reference import AppcReference
from pipeline.results import (
    Candidate,
    Downloaded,
    Expectations,
    Freshness,
    QuarantinedBlob,
    SignatureProof,
    Signed,
    Unsigned,
    Unverified,
    Validators,
    Verified,
)
from pipeline.stages.verify import accept_unsigned, reverify, verify_signature
from pipeline.testing.fakes import EPOCH, FixedClock, StaticKeyring
from pipeline.trust import (
    AnyScope,
    DigestRequest,
    Fingerprint,
    KeyEntry,
    KeySet,
    NamedScope,
    SignaturePlan,
    SignedDigest,
    Signer,
    SignerPolicy,
    TrustedKey,
    TrustScope,
)
from tests.adapters.openpgp.cases import DATA, Stage
from tests.adapters.openpgp.forge import DAY, YEAR, time_sub
from tests.adapters.openpgp.judging import key_set

NAME = ImageName("example.com/app")
KEY = Fingerprint("ab" * 20)
ENTRY = KeyEntry("local", None, KEY, "trusted/key", "0" * 64)
DIGESTS = (SignedDigest(DigestRequest("sha256", text=False, suffix=b"!"), bytes(32)),)
SIGNER = Signer(KEY, KEY, ("Alice",), EPOCH, "sha256", "Ed25519", ENTRY)
EVIDENCE = Signed(b"signature", DIGESTS)


def downloaded(evidence: Signed | Unsigned = EVIDENCE, name: ImageName | None = NAME) -> Downloaded:
    """Return an image that has been downloaded."""
    return Downloaded(
        reference=AppcReference(NAME),
        expected=Expectations(name),
        source=Candidate("https://user:secret@example.com/a.aci", "https://example.com/a.aci.asc"),
        blob=QuarantinedBlob("image-1", 9),
        evidence=evidence,
        validators=Validators(),
        freshness=Freshness(EPOCH),
    )


@final
@dataclass(slots=True)
class ScriptedVerifier:
    """A verifier that answers what it is told, and keeps what it was asked."""

    answer: Result[tuple[Signer, ...], VerificationError]
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def plan(
        self, untrusted_signature: bytes, keys: KeySet, scope: TrustScope, now: datetime
    ) -> Result[SignaturePlan, VerificationError]:
        """Never asked by this stage."""
        raise AssertionError("the download stage plans")

    def verify(
        self,
        untrusted_signature: bytes,
        digests: tuple[SignedDigest, ...],
        keys: KeySet,
        scope: TrustScope,
        now: datetime,
    ) -> Result[tuple[Signer, ...], VerificationError]:
        """Answer."""
        self.asked.append((untrusted_signature, digests, keys, scope, now))
        return self.answer


@final
@dataclass(frozen=True, slots=True)
class BrokenKeyring:
    """A keyring that cannot be read."""

    def keys_for(self, scope: TrustScope) -> Result[KeySet, ConfigurationError]:
        """Fail."""
        return Failure(BROKEN)


BROKEN = KeystoreUnavailable("/keys", "read", "denied")
TRUSTED = StaticKeyring((TrustedKey(ENTRY, b"key"),))
CLOCK = FixedClock(EPOCH + timedelta(days=1))


class TestVerifySignature:
    """Downloaded -> Verified."""

    @pytest.mark.parametrize(
        "policy", [SignerPolicy(2), SignerPolicy(by_prefix=((ImageName("example.com"), 2),))]
    )
    def test_too_few_signers(self, policy: SignerPolicy) -> None:
        verifier = ScriptedVerifier(Success((SIGNER,)))
        stage = verify_signature(keyring=TRUSTED, verifier=verifier, clock=CLOCK, signers=policy)
        assert stage(downloaded()).failure() == TooFewSigners((KEY,), 2)

    def test_names_the_signers(self) -> None:
        """What the verifier proved goes on with the image."""
        stage = verify_signature(
            keyring=TRUSTED, verifier=ScriptedVerifier(Success((SIGNER,))), clock=CLOCK
        )
        image = downloaded()
        assert stage(image).unwrap() == Verified(image, (SIGNER,))

    def test_asks_for_the_reference_s_name(self) -> None:
        """The signature, its digests, the keys of the scope, the scope, the time."""
        verifier = ScriptedVerifier(Success((SIGNER,)))
        stage = verify_signature(keyring=TRUSTED, verifier=verifier, clock=CLOCK)
        stage(downloaded())
        stage(downloaded(name=None))
        keys = KeySet(TRUSTED.keys)
        assert verifier.asked == [
            (b"signature", DIGESTS, keys, NamedScope(NAME), CLOCK.time),
            (b"signature", DIGESTS, keys, AnyScope(), CLOCK.time),
        ]

    def test_keys_of_other_names_are_not_shown(self) -> None:
        """A key for one prefix says nothing of another's images."""
        other = replace(ENTRY, prefix=ImageName("example.org"))
        keyring = StaticKeyring((TrustedKey(other, b"key"),))
        verifier = ScriptedVerifier(Success((SIGNER,)))
        verify_signature(keyring=keyring, verifier=verifier, clock=CLOCK)(downloaded())
        assert verifier.asked[0][2] == KeySet(())

    def test_refusal_passes_on(self) -> None:
        """The verifier's error is the stage's."""
        bad = BadSignature(KEY)
        verifier = ScriptedVerifier(Failure(bad))
        stage = verify_signature(keyring=TRUSTED, verifier=verifier, clock=CLOCK)
        assert stage(downloaded()).failure() == bad

    def test_broken_keyring_passes_on(self) -> None:
        """A keystore that cannot be read is not an empty one."""
        verifier = ScriptedVerifier(Success((SIGNER,)))
        stage = verify_signature(keyring=BrokenKeyring(), verifier=verifier, clock=CLOCK)
        assert stage(downloaded()).failure() == BROKEN
        assert verifier.asked == []

    def test_unsigned_is_unproven(self) -> None:
        """Nobody asked for a signature, so nothing can be verified; no secret is shown."""
        verifier = ScriptedVerifier(Success((SIGNER,)))
        stage = verify_signature(keyring=TRUSTED, verifier=verifier, clock=CLOCK)
        assert stage(downloaded(Unsigned())).failure() == Unproven("https://example.com/a.aci")
        assert verifier.asked == []

    def test_no_signer_is_no_proof(self) -> None:
        """Whatever a verifier thinks it has verified."""
        stage = verify_signature(
            keyring=TRUSTED, verifier=ScriptedVerifier(Success(())), clock=CLOCK
        )
        assert stage(downloaded()).failure() == Unproven("the image")

    def test_pickles(self) -> None:
        """A stage can be sent to another process."""
        stage = verify_signature(keyring=TRUSTED, verifier=OpenPGPVerifier(), clock=CLOCK)
        assert pickle.loads(pickle.dumps(stage)).name == "verify"


class TestAcceptUnsigned:
    """Downloaded -> Unverified."""

    def test_keeps_the_reason(self) -> None:
        """Signed or not."""
        stage = pickle.loads(pickle.dumps(accept_unsigned("asked for with --insecure-options")))
        assert stage.name == "accept-unsigned"
        for evidence in (Unsigned(), EVIDENCE):
            image = downloaded(evidence)
            wanted = Unverified(image, "asked for with --insecure-options")
            assert stage(image).unwrap() == wanted


class TestReverify:
    """A stored proof, judged again by the real verifier."""

    stage = Stage(int(EPOCH.timestamp()))

    def proof(self, keys: KeySet, signature: bytes) -> SignatureProof:
        """Prove something today."""
        verifier = OpenPGPVerifier()
        plan = verifier.plan(signature, keys, AnyScope(), EPOCH).unwrap()
        digests = tuple(
            SignedDigest(one, hashlib.new(one.algorithm, DATA + one.suffix).digest())
            for one in plan.requests
        )
        signers = verifier.verify(signature, digests, keys, AnyScope(), EPOCH).unwrap()
        return SignatureProof(signers, signature, digests)

    def again(
        self, proof: SignatureProof, keys: KeySet, days: int = 0
    ) -> Result[SignatureProof, VerificationError | ConfigurationError]:
        """Judge it again."""
        return reverify(
            proof,
            AnyScope(),
            keyring=StaticKeyring(keys.keys),
            verifier=OpenPGPVerifier(),
            clock=FixedClock(EPOCH + timedelta(days=days)),
        )

    def test_stands(self) -> None:
        """Nothing changed: the same proof."""
        keys = key_set(self.stage.key())
        proof = self.proof(keys, self.stage.signed())
        assert self.again(proof, keys).unwrap() == proof

    def test_asks_for_the_scope(self) -> None:
        """The stored signature and digests, today's keys, the scope, the time."""
        verifier = ScriptedVerifier(Success((SIGNER,)))
        again = reverify(
            SignatureProof((), b"signature", DIGESTS),
            NamedScope(NAME),
            keyring=TRUSTED,
            verifier=verifier,
            clock=CLOCK,
        )
        assert again.unwrap() == SignatureProof((SIGNER,), b"signature", DIGESTS)
        asked = (b"signature", DIGESTS, KeySet(TRUSTED.keys), NamedScope(NAME), CLOCK.time)
        assert verifier.asked == [asked]

    def test_falls_with_its_key(self) -> None:
        """Revoked, expired or taken away since."""
        keys = key_set(self.stage.key(hashed=[time_sub(9, 4 * YEAR)]))
        proof = self.proof(keys, self.stage.signed())
        assert is_successful(self.again(proof, keys, days=300))
        expired = self.again(proof, keys, days=366).failure()
        assert isinstance(expired, UnusableKey)
        assert expired.problem == "expired"
        revocation = self.stage.key_revoked(2, at=self.stage.now + DAY)
        revoked = self.again(proof, key_set(self.stage.key(before=[revocation])), days=2).failure()
        assert isinstance(revoked, UnusableKey)
        assert revoked.problem == "revoked"
        assert self.again(proof, KeySet(())).failure().kind == "unknown-signer"

    def test_signers_are_today_s(self) -> None:
        """The entry that grants trust now, not the one that did."""
        keys = key_set(self.stage.key())
        proof = self.proof(keys, self.stage.signed())
        elsewhere = replace(keys.keys[0].entry, path="trusted/elsewhere")
        moved = KeySet((replace(keys.keys[0], entry=elsewhere),))
        assert self.again(proof, moved).unwrap().signers[0].granted_by == elsewhere

    def test_digest_of_another_file(self) -> None:
        """A proof whose parts do not belong together proves nothing (CVE-2022-36056)."""
        keys = key_set(self.stage.key())
        proof = self.proof(keys, self.stage.signed())
        other = replace(proof, digests=(replace(proof.digests[0], value=bytes(32)),))
        assert isinstance(self.again(other, keys).failure(), BadSignature)
        swapped = replace(proof, unverified_signature=self.stage.signed(at=self.stage.now - 5))
        assert isinstance(self.again(swapped, keys).failure(), BadSignature)

    def test_broken_keyring_passes_on(self) -> None:
        """A keystore that cannot be read is not an empty one."""
        outcome = reverify(
            SignatureProof((), b"", ()),
            AnyScope(),
            keyring=BrokenKeyring(),
            verifier=OpenPGPVerifier(),
            clock=CLOCK,
        )
        assert outcome.failure() == BROKEN
