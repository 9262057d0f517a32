"""How images, proofs and times are written in the index's columns, and read back.

Foreign text is kept as ASCII JSON, so that any Python string survives. Times are microseconds
since 1970 in UTC. Reading refuses with StoreCorrupt what writing cannot have produced.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pipeline.adapters.layout.failures import Refused
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.results import NoProof, Provenance, SignatureProof, Stored
from pipeline.trust import DigestRequest, Fingerprint, KeyEntry, SignedDigest, Signer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Return a time with its zone as a column's integer.

    >>> from_microseconds(to_microseconds(datetime(2026, 1, 2, 3, 4, 5, 6, UTC))).isoformat()
    '2026-01-02T03:04:05.000006+00:00'
    """
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return a column's integer as a time in UTC."""
    return _EPOCH + count * _MICROSECOND


def encode_labels(labels: Labels) -> str:
    """Return labels as a JSON list of pairs."""
    return json.dumps([(label.name, label.value) for label in labels.items])


def encode_digests(digests: Sequence[SignedDigest]) -> str:
    """Return signed digests as a JSON list; bytes are hex."""
    return json.dumps(
        [
            {
                "algorithm": digest.request.algorithm,
                "text": digest.request.text,
                "suffix": digest.request.suffix.hex(),
                "value": digest.value.hex(),
            }
            for digest in digests
        ]
    )


def encode_signers(signers: Sequence[Signer]) -> str:
    """Return signers as a JSON list."""
    return json.dumps(
        [
            {
                "primary": signer.primary.hex,
                "signing_key": signer.signing_key.hex,
                "user_ids": signer.user_ids,
                "signed_at": to_microseconds(signer.signed_at),
                "hash_algorithm": signer.hash_algorithm,
                "key_algorithm": signer.key_algorithm,
                "granted_by": {
                    "origin": signer.granted_by.origin,
                    "prefix": signer.granted_by.prefix,
                    "fingerprint": signer.granted_by.fingerprint.hex,
                    "path": signer.granted_by.path,
                    "content_sha256": signer.granted_by.content_sha256,
                },
                "expires": None if signer.expires is None else to_microseconds(signer.expires),
                "leniency": signer.leniency,
            }
            for signer in signers
        ]
    )


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
) -> Stored:
    """Return a row of the index as an image. Refuses with StoreCorrupt."""
    try:
        return Stored(
            image_id=Digest("sha512", hex_digits),
            name=ImageName(name),
            labels=Labels(
                tuple(Label(LabelName(label), value) for label, value in json.loads(labels))
            ),
            archive_bytes=archive_bytes,
            imported_at=from_microseconds(imported_at),
            provenance=_decode_provenance(unverified_reason, signature, digests, signers),
            source=source,
            outcome="already-stored",
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"its record cannot be read ({type(error).__name__}: {error})"
        raise Refused(StoreCorrupt(f"sha512-{hex_digits}", reason)) from error


def _decode_provenance(
    reason: str | None, signature: bytes | None, digests: str | None, signers: str | None
) -> Provenance:
    if signature is None or digests is None or signers is None:
        return NoProof("unknown" if reason is None else str(json.loads(reason)))
    return SignatureProof(
        signers=tuple(
            Signer(
                primary=Fingerprint(signer["primary"]),
                signing_key=Fingerprint(signer["signing_key"]),
                user_ids=tuple(signer["user_ids"]),
                signed_at=from_microseconds(signer["signed_at"]),
                hash_algorithm=signer["hash_algorithm"],
                key_algorithm=signer["key_algorithm"],
                granted_by=KeyEntry(
                    origin=signer["granted_by"]["origin"],
                    prefix=signer["granted_by"]["prefix"],
                    fingerprint=Fingerprint(signer["granted_by"]["fingerprint"]),
                    path=signer["granted_by"]["path"],
                    content_sha256=signer["granted_by"]["content_sha256"],
                ),
                expires=(
                    None if signer["expires"] is None else from_microseconds(signer["expires"])
                ),
                leniency=tuple(signer["leniency"]),
            )
            for signer in json.loads(signers)
        ),
        unverified_signature=signature,
        digests=tuple(
            SignedDigest(
                DigestRequest(digest["algorithm"], digest["text"], bytes.fromhex(digest["suffix"])),
                bytes.fromhex(digest["value"]),
            )
            for digest in json.loads(digests)
        ),
    )
