"""Who signed an image, by name, and whether that is who a list demands.

    Stored, MirrorEntry -> Result[Stored, VerificationError]

The run's own demands were met before, or were left out by name; here is what one entry demands on
top of them. Nothing is verified here.
"""

from returns.result import Failure, Result, Success

from pipeline.admission.proofs import key_of
from pipeline.errors import SignerMissing, TooFewSigners, Unproven, VerificationError
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.results import Stored
from pipeline.storage import signers_of
from pipeline.trust import AnySigner


def signer_name(signer: AnySigner) -> str:
    """Return a signer as lists, lock files and reports spell it, in lower-case hex digits.

    It is the primary key's fingerprint, 40 digits; of a bare key its SHA-256, 64.
    """
    return key_of(signer)


def signer_names(stored: Stored) -> tuple[str, ...]:
    """Return who is proven to have signed, each once, in order; nobody where nothing is proven."""
    return tuple(sorted(set(map(signer_name, signers_of(stored)))))


def signed_as_demanded(stored: Stored, entry: MirrorEntry) -> Result[Stored, VerificationError]:
    """Return an image once enough keys have signed it, and each that the entry names.

    One signer is no demand of the entry's own: where the run lets in what nobody signed, so does
    an entry that says nothing.

    Errors: Unproven where nobody signed; SignerMissing with the first key that did not;
    TooFewSigners.
    """
    names = signer_names(stored)
    if not names and (entry.signed_by or entry.signers > 1):
        return Failure(Unproven(f"the image {stored.name}"))
    for wanted in entry.signed_by:
        if wanted not in names:
            return Failure(SignerMissing(names, wanted))
    if entry.signers > max(1, len(names)):
        return Failure(TooFewSigners(names, entry.signers))
    return Success(stored)
