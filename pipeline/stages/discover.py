"""The second stage: from a reference to the places where its image may be.

    discover_endpoints: Reference -> Located | DiscoveryFailed, UnsupportedReference

A name goes through discovery, with the platform's ``os`` and ``arch`` filled in as rkt does; a URL
or path is its own place, and its signature lies beside it. Nothing is downloaded here.
"""

from dataclasses import replace
from functools import partial
from typing import assert_never

from returns.result import Failure, Result, Success

from pipeline.errors import DiscoveryError, UnsupportedReference
from pipeline.names import Labels, Platform
from pipeline.ports import Discovery
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    Reference,
    signature_location,
)
from pipeline.results import Candidate, Expectations, Located
from pipeline.stage import Stage


def discover_endpoints(
    *, discovery: Discovery, platform: Platform, signature: str | None = None
) -> Stage[Reference, Located, DiscoveryError | UnsupportedReference]:
    """Make the stage that locates an image.

    ``signature`` is the URL of a signature that the user named; it takes the place of the one that
    each candidate comes with.

    Errors: DiscoveryFailed for a name; UnsupportedReference for a registry or an image ID.
    """
    return Stage("discover", partial(_run, discovery, platform, signature))


def _run(
    discovery: Discovery, platform: Platform, signature: str | None, reference: Reference
) -> Result[Located, DiscoveryError | UnsupportedReference]:
    located = _locate(discovery, platform, reference)
    if signature is None:
        return located
    return located.map(partial(_signed_by, signature))


def _locate(
    discovery: Discovery, platform: Platform, reference: Reference
) -> Result[Located, DiscoveryError | UnsupportedReference]:
    match reference:
        case AppcReference():
            return _discover(discovery, platform, reference)
        case ArchiveReference(url):
            return Success(Located(reference, (Candidate(url, signature_location(url)),)))
        case DockerReference():
            return Failure(
                UnsupportedReference(
                    reference.string,
                    "registry images are not fetched by this version",
                    "an image that is published as an archive is fetched by name, path or URL",
                )
            )
        case ImageIDReference():
            return Failure(
                UnsupportedReference(
                    reference.string,
                    "an image ID names what is in the store and says nothing of where it came from",
                    "image-pipeline image list shows what the store has; fetch others by name",
                )
            )
        case _:
            assert_never(reference)


def _discover(
    discovery: Discovery, platform: Platform, reference: AppcReference
) -> Result[Located, DiscoveryError | UnsupportedReference]:
    defaults = Labels(platform.labels).missing_from(reference.labels)
    found = discovery.endpoints(reference.name, reference.labels.with_defaults(defaults.items))
    expected = Expectations(reference.name, required=reference.labels, defaults=defaults)
    return found.map(lambda candidates: Located(reference, candidates, expected))


def _signed_by(signature: str, located: Located) -> Located:
    candidates = tuple(replace(each, signature=signature) for each in located.candidates)
    return replace(located, candidates=candidates)
