"""What an archive cannot say, kept beside it: ``records/sha512/<hex>.json``.

    Facts <-> bytes, refused with StoreCorrupt

Written with each commit, before the index's row, so that the index can be made again from blobs
and records alone. Canonical JSON (sorted members, no spaces, ASCII): whatever is not exactly what
writing it again gives is refused, so nothing in a record is ever passed over.

A record proves nothing: like the index, it is as trusted as whoever may write the store.
"""

import base64
import json
import stat
from datetime import datetime
from pathlib import Path
from typing import Final

from pipeline.adapters.layout.facts import Facts, Remote
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import Filesystem, make_folders, place_file
from pipeline.adapters.layout.rows import (
    decode_proof,
    digest_documents,
    from_microseconds,
    number,
    refusing,
    signer_documents,
    text,
    to_microseconds,
)
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt, StoreUnavailable
from pipeline.limits import RECORD_BYTES
from pipeline.results import Freshness, NoProof, Provenance, Validators

SUFFIX: Final = ".json"
REMOVED_SUFFIX: Final = ".removed"

_VERSION: Final = 1


def folder_of(root: Path) -> Path:
    """Return where records lie."""
    return root / "records" / "sha512"


def path_of(root: Path, image_id: Digest) -> Path:
    """Return where an image's record lies."""
    return folder_of(root) / f"{image_id.hex}{SUFFIX}"


def removed_path_of(root: Path, image_id: Digest) -> Path:
    """Return what stands in a record's place where a full disk kept a row from being deleted."""
    return folder_of(root) / f"{image_id.hex}{REMOVED_SUFFIX}"


def write(filesystem: Filesystem, root: Path, image_id: Digest, facts: Facts) -> None:
    """Put an image's record in place, whole and durable; the caller holds the store's lock."""
    content = encode(image_id, facts)
    path = path_of(root, image_id)
    if len(content) > RECORD_BYTES:
        reason = f"got a record of {len(content)} bytes, wanted at most {RECORD_BYTES}"
        raise Refused(StoreUnavailable(str(path), "write", reason))
    make_folders(filesystem, path.parent)
    place_file(filesystem, path, content)


def read(root: Path, image_id: Digest) -> Facts | None:
    """Return what an image's record says; None where there is none."""
    path = path_of(root, image_id)
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > RECORD_BYTES:
            reason = f"wanted a regular file of at most {RECORD_BYTES} bytes"
            raise Refused(StoreCorrupt(str(path), reason))
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return decode(image_id, content)


def encode(image_id: Digest, facts: Facts) -> bytes:
    """Return a record's bytes: the same facts make the same bytes."""
    document = {
        "version": _VERSION,
        "image": image_id.image_id,
        "order": facts.order,
        "imported_at": to_microseconds(facts.imported_at),
        "source": facts.source,
        "provenance": _provenance_document(facts.provenance),
        "latest_at": _microseconds_or_none(facts.latest_at),
        "last_used_at": _microseconds_or_none(facts.last_used_at),
        "remotes": [
            {
                "url_sha256": remote.key,
                "etag": remote.validators.etag,
                "last_modified": remote.validators.last_modified,
                "fetched_at": to_microseconds(remote.freshness.fetched_at),
                "max_age_seconds": remote.freshness.max_age_seconds,
            }
            for remote in facts.remotes
        ],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def decode(image_id: Digest, content: bytes) -> Facts:
    """Return what a record says. Refuses what :func:`encode` cannot have written for the image."""
    with refusing(image_id.hex):
        document = json.loads(content)
        facts = Facts(
            number(document["order"]),
            from_microseconds(number(document["imported_at"])),
            text(document["source"]),
            _provenance(document["provenance"]),
            _moment_or_none(document["latest_at"]),
            _moment_or_none(document["last_used_at"]),
            tuple(
                Remote(
                    text(remote["url_sha256"]),
                    Validators(
                        _text_or_none(remote["etag"]), _text_or_none(remote["last_modified"])
                    ),
                    Freshness(
                        from_microseconds(number(remote["fetched_at"])),
                        number(remote["max_age_seconds"]),
                    ),
                )
                for remote in document["remotes"]
            ),
        )
        # One comparison refuses another image's record, another version's, unknown members,
        # members that stand there twice, numbers and texts in each other's place.
        if encode(image_id, facts) != content:
            raise ValueError("it is not what this program writes for this image")
    return facts


def _provenance_document(provenance: Provenance) -> dict[str, object]:
    if isinstance(provenance, NoProof):
        return {"unverified_reason": provenance.reason}
    return {
        "signature": base64.b64encode(provenance.unverified_signature).decode("ascii"),
        "digests": digest_documents(provenance.digests),
        "signers": signer_documents(provenance.signers),
    }


def _provenance(document: dict[str, object]) -> Provenance:
    if "unverified_reason" in document:
        return NoProof(text(document["unverified_reason"]))
    return decode_proof(
        base64.b64decode(text(document["signature"]), validate=True),
        json.dumps(document["digests"]),
        json.dumps(document["signers"]),
    )


def _microseconds_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def _moment_or_none(count: object) -> datetime | None:
    return None if count is None else from_microseconds(number(count))


def _text_or_none(value: object) -> str | None:
    return None if value is None else text(value)
