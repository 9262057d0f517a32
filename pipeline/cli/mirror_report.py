"""What a mirror run says: JSON documents, a table and its totals. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import TypeAlias, TypeGuard, get_args

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.cli.output import error_document, table
from pipeline.cli.progress import size
from pipeline.errors import PipelineError
from pipeline.recipes.mirroring.differences import LockChange
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.looking import Looked
from pipeline.recipes.mirroring.report import MirrorLine
from pipeline.recipes.mirroring.run import Survey
from pipeline.stages.parse import shown_reference
from pipeline.text import printable

Look: TypeAlias = Result[Looked, PipelineError] | None
"""What was seen of an entry; None for what was not tried."""

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


def survey_document(entry: MirrorEntry, look: Look) -> dict[str, object]:
    """Return what ``--dry-run --json`` says of an entry; sizes count what others need, too."""
    document: dict[str, object] = {"reference": shown_reference(entry.reference)}
    if look is None:
        return document | {"outcome": "not-tried"}
    if not is_successful(look):
        return document | {"outcome": "failed", "error": causes_document(look.failure())}
    looked = look.unwrap()
    if not looked.is_known:
        return document | {"outcome": "unknown"}
    if looked.image_id is not None:
        document["digest"] = str(looked.image_id)
    return document | {
        "outcome": "stored" if looked.is_stored else "missing",
        "blobs": len(looked.lacking),
        "size": sum(each for _, each in looked.lacking),
    }


def survey_table(entries: Sequence[MirrorEntry], survey: Survey) -> list[str]:
    """Return what was seen of each entry, in columns."""
    documents = [
        survey_document(entry, look) for entry, look in zip(entries, survey.looks, strict=True)
    ]
    rows: list[tuple[str, ...]] = [
        (
            printable(str(each["reference"])),
            str(each["outcome"]),
            str(each.get("blobs", "")),
            size(int(str(each["size"]))) if "size" in each else "",
        )
        for each in documents
    ]
    return table(("REFERENCE", "AT TARGET", "BLOBS", "SIZE"), rows)


def survey_totals(survey: Survey) -> str:
    """Return what would travel."""
    known = f"{survey.plan.blobs} blobs with {size(survey.plan.size)} would travel"
    unknown = f"; of {survey.unknown} images nobody knows before" if survey.unknown else ""
    return known + unknown


def change_document(change: LockChange) -> dict[str, object]:
    """Return a difference of two lock files as ``--json`` prints it."""
    return asdict(change) | {"reference": shown_reference(change.reference)}


def changes_table(changes: Sequence[LockChange]) -> list[str]:
    """Return the differences of two lock files, in columns; nothing for none."""
    rows: list[tuple[str, ...]] = [
        (
            change.what,
            printable(shown_reference(change.reference)),
            change.platform,
            change.old or "-",
            change.new or "-",
        )
        for change in changes
    ]
    return table(("CHANGE", "REFERENCE", "PLATFORM", "OLD", "NEW"), rows) if rows else []
