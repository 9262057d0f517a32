"""What a verification or a rebuild finds in a store: values."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

Kind: TypeAlias = Literal[
    "blob-damaged",
    "blob-missing",
    "blob-unknown",
    "database-damaged",
    "database-missing",
    "draft",
    "file-unknown",
    "record-ahead",
    "record-damaged",
    "record-differs",
    "record-missing",
    "record-unknown",
    "removal-unfinished",
    "row-damaged",
    "row-differs",
]
"""What can be found."""

_LEFTOVERS: Final[frozenset[Kind]] = frozenset(
    {
        "blob-unknown",
        "draft",
        "file-unknown",
        "record-ahead",
        "record-unknown",
        "removal-unfinished",
    }
)
"""What a change that was stopped, or another program, leaves; everything else is damage."""


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a store that is not as it should be. ``path`` is relative to the store."""

    kind: Kind
    path: str
    reason: str

    @property
    def is_damage(self) -> bool:
        """Whether something is lost or wrong; otherwise it only takes space."""
        return self.kind not in _LEFTOVERS


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """What a verification has seen: images of the index, blobs, their bytes, and findings."""

    images: int
    blobs: int
    blob_bytes: int
    findings: tuple[Finding, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether anything that was found is damage."""
        return any(finding.is_damage for finding in self.findings)
