"""One candidate: its signature and its image, in the order that the server allows.

    Attempt -> Downloaded | Unchanged, or NextCandidate, Refusal

What ``undo`` holds at the end is let go by the caller, unless an image was downloaded.
"""

from contextlib import ExitStack
from dataclasses import replace
from typing import TypeAlias

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import (
    ConfigurationError,
    ImageError,
    OnePlaceError,
    SignatureDeferred,
    StoreError,
    StoreUnavailable,
    VerificationError,
)
from pipeline.events import Noticed, tell
from pipeline.hashing import StreamHasher
from pipeline.results import Downloaded, Signed, Unchanged
from pipeline.stages.download.image import Attempt, fetch_image
from pipeline.stages.download.signature import Judges, fetch_signature, plan_hashing
from pipeline.stages.download.transfer import Ports
from pipeline.text import redact_url

NextCandidate: TypeAlias = OnePlaceError
"""What says nothing about the image: another place may have it whole."""

Refusal: TypeAlias = VerificationError | ImageError | StoreError | ConfigurationError
"""What another place would not change, or must not: it ends the search."""


def fetch_signed(
    ports: Ports, judges: Judges, attempt: Attempt, undo: ExitStack
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    """Fetch the signature, plan, then fetch the image; or as the server defers it."""
    asked = fetch_signature(ports.transport, ports.limits, attempt.candidate)
    if not is_successful(asked):
        return Failure(asked.failure())
    if asked.unwrap().response.status == 202:
        return _fetch_deferred(ports, judges, attempt, undo)
    signature = asked.unwrap().untrusted_body
    planned = plan_hashing(judges, signature, attempt.located.expected.trust_scope)
    if not is_successful(planned):
        return Failure(planned.failure())
    hasher = planned.unwrap()
    outcome = fetch_image(ports, attempt, hasher, undo)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    image = outcome.unwrap()
    if isinstance(image, Unchanged):
        return Success(image)
    return Success(replace(image, evidence=Signed(signature, hasher.digests())))


def fetch_unsigned(
    ports: Ports, attempt: Attempt, undo: ExitStack
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    """Fetch the image alone."""
    outcome = fetch_image(ports, attempt, StreamHasher((), {}), undo)
    return Failure(outcome.failure()) if not is_successful(outcome) else Success(outcome.unwrap())


def _fetch_deferred(
    ports: Ports, judges: Judges, attempt: Attempt, undo: ExitStack
) -> Result[Downloaded | Unchanged, NextCandidate | Refusal]:
    """Fetch the image, then the signature once more, and hash the image from quarantine."""
    url = attempt.candidate.signature
    tell(
        ports.observer,
        Noticed(
            "signature-deferred",
            f"server requested deferring the signature download: {redact_url(url)}",
        ),
    )
    outcome = fetch_unsigned(ports, attempt, undo)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    image = outcome.unwrap()
    if isinstance(image, Unchanged):
        return Success(image)
    asked = fetch_signature(ports.transport, ports.limits, attempt.candidate)
    if not is_successful(asked):
        return Failure(asked.failure())
    if asked.unwrap().response.status == 202:
        return Failure(SignatureDeferred(url))
    signature = asked.unwrap().untrusted_body
    planned = plan_hashing(judges, signature, attempt.located.expected.trust_scope)
    if not is_successful(planned):
        return Failure(planned.failure())
    hasher = planned.unwrap()
    opened = ports.quarantine.open(image.blob)
    if not is_successful(opened):
        return Failure(opened.failure())
    with opened.unwrap() as file:
        hashed = hasher.read_from(file)
    if not is_successful(hashed):
        return Failure(StoreUnavailable(image.blob.key, "read", hashed.failure()))
    return Success(replace(image, evidence=Signed(signature, hasher.digests())))
