"""What a mirror run says: JSON documents, a table and its totals. Pure."""

from dataclasses import fields, is_dataclass
from typing import TypeGuard, get_args

from returns.pipeline import is_successful

from pipeline.cli.output import error_document, table
from pipeline.cli.progress import size
from pipeline.errors import PipelineError
from pipeline.recipes.mirroring.report import MirrorLine
from pipeline.text import printable

_ERRORS = get_args(PipelineError)
_HEADER = ("REFERENCE", "OUTCOME", "IMAGE", "SIZE", "SIGNERS", "SECONDS")


def line_document(line: MirrorLine) -> dict[str, object]:
    """Return a line of the report as ``--json`` prints it."""
    document: dict[str, object] = {"reference": line.reference}
    if is_successful(line.outcome):
        image = line.outcome.unwrap()
        document |= {
            "outcome": image.outcome,
            "id": image.image_id.image_id,
            "digest": str(image.image_id),
            "name": image.name,
            "platform": image.platform,
            "verified": not image.unverified,
            "signers": list(image.signers),
            "size": image.size,
        }
        if image.unverified:
            document["reason"] = image.unverified
    else:
        document |= {"outcome": "failed", "error": causes_document(line.outcome.failure())}
    return document | {
        "requests": line.requests,
        "received": line.received,
        "seconds": round(line.seconds, 3),
    }


def causes_document(error: PipelineError) -> dict[str, object]:
    """Return an error with what caused it, and what caused that."""
    causes = [causes_document(cause) for cause in causes_of(error)]
    return error_document(error) | ({"causes": causes} if causes else {})


def causes_of(error: PipelineError) -> tuple[PipelineError, ...]:
    """Return the errors that an error is made of, in order."""
    causes: list[PipelineError] = []
    if is_dataclass(error):
        for field in fields(error):
            value = getattr(error, field.name)
            parts = value if isinstance(value, tuple) else (value,)
            causes += filter(_is_error, parts)
    return tuple(causes)


def _is_error(value: object) -> TypeGuard[PipelineError]:
    return isinstance(value, _ERRORS)


def report_table(lines: list[MirrorLine]) -> list[str]:
    """Return the lines of the report, in columns."""
    return table(_HEADER, [_row(line) for line in lines])


def _row(line: MirrorLine) -> tuple[str, ...]:
    seconds = f"{line.seconds:.1f}"
    if not is_successful(line.outcome):
        return (printable(line.reference), line.outcome.failure().kind, "", "", "", seconds)
    image = line.outcome.unwrap()
    return (
        printable(line.reference),
        image.outcome,
        image.image_id.short_image_id,
        size(image.size),
        str(len(image.signers)),
        seconds,
    )


def totals(lines: list[MirrorLine], entries: int, seconds: float) -> str:
    """Return what all lines come to, of a list of so many entries."""
    there = [line.outcome.unwrap() for line in lines if is_successful(line.outcome)]
    failed = len(lines) - len(there)
    received = sum(line.received for line in lines)
    requests = sum(line.requests for line in lines)
    return (
        f"{len(there)} images, {failed} failed, of {entries} in the list; "
        f"{size(sum(image.size for image in there))} in all, "
        f"{size(received)} received by {requests} requests, in {seconds:.1f} s"
    )
