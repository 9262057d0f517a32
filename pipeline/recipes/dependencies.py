"""Images that an image depends on: fetched with it, each verified under its own name.

    Stored -> Result[tuple[Stored, ...], PipelineError]

Source: appc/spec v0.8.11 ``spec/aci.md`` "Dependency Matching". Where rkt never ends on a cycle,
fetches shared dependencies twice and ignores ``imageID``, here each is fetched once and what the
parent demands of it is enforced.
"""

from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import InvalidManifest, PipelineError, TooManyDependencies
from pipeline.events import Noticed, tell
from pipeline.limits import DEPENDENCIES, DEPENDENCY_DEPTH, PARALLEL_FETCHES
from pipeline.manifest import Dependency, parse_manifest
from pipeline.names import Platform
from pipeline.parallel import StoppableObserver, in_parallel
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.standing import as_expected
from pipeline.reference import AppcReference, ImageIDReference
from pipeline.results import ACI_TYPE, Expectations, Stored
from pipeline.text import printable


@final
@dataclass(frozen=True, slots=True)
class _Wanted:
    """A dependency, and the platform of the image that wants it."""

    dependency: Dependency
    platform: Platform


def fetch_dependencies(
    fetcher: Fetcher, parent: Stored
) -> Result[tuple[Stored, ...], PipelineError]:
    """Fetch everything below ``parent``, level by level, each dependency once.

    What stands on one level is fetched at once, :data:`~pipeline.limits.PARALLEL_FETCHES` at a
    time.

    Errors: what a dependency fails with, which ends the others; TooManyDependencies.
    """
    seen: set[Dependency] = set()
    fetched: list[Stored] = []
    level: tuple[Stored, ...] = (parent,)
    for depth in range(DEPENDENCY_DEPTH + 1):
        wanted = _wanted_by(fetcher, level, seen)
        if not is_successful(wanted):
            return Failure(wanted.failure())
        if not wanted.unwrap():
            return Success(tuple(fetched))
        if depth == DEPENDENCY_DEPTH:
            break
        stop = Event()
        stoppable = replace(fetcher, observer=StoppableObserver(fetcher.observer, stop))
        outcome = in_parallel(
            partial(_fetch_one, stoppable), wanted.unwrap(), most=PARALLEL_FETCHES, stop=stop
        )
        if not is_successful(outcome):
            return Failure(outcome.failure())
        level = outcome.unwrap()
        fetched.extend(level)
    return Failure(TooManyDependencies(DEPENDENCY_DEPTH, "levels of dependencies"))


def _wanted_by(
    fetcher: Fetcher, images: tuple[Stored, ...], seen: set[Dependency]
) -> Result[tuple[_Wanted, ...], PipelineError]:
    """Return what these images depend on and nobody has wanted yet; it is ``seen`` from now on."""
    found: list[_Wanted] = []
    for image in images:
        below = _dependencies_of(fetcher, image)
        if not is_successful(below):
            return Failure(below.failure())
        for wanted in below.unwrap():
            if wanted.dependency not in seen:
                seen.add(wanted.dependency)
                found.append(wanted)
            # A manifest can name 200,000.
            if len(seen) > DEPENDENCIES:
                return Failure(TooManyDependencies(DEPENDENCIES, "dependencies"))
    return Success(tuple(found))


def _dependencies_of(fetcher: Fetcher, image: Stored) -> Result[tuple[_Wanted, ...], PipelineError]:
    if image.media_type != ACI_TYPE:
        # An OCI image has all of its layers itself.
        return Success(())
    raw = fetcher.store.manifest(image.image_id)
    if not is_successful(raw):
        return Failure(raw.failure())
    parsed = parse_manifest(raw.unwrap())
    if not is_successful(parsed):
        problem = parsed.failure()
        return Failure(InvalidManifest(problem.path, problem.reason))
    platform = Platform(
        image.labels.get("os") or fetcher.platform.os,
        image.labels.get("arch") or fetcher.platform.arch,
    )
    return Success(tuple(_Wanted(each, platform) for each in parsed.unwrap().dependencies))


def _fetch_one(fetcher: Fetcher, wanted: _Wanted) -> Result[Stored, PipelineError]:
    dependency = wanted.dependency

    def demanded(expected: Expectations) -> Expectations:
        return replace(
            expected, image_id=dependency.image_id, archive_bytes=dependency.archive_bytes
        )

    if dependency.image_id is not None:
        # What has that ID is what was meant, whatever is newer: no need to ask anybody.
        stored = fetcher.fetch_image(ImageIDReference(dependency.image_id.hex))
        if is_successful(stored) and as_expected(stored.unwrap(), demanded(_named(dependency))):
            return stored
    reference = AppcReference(dependency.name, dependency.labels)
    # Whatever fails from here on does not say of itself for which image it was tried.
    notice = f"fetching a dependency: {printable(reference.string)}"
    tell(fetcher.observer, Noticed("dependency", notice))
    return replace(fetcher, platform=wanted.platform).fetch_image(reference, demanded=demanded)


def _named(dependency: Dependency) -> Expectations:
    return Expectations(name=dependency.name, required=dependency.labels)
