"""Whether what came now was signed earlier than what came before (threat 24, CVE-2024-23332).

    signers, places -> OlderSignature | None

A signature stays good when a newer image is signed, so whoever can answer in a registry's place can
give the old one out, with its holes. A signature says when it was made, and nobody but the signer
can say otherwise; so an earlier one than before is reported. It is not refused: makers step back,
too, and a store that was filled anew knows nothing of before.

Before is what the same place gave last, as long as the store has it. What cosign signs has no time,
so nothing is said of it. Nor is anything of the same image.
"""

from datetime import datetime

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.digest import Digest
from pipeline.errors import StoreError
from pipeline.events import Noticed, tell
from pipeline.observing import subject_of
from pipeline.ports import RemoteEntry
from pipeline.recipes.fetcher import Fetcher
from pipeline.reference import Reference
from pipeline.results import (
    Located,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    OlderSignature,
    Stored,
    Verified,
)
from pipeline.trust import AnySigner, Signer


def given_before(fetcher: Fetcher, located: Located) -> tuple[Stored, ...]:
    """Return what the places to look at gave last; to be asked before another takes its place."""
    entries = (_entry(fetcher.store.lookup(each.image)) for each in located.candidates)
    return tuple(entry.image for entry in entries if entry is not None)


def older_signature(image: Stored | Verified, before: tuple[Stored, ...]) -> OlderSignature | None:
    """Compare an image's newest signature with those of other images that its place gave before."""
    signed_at = _signed_at(_signers(image))
    newest: OlderSignature | None = None
    for other in before:
        time = _signed_at(_signers(other))
        if signed_at is None or time is None or _content(other) == _content(image):
            continue
        if signed_at < time and (newest is None or newest.signed_before < time):
            newest = OlderSignature(signed_at, time, other.image_id)
    return newest


def report(fetcher: Fetcher, reference: Reference, older: OlderSignature | None) -> None:
    """Tell the observer of an image that was signed earlier than what came before."""
    if older is None:
        return
    now, then = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (older.signed_at, older.signed_before))
    message = (
        f"{subject_of(reference)} was signed {now}, earlier than what it named before "
        f"({older.image_id.short_image_id}, signed {then}): somebody may have put an old image back"
    )
    tell(fetcher.observer, Noticed("older-signature", message))


def _entry(found: Result[RemoteEntry | None, StoreError]) -> RemoteEntry | None:
    """Return what is remembered; a store that cannot say so keeps nothing either."""
    return found.unwrap() if is_successful(found) else None


def _signers(image: Stored | Verified) -> tuple[AnySigner, ...]:
    if isinstance(image, Verified):
        return image.signers
    return () if isinstance(image.provenance, NoProof) else image.provenance.signers


def _signed_at(signers: tuple[AnySigner, ...]) -> datetime | None:
    """Return when somebody signed last."""
    return max((each.signed_at for each in signers if isinstance(each, Signer)), default=None)


def _content(image: Stored | Verified) -> bytes | Digest | None:
    """Return what tells images apart: a registry's by its manifest, also as an archive of it."""
    if isinstance(image, Verified):
        evidence = image.downloaded.evidence
        if isinstance(evidence, ManifestEvidence):
            return evidence.documents[-1]
        return image.downloaded.digest
    proof = image.provenance
    return proof.evidence.documents[-1] if isinstance(proof, ManifestProof) else image.image_id
