"""A candidate's signature, and what it wants hashed.

URL                    -> Document (status 200 or 202), or SignatureUnavailable, NotASignature
signature, TrustScope  -> StreamHasher, or VerificationError, ConfigurationError
"""

from dataclasses import dataclass
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.documents import Document, fetch_document
from pipeline.errors import (
    BodyTooLarge,
    ConfigurationError,
    HttpStatus,
    NotASignature,
    SignatureUnavailable,
    VerificationError,
)
from pipeline.hashing import StreamHasher, start_hashing
from pipeline.limits import DOCUMENT_SECONDS, SIGNATURE_BYTES, Limits
from pipeline.ports import Clock, Keyring, Request, SignatureVerifier, Transport
from pipeline.results import Candidate
from pipeline.trust import TrustScope


@final
@dataclass(frozen=True, slots=True)
class Judges:
    """Who says what a signature needs."""

    keyring: Keyring
    verifier: SignatureVerifier
    clock: Clock


def fetch_signature(
    transport: Transport, limits: Limits, candidate: Candidate
) -> Result[Document, SignatureUnavailable | NotASignature]:
    """Fetch a signature into memory; the answer's status is 200, or 202 for "not yet"."""
    url = candidate.signature
    request = Request(
        url,
        max_bytes=SIGNATURE_BYTES,
        idle_seconds=limits.idle_seconds,
        total_seconds=min(limits.total_seconds, DOCUMENT_SECONDS),
        named_by=candidate.named_by,
    )
    outcome = fetch_document(transport, request)
    if not is_successful(outcome):
        error = outcome.failure()
        if isinstance(error, BodyTooLarge):
            return Failure(NotASignature(f"larger than {SIGNATURE_BYTES} bytes"))
        return Failure(SignatureUnavailable(error))
    status = outcome.unwrap().response.status
    if status not in {200, 202}:
        return Failure(SignatureUnavailable(HttpStatus(url, status)))
    return Success(outcome.unwrap())


def plan_hashing(
    judges: Judges, untrusted_signature: bytes, scope: TrustScope
) -> Result[StreamHasher, VerificationError | ConfigurationError]:
    """Learn what must be hashed, or that the signature could not prove anything."""
    keys = judges.keyring.keys_for(scope)
    if not is_successful(keys):
        return Failure(keys.failure())
    plan = judges.verifier.plan(untrusted_signature, keys.unwrap(), scope, judges.clock.now())
    if not is_successful(plan):
        return Failure(plan.failure())
    return start_hashing(plan.unwrap().requests)
