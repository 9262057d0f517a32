"""What an app would see of an image: the images below it, then itself, as whitelists let through.

    Stored -> Result[tuple[Layer, ...], PipelineError]

Order (appc/spec v0.8.11 ``spec/aci.md`` "Dependency Matching"): depth first, an image's
dependencies in their order, then the image itself; of two files with one path the later stays.
An image's ``pathWhitelist``, where it has one, holds for everything below it, too. An image that
is reached twice under the same whitelists is taken the second time alone: that leaves the same.
One that depends on itself, on whatever way, is not taken again on that way.

Everything comes from the store, and only what is proven by today's keys.
"""

from dataclasses import dataclass, field
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.selection import Selection, Whitelist, make_whitelist
from pipeline.digest import Digest
from pipeline.errors import (
    ImageNotFound,
    InvalidManifest,
    PipelineError,
    TooManyDependencies,
)
from pipeline.limits import DEPENDENCIES, DEPENDENCY_DEPTH
from pipeline.manifest import Dependency, ImageManifest, parse_manifest
from pipeline.names import Labels, Platform
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.standing import as_expected
from pipeline.reference import AppcReference
from pipeline.results import Expectations, Stored


@final
@dataclass(frozen=True, slots=True)
class Layer:
    """An image, and what of it is to be unpacked over the layers before it."""

    image: Stored
    selection: Selection


@final
@dataclass(slots=True)
class _Plan:
    """The images that were reached so far, in the order in which to unpack them."""

    fetcher: Fetcher
    images: dict[tuple[Digest, tuple[Whitelist, ...]], Stored] = field(default_factory=dict)
    found: dict[tuple[Dependency, Platform], Stored] = field(default_factory=dict)
    reached: int = 0

    def add(
        self, image: Stored, above: tuple[Whitelist, ...], way: frozenset[Digest]
    ) -> PipelineError | None:
        """Add an image after everything below it; ``way`` are the images above it."""
        # A dependency reached on many ways counts on each: their number can grow as 2 to the depth.
        self.reached += 1
        if self.reached > DEPENDENCIES:
            return TooManyDependencies(DEPENDENCIES, "dependencies")
        if len(way) >= DEPENDENCY_DEPTH:
            return TooManyDependencies(DEPENDENCY_DEPTH, "levels of dependencies")
        read = read_manifest(self.fetcher, image)
        if not is_successful(read):
            return read.failure()
        manifest = read.unwrap()
        own = (make_whitelist(manifest.path_whitelist),) if manifest.path_whitelist else ()
        for dependency in manifest.dependencies:
            found = self._find(dependency, image)
            if not is_successful(found):
                return found.failure()
            below = found.unwrap()
            if below.image_id in way or below.image_id == image.image_id:
                continue
            problem = self.add(below, above + own, way | {image.image_id})
            if problem is not None:
                return problem
        key = (image.image_id, above + own)
        self.images.pop(key, None)
        self.images[key] = image
        return None

    def _find(self, dependency: Dependency, parent: Stored) -> Result[Stored, PipelineError]:
        """Find in the store what a dependency means, and prove it under its own name."""
        store, here = self.fetcher.store, self.fetcher.platform
        platform = Platform(
            parent.labels.get("os") or here.os, parent.labels.get("arch") or here.arch
        )
        known = self.found.get((dependency, platform))
        if known is not None:
            return Success(known)
        if dependency.image_id is not None:
            stored = store.resolve(dependency.image_id.hex)
        else:
            stored = store.find(dependency.name, dependency.labels, Labels(platform.labels))
        expected = Expectations(
            name=dependency.name,
            required=dependency.labels,
            image_id=dependency.image_id,
            archive_bytes=dependency.archive_bytes,
        )
        if is_successful(stored) and not as_expected(stored.unwrap(), expected):
            stored = Failure(
                ImageNotFound(AppcReference(dependency.name, dependency.labels).string)
            )
        if not is_successful(stored):
            return Failure(stored.failure())
        proven = self.fetcher.proven(stored.unwrap())
        if is_successful(proven):
            self.found[dependency, platform] = proven.unwrap()
        return proven


def plan_rendering(
    fetcher: Fetcher, image: Stored, *, rootfs_only: bool
) -> Result[tuple[Layer, ...], PipelineError]:
    """Return what to unpack, in order; the last is ``image``, the one whose manifest is kept.

    Errors: ImageNotFound for a dependency that the store has not; what proves one fails with;
    TooManyDependencies; InvalidManifest.
    """
    plan = _Plan(fetcher)
    problem = plan.add(image, (), frozenset())
    if problem is not None:
        return Failure(problem)
    return Success(
        tuple(
            Layer(
                each,
                Selection(
                    rootfs_only=rootfs_only,
                    manifest=each.image_id == image.image_id,
                    whitelists=whitelists,
                ),
            )
            for (_, whitelists), each in plan.images.items()
        )
    )


def read_manifest(fetcher: Fetcher, image: Stored) -> Result[ImageManifest, PipelineError]:
    """Return a stored image's manifest.

    Errors: InvalidManifest where an older version stored what this one refuses.
    """
    raw = fetcher.store.manifest(image.image_id)
    if not is_successful(raw):
        return Failure(raw.failure())
    return parse_manifest(raw.unwrap()).alt(
        lambda problem: InvalidManifest(problem.path, problem.reason)
    )
