"""The work on one entry of a list, on this machine or another: look at it, fetch it.

    Look:  MirrorItem, stop -> Ended[Looked]
    Fetch: MirrorItem, stop -> tuple[Ended[MirroredImage], ...], one an image

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
from returns.result import Failure, Result, Success

from pipeline.adapters.stopping import StoppableTransport
from pipeline.errors import LockDiffers, PipelineError
from pipeline.recipes.dependencies import fetch_dependencies
from pipeline.recipes.every_platform import every_image
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.finder import Finder
from pipeline.recipes.mirroring.counting import counted
from pipeline.recipes.mirroring.differences import check_images
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.locks import LockedImage
from pipeline.recipes.mirroring.looking import HasBlob, Looked, look_at
from pipeline.recipes.mirroring.report import MirroredImage, mirrored_image
from pipeline.recipes.mirroring.signers import signed_as_demanded
from pipeline.recipes.mirroring.workshop import Tools, Workshop
from pipeline.recipes.toolkit import LazyDiscovery
from pipeline.reference import DockerReference, Reference
from pipeline.results import Extracted, Stored
from pipeline.stages.parse import parse_reference, shown_reference
from pipeline.storage import describe

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
class MirrorItem:
    """An entry, and what a lock file says of its images; nothing where there is none.

    ``looked`` is what was seen of it; None before that.
    """

    entry: MirrorEntry
    locked: tuple[LockedImage, ...] = ()
    looked: Looked | None = None

    def pinned(self, reference: Reference) -> DockerReference | None:
        """Return the reference with the locked digest; None where it says all there is to say."""
        if not isinstance(reference, DockerReference) or reference.digest is not None:
            return None
        if self.entry.platform == "all" or not self.locked:
            return None
        return replace(reference, digest=self.locked[0].image_id)


@final
@dataclass(frozen=True, slots=True)
class Look:
    """Looks at what an entry needs."""

    workshop: Workshop

    def __call__(self, item: MirrorItem, stop: Event) -> Ended[Looked]:
        """Look; fetch nothing but manifests and what proves them."""

        def look(tools: Tools) -> Result[Looked, PipelineError]:
            finder = _finder_for(tools, item.entry, stop)
            parsed = parse_reference(finder.paths)(item.entry.reference)
            if not is_successful(parsed):
                return Failure(parsed.failure())
            return _look(finder.fetcher, item, parsed.unwrap(), tools.has_blob)

        with self.workshop.using() as tools:
            return _measured(lambda: tools.bind(look))


def _look(
    fetcher: Fetcher, item: MirrorItem, reference: Reference, has_blob: HasBlob
) -> Result[Looked, PipelineError]:
    """Look at what a reference names; where that is not what was locked, at what was."""
    every = item.entry.platform == "all"
    looked = look_at(fetcher, reference, has_blob, every_platform=every)
    pinned = item.pinned(reference)
    if pinned is None:
        return looked
    found = looked.map(lambda each: each.image_id).value_or(None)
    if is_successful(looked) and found in {None, pinned.digest}:
        return looked
    by_digest = look_at(fetcher, pinned, has_blob)
    if is_successful(by_digest):
        return by_digest.map(lambda each: replace(each, is_moved=True))
    if not is_successful(looked):
        return looked
    shown = shown_reference(item.entry.reference)
    return Failure(LockDiffers(shown, "the digest", str(found), str(pinned.digest)))


@final
@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetches an entry's image, or each of its images, into the target.

    What an entry and the lock file demand is seen to before the target has an image, and of what it
    has already.
    """

    workshop: Workshop

    def __call__(self, item: MirrorItem, stop: Event) -> tuple[Ended[MirroredImage], ...]:
        """Fetch; one image that fails does not keep others of the entry from being fetched."""
        with self.workshop.using() as tools:
            if not is_successful(tools):
                return (failed(tools.failure()),)
            finder = _finder_for(tools.unwrap(), item.entry, stop)
            if item.looked is not None and item.looked.is_stored:
                fetcher = replace(finder.fetcher, pull_policy="new")
                finder = replace(finder, fetcher=fetcher)
            if item.entry.platform != "all":
                return (_measured(lambda: _fetch(finder, item)),)
            return _fetch_every(finder, item)


def _fetch(finder: Finder, item: MirrorItem) -> Result[MirroredImage, PipelineError]:
    parsed = parse_reference(finder.paths)(item.entry.reference)
    if not is_successful(parsed):
        return Failure(parsed.failure())
    reference = parsed.unwrap()
    if item.looked is not None and item.looked.is_moved:
        reference = item.pinned(reference) or reference
    fetched = _fetch_one(finder.fetcher, item, reference)
    if not is_successful(fetched) or not finder.with_deps:
        return fetched.map(partial(mirrored_image, item.entry))
    # What an entry demands, it demands of its own image.
    below = fetch_dependencies(finder.fetcher, fetched.unwrap())
    return (
        Failure(below.failure())
        if not is_successful(below)
        else fetched.map(partial(mirrored_image, item.entry))
    )


def _fetch_one(
    fetcher: Fetcher, item: MirrorItem, reference: Reference
) -> Result[Stored, PipelineError]:
    def accept(extracted: Extracted) -> Result[Extracted, PipelineError]:
        offered = describe(extracted, extracted.origin.downloaded.freshness.fetched_at)
        return _as_demanded(item, offered).map(lambda _: extracted)

    fetched = replace(fetcher, accept=accept).fetch_image(reference)
    return fetched.bind(partial(_as_demanded, item))


def _as_demanded(item: MirrorItem, stored: Stored) -> Result[Stored, PipelineError]:
    signed = signed_as_demanded(stored, item.entry)
    if not is_successful(signed):
        return Failure(signed.failure())
    checked = check_images(stored, item.entry, item.locked)
    return Success(stored) if is_successful(checked) else Failure(checked.failure())


def _fetch_every(finder: Finder, item: MirrorItem) -> tuple[Ended[MirroredImage], ...]:
    parsed = parse_reference(finder.paths)(item.entry.reference)
    if not is_successful(parsed):
        return (failed(parsed.failure()),)
    reference = parsed.unwrap()
    if not isinstance(reference, DockerReference):
        return (_measured(lambda: _fetch(finder, item)),)
    index = _measured(lambda: every_image(finder.fetcher, reference))
    if not is_successful(index.outcome):
        return (index.failed(index.outcome.failure()),)

    def fetch(fetcher: Fetcher, wanted: DockerReference) -> Result[MirroredImage, PipelineError]:
        return _fetch_one(fetcher, item, wanted).map(partial(mirrored_image, item.entry))

    first, *others = (
        _measured(partial(fetch, fetcher, wanted)) for fetcher, wanted in index.outcome.unwrap()
    )
    images = (first.beside(index), *others)
    if not all(is_successful(each.outcome) for each in images):
        return images
    there = {each.outcome.unwrap().image_id for each in images}
    shown = shown_reference(item.entry.reference)
    gone = (
        LockDiffers(shown, f"what came for {each.platform}", "another", str(each.image_id))
        for each in item.locked
        if each.image_id not in there
    )
    return (*images, *map(failed, gone))


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
