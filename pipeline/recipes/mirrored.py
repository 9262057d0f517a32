"""Names at their mirrors: the remote side, for each place where a name is to be looked for.

    Fetcher, Reference -> Result[Stored, PipelineError]

Each place is asked only when those before it failed, the name's own pages last: where a mirror
has the image, its origin never hears of it. What says nothing about an image (no page, no answer,
no such file) goes on to the next place; a bad signature, or an image of another name, ends it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from returns.result import Result

from pipeline.errors import (
    AllCandidatesFailed,
    DiscoveryError,
    DiscoveryFailed,
    DownloadError,
    NoMatchingTag,
    OnePlaceError,
    PipelineError,
)
from pipeline.recipes.fetcher import Fetcher
from pipeline.recipes.remote import fetch_remote
from pipeline.reference import AppcReference, Reference
from pipeline.results import Expectations, Stored
from pipeline.stage import Stage, first_success

_Attempt: TypeAlias = OnePlaceError | NoMatchingTag


def fetch_mirrored(
    fetcher: Fetcher,
    reference: Reference,
    signature: str | None,
    demanded: Callable[[Expectations], Expectations],
) -> Result[Stored, PipelineError]:
    """Fetch from the first place that has the image.

    Errors: that of the origin, with those of the mirrors in front where it is of their kind.
    """

    def fetch(at_one_place: Fetcher) -> Result[Stored, PipelineError]:
        return fetch_remote(at_one_place, reference, signature, demanded)

    everywhere = first_success(
        Stage("fetch", fetch),
        partial(_at_each_place, reference),
        partial(_all_failed, reference),
        retryable=_says_nothing_of_the_image,
    )
    return everywhere(fetcher)


def _at_each_place(reference: Reference, fetcher: Fetcher) -> tuple[Fetcher, ...]:
    """Return the fetcher once for each place to look at, the origin last."""
    if not isinstance(reference, AppcReference):
        return (fetcher,)
    places = fetcher.mirrors.for_name(reference.name)
    if not places:
        return (fetcher,)
    from pipeline.adapters.appc import MirrorDiscovery  # most runs have no mirrors of names

    mirrors = (MirrorDiscovery(fetcher.discovery, place) for place in places)
    return (*(replace(fetcher, discovery=mirror) for mirror in mirrors), fetcher)


def _says_nothing_of_the_image(error: PipelineError) -> bool:
    return isinstance(error, DiscoveryError | DownloadError)


def _all_failed(
    reference: Reference, _fetcher: Fetcher, errors: tuple[PipelineError, ...]
) -> PipelineError:
    """Return the origin's error, with what the mirrors said in front."""
    *mirrors, origin = errors
    earlier = tuple(attempt for error in mirrors for attempt in _attempts(error))
    if not earlier:
        return origin
    if isinstance(origin, DiscoveryFailed):
        return replace(origin, attempts=(*earlier, *origin.attempts))
    return AllCandidatesFailed(reference.string, (*earlier, *_attempts(origin)))


def _attempts(error: PipelineError) -> tuple[_Attempt, ...]:
    if isinstance(error, DiscoveryFailed):
        return error.attempts
    if isinstance(error, AllCandidatesFailed):
        return error.causes
    return (error,) if isinstance(error, _Attempt) else ()
