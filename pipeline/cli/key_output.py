"""How keys and the keystore look: as JSON documents and as lines. Pure."""

from collections.abc import Iterable
from typing import Final

from pipeline.adapters.keystore import KeystoreFile
from pipeline.cli.output import timestamp
from pipeline.names import ImageName
from pipeline.recipes.trust import KeyCandidate
from pipeline.text import printable
from pipeline.trust import KeyEntry, KeyInfo, SubkeyInfo

ALL_NAMES: Final = "all names"
"""How root is called; no image name has a space in it."""

_SHOWN: Final = 20
"""User IDs and subkeys shown of each key; a review must stay on the screen."""


def scope_name(prefix: ImageName | None) -> str:
    """Return a prefix, or :data:`ALL_NAMES` for root."""
    return ALL_NAMES if prefix is None else prefix


def entry_line(entry: KeyEntry) -> str:
    """Return ``fingerprint<TAB>scope``."""
    return f"{entry.fingerprint}\t{scope_name(entry.prefix)}"


def key_summary(candidate: KeyCandidate) -> str:
    """Return a key's fingerprint, first user ID and source in one line."""
    who = printable(candidate.key.user_ids[0]) if candidate.key.user_ids else "no user ID"
    return f"{candidate.key.fingerprint.grouped}, {who}, from {printable(candidate.source)}"


def key_lines(key: KeyInfo, source: str) -> list[str]:
    """Describe a key for somebody who decides whether to trust it."""
    lines = [
        f"key from {printable(source)}",
        f"  fingerprint  {key.fingerprint.grouped}",
        *_capped([f"  user ID      {printable(user_id)}" for user_id in key.user_ids]),
        f"  algorithm    {_kind(key)}",
        f"  created      {timestamp(key.created)}, {_expiry(key)}",
        *_capped([line for subkey in key.subkeys for line in _subkey_lines(subkey)]),
    ]
    if key.problem is not None:
        lines.append(f"  problem      {printable(key.problem)}: no signature by it is accepted")
    return lines


def _subkey_lines(subkey: SubkeyInfo) -> Iterable[str]:
    state = ", revoked" if subkey.revoked else ""
    yield (
        f"  subkey       {subkey.fingerprint.grouped}\n"
        f"               {_kind(subkey)}, {_expiry(subkey)}{state}"
    )


def _kind(key: KeyInfo | SubkeyInfo) -> str:
    uses = f" to {', '.join(key.capabilities)}" if key.capabilities else ""
    return f"{printable(key.algorithm)}{uses}"


def _expiry(key: KeyInfo | SubkeyInfo) -> str:
    return "never expires" if key.expires is None else f"expires {timestamp(key.expires)}"


def _capped(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return lines if more <= 0 else [*lines[:_SHOWN], f"               and {more} more"]


def key_document(key: KeyInfo) -> dict[str, object]:
    """Return a key as ``trust show --json`` prints it."""
    return _common_document(key) | {
        "user_ids": list(key.user_ids),
        "problem": key.problem,
        "subkeys": [_common_document(subkey) for subkey in key.subkeys],
    }


def _common_document(key: KeyInfo | SubkeyInfo) -> dict[str, object]:
    return {
        "fingerprint": key.fingerprint.hex,
        "algorithm": key.algorithm,
        "capabilities": list(key.capabilities),
        "created": timestamp(key.created),
        "expires": None if key.expires is None else timestamp(key.expires),
        "revoked": key.revoked,
    }


def file_state(file: KeystoreFile, problem: str | None) -> str:
    """Say in a word what a keystore file does: its word counts, or why not."""
    if file.overridden_by is not None:
        return "overridden"
    if file.is_mask:
        return "mask"
    return "trusted" if problem is None else "unusable"


def file_document(
    file: KeystoreFile, user_ids: tuple[str, ...], problem: str | None
) -> dict[str, object]:
    """Return a keystore file as ``trust list --json`` prints it; ``prefix`` is null for root."""
    return {
        "fingerprint": file.entry.fingerprint.hex,
        "prefix": file.entry.prefix,
        "origin": file.entry.origin,
        "state": file_state(file, problem),
        "user_ids": list(user_ids),
        "problem": problem,
        "overridden_by": file.overridden_by,
        "path": file.entry.path,
    }
