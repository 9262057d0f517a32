"""A list of images, mirrored: look at all of them, then fetch each, shared blobs once.

    Sequence[MirrorEntry], Engine, Workshop -> Result[MirrorReport | Plan, EngineUnavailable]

What becomes of an image is a line of the report, told as soon as it is known. A failure is one,
too; it ends the run only where that is asked for (``fail_fast``), and what was not begun then is
said to be not tried. A run that was killed is simply started again: what the target has by then
needs no transfer, and what was half there goes on from where it was.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, final
from urllib.parse import urlsplit

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.engine import Engine, Job
from pipeline.errors import EngineUnavailable, ExitCode, NotTried, PipelineError, WorkerLost
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.locks import LockedImage
from pipeline.recipes.mirroring.looking import Looked
from pipeline.recipes.mirroring.plan import Plan, plan_fetches
from pipeline.recipes.mirroring.report import MirroredImage, MirrorLine, MirrorReport
from pipeline.recipes.mirroring.work import Ended, Fetch, Look, MirrorItem, failed
from pipeline.recipes.mirroring.workshop import Workshop
from pipeline.reference import AppcReference, ArchiveReference, DockerReference, Reference
from pipeline.stages.parse import shown_reference

Out = TypeVar("Out")


class Watcher(Protocol):
    """Who watches a run; called by the thread that runs it."""

    def looked(self) -> None:
        """Take note that one more entry was looked at."""
        ...

    def ended(self, line: MirrorLine) -> None:
        """Take note of what became of an image."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen of all entries: ``looks`` in the list's order, None for what was not tried.

    ``plan`` is for those whose look succeeded, at the places ``planned`` of the list.
    """

    looks: tuple[Result[Looked, PipelineError] | None, ...]
    planned: tuple[int, ...]
    plan: Plan

    @property
    def unknown(self) -> int:
        """Of how many entries nobody can say what they need."""
        found = (look.value_or(None) for look in self.looks if look is not None)
        return sum(each is not None and not each.is_known for each in found)

    @property
    def exit_code(self) -> ExitCode:
        """The code of the first failure in the list's order."""
        failures = (each.failure() for each in self.looks if each and not is_successful(each))
        return next((error.exit_code for error in failures), ExitCode.DONE)


@final
@dataclass(slots=True)
class MirrorRun:
    """One run over ``entries``; :meth:`survey` comes first, :meth:`fetch` may follow.

    ``references`` are those of the entries, in their order; ``locked``, where it is not empty, what
    a lock file says of each.
    """

    engine: Engine
    workshop: Workshop
    entries: Sequence[MirrorEntry]
    references: Sequence[Reference]
    watcher: Watcher
    fail_fast: bool = False
    locked: Sequence[tuple[LockedImage, ...]] = ()
    _lines: dict[int, tuple[MirrorLine, ...]] = field(default_factory=dict)
    _looks: dict[int, Ended[Looked]] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _hosts: list[str] = field(default_factory=list)
    _items: list[MirrorItem] = field(default_factory=list)

    def survey(self) -> Result[Survey, EngineUnavailable]:
        """Look at every entry; what cannot be had is told, and is a line of the report."""
        self._hosts = [_host(reference) for reference in self.references]

        def ended(place: int, outcome: Result[Ended[Looked], WorkerLost]) -> bool:
            self.watcher.looked()
            look = outcome.unwrap() if is_successful(outcome) else failed(outcome.failure())
            self._looks[place] = look
            if is_successful(look.outcome):
                return True
            self._tell(place, (look.failed(look.outcome.failure()),))
            return not self.fail_fast

        locked = self.locked or [()] * len(self.entries)
        self._items = [
            MirrorItem(entry, images) for entry, images in zip(self.entries, locked, strict=True)
        ]
        jobs = [Job(item, host=host) for item, host in zip(self._items, self._hosts, strict=True)]
        done = self.engine.run(Look(self.workshop), jobs, ended)
        if not is_successful(done):
            return Failure(done.failure())
        looks = tuple(
            self._looks[place].outcome if place in self._looks else None
            for place in range(len(self.entries))
        )
        planned = tuple(
            place for place, look in enumerate(looks) if look is not None and is_successful(look)
        )
        lacking = [self._looks[place].outcome.unwrap().lacking for place in planned]
        return Success(Survey(looks, planned, plan_fetches(lacking)))

    def fetch(self, survey: Survey) -> Result[MirrorReport, EngineUnavailable]:
        """Fetch what was looked at; the report has every image of the list."""

        def ended(
            number: int, outcome: Result[tuple[Ended[MirroredImage], ...], WorkerLost]
        ) -> bool:
            place = survey.planned[number]
            images = outcome.unwrap() if is_successful(outcome) else (failed(outcome.failure()),)
            # What the look took is added to the first image.
            self._tell(place, (images[0].beside(self._looks[place]), *images[1:]))
            return not self.fail_fast or all(is_successful(each.outcome) for each in images)

        if not (self.fail_fast and self._lines):
            jobs = [
                Job(
                    replace(self._items[place], looked=self._looks[place].outcome.unwrap()),
                    after,
                    self._hosts[place],
                )
                for place, after in zip(survey.planned, survey.plan.after, strict=True)
            ]
            done = self.engine.run(Fetch(self.workshop), jobs, ended)
            if not is_successful(done):
                return Failure(done.failure())
        for place, entry in enumerate(self.entries):
            if place not in self._lines:
                shown = shown_reference(entry.reference)
                self._tell(place, (failed(NotTried(shown)),))
        lines = (line for place in sorted(self._lines) for line in self._lines[place])
        return Success(MirrorReport(tuple(lines), time.monotonic() - self._began))

    def _tell(self, place: int, images: tuple[Ended[MirroredImage], ...]) -> None:
        """Make an entry's lines, and tell them."""
        shown = shown_reference(self.entries[place].reference)
        lines = [
            MirrorLine(place, shown, each.outcome, each.requests, each.received, each.seconds)
            for each in images
        ]
        self._lines[place] = tuple(lines)
        for line in lines:
            self.watcher.ended(line)


def _host(reference: Reference) -> str:
    """Return whom a reference asks most; nobody for what lies in files or in the target."""
    match reference:
        case DockerReference():
            return reference.registry
        case ArchiveReference():
            return urlsplit(reference.url).netloc
        case AppcReference():
            return reference.name.partition("/")[0]
        case _:
            return ""
