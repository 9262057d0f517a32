"""What took how long, as events tell of it: ``events -> rows``, in the order of a tree.

Stages are rows, within the stages around them, and so are the transfers of images, within the
stage that they are for. Times are in seconds; a row's start is counted from its root's.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, final

from pipeline.events import (
    ABORTED,
    Event,
    StageEnded,
    StageStarted,
    TransferFailed,
    TransferFinished,
    TransferRetried,
)
from pipeline.spans import NOTHING

TRANSFER: Final = "transfer"
"""The stage of a row that is none: a body on its way."""

WHOLES: Final = frozenset({"find", "fetch"})
"""Stages of stages. What they handle, their parts do."""

_DOWNLOAD: Final = "download"


@final
@dataclass(frozen=True, slots=True)
class Row:
    """What took how long, and how much it handled, in bytes; None for what handles none.

    Of a transfer, and of the download that it is for, ``size`` is what came in by this run.
    """

    stage: str
    subject: str
    span: int
    within: int
    start: float
    seconds: float | None
    size: int | None = None
    retries: int = 0
    error_kind: str | None = None
    depth: int = 0


@final
@dataclass(slots=True)
class Recording:
    """Rows that are being written; not for several threads at once."""

    stages: dict[int, Row] = field(default_factory=dict)
    transfers: list[Row] = field(default_factory=list)
    retries: Counter[tuple[int, str]] = field(default_factory=Counter)

    def note(self, event: Event, now: float) -> None:
        """Take note of an event that is told ``now``."""
        match event:
            case StageStarted():
                row = Row(event.stage, event.subject, event.span, event.within, now, None)
                self.stages[event.span] = row
            case StageEnded() if event.span in self.stages:
                self.stages[event.span] = replace(
                    self.stages[event.span],
                    seconds=event.seconds,
                    size=None if event.stage in {*WHOLES, _DOWNLOAD} else event.size,
                    error_kind=event.error_kind,
                )
            case TransferRetried():
                self.retries[event.within, event.url] += 1
            case TransferFinished():
                self._transferred(event, now, event.received, None)
            case TransferFailed():
                self._transferred(event, now, None, event.error_kind)
            case _:
                pass

    def _transferred(
        self,
        event: TransferFinished | TransferFailed,
        now: float,
        size: int | None,
        error_kind: str | None,
    ) -> None:
        retries = self.retries[event.within, event.url]
        place = (TRANSFER, event.url, NOTHING, event.within)
        began = now - event.seconds
        self.transfers.append(Row(*place, began, event.seconds, size, retries, error_kind))

    def trees(self, now: float) -> Iterator[tuple[Row, ...]]:
        """Return the rows of each root, in order; what has not ended has lasted until ``now``."""
        children: dict[int, list[Row]] = {}
        for row in (*self.stages.values(), *self.transfers):
            around = row.within if row.within in self.stages else NOTHING
            children.setdefault(around, []).append(row)
        for root in children.get(NOTHING, ()):
            yield tuple(self._below(root, children, root.start, now, 0))

    def _below(
        self, row: Row, children: dict[int, list[Row]], zero: float, now: float, depth: int
    ) -> Iterator[Row]:
        parts = children.get(row.span, []) if row.span else []
        size, retries = row.size, row.retries
        if row.stage != TRANSFER:
            retries = sum(n for (within, _), n in self.retries.items() if within == row.span)
        if row.stage == _DOWNLOAD:
            received = [part.size for part in parts if part.size is not None]
            size = sum(received) if received else None
        seconds = now - row.start if row.seconds is None else row.seconds
        kind = ABORTED if row.seconds is None else row.error_kind
        start = row.start - zero
        yield replace(
            row,
            start=start,
            seconds=seconds,
            size=size,
            retries=retries,
            error_kind=kind,
            depth=depth,
        )
        for part in sorted(parts, key=lambda each: each.start):
            yield from self._below(part, children, zero, now, depth + 1)
