"""How images, signers and errors look: as JSON documents and as lines. Pure."""

import json
from datetime import datetime

from pipeline.errors import PipelineError
from pipeline.results import ManifestProof, NoProof, Stored
from pipeline.storage import signers_of
from pipeline.text import printable
from pipeline.trust import AnySigner, Decision, KeyEntry, SigstoreSigner


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC with whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def image_document(stored: Stored) -> dict[str, object]:
    """Return a stored image as ``--json`` prints it."""
    provenance = stored.provenance
    document: dict[str, object] = {
        "id": stored.image_id.image_id,
        "name": stored.name,
        "labels": {label.name: label.value for label in stored.labels.items},
        "size": stored.archive_bytes,
        "imported": timestamp(stored.imported_at),
        "source": stored.source,
        "media_type": stored.media_type,
        "verified": not isinstance(provenance, NoProof),
        "signers": [signer_document(signer) for signer in signers_of(stored)],
    }
    if isinstance(provenance, NoProof):
        document["reason"] = provenance.reason
    if isinstance(provenance, ManifestProof):
        document["decided_by"] = decision_document(provenance.decision)
    older = stored.older_signature
    if older is not None:
        document["older_signature"] = {
            "signed": timestamp(older.signed_at),
            "signed_before": timestamp(older.signed_before),
            "id_before": older.image_id.image_id,
        }
    return document


def decision_document(decision: Decision) -> dict[str, object]:
    """Return which rule let an image pass, as ``--json`` prints it."""
    return {
        "policy": decision.policy,
        "scope": decision.scope,
        "requirement": decision.requirement,
    }


def signer_document(signer: AnySigner) -> dict[str, object]:
    """Return a signer as ``--json`` prints it."""
    if isinstance(signer, SigstoreSigner):
        return {
            "key_sha256": signer.key_sha256,
            "algorithm": signer.algorithm,
            "trusted_by": {"origin": "policy", "path": signer.path},
        }
    return {
        "fingerprint": signer.primary.hex,
        "key": signer.signing_key.hex,
        "user_ids": list(signer.user_ids),
        "signed": timestamp(signer.signed_at),
        "expires": None if signer.expires is None else timestamp(signer.expires),
        "hash": signer.hash_algorithm,
        "algorithm": signer.key_algorithm,
        "trusted_by": {
            "origin": signer.granted_by.origin,
            "prefix": signer.granted_by.prefix,
            "path": signer.granted_by.path,
        },
        "leniency": list(signer.leniency),
    }


def error_document(error: PipelineError) -> dict[str, object]:
    """Return an error as ``--json`` prints it."""
    return {"kind": error.kind, "message": error.message, "hint": error.hint}


def terminal_json(raw: bytes) -> str:
    r"""Return JSON as the same JSON that cannot move the cursor or reorder text.

    >>> terminal_json(b'{"a": "\xc2\x9b2J"}')
    '{"a": "\\u009b2J"}'
    """
    text = raw.decode()
    return "".join(
        character if character.isprintable() or character in "\n\t" else _json_escape(character)
        for character in text
    )


def _json_escape(character: str) -> str:
    """Escape one character that JSON strings may hold, as JSON does."""
    return json.dumps(character)[1:-1]


def scope_words(entry: KeyEntry) -> str:
    """Say for which names a keystore entry speaks."""
    scope = "all names" if entry.prefix is None else printable(entry.prefix)
    return f"{scope} ({entry.origin})"


def decision_line(decision: Decision) -> str:
    """Say in one line which rule let an image pass."""
    scope = f" for {printable(decision.scope)}" if decision.scope else ""
    return f"{printable(decision.requirement)} of {printable(decision.policy)}{scope}"


def signer_line(signer: AnySigner) -> str:
    """Say in one line who signed and what granted them trust."""
    if isinstance(signer, SigstoreSigner):
        return (
            f"a bare {printable(signer.algorithm)} key\n  SHA-256 {signer.key_sha256}\n"
            f"  trusted by the policy, {printable(signer.path) or 'which holds it'}"
        )
    who = ", ".join(printable(user_id) for user_id in signer.user_ids[:3]) or "no user ID"
    lenient = f", leniency: {' '.join(signer.leniency)}" if signer.leniency else ""
    return (
        f"{who}\n  fingerprint {signer.primary.grouped}\n"
        f"  signed {timestamp(signer.signed_at)}, trusted for {scope_words(signer.granted_by)}"
        f"{lenient}"
    )


def image_label(stored: Stored) -> str:
    """Return a name with its version, as people write it."""
    version = stored.labels.get("version")
    return printable(f"{stored.name}:{version}" if version else stored.name)


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lay out rows in columns, two spaces apart, without trailing space."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
