"""How images, proofs and times are written in the index's columns and in records, and read back.

Foreign text is kept as ASCII JSON, so that any Python string survives. Times are microseconds
since 1970 in UTC. Reading refuses with StoreCorrupt what writing cannot have produced.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from pipeline.adapters.layout.failures import Refused
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.results import NoProof, Provenance, SignatureProof, Stored
from pipeline.trust import DigestRequest, Fingerprint, KeyEntry, SignatureHash, SignedDigest, Signer

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HASHES: Final[dict[str, SignatureHash]] = {name: name for name in get_args(SignatureHash)}
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


def encode_version(labels: Labels) -> str | None:
    """Return the label ``version`` as a JSON string; None where there is none."""
    version = labels.get("version")
    return None if version is None else json.dumps(version)


def digest_documents(digests: Sequence[SignedDigest]) -> list[dict[str, object]]:
    """Return signed digests as JSON says them; bytes are hex."""
    return [
        {
            "algorithm": digest.request.algorithm,
            "text": digest.request.text,
            "suffix": digest.request.suffix.hex(),
            "value": digest.value.hex(),
        }
        for digest in digests
    ]


def signer_documents(signers: Sequence[Signer]) -> list[dict[str, object]]:
    """Return signers as JSON says them."""
    return [
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
    with refusing(hex_digits):
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


def decode_proof(signature: bytes, digests: str, signers: str) -> SignatureProof:
    """Return what :func:`digest_documents` and :func:`signer_documents` say, as JSON, as a proof.

    Raises what a wrong document leads to; callers read within :func:`refusing`.
    """
    return SignatureProof(
        signers=tuple(
            Signer(
                primary=Fingerprint(signer["primary"]),
                signing_key=Fingerprint(signer["signing_key"]),
                user_ids=tuple(text(user_id) for user_id in signer["user_ids"]),
                signed_at=from_microseconds(signer["signed_at"]),
                hash_algorithm=_HASHES[signer["hash_algorithm"]],
                key_algorithm=text(signer["key_algorithm"]),
                granted_by=_decode_entry(**signer["granted_by"]),
                expires=(
                    None if signer["expires"] is None else from_microseconds(signer["expires"])
                ),
                leniency=tuple(text(word) for word in signer["leniency"]),
            )
            for signer in json.loads(signers)
        ),
        unverified_signature=signature,
        digests=tuple(
            SignedDigest(
                DigestRequest(
                    _HASHES[digest["algorithm"]],
                    digest["text"] is True,
                    bytes.fromhex(digest["suffix"]),
                ),
                bytes.fromhex(digest["value"]),
            )
            for digest in json.loads(digests)
        ),
    )


def text(value: object) -> str:
    """Return a string; raises ``TypeError`` for anything else, as documents may hold anything."""
    if not isinstance(value, str):
        raise TypeError(f"got a {type(value).__name__}, wanted a string")
    return value


def number(value: object) -> int:
    """Return an integer that a column can hold; raises ``TypeError`` or ``ValueError``."""
    # In Python a bool is an int; in JSON it is none.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"got a {type(value).__name__}, wanted an integer")
    if not 0 <= value < 2**63:
        raise ValueError(f"got {value}, wanted 63 bits")
    return value


@contextmanager
def refusing(hex_digits: str) -> Iterator[None]:
    """Refuse with StoreCorrupt whatever the reading of an image's row or record stumbles over."""
    try:
        yield
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = f"its record cannot be read ({type(error).__name__}: {error})"
        raise Refused(StoreCorrupt(f"sha512-{hex_digits}", reason)) from error


def _decode_entry(
    origin: object, prefix: object, fingerprint: object, path: object, content_sha256: object
) -> KeyEntry:
    if origin != "system" and origin != "local":
        raise ValueError("wanted system or local")
    return KeyEntry(
        origin,
        None if prefix is None else ImageName(text(prefix)),
        Fingerprint(text(fingerprint)),
        text(path),
        text(content_sha256),
    )


def _decode_provenance(
    reason: str | None, signature: bytes | None, digests: str | None, signers: str | None
) -> Provenance:
    if signature is None or digests is None or signers is None:
        return NoProof("unknown" if reason is None else str(json.loads(reason)))
    return decode_proof(signature, digests, signers)
