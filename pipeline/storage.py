"""What every store decides in the same way: ``Extracted -> Stored``, no I/O, no errors.

Stores differ in where they keep things; these rules do not, so they stand here once: what is
remembered of an image, which of two provenances is the better, what counts as fetched as the
latest, and which URLs may be remembered.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from pipeline.digest import HEX_LENGTH, Digest, DigestAlgorithm
from pipeline.limits import MAX_AGE_SECONDS
from pipeline.names import Labels
from pipeline.reference import AppcReference, Reference
from pipeline.results import (
    Extracted,
    Freshness,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    OciImage,
    Provenance,
    QuarantinedBlob,
    SignatureProof,
    Signed,
    Stored,
    Unverified,
    Verified,
)
from pipeline.text import redact_url
from pipeline.trust import AnySigner, Signer

MIN_PREFIX_DIGITS: Final = 2
"""Fewest hex digits by which an image can be asked for, as in rkt."""

NO_ARCHIVE: Final = "an OCI image has no archive; it is made of a configuration and layers"
"""Why an archive is refused where there are layers: they are not one file, nor one tree."""

_HEX_DIGITS: Final = frozenset("0123456789abcdef")


def describe(extracted: Extracted, imported_at: datetime) -> Stored:
    """Return what a store remembers of an image that it keeps from ``imported_at`` on.

    The source is for people and is shown by listings, so secrets that a URL may carry (user
    name, password, values of the query) are left out.
    """
    return Stored(
        image_id=extracted.image_id,
        name=extracted.manifest.name,
        labels=extracted.manifest.labels,
        archive_bytes=extracted.size,
        imported_at=imported_at,
        provenance=_provenance_of(extracted.origin),
        source=redact_url(extracted.origin.downloaded.source.image),
        media_type=extracted.media_type,
    )


def blobs_of(extracted: Extracted) -> dict[Digest, QuarantinedBlob]:
    """Return all that an image is made of, each once, what names the others at the end."""
    contents = {each.descriptor.digest: each.blob for each in extracted.contents}
    return contents | {extracted.image_id: extracted.archive}


def is_complete(extracted: Extracted) -> bool:
    """Tell whether everything is there that an OCI image's manifest names, and nothing else.

    An archive names nothing.
    """
    manifest = extracted.manifest
    if not isinstance(manifest, OciImage):
        return not extracted.contents
    named = {(each.digest, each.size) for each in manifest.manifest.blobs}
    held = {(each.descriptor.digest, each.blob.size) for each in extracted.contents}
    return named == held and extracted.archive.size == len(manifest.raw)


def better_provenance(kept: Provenance, offered: Provenance) -> Provenance:
    """Return which of two provenances of the same image to keep.

    Strict proof goes before lenient proof, which goes before none; of two equally strong ones
    the proof offered now is kept, as it was judged by today's keys.
    """
    if isinstance(offered, NoProof):
        return kept
    return offered if _strength(offered) >= _strength(kept) else kept


def is_latest(reference: Reference) -> bool:
    """Tell whether what ``reference`` gave is the latest version of its name, as in rkt."""
    return isinstance(reference, AppcReference) and reference.labels.get("version") is None


def is_rememberable(url: str) -> bool:
    """Tell whether a store may remember which image ``url`` gave.

    Files are never taken from the store. A URL with a user's name or password is not written
    down: what it gives may be meant for that user alone, and secrets have no place in a store.

    >>> is_rememberable("https://example.com/app.aci")
    True
    >>> is_rememberable("https://user:secret@example.com/app.aci")
    False
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # What cannot be split cannot be shown to hold no secret.
        return False
    return parts.scheme in {"http", "https", "docker"} and "@" not in parts.netloc


def bounded(freshness: Freshness) -> Freshness:
    """Return a freshness whose maximum age is within what a store can write down."""
    seconds = max(0, min(freshness.max_age_seconds, MAX_AGE_SECONDS))
    return replace(freshness, max_age_seconds=seconds)


def has_labels(labels: Labels, wanted: Labels, defaults: Labels = Labels()) -> bool:
    """Tell whether every wanted label is among ``labels`` with exactly that value.

    A label of ``defaults`` must match only where none of its name is wanted and ``labels`` has one.
    """
    return all(labels.get(label.name) == label.value for label in wanted.items) and all(
        labels.get(label.name) in {None, label.value}
        for label in defaults.missing_from(wanted).items
    )


def signers_of(stored: Stored) -> tuple[AnySigner, ...]:
    """Return who is proven to have signed a stored image."""
    return () if isinstance(stored.provenance, NoProof) else stored.provenance.signers


def is_id_prefix(untrusted_text: str, algorithm: DigestAlgorithm = "sha512") -> bool:
    """Tell whether a text is 2 or more lower-case hex digits, as an image ID's beginning.

    >>> is_id_prefix("0a"), is_id_prefix("0"), is_id_prefix("0A"), is_id_prefix("%")
    (True, False, False, False)
    """
    return MIN_PREFIX_DIGITS <= len(untrusted_text) <= HEX_LENGTH[
        algorithm
    ] and _HEX_DIGITS.issuperset(untrusted_text)


def _provenance_of(origin: Verified | Unverified) -> Provenance:
    evidence = origin.downloaded.evidence
    if isinstance(origin, Unverified):
        reference = evidence.reference if isinstance(evidence, ManifestEvidence) else ""
        return NoProof(origin.reason, reference)
    if isinstance(evidence, ManifestEvidence):
        return ManifestProof(origin.signers, origin.decision, evidence)
    signers = tuple(each for each in origin.signers if isinstance(each, Signer))
    if not isinstance(evidence, Signed) or len(signers) < len(origin.signers):
        # Stages cannot build this; whoever does has no signature to judge again, so no proof.
        return NoProof("verified without a signature")
    return SignatureProof(signers, evidence.unverified_signature, evidence.digests)


def _strength(provenance: Provenance) -> int:
    if isinstance(provenance, NoProof):
        return 0
    lenient = (isinstance(each, Signer) and each.leniency for each in provenance.signers)
    return 1 if all(lenient) else 2
