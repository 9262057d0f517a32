"""How a mirror run is seen to go on: a line of the report an image, the table at its end.

With ``--json`` each line is a document on stdout as its image ends, and the totals are talk.
Otherwise the table comes on stdout when all is done, or as far as it was done when somebody had
enough.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, final

from returns.pipeline import is_successful

from pipeline.cli.context import Context
from pipeline.cli.mirror_report import (
    line_document,
    report_table,
    survey_document,
    survey_table,
    survey_totals,
    totals,
)
from pipeline.errors import NotTried
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.report import MirrorLine
from pipeline.recipes.mirroring.run import Survey
from pipeline.text import printable

SAY_SECONDS: Final = 2.0
"""How often somebody who waits is told how far it is."""


@final
class MirrorWatch:
    """Prints what becomes of a list of so many ``entries``."""

    def __init__(self, context: Context, entries: int, *, as_json: bool, dry: bool = False) -> None:
        """Nothing is printed yet. Where it is a ``dry`` run, only failures are."""
        self._context = context
        self._dry = dry
        self._entries = entries
        self._as_json = as_json
        self._lines: list[MirrorLine] = []
        self._looked = 0
        self._began = self._said = time.monotonic()

    def looked(self) -> None:
        """Say, now and then, how many entries were looked at."""
        self._looked += 1
        now = time.monotonic()
        if self._looked == self._entries or now - self._said >= SAY_SECONDS:
            self._said = now
            self._context.say(f"looked at {self._looked} of {self._entries}")

    def ended(self, line: MirrorLine) -> None:
        """Print what became of an image, or keep it for the table."""
        self._lines.append(line)
        if self._as_json and not self._dry:
            self._context.json(line_document(line))
        if isinstance(line.outcome.swap().value_or(None), NotTried):
            return  # the table has it, and what failed before has been said
        if not is_successful(line.outcome):
            self._context.warn(f"{printable(line.reference)} was not fetched:")
            self._context.report(line.outcome.failure())
        elif line.outcome.unwrap().unverified:
            reason = printable(line.outcome.unwrap().unverified)
            self._context.warn(f"{printable(line.reference)} is unverified: {reason}")
        if not self._dry:
            outcome = "failed" if not is_successful(line.outcome) else line.outcome.unwrap().outcome
            done = f"{len(self._lines)} of {self._entries}"
            self._context.say(f"{done}: {printable(line.reference)} {outcome}")

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Print the table and the totals, whatever ends the run."""
        try:
            yield
        finally:
            lines = sorted(self._lines, key=lambda line: line.entry)
            summary = totals(lines, self._entries, time.monotonic() - self._began)
            if self._as_json:
                self._context.say(summary)
            else:
                for row in (*report_table(lines), summary):
                    self._context.data(row)


def print_survey(
    context: Context, entries: Sequence[MirrorEntry], survey: Survey, *, as_json: bool
) -> None:
    """Print what would travel; why an entry cannot be had has been said."""
    if as_json:
        for entry, look in zip(entries, survey.looks, strict=True):
            context.json(survey_document(entry, look))
        context.say(survey_totals(survey))
        return
    for row in (*survey_table(entries, survey), survey_totals(survey)):
        context.data(row)
