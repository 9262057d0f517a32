"""A stage that tells what it does: ``observed(Stage, Observer, Clock) -> Stage``.

A stage that is observed is the same stage: the value and the result pass unchanged, and what the
observer does changes nothing. Whatever tells within it (transfers, requests, other stages) is told
within its span. Where a value says more than that a stage is done, that is told, too: who vouches
for an image (:class:`~pipeline.events.Judged`), and that the store has it
(:class:`~pipeline.events.Committed`).
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.errors import VerificationError
from pipeline.events import (
    ABORTED,
    Committed,
    Event,
    Judged,
    Observer,
    StageEnded,
    StageStarted,
    tell,
)
from pipeline.ports import Clock
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
)
from pipeline.results import (
    Downloaded,
    Extracted,
    Located,
    Stored,
    Unverified,
    Verified,
)
from pipeline.spans import new_span
from pipeline.stage import Stage
from pipeline.text import printable, redact_url
from pipeline.trust import AnySigner, SigstoreSigner


class HasKind(Protocol):
    """An error of anybody's, with a word for programs."""

    @property
    def kind(self) -> str:
        """What programs know it by, as ``bad-signature``."""
        ...


In = TypeVar("In")
Out = TypeVar("Out")
Err = TypeVar("Err", bound=HasKind)


def subject_of(value: object) -> str:
    """Return what a stage works on, in one word or URL without secrets; empty for what is unknown.

    >>> subject_of("https://user:secret@example.com/app.aci?token=s3cret")
    'https://example.com/app.aci?token=…'
    """
    match value:
        case str():
            return redact_url(value)
        case ArchiveReference():
            return redact_url(value.url)
        case DockerReference() | ImagePathReference():
            # There is no secret in it, and an "@" before its digest.
            return printable(value.string)
        case AppcReference() | ImageIDReference():
            # The escapes of a CIMD would hide a secret and keep it.
            return redact_url(value.string)
        case Located():
            return subject_of(value.reference)
        case Downloaded():
            return subject_of(value.source.image)
        case Verified() | Unverified():
            return subject_of(value.downloaded)
        case Extracted():
            return subject_of(value.manifest.name)
        case _:
            return ""


def observed(
    stage: Stage[In, Out, Err],
    *,
    observer: Observer,
    clock: Clock,
    subject: Callable[[In], str] = subject_of,
) -> Stage[In, Out, Err]:
    """Have ``stage`` tell ``observer`` when it begins and ends, and what came of it.

    ``subject`` says what it works on; what it returns is shown, so it holds no secrets.
    """
    return Stage(stage.name, partial(_run, stage, observer, clock, subject))


def _run(
    stage: Stage[In, Out, Err],
    observer: Observer,
    clock: Clock,
    subject: Callable[[In], str],
    value: In,
) -> Result[Out, Err]:
    shown, began = subject(value), clock.monotonic()
    with new_span() as span:
        tell(observer, StageStarted(stage.name, shown, span.number, span.within))

        def ended(error_kind: str | None, outcome: object = None) -> Event:
            seconds = clock.monotonic() - began
            size, image_id, media_type = _image_of(outcome)
            return StageEnded(
                *(stage.name, shown, seconds, error_kind, size, image_id, media_type),
                *(span.number, span.within),
            )

        try:
            outcome = stage(value)
        except BaseException:
            tell(observer, ended(ABORTED))
            raise
        if is_successful(outcome):
            _tell_success(observer, shown, value, outcome.unwrap())
            tell(observer, ended(None, outcome.unwrap()))
        else:
            _tell_failure(observer, shown, value, outcome.failure())
            tell(observer, ended(outcome.failure().kind))
    return outcome


def _tell_success(observer: Observer, subject: str, value: object, outcome: object) -> None:
    match value, outcome:
        case Downloaded(), Verified() | Unverified():
            rule = outcome.decision
            signers = outcome.signers if isinstance(outcome, Verified) else ()
            fingerprints = tuple(map(fingerprint_of, signers))
            tell(observer, Judged(subject, None, rule.policy, rule.requirement, fingerprints))
        case Extracted(), Stored():
            image_id, size = outcome.image_id.image_id, outcome.archive_bytes
            tell(observer, Committed(outcome.name, image_id, size, outcome.outcome))
        case _:
            pass


def _tell_failure(observer: Observer, subject: str, value: object, error: HasKind) -> None:
    # Once: not by the stages around the one that found it.
    is_found_here = isinstance(value, Located | Downloaded | Verified | Unverified)
    if is_found_here and isinstance(error, VerificationError):
        tell(observer, Judged(subject, error.kind))


def fingerprint_of(signer: AnySigner) -> str:
    """Return what names a signer's key: 40 hex digits or more, or ``sha256:`` and 64 of them."""
    if isinstance(signer, SigstoreSigner):
        return f"sha256:{signer.key_sha256}"
    return str(signer.primary)


def _image_of(value: object) -> tuple[int | None, str | None, str | None]:
    """Return the size, ID and media type of the image that a value is."""
    match value:
        case Downloaded():
            size = value.blob.size + sum(each.descriptor.size for each in value.contents)
            return size, None, value.media_type
        case Extracted():
            return value.size, value.image_id.image_id, value.media_type
        case Stored():
            return value.archive_bytes, value.image_id.image_id, value.media_type
        case _:
            return None, None, None
