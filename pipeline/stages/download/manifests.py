"""An OCI image's documents: from what a reference names to the manifest of one image.

    RegistryPlace -> Documents | Unchanged, or OnePlaceError, ImageError

Each document is asked for by the digest that the one before it names, and is compared with that,
never with what a header says (GHSA-qv35-3gw6-8q4j). Indexes are parsed on the way, as they must be
to find the image; the image's own manifest is not, where its server says that it is one: nobody has
vouched for it yet.

Sources: distribution-spec v1.1.0 ``spec.md`` "Pulling manifests"; OCI image-spec v1.1.0
``image-index.md``.
"""

from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, DigestAlgorithm, parse_digest
from pipeline.documents import fetch_document
from pipeline.errors import (
    BlobSizeMismatch,
    DigestMismatch,
    HttpStatus,
    ImageError,
    InvalidDocument,
    PlatformNotFound,
    TransportError,
    document_error,
)
from pipeline.hashing import digest_of
from pipeline.limits import DOCUMENT_SECONDS, INDEX_DEPTH, MANIFEST_BYTES
from pipeline.oci import (
    DOCKER_LIST_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    MANIFEST_TYPES,
    IndexEntry,
    OciIndex,
    OciManifest,
)
from pipeline.oci.documents import parse_document
from pipeline.oci.platforms import available, choose, is_attestation
from pipeline.ports import RemoteEntry, Request, Response
from pipeline.results import Freshness, RegistryPlace, Unchanged, Validators
from pipeline.stages.download.transfer import Ports

ACCEPT: Final = f"{MANIFEST_TYPE}, {INDEX_TYPE}, {DOCKER_MANIFEST_TYPE}, {DOCKER_LIST_TYPE}"
"""What can be read; a registry that has schema 1 alone says so itself."""

DocumentError: TypeAlias = TransportError | DigestMismatch | BlobSizeMismatch | ImageError
"""What can be wrong with a document, or with the way to it."""


@final
@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A document as it came, and its digest, which was computed here."""

    digest: Digest
    content: bytes = field(repr=False)
    content_type: str

    @property
    def is_manifest(self) -> bool:
        """Tell whether whoever handed it out says that it is one image's manifest."""
        return self.content_type.partition(";")[0].strip().lower() in MANIFEST_TYPES


@final
@dataclass(frozen=True, slots=True)
class Documents:
    """From what was asked for to the image's manifest: each names the next one's digest."""

    chain: tuple[FetchedDocument, ...]
    freshness: Freshness

    @property
    def manifest(self) -> FetchedDocument:
        """The last document: the image's manifest, not parsed as yet."""
        return self.chain[-1]

    @property
    def validators(self) -> Validators:
        """By which it is seen whether a tag has moved: the first document's digest."""
        return validators_of(self.chain[0].digest)


def validators_of(digest: Digest) -> Validators:
    """Return what is remembered of a document, so that a HEAD tells whether it still stands."""
    return Validators(etag=f'"{digest}"')


def fetch_documents(
    ports: Ports, place: RegistryPlace, resolver: RegistryPlace
) -> Result[Documents | Unchanged, DocumentError]:
    """Fetch the documents that lead to the image for the place's platform.

    ``resolver`` is asked what a tag stands for: ``place`` itself, unless that resolves none.

    Errors: PlatformNotFound; InvalidDocument, UnsupportedManifest; DigestMismatch; what the
    transport fails with.
    """
    known = ports.known(place.image)
    if known is not None:
        unchanged = _still_stands(ports, resolver, known)
        if unchanged is not None:
            return Success(unchanged)
    first = _fetch_first(ports, place, resolver)
    if not is_successful(first):
        return Failure(first.failure())
    document, response = first.unwrap()
    chain = [document]
    while not chain[-1].is_manifest:
        entry = _next(place, chain[-1])
        if not is_successful(entry):
            return Failure(entry.failure())
        found = entry.unwrap()
        if found is None:
            break
        if len(chain) > INDEX_DEPTH:
            reason = f"more than {INDEX_DEPTH} indexes lead to it"
            return Failure(InvalidDocument("index", "$.manifests", reason))
        below = fetch_by_digest(ports, place, found.descriptor.digest)
        if not is_successful(below):
            return Failure(below.failure())
        inner = below.unwrap()[0]
        wanted, got = found.descriptor.size, len(inner.content)
        if got != wanted:
            url = place.manifest_url(str(found.descriptor.digest))
            return Failure(BlobSizeMismatch(url, wanted, got))
        chain.append(_typed(inner, found))
    return Success(Documents(tuple(chain), response.freshness))


def fetch_entries(
    ports: Ports, place: RegistryPlace, resolver: RegistryPlace
) -> Result[tuple[IndexEntry, ...], DocumentError]:
    """Return every image of a reference's index, whatever its platform; none for a single image.

    Errors: as :func:`fetch_documents`.
    """
    first = _fetch_first(ports, place, resolver)
    if not is_successful(first):
        return Failure(first.failure())
    document, _ = first.unwrap()
    parsed = parse_document(document.content, document.content_type)
    if not is_successful(parsed):
        return Failure(document_error("manifest", parsed.failure()))
    index = parsed.unwrap()
    if isinstance(index, OciManifest):
        return Success(())
    return Success(tuple(each for each in index.entries if not is_attestation(each)))


