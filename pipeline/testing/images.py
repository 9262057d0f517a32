"""App Container Images as made for tests: their bytes, what is in them, what is wrong with them."""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, final

from pipeline.digest import Digest
from pipeline.manifest import ImageManifest
from pipeline.reference import ArchiveReference, Reference
from pipeline.results import (
    Candidate,
    Downloaded,
    Evidence,
    Expectations,
    Freshness,
    QuarantinedBlob,
    Unsigned,
    Validators,
)
from pipeline.testing.fakes import EPOCH
from pipeline.testing.samples import URL

Threat: TypeAlias = Literal[
    "traversal", "filter-bypass", "desync", "chmod-through-link", "bomb", "damage"
]
"""How an archive is bad.

``traversal``: a path or a link leads out of the folder it is unpacked into. ``filter-bypass``: a
path that is too long or too deep to be checked by name, or a link through a link. ``desync``: two
readers of the same tar would see other files. ``chmod-through-link``: an entry after a link of the
same path. ``bomb``: few bytes that become many, or that want much memory. ``damage``: cut off, with
something behind, without a manifest, no archive at all.
"""


@final
@dataclass(frozen=True, slots=True)
class MadeArchive:
    """A good image: its bytes as they travel and uncompressed, and what its manifest says."""

    content: bytes = field(repr=False)
    tar: bytes = field(repr=False)
    manifest: ImageManifest

    @property
    def image_id(self) -> Digest:
        """The image's ID."""
        return Digest("sha512", hashlib.sha512(self.tar).hexdigest())


@final
@dataclass(frozen=True, slots=True)
class BadArchive:
    """An image that must be refused, and by the error of which ``kind``.

    ``refused_by`` says who notices at the latest: the stage that extracts the manifest, which reads
    the archive whole, or whoever renders the tree.
    """

    threat: Threat
    content: bytes = field(repr=False)
    kind: str
    refused_by: Literal["extract", "render"] = "extract"


_BY_URL: Final = ArchiveReference(URL)
_UNSIGNED: Final = Unsigned()


def downloaded_of(
    blob: QuarantinedBlob,
    *,
    reference: Reference = _BY_URL,
    evidence: Evidence = _UNSIGNED,
    expected: Expectations = Expectations(),
) -> Downloaded:
    """Return a finished file in quarantine as the download stage would."""
    return Downloaded(
        reference,
        expected,
        Candidate(URL, f"{URL}.asc"),
        blob,
        evidence,
        Validators(),
        Freshness(EPOCH),
    )
