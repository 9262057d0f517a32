"""The work on one entry of a list, on this machine or another: look at it, fetch it.

    Look:  MirrorEntry, stop -> Ended[Looked]
    Fetch: FetchItem, stop   -> tuple[Ended[MirroredImage], ...], one an image

Both are picklable, as are their items and what comes of them. What goes wrong is a value; what is
told to stop asks nobody any more, and leaves on its way what a later fetch goes on from.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Generic, Never, TypeVar, final

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.stopping import StoppableTransport
from pipeline.errors import PipelineError
from pipeline.recipes.every_platform import every_image
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.finder import Finder
from pipeline.recipes.mirroring.counting import counted
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.looking import Looked, look_at
from pipeline.recipes.mirroring.report import MirroredImage, mirrored_image
from pipeline.recipes.mirroring.workshop import Tools, Workshop
from pipeline.recipes.toolkit import LazyDiscovery
from pipeline.reference import DockerReference
from pipeline.results import Stored
from pipeline.stages.parse import parse_reference

Out = TypeVar("Out", covariant=True)
Other = TypeVar("Other")


@final
@dataclass(frozen=True, slots=True)
class Ended(Generic[Out]):
    """What came of a piece of work, and what it took.

    So many ``requests`` were sent, ``received`` bytes of bodies came, within ``seconds``.
    """

    outcome: Result[Out, PipelineError]
    requests: int
    received: int
    seconds: float

    def failed(self, error: PipelineError) -> "Ended[Never]":
        """Return that this came to nothing."""
        return Ended(Failure(error), self.requests, self.received, self.seconds)

    def beside(self, other: "Ended[Other]") -> "Ended[Out]":
        """Return this with what another piece of work took added to it."""
        return Ended(
            self.outcome,
            self.requests + other.requests,
            self.received + other.received,
            self.seconds + other.seconds,
        )


@final
@dataclass(frozen=True, slots=True)
class FetchItem:
    """An entry to fetch; where ``is_stored``, it was seen that the target's own word is enough."""

    entry: MirrorEntry
    is_stored: bool = False


@final
@dataclass(frozen=True, slots=True)
class Look:
    """Looks at what an entry needs."""

    workshop: Workshop

    def __call__(self, entry: MirrorEntry, stop: Event) -> Ended[Looked]:
        """Look; fetch nothing but manifests and what proves them."""

        def look(tools: Tools) -> Result[Looked, PipelineError]:
            finder = _finder_for(tools, entry, stop)
            parsed = parse_reference(finder.paths)(entry.reference)
            if not is_successful(parsed):
                return Failure(parsed.failure())
            every = entry.platform == "all"
            return look_at(finder.fetcher, parsed.unwrap(), tools.has_blob, every_platform=every)

        with self.workshop.using() as tools:
            return _measured(lambda: tools.bind(look))


@final
@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetches an entry's image, or each of its images, into the target."""

    workshop: Workshop

    def __call__(self, item: FetchItem, stop: Event) -> tuple[Ended[MirroredImage], ...]:
        """Fetch; one image that fails does not keep others of the entry from being fetched."""
        with self.workshop.using() as tools:
            if not is_successful(tools):
                return (failed(tools.failure()),)
            finder = _finder_for(tools.unwrap(), item.entry, stop)
            if item.is_stored:
                fetcher = replace(finder.fetcher, pull_policy="new")
                finder = replace(finder, fetcher=fetcher)
            if item.entry.platform != "all":
                return (_measured(lambda: _fetch(finder, item.entry)),)
            return _fetch_every(finder, item.entry)


def _fetch(finder: Finder, entry: MirrorEntry) -> Result[MirroredImage, PipelineError]:
    return _report(finder.find_image(entry.reference))


def _report(stored: Result[Stored, PipelineError]) -> Result[MirroredImage, PipelineError]:
    return stored.map(mirrored_image)


def _fetch_every(finder: Finder, entry: MirrorEntry) -> tuple[Ended[MirroredImage], ...]:
    parsed = parse_reference(finder.paths)(entry.reference)
    if not is_successful(parsed):
        return (failed(parsed.failure()),)
    reference = parsed.unwrap()
    if not isinstance(reference, DockerReference):
        return (_measured(lambda: _fetch(finder, entry)),)
    index = _measured(lambda: every_image(finder.fetcher, reference))
    if not is_successful(index.outcome):
        return (index.failed(index.outcome.failure()),)

    def fetch(fetcher: Fetcher, wanted: DockerReference) -> Result[MirroredImage, PipelineError]:
        return _report(fetcher.fetch_image(wanted))

    first, *others = (
        _measured(partial(fetch, fetcher, wanted)) for fetcher, wanted in index.outcome.unwrap()
    )
    return (first.beside(index), *others)


def _finder_for(tools: Tools, entry: MirrorEntry, stop: Event) -> Finder:
    """Return a finder that demands what an entry does, and asks nobody once ``stop`` is set."""
    base = tools.finder.fetcher
    transport = StoppableTransport(base.transport, stop)
    discovery = base.discovery
    if isinstance(discovery, LazyDiscovery):
        discovery = replace(discovery, transport=transport)
    signers = replace(base.signers, minimum=max(base.signers.minimum, entry.signers))
    platform = entry.platform if entry.platform != "all" else None
    fetcher = replace(
        base,
        transport=transport,
        discovery=discovery,
        signers=signers,
        policy=replace(tools.judge, signers=signers),
        pull_policy=entry.pull_policy or base.pull_policy,
        images_for=platform or base.images_for,
    )
    return replace(tools.finder, fetcher=fetcher)


def _measured(work: Callable[[], Result[Other, PipelineError]]) -> Ended[Other]:
    began = time.monotonic()
    with counted() as count:
        outcome = work()
    return Ended(outcome, count.requests, count.received, time.monotonic() - began)


def failed(error: PipelineError) -> "Ended[Never]":
    """Return that nothing came of what took nothing."""
    return Ended(Failure(error), 0, 0, 0.0)