def parse_image_manifest(document: FetchedDocument) -> Result[OciManifest, ImageError]:
    """Parse the manifest of one image, once somebody has vouched for it.

    Errors: InvalidDocument, UnsupportedManifest.
    """
    parsed = parse_document(document.content, document.content_type)
    if not is_successful(parsed):
        return Failure(document_error("manifest", parsed.failure()))
    manifest = parsed.unwrap()
    if isinstance(manifest, OciIndex):
        return Failure(InvalidDocument("manifest", "$", "got an index, wanted one image"))
    return Success(manifest)


def fetch_by_digest(
    ports: Ports, place: RegistryPlace, digest: Digest
) -> Result[tuple[FetchedDocument, Response], TransportError | DigestMismatch]:
    """Fetch a document and compare its digest with the one it was asked for by."""
    url = place.manifest_url(str(digest))
    fetched = _fetch(ports, url, digest.algorithm)
    if is_successful(fetched) and fetched.unwrap()[0].digest != digest:
        return Failure(DigestMismatch(url, digest, fetched.unwrap()[0].digest))
    return fetched


def _fetch_first(
    ports: Ports, place: RegistryPlace, resolver: RegistryPlace
) -> Result[tuple[FetchedDocument, Response], TransportError | DigestMismatch]:
    """Fetch what the reference itself names."""
    reference = place.reference
    if reference.digest is not None:
        return fetch_by_digest(ports, place, reference.digest)
    return _fetch_by_tag(ports, resolver, reference.tag or "latest")


def _fetch_by_tag(
    ports: Ports, place: RegistryPlace, tag: str
) -> Result[tuple[FetchedDocument, Response], TransportError | DigestMismatch]:
    """Fetch what a tag stands for. What a header says of its digest may only contradict."""
    url = place.manifest_url(tag)
    fetched = _fetch(ports, url, "sha256")
    if not is_successful(fetched):
        return fetched
    document, response = fetched.unwrap()
    said = parse_digest(response.field("docker-content-digest"))
    if is_successful(said) and said.unwrap() != digest_of(
        said.unwrap().algorithm, document.content
    ):
        return Failure(DigestMismatch(url, said.unwrap(), document.digest))
    return fetched


def _fetch(
    ports: Ports, url: str, algorithm: DigestAlgorithm
) -> Result[tuple[FetchedDocument, Response], TransportError | DigestMismatch]:
    fetched = fetch_document(ports.transport, _request(ports, url))
    if not is_successful(fetched):
        return Failure(fetched.failure())
    response, content = fetched.unwrap().response, fetched.unwrap().untrusted_body
    if response.status != 200:
        return Failure(HttpStatus(url, response.status))
    document = FetchedDocument(
        digest_of(algorithm, content), content, response.field("content-type")
    )
    return Success((document, response))


def _still_stands(ports: Ports, resolver: RegistryPlace, known: RemoteEntry) -> Unchanged | None:
    """Tell, by a HEAD, whether a tag stands for what it did; None where nobody can say."""
    tag = resolver.reference.tag
    if resolver.reference.digest is not None or tag is None:
        # What is named by its digest never changes.
        return Unchanged(resolver, known.validators, known.freshness)
    request = replace(_request(ports, resolver.manifest_url(tag)), method="HEAD")
    asked = fetch_document(ports.transport, request)
    if not is_successful(asked) or asked.unwrap().response.status != 200:
        return None
    response = asked.unwrap().response
    said = parse_digest(response.field("docker-content-digest"))
    if not is_successful(said) or validators_of(said.unwrap()) != known.validators:
        return None
    return Unchanged(resolver, known.validators, response.freshness)


def _request(ports: Ports, url: str) -> Request:
    return Request(
        url,
        max_bytes=MANIFEST_BYTES,
        idle_seconds=ports.limits.idle_seconds,
        total_seconds=min(ports.limits.total_seconds, DOCUMENT_SECONDS),
        accept=ACCEPT,
    )


def _next(place: RegistryPlace, document: FetchedDocument) -> Result[IndexEntry | None, ImageError]:
    """Return what an index has for the platform; None where the document is no index."""
    parsed = parse_document(document.content, document.content_type)
    if not is_successful(parsed):
        return Failure(document_error("manifest", parsed.failure()))
    index = parsed.unwrap()
    if isinstance(index, OciManifest):
        return Success(None)
    entry = choose(index, place.platform)
    if entry is None:
        listed = available(index)
        return Failure(PlatformNotFound(place.reference.string, str(place.platform), listed))
    return Success(entry)


def _typed(document: FetchedDocument, entry: IndexEntry) -> FetchedDocument:
    """Note what the index says that a document is, where its server says nothing of use."""
    plain = document.content_type.partition(";")[0].strip().lower()
    is_said = plain.startswith("application/vnd.")
    return document if is_said else replace(document, content_type=entry.descriptor.media_type)
