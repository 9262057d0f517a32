"""Every image of an index: one after another, each verified for itself.

    Fetcher, DockerReference -> Result[tuple[Stored, ...], PipelineError]

What only says something about an image (attestations) is none. A reference that names one image
gives that one, whatever its platform.
"""

from dataclasses import replace

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.memory import MemoryQuarantine
from pipeline.errors import PipelineError
from pipeline.oci import IndexEntry
from pipeline.ports import RemoteEntry
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.remote_manifests import locate_image
from pipeline.reference import DockerReference
from pipeline.results import RegistryPlace, Stored
from pipeline.stages.download.manifests import fetch_entries
from pipeline.stages.download.oci import OciAttempt
from pipeline.stages.download.transfer import Ports


def fetch_every_platform(
    fetcher: Fetcher, reference: DockerReference
) -> Result[tuple[Stored, ...], PipelineError]:
    """Fetch all of a reference's images.

    Errors: of the first that fails; those before it stay stored.
    """
    found = every_image(fetcher, reference)
    if not is_successful(found):
        return Failure(found.failure())
    fetched: list[Stored] = []
    for for_it, wanted in found.unwrap():
        outcome = for_it.fetch_image(wanted)
        if not is_successful(outcome):
            return Failure(outcome.failure())
        fetched.append(outcome.unwrap())
    return Success(tuple(fetched))


def every_image(
    fetcher: Fetcher, reference: DockerReference
) -> Result[tuple[tuple[Fetcher, DockerReference], ...], PipelineError]:
    """Return, for each of a reference's images, by what and as what it is fetched; at least one.

    Errors: what locating the image, and asking for its index, fail with.
    """
    entries = _entries(fetcher, reference)
    if not is_successful(entries):
        return Failure(entries.failure())
    # One without a platform can be named by its digest alone; the tag is kept beside it.
    images = tuple(
        (
            replace(fetcher, images_for=entry.platform or fetcher.images_for),
            reference if entry.platform else replace(reference, digest=entry.descriptor.digest),
        )
        for entry in entries.unwrap()
    )
    return Success(images or ((fetcher, reference),))


def _entries(
    fetcher: Fetcher, reference: DockerReference
) -> Result[tuple[IndexEntry, ...], PipelineError]:
    located = locate_image(fetcher, reference)
    if not is_successful(located):
        return Failure(located.failure())
    ports = Ports(
        fetcher.transport,
        MemoryQuarantine(),
        fetcher.clock,
        fetcher.limits,
        fetcher.observer,
        _nothing_known,
    )
    outcome: Result[tuple[IndexEntry, ...], PipelineError] = Success(())
    for place in located.unwrap().candidates:
        if not isinstance(place, RegistryPlace):
            continue
        attempt = OciAttempt(located.unwrap(), place)
        found = fetch_entries(ports, place, attempt.resolver or place)
        if is_successful(found):
            return Success(found.unwrap())
        outcome = Failure(found.failure())
    return outcome


def _nothing_known(_url: str) -> RemoteEntry | None:
    return None
