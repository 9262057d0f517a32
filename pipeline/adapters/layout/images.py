"""Rows of the index as images: ``select_images(connection) -> SQL``, ``decode_image(*row)``.

Reading refuses with StoreCorrupt what writing cannot have produced. Of a database of an earlier
format, what it has no columns for is what it was for every image then.
"""

import json
import sqlite3

from pipeline.adapters.layout.rows import has_registry_images, refusing
from pipeline.names import ImageName
from pipeline.results import ACI_TYPE, NoProof, Provenance, Stored
from pipeline.written.proofs import decode_manifest_proof, decode_proof
from pipeline.written.values import decode_labels, digest_of, from_microseconds, text

_COLUMNS = (
    "SELECT hex, name, labels, archive_bytes, imported_at, source, unverified_reason, "
    "signature, digests, signers"
)
_PROOFS = "LEFT JOIN signatures ON signatures.image = images.id"
_SELECT = (
    f"{_COLUMNS}, media_type, unverified_reference, document FROM images {_PROOFS} "
    "LEFT JOIN manifest_proofs ON manifest_proofs.image = images.id"
)
_SELECT_BEFORE_FORMAT_3 = f"{_COLUMNS}, '{ACI_TYPE}', NULL, NULL FROM images {_PROOFS}"


def select_images(connection: sqlite3.Connection) -> str:
    """Return the beginning of a query for images, up to its conditions."""
    return _SELECT if has_registry_images(connection) else _SELECT_BEFORE_FORMAT_3


def decode_image(
    hex_digits: str,
    name: str,
    labels: str,
    archive_bytes: int,
    imported_at: int,
    source: str,
    unverified_reason: str | None,
    signature: bytes | None,
    digests: str | None,
    signers: str | None,
    media_type: str,
    unverified_reference: str | None,
    manifest_proof: str | None,
) -> Stored:
    """Return a row of :func:`select_images` as an image. Refuses with StoreCorrupt."""
    with refusing(hex_digits):
        provenance: Provenance
        if manifest_proof is not None:
            provenance = decode_manifest_proof(manifest_proof)
        elif signature is not None and digests is not None and signers is not None:
            provenance = decode_proof(signature, digests, signers)
        else:
            reason = "unknown" if unverified_reason is None else _json_text(unverified_reason)
            reference = "" if unverified_reference is None else _json_text(unverified_reference)
            provenance = NoProof(reason, reference)
        return Stored(
            image_id=digest_of(hex_digits),
            name=ImageName(name),
            labels=decode_labels(labels),
            archive_bytes=archive_bytes,
            imported_at=from_microseconds(imported_at),
            provenance=provenance,
            source=source,
            outcome="already-stored",
            media_type=media_type,
        )


def _json_text(document: str) -> str:
    return text(json.loads(document))
