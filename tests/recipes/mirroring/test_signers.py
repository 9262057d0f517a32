"""What an entry demands of signers beyond the run: an image that nobody signed never has it."""

from dataclasses import replace

import pytest

from pipeline.errors import SignerMissing, TooFewSigners, Unproven, VerificationError
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.signers import signed_as_demanded, signer_name, signer_names
from pipeline.results import NoProof, Stored
from tests.recipes.mirroring.images import ALICE, BOB, KEY, signed_image

BOTH = signed_image(BOB, ALICE)
ALONE = signed_image(ALICE)
NOBODY = replace(ALONE, provenance=NoProof("--insecure-options=image"))


def test_names_are_fingerprints_and_digests_of_bare_keys() -> None:
    assert signer_name(ALICE) == ALICE.primary.hex
    assert signer_name(KEY) == KEY.key_sha256
    assert signer_names(signed_image(KEY, BOB, ALICE, ALICE)) == tuple(
        sorted({ALICE.primary.hex, BOB.primary.hex, KEY.key_sha256})
    )
    assert signer_names(NOBODY) == ()


@pytest.mark.parametrize(
    ("image", "entry", "error"),
    [
        (NOBODY, MirrorEntry("a"), None),
        (NOBODY, MirrorEntry("a", signers=2), Unproven("the image example.com/app")),
        (
            NOBODY,
            MirrorEntry("a", signed_by=(ALICE.primary.hex,)),
            Unproven("the image example.com/app"),
        ),
        (ALONE, MirrorEntry("a"), None),
        (ALONE, MirrorEntry("a", signers=2), TooFewSigners((ALICE.primary.hex,), 2)),
        (signed_image(ALICE, ALICE), MirrorEntry("a", signers=2), TooFewSigners),
        (BOTH, MirrorEntry("a", signers=2), None),
        (BOTH, MirrorEntry("a", signers=3), TooFewSigners),
        (ALONE, MirrorEntry("a", signed_by=(ALICE.primary.hex,)), None),
        (
            ALONE,
            MirrorEntry("a", signed_by=(ALICE.primary.hex, BOB.primary.hex)),
            SignerMissing((ALICE.primary.hex,), BOB.primary.hex),
        ),
        (BOTH, MirrorEntry("a", signed_by=(ALICE.primary.hex, BOB.primary.hex)), None),
        (BOTH, MirrorEntry("a", signers=3, signed_by=(ALICE.primary.hex,)), TooFewSigners),
        (signed_image(KEY), MirrorEntry("a", signed_by=(KEY.key_sha256,)), None),
        (signed_image(KEY), MirrorEntry("a", signed_by=(ALICE.primary.hex,)), SignerMissing),
    ],
)
def test_what_an_entry_demands(
    image: Stored, entry: MirrorEntry, error: VerificationError | type[VerificationError] | None
) -> None:
    outcome = signed_as_demanded(image, entry)
    if error is None:
        assert outcome.unwrap() is image
    elif isinstance(error, type):
        assert isinstance(outcome.failure(), error)
    else:
        assert outcome.failure() == error


def test_the_missing_signer_is_named() -> None:
    outcome = signed_as_demanded(ALONE, MirrorEntry("a", signed_by=(BOB.primary.hex,)))
    wanted = f"signed by {ALICE.primary.hex}, wanted a signature by {BOB.primary.hex}"
    assert outcome.failure().message == wanted
