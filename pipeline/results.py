"""What the stages pass on, in order: each value is frozen, picklable, and safe to keep.

    str -> Reference -> Located -> Downloaded -> Verified | Unverified -> Extracted -> Stored

No value holds an open file: bytes on their way lie in quarantine, and a
:class:`QuarantinedBlob` is their name there.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, final

from pipeline.addresses import AddressScope
from pipeline.digest import Digest
from pipeline.manifest import ImageManifest
from pipeline.names import ImageName, Labels
from pipeline.reference import Reference
from pipeline.trust import AnyScope, NamedScope, SignedDigest, Signer, TrustScope


@final
@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said by which a later request can ask "changed since?" (RFC 9110 8.8)."""

    etag: str | None = None
    last_modified: str | None = None


@final
@dataclass(frozen=True, slots=True)
class Freshness:
    """For how long what was fetched may be used without asking (RFC 9111 section 4.2)."""

    fetched_at: datetime
    max_age_seconds: int = 0

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the age, in whole seconds, is below the maximum."""
        age = int((now - self.fetched_at).total_seconds())
        return 0 <= age < self.max_age_seconds


@final
@dataclass(frozen=True, slots=True)
class Candidate:
    """One place to try: an image's URL and its signature's URL (``file:``, ``http(s):``).

    ``named_by`` is where the server was that named the place; None where the user did.
    """

    image: str
    signature: str
    named_by: AddressScope | None = None


@final
@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a public key may be; ``named_by`` is where the server was that named the place."""

    url: str
    named_by: AddressScope | None = None


@final
@dataclass(frozen=True, slots=True)
class Expectations:
    """What the image's manifest must say, beyond what was signed.

    ``required`` are the labels that the user (or a parent image) asked for; ``defaults`` are
    filled in from the platform and must match only where the manifest has them. ``image_id``
    and ``archive_bytes`` come from a parent's dependency entry.
    """

    name: ImageName | None = None
    required: Labels = Labels()
    defaults: Labels = Labels()
    image_id: Digest | None = None
    archive_bytes: int | None = None

    @property
    def trust_scope(self) -> TrustScope:
        """For which name the signer must be trusted; every key, where no name was asked for."""
        return AnyScope() if self.name is None else NamedScope(self.name)


@final
@dataclass(frozen=True, slots=True)
class Located:
    """A reference and the places where its image may be, in the order to try them."""

    reference: Reference
    candidates: tuple[Candidate, ...]
    expected: Expectations = Expectations()


@final
@dataclass(frozen=True, slots=True)
class QuarantinedBlob:
    """The name and size in bytes of a complete file in quarantine."""

    key: str
    size: int


@final
@dataclass(frozen=True, slots=True)
class Signed:
    """A signature file, unverified, and the digests of the image that it needs."""

    unverified_signature: bytes = field(repr=False)
    digests: tuple[SignedDigest, ...] = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class Unsigned:
    """No signature was asked for."""


@final
@dataclass(frozen=True, slots=True)
class Downloaded:
    """An image as it travelled, complete, in quarantine; nothing in it has been parsed."""

    reference: Reference
    expected: Expectations
    source: Candidate
    blob: QuarantinedBlob
    evidence: Signed | Unsigned
    validators: Validators
    freshness: Freshness


@final
@dataclass(frozen=True, slots=True)
class Unchanged:
    """The server said (304) that what was fetched before from ``source`` still stands."""

    source: Candidate
    validators: Validators
    freshness: Freshness


@final
@dataclass(frozen=True, slots=True)
class Verified:
    """A downloaded image whose signers are proven, at least one."""

    downloaded: Downloaded
    signers: tuple[Signer, ...]


@final
@dataclass(frozen=True, slots=True)
class Unverified:
    """A downloaded image that goes on unproven, because somebody asked for it, by name."""

    downloaded: Downloaded
    reason: str


@final
@dataclass(frozen=True, slots=True)
class Extracted:
    """An image whose archive was read whole and whose manifest says what was expected.

    ``archive`` is the uncompressed tar in quarantine, ``image_id`` its sha512 digest.
    """

    origin: Verified | Unverified
    manifest: ImageManifest
    image_id: Digest
    archive: QuarantinedBlob


@final
@dataclass(frozen=True, slots=True)
class SignatureProof:
    """What a stored image was proven by: enough to judge the signature again, later.

    ``digests`` belong to the file that was signed, as it travelled; the store keeps the
    uncompressed archive, so they cannot be computed again from it.
    """

    signers: tuple[Signer, ...]
    unverified_signature: bytes = field(repr=False)
    digests: tuple[SignedDigest, ...] = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class NoProof:
    """A stored image was never verified, and the reason that was given for it."""

    reason: str


Provenance: TypeAlias = SignatureProof | NoProof
"""How a stored image came to be trusted, or that it is not."""


@final
@dataclass(frozen=True, slots=True)
class Stored:
    """An image in the store, whole, with how it was proven."""

    image_id: Digest
    name: ImageName
    labels: Labels
    archive_bytes: int
    imported_at: datetime
    provenance: Provenance
    source: str
    outcome: Literal["new", "already-stored", "unchanged"] = "new"
