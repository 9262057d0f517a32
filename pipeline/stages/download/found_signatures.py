"""The signatures of a registry image that could make a difference, unverified.

    RegistryPlace, FetchedDocument, Wanted -> tuple[FoundSignature, ...], or OnePlaceError, …

Simple signatures lie under ``BASE/NAMESPACE/NAME@ALGORITHM=HEX/signature-N``, N from 1 until there
is none (containers-signature.5, containers-registries.d.5). Cosign's lie in the registry itself:
the layers of what is tagged ``ALGORITHM-HEX.sig`` are payloads, each with its signature as an
annotation (cosign v2 ``specs/SIGNATURE_SPEC.md``).

Their number is limited (CVE-2023-46737). A store of signatures that refuses or fails is an error:
only what says that there is none means none.
"""

import base64
import binascii
import errno
import os
from typing import Final, TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, parse_digest
from pipeline.documents import fetch_document
from pipeline.errors import (
    BodyTooLarge,
    DigestMismatch,
    FileUnreadable,
    HttpStatus,
    NotASignature,
    SignatureUnavailable,
    TransportError,
)
from pipeline.hashing import digest_of
from pipeline.limits import (
    DOCUMENT_SECONDS,
    MANIFEST_BYTES,
    MANIFEST_DEPTH,
    SIGNATURE_BYTES,
    SIGNATURE_COUNT,
)
from pipeline.ports import Request, Wanted
from pipeline.results import FoundSignature, RegistryPlace
from pipeline.stages.download.manifests import ACCEPT, FetchedDocument
from pipeline.stages.download.transfer import Ports
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

SIGSTORE_TYPE: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGSTORE_ANNOTATION: Final = "dev.cosignproject.cosign/signature"

_ABSENT: Final = frozenset({404, 410})

SignatureError: TypeAlias = SignatureUnavailable | NotASignature | DigestMismatch
"""What keeps signatures from being read."""


def find_signatures(
    ports: Ports, place: RegistryPlace, document: FetchedDocument, wanted: Wanted
) -> Result[tuple[FoundSignature, ...], SignatureError]:
    """Fetch the signatures of one document, of the kinds that are wanted.

    Errors: SignatureUnavailable, NotASignature for one that is larger than SIGNATURE_BYTES or is no
    cosign signature; DigestMismatch for a payload.
    """
    found: list[FoundSignature] = []
    if wanted.simple:
        simple = _find_simple(ports, place, document.digest)
        if not is_successful(simple):
            return Failure(simple.failure())
        found += simple.unwrap()
    if wanted.sigstore:
        sigstore = _find_sigstore(ports, place, document.digest)
        if not is_successful(sigstore):
            return Failure(sigstore.failure())
        found += sigstore.unwrap()
    return Success(tuple(found[:SIGNATURE_COUNT]))


def _find_simple(
    ports: Ports, place: RegistryPlace, digest: Digest
) -> Result[list[FoundSignature], SignatureError]:
    found: list[FoundSignature] = []
    for base in place.lookaside:
        folder = f"{base.rstrip('/')}/{place.reference.repository}@{digest.algorithm}={digest.hex}"
        for number in range(1, SIGNATURE_COUNT - len(found) + 1):
            content = _fetch_if_there(ports, f"{folder}/signature-{number}", SIGNATURE_BYTES)
            if not is_successful(content):
                return Failure(content.failure())
            signature = content.unwrap()
            if signature is None:
                break
            found.append(FoundSignature("simple", digest, signature))
    return Success(found)


def _find_sigstore(
    ports: Ports, place: RegistryPlace, digest: Digest
) -> Result[list[FoundSignature], SignatureError]:
    url = place.manifest_url(f"{digest.algorithm}-{digest.hex}.sig")
    manifest = _fetch_if_there(ports, url, MANIFEST_BYTES)
    if not is_successful(manifest):
        return Failure(manifest.failure())
    content = manifest.unwrap()
    if content is None:
        return Success([])
    layers = parse_json(content, max_bytes=MANIFEST_BYTES, max_depth=MANIFEST_DEPTH).bind(
        lambda document: document.member("layers").items(_read_layer)
    )
    if not is_successful(layers):
        problem = layers.failure()
        return Failure(NotASignature(f"cosign's manifest at {problem.path}: {problem.reason}"))
    found: list[FoundSignature] = []
    signed = (layer for layer in layers.unwrap() if layer is not None)
    for payload_digest, signature in list(signed)[:SIGNATURE_COUNT]:
        payload_url = place.blob_url(payload_digest)
        payload = _fetch_if_there(ports, payload_url, SIGNATURE_BYTES)
        if not is_successful(payload):
            return Failure(payload.failure())
        body = payload.unwrap()
        if body is None:
            return Failure(SignatureUnavailable(HttpStatus(payload_url, 404)))
        got = digest_of(payload_digest.algorithm, body)
        if got != payload_digest:
            return Failure(DigestMismatch(payload_url, payload_digest, got))
        found.append(FoundSignature("sigstore", digest, body, signature))
    return Success(found)


def _read_layer(layer: JsonValue) -> Result[tuple[Digest, bytes] | None, JsonProblem]:
    """Return a payload's digest and its signature; None for a layer of another kind."""
    if layer.member("mediaType").value != SIGSTORE_TYPE:
        return Success(None)
    annotations = layer.member("annotations").text_map()
    if not is_successful(annotations):
        return Failure(annotations.failure())
    digest = layer.member("digest").checked(parse_digest)
    if not is_successful(digest):
        return Failure(digest.failure())
    try:
        text = annotations.unwrap().get(SIGSTORE_ANNOTATION, "")
        signature = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Failure(layer.member("annotations").refuse("a signature in base64"))
    return Success((digest.unwrap(), signature))


def _fetch_if_there(
    ports: Ports, url: str, limit: int
) -> Result[bytes | None, SignatureUnavailable | NotASignature]:
    """Fetch a small body; None where its server says that there is none."""
    request = Request(
        url,
        max_bytes=limit,
        idle_seconds=ports.limits.idle_seconds,
        total_seconds=min(ports.limits.total_seconds, DOCUMENT_SECONDS),
        accept=f"{ACCEPT}, */*",
    )
    fetched = fetch_document(ports.transport, request)
    if is_successful(fetched):
        response = fetched.unwrap().response
        if response.status != 200:
            return Failure(SignatureUnavailable(HttpStatus(url, response.status)))
        return Success(fetched.unwrap().untrusted_body)
    error = fetched.failure()
    if _says_there_is_none(error):
        return Success(None)
    if isinstance(error, BodyTooLarge):
        return Failure(NotASignature(f"larger than {limit} bytes"))
    return Failure(SignatureUnavailable(error))


def _says_there_is_none(error: TransportError) -> bool:
    if isinstance(error, FileUnreadable):
        return error.reason == os.strerror(errno.ENOENT)
    return isinstance(error, HttpStatus) and error.status in _ABSENT
