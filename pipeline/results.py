"""What the stages pass on, in order: each value is frozen, picklable, and safe to keep.

    str -> Reference -> Located -> Downloaded -> Verified | Unverified -> Extracted -> Stored

No value holds an open file: bytes on their way lie in quarantine, and a
:class:`QuarantinedBlob` is their name there.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias, final

from pipeline.addresses import AddressScope
from pipeline.digest import Digest
from pipeline.manifest import ImageManifest
from pipeline.names import ImageName, Labels
from pipeline.oci import Descriptor, OciConfig, OciManifest, OciPlatform
from pipeline.reference import DockerReference, ImagePathReference, Reference
from pipeline.trust import (
    BY_KEYSTORE,
    BY_REQUEST,
    AnyScope,
    AnySigner,
    Decision,
    NamedScope,
    SignedDigest,
    Signer,
    TrustScope,
)

ACI_TYPE: Final = "application/vnd.appc.image"
"""What tells an App Container Image from an OCI image, whose manifest has a media type itself."""


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
class RegistryPlace:
    """One place to try for a registry image: the registry itself, or a mirror of it.

    ``base`` is the repository's URL in the distribution API, as ``https://host/v2/library/app``,
    and ``query`` goes behind every URL under it (containerd's mirrors want ``ns=docker.io``).
    A place that does not resolve tags is asked for digests alone. ``lookaside`` are the URLs under
    which simple signatures are kept, which a server of the user's choice answers for.
    """

    reference: DockerReference
    base: str
    platform: OciPlatform
    query: str = ""
    resolves_tags: bool = True
    lookaside: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """What the image is remembered by: the same for the registry and its mirrors."""
        return f"docker://{self.reference.normal}#{self.platform}"

    def manifest_url(self, tag_or_digest: str) -> str:
        """Return where a manifest is (distribution-spec v1.1.0 "Pulling manifests")."""
        return self._url("manifests", tag_or_digest)

    def blob_url(self, digest: Digest) -> str:
        """Return where a blob is (distribution-spec v1.1.0 "Pulling blobs")."""
        return self._url("blobs", str(digest))

    def _url(self, kind: str, which: str) -> str:
        return f"{self.base}/{kind}/{which}{'?' if self.query else ''}{self.query}"


@final
@dataclass(frozen=True, slots=True)
class ImagePathPlace:
    """An OCI or docker image in files."""

    reference: ImagePathReference
    platform: OciPlatform

    @property
    def image(self) -> str:
        """What the image came from, for people; files are never remembered."""
        return self.reference.string


Place: TypeAlias = Candidate | RegistryPlace | ImagePathPlace
"""Where an image may be."""


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
    candidates: tuple[Place, ...]
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
class FoundSignature:
    """One signature of a registry image, unverified, and the digest under which it was found.

    ``simple``: ``content`` is an OpenPGP message that holds the payload (containers-signature.5).
    ``sigstore``: ``content`` is the payload, ``signature`` the raw signature over it (cosign's
    ``SIGNATURE_SPEC.md``, v2).
    """

    format: Literal["simple", "sigstore"]
    signed: Digest
    content: bytes = field(repr=False)
    signature: bytes = field(default=b"", repr=False)


@final
@dataclass(frozen=True, slots=True)
class ManifestEvidence:
    """What may prove an OCI image's manifest: unverified, and enough to judge it at any time.

    ``reference`` is what was asked for: :attr:`DockerReference.normal` behind ``docker://``, or the
    string of an :class:`ImagePathReference`. ``documents`` lead from what it named to the image:
    an index or several, each naming the next by its digest, and the image's manifest at the end.
    """

    reference: str
    documents: tuple[bytes, ...] = field(repr=False)
    signatures: tuple[FoundSignature, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Unsigned:
    """No signature was asked for."""


Evidence: TypeAlias = Signed | ManifestEvidence | Unsigned
"""What may prove an image."""


@final
@dataclass(frozen=True, slots=True)
class Content:
    """A blob that an OCI image's manifest names, in quarantine; its digest and size are right."""

    descriptor: Descriptor
    blob: QuarantinedBlob


@final
@dataclass(frozen=True, slots=True)
class LoadedImage:
    """An OCI image as it was found in files, in quarantine.

    ``documents`` are as in :class:`ManifestEvidence`; ``blob`` is the last of them, the manifest,
    and ``digest`` is its digest.
    """

    documents: tuple[bytes, ...] = field(repr=False)
    blob: QuarantinedBlob
    digest: Digest
    media_type: str
    contents: tuple[Content, ...]


@final
@dataclass(frozen=True, slots=True)
class Downloaded:
    """An image as it travelled, complete, in quarantine; nothing unproven in it has been parsed.

    ``media_type`` says what ``blob`` is: an archive (:data:`ACI_TYPE`), or the manifest of an OCI
    image, whose configuration and layers are ``contents``, in the manifest's order. ``digest``
    is the manifest's, as it was named; an archive has its own only once it is decompressed.
    """

    reference: Reference
    expected: Expectations
    source: Place
    blob: QuarantinedBlob
    evidence: Evidence
    validators: Validators
    freshness: Freshness
    media_type: str = ACI_TYPE
    digest: Digest | None = None
    contents: tuple[Content, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Unchanged:
    """The server said (304) that what was fetched before from ``source`` still stands."""

    source: Place
    validators: Validators
    freshness: Freshness


@final
@dataclass(frozen=True, slots=True)
class Verified:
    """A downloaded image whose signers are proven, at least one, and which rule demanded them."""

    downloaded: Downloaded
    signers: tuple[AnySigner, ...]
    decision: Decision = BY_KEYSTORE


@final
@dataclass(frozen=True, slots=True)
class Unverified:
    """A downloaded image that goes on unproven, because somebody asked for it, by name."""

    downloaded: Downloaded
    reason: str
    decision: Decision = BY_REQUEST


@final
@dataclass(frozen=True, slots=True)
class OciImage:
    """What an OCI image says about itself, and the name and labels that it is kept under.

    An OCI image does not name itself: the name is that of the reference, the version its tag.
    """

    name: ImageName
    labels: Labels
    manifest: OciManifest
    config: OciConfig

    @property
    def raw(self) -> bytes:
        """The manifest's bytes."""
        return self.manifest.raw


@final
@dataclass(frozen=True, slots=True)
class Extracted:
    """An image that was read whole and whose manifest says what was expected.

    Of an archive, ``archive`` is the uncompressed tar in quarantine, ``image_id`` its sha512
    digest; of an OCI image, ``archive`` is the manifest's document, ``image_id`` its digest, and
    ``contents`` are its configuration and layers.
    """

    origin: Verified | Unverified
    manifest: ImageManifest | OciImage
    image_id: Digest
    archive: QuarantinedBlob
    contents: tuple[Content, ...] = ()

    @property
    def media_type(self) -> str:
        """What ``archive`` is: :data:`ACI_TYPE`, or the media type of an OCI manifest."""
        manifest = self.manifest
        return manifest.manifest.media_type if isinstance(manifest, OciImage) else ACI_TYPE

    @property
    def size(self) -> int:
        """The bytes of all of it."""
        return self.archive.size + sum(each.descriptor.size for each in self.contents)


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
    """A stored image was never verified, and the reason that was given for it.

    Where a policy let it in, ``reference`` is what the policy was asked about.
    """

    reason: str
    reference: str = ""


@final
@dataclass(frozen=True, slots=True)
class ManifestProof:
    """What a stored registry image was proven by: enough to judge it again, later."""

    signers: tuple[AnySigner, ...]
    decision: Decision
    evidence: ManifestEvidence


Provenance: TypeAlias = SignatureProof | ManifestProof | NoProof
"""How a stored image came to be trusted, or that it is not."""


@final
@dataclass(frozen=True, slots=True)
class OlderSignature:
    """An image was signed earlier than another that was accepted from the same place before.

    So it is where a maker steps back, and where somebody puts an old image in a new one's place.
    Each is the time of the newest signature: of what came now, and of ``image_id``, which came
    before.
    """

    signed_at: datetime
    signed_before: datetime
    image_id: Digest


@final
@dataclass(frozen=True, slots=True)
class Stored:
    """An image in the store, whole, with how it was proven.

    ``archive_bytes`` is the size of all of it: of the uncompressed archive, or of an OCI image's
    manifest, configuration and layers, as they travelled. ``older_signature`` is about the fetch
    that gave this, and is not kept.
    """

    image_id: Digest
    name: ImageName
    labels: Labels
    archive_bytes: int
    imported_at: datetime
    provenance: Provenance
    source: str
    outcome: Literal["new", "already-stored", "unchanged"] = "new"
    media_type: str = ACI_TYPE
    older_signature: OlderSignature | None = None
