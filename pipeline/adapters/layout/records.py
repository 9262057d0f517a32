"""What blobs cannot say of an image, kept beside them: ``records/<algorithm>/<hex>.json``.

    Facts <-> bytes, refused with StoreCorrupt

Written with each commit, before the index's row, so that the index can be made again from blobs
and records alone. Canonical JSON (sorted members, no spaces, ASCII): whatever is not exactly what
writing it again gives is refused, so nothing in a record is ever passed over.

Version 2 says what version 1 could not, of registry images alone; whatever can be said in version 1
is, so the same facts always make the same bytes.

A record proves nothing: like the index, it is as trusted as whoever may write the store.
"""

import json
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from pipeline.adapters.layout.facts import Description, Facts, Remote
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import Filesystem, make_folders, place_file
from pipeline.adapters.layout.rows import refusing
from pipeline.digest import HEX_LENGTH, Digest
from pipeline.errors import StoreCorrupt, StoreUnavailable
from pipeline.limits import RECORD_BYTES
from pipeline.names import ImageName
from pipeline.oci import MANIFEST_TYPES
from pipeline.results import Freshness, ManifestProof, NoProof, Provenance, Validators
from pipeline.written.proofs import decode_provenance, provenance_document
from pipeline.written.values import (
    decode_labels,
    decode_platform,
    encode_labels,
    encode_platform,
    from_microseconds,
    number,
    text,
    to_microseconds,
)

SUFFIX: Final = ".json"
REMOVED_SUFFIX: Final = ".removed"


def folders_of(root: Path) -> tuple[Path, ...]:
    """Return where records lie, a folder an algorithm, whether or not they are there."""
    return tuple(root / "records" / algorithm for algorithm in HEX_LENGTH)


def path_of(root: Path, image_id: Digest) -> Path:
    """Return where an image's record lies."""
    return root / "records" / image_id.algorithm / f"{image_id.hex}{SUFFIX}"


def removed_path_of(root: Path, image_id: Digest) -> Path:
    """Return what stands in a record's place where a full disk kept a row from being deleted."""
    return root / "records" / image_id.algorithm / f"{image_id.hex}{REMOVED_SUFFIX}"


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
        "version": 2 if _needs_version_2(facts) else 1,
        "image": image_id.image_id,
        "order": facts.order,
        "imported_at": to_microseconds(facts.imported_at),
        "source": facts.source,
        "provenance": provenance_document(facts.provenance),
        "latest_at": _microseconds_or_none(facts.latest_at),
        "last_used_at": _microseconds_or_none(facts.last_used_at),
        "remotes": [_remote_document(remote) for remote in facts.remotes],
    }
    if facts.description is not None:
        document["description"] = _description_document(facts.description)
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def decode(image_id: Digest, content: bytes) -> Facts:
    """Return what a record says. Refuses what :func:`encode` cannot have written for the image."""
    with refusing(image_id.hex):
        document = json.loads(content)
        facts = Facts(
            number(document["order"]),
            from_microseconds(number(document["imported_at"])),
            text(document["source"]),
            decode_provenance(document["provenance"]),
            _moment_or_none(document["latest_at"]),
            _moment_or_none(document["last_used_at"]),
            tuple(_remote(remote) for remote in document["remotes"]),
            _description(document["description"]) if "description" in document else None,
        )
        # One comparison refuses another image's record, another version's, unknown members,
        # members that stand there twice, numbers and texts in each other's place.
        if encode(image_id, facts) != content:
            raise ValueError("it is not what this program writes for this image")
    return facts


def _needs_version_2(facts: Facts) -> bool:
    return (
        facts.description is not None
        or _is_of_a_manifest(facts.provenance)
        or any(remote.reference is not None for remote in facts.remotes)
    )


def _is_of_a_manifest(provenance: Provenance) -> bool:
    if isinstance(provenance, NoProof):
        return provenance.reference != ""
    return isinstance(provenance, ManifestProof)


def _description_document(description: Description) -> dict[str, object]:
    return {
        "media_type": description.media_type,
        "name": description.name,
        "labels": json.loads(encode_labels(description.labels)),
        "platform": json.loads(encode_platform(description.platform) or "null"),
    }


def _description(document: Mapping[str, object]) -> Description:
    media_type, platform = text(document["media_type"]), document["platform"]
    if media_type not in MANIFEST_TYPES:
        raise ValueError("wanted an OCI image")
    return Description(
        media_type,
        ImageName(text(document["name"])),
        decode_labels(json.dumps(document["labels"])),
        None if platform is None else decode_platform(json.dumps(platform)),
    )


def _remote_document(remote: Remote) -> dict[str, object]:
    members: dict[str, object] = {
        "url_sha256": remote.key,
        "etag": remote.validators.etag,
        "last_modified": remote.validators.last_modified,
        "fetched_at": to_microseconds(remote.freshness.fetched_at),
        "max_age_seconds": remote.freshness.max_age_seconds,
    }
    return members if remote.reference is None else members | {"reference": remote.reference}


def _remote(document: Mapping[str, object]) -> Remote:
    return Remote(
        text(document["url_sha256"]),
        Validators(_text_or_none(document["etag"]), _text_or_none(document["last_modified"])),
        Freshness(
            from_microseconds(number(document["fetched_at"])), number(document["max_age_seconds"])
        ),
        _text_or_none(document.get("reference")),
    )


def _microseconds_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def _moment_or_none(count: object) -> datetime | None:
    return None if count is None else from_microseconds(number(count))


def _text_or_none(value: object) -> str | None:
    return None if value is None else text(value)
