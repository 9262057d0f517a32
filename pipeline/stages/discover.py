"""The second stage: from a reference to the places where its image may be.

    discover_endpoints: Reference -> Located | DiscoveryError, UnsupportedReference, …

A name goes through discovery, with the platform's ``os`` and ``arch`` filled in as rkt does; a URL
or path is its own place, and its signature lies beside it. A registry image is at its registry's
mirrors and at the registry itself, as ``registries`` says. Nothing is downloaded here.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias, assert_never, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ConfigurationError, DiscoveryError, UnsupportedReference
from pipeline.names import Labels, Platform
from pipeline.oci import OciPlatform
from pipeline.oci.platforms import oci_platform
from pipeline.ports import Discovery, Registries
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
    Reference,
    signature_location,
)
from pipeline.reference.image_path import image_name_of
from pipeline.results import (
    Candidate,
    Expectations,
    ImagePathPlace,
    Located,
    Place,
    RegistryPlace,
)
from pipeline.stage import Stage

LocateError: TypeAlias = DiscoveryError | UnsupportedReference | ConfigurationError
"""What can keep an image from being located."""


@final
class _DirectRegistries:
    """Asks every registry itself, over https, and knows no signatures kept elsewhere."""

    def places(
        self, reference: DockerReference, platform: OciPlatform
    ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
        """Return the one place."""
        base = f"https://{reference.registry}/v2/{reference.repository}"
        return Success((RegistryPlace(reference, base, platform),))


DIRECT_REGISTRIES: Final = _DirectRegistries()
"""Where registry images are where nobody has set anything."""


def discover_endpoints(
    *,
    discovery: Discovery,
    platform: Platform,
    signature: str | None = None,
    registries: Registries = DIRECT_REGISTRIES,
    images_for: OciPlatform | None = None,
) -> Stage[Reference, Located, LocateError]:
    """Make the stage that locates an image.

    ``signature`` is the URL of a signature that the user named; it takes the place of the one that
    each candidate comes with. ``images_for`` is the platform for which registry images are
    wanted: ``platform`` in Go's words, unless somebody asked for another.

    Errors: DiscoveryFailed for a name; UnsupportedReference for an image ID, and for a registry
    image with a ``signature``; what ``registries`` fails with.
    """
    wanted = oci_platform(platform) if images_for is None else images_for
    locate = partial(_locate, discovery, platform, registries, wanted)
    return Stage("discover", partial(_run, locate, signature))


def _run(
    locate: Callable[[Reference], Result[Located, LocateError]],
    signature: str | None,
    reference: Reference,
) -> Result[Located, LocateError]:
    located = locate(reference)
    if signature is None or not is_successful(located):
        return located
    return _signed_by(signature, located.unwrap())


def _locate(
    discovery: Discovery,
    platform: Platform,
    registries: Registries,
    wanted: OciPlatform,
    reference: Reference,
) -> Result[Located, LocateError]:
    match reference:
        case AppcReference():
            return _discover(discovery, platform, reference)
        case ArchiveReference(url):
            return Success(Located(reference, (Candidate(url, signature_location(url)),)))
        case DockerReference():
            expected = Expectations(reference.image_name)
            places = registries.places(reference, wanted)
            if not is_successful(places):
                return Failure(places.failure())
            return Success(Located(reference, places.unwrap(), expected))
        case ImagePathReference():
            place = ImagePathPlace(reference, wanted)
            return Success(Located(reference, (place,), Expectations(image_name_of(reference))))
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
) -> Result[Located, LocateError]:
    defaults = Labels(platform.labels).missing_from(reference.labels)
    found = discovery.endpoints(reference.name, reference.labels.with_defaults(defaults.items))
    expected = Expectations(reference.name, required=reference.labels, defaults=defaults)
    if not is_successful(found):
        return Failure(found.failure())
    return Success(Located(reference, found.unwrap(), expected))


def _signed_by(signature: str, located: Located) -> Result[Located, LocateError]:
    signed: list[Place] = []
    for place in located.candidates:
        if not isinstance(place, Candidate):
            return Failure(
                UnsupportedReference(
                    located.reference.string,
                    "a detached signature is of an archive, wanted none for a registry image",
                    "simple signatures of registry images lie where registries.d says",
                )
            )
        signed.append(replace(place, signature=signature))
    return Success(replace(located, candidates=tuple(signed)))
