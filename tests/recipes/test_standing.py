"""When a stored proof stands as judged, and when the signature is judged again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.digest import Digest
from pipeline.errors import UnsupportedSignature, VerificationError
from pipeline.names import ImageName, Labels
from pipeline.recipes.standing import still_proven
from pipeline.results import SignatureProof, Stored
from pipeline.testing.fakes import EPOCH, FixedClock, StaticKeyring
from pipeline.trust import (
    Fingerprint,
    KeyEntry,
    KeySet,
    SignaturePlan,
    SignedDigest,
    Signer,
    SignerPolicy,
    TrustedKey,
    TrustScope,
)

KEY = Fingerprint("a" * 40)
ENTRY = KeyEntry("local", None, KEY, "trusted/key", "0" * 64)
SIGNER = Signer(KEY, KEY, ("Alice",), EPOCH, "sha256", "Ed25519", ENTRY)
AGAIN = UnsupportedSignature("judged again")


@dataclass(frozen=True, slots=True)
class Strict:
    """A verifier that proves nothing any more: an outcome without it is the stored judgement."""

    def plan(
        self, untrusted_signature: bytes, keys: KeySet, scope: TrustScope, now: datetime
    ) -> Result[SignaturePlan, VerificationError]:
        return Failure(AGAIN)

    def verify(
        self,
        untrusted_signature: bytes,
        digests: tuple[SignedDigest, ...],
        keys: KeySet,
        scope: TrustScope,
        now: datetime,
    ) -> Result[tuple[Signer, ...], VerificationError]:
        return Failure(AGAIN)


def stored(*signers: Signer) -> Stored:
    return Stored(
        image_id=Digest("sha512", "0" * 128),
        name=ImageName("example.com/app"),
        labels=Labels(),
        archive_bytes=1,
        imported_at=EPOCH,
        provenance=SignatureProof(signers, b"signature", ()),
        source="https://example.com/app.aci",
    )


def stands(
    signer: Signer,
    *,
    entries: tuple[KeyEntry, ...] = (ENTRY,),
    leniency: frozenset[str] = frozenset(),
    policy: SignerPolicy | None = None,
) -> bool:
    """Tell whether the stored judgement is taken as it is."""
    outcome = still_proven(
        stored(signer),
        keyring=StaticKeyring(tuple(TrustedKey(entry, b"key") for entry in entries)),
        verifier=Strict(),
        clock=FixedClock(EPOCH + timedelta(days=1)),
        leniency=leniency,
        signers=policy or SignerPolicy(),
    )
    assert is_successful(outcome) or outcome.failure() == AGAIN
    return is_successful(outcome)


def test_what_has_not_changed_stands() -> None:
    assert stands(SIGNER)


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (replace(ENTRY, content_sha256="1" * 64),),
        (replace(ENTRY, prefix=ImageName("example.com/other")),),
        (ENTRY, replace(ENTRY, fingerprint=Fingerprint("b" * 40), path="trusted/other")),
    ],
    ids=["gone", "changed", "for other names", "another file, which may revoke"],
)
def test_other_keys_have_it_judged_again(entries: tuple[KeyEntry, ...]) -> None:
    assert not stands(SIGNER, entries=entries)


@pytest.mark.parametrize(("days", "still"), [(1, False), (2, True)])
def test_time_has_it_judged_again(days: int, still: bool) -> None:
    assert stands(replace(SIGNER, expires=EPOCH + timedelta(days=days))) == still


def test_leniency_that_is_not_granted_now_has_it_judged_again() -> None:
    lenient = replace(SIGNER, leniency=("sha1-self-signatures",))
    assert stands(lenient, leniency=frozenset({"sha1-self-signatures"}))
    assert not stands(lenient)


def test_too_few_signers_have_it_judged_again() -> None:
    assert not stands(SIGNER, policy=SignerPolicy(2))
