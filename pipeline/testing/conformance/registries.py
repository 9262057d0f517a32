"""Conformance checks for whoever says where registries are: :func:`check_registries`."""

from returns.pipeline import is_successful

from pipeline.ports import Registries
from pipeline.reference import DockerReference
from pipeline.testing.conformance.promises import expect, expect_success
from pipeline.testing.oci import LINUX_AMD64


def check_registries(
    registries: Registries, *, known: DockerReference, blocked: DockerReference | None = None
) -> None:
    """Check that registries keep what the port promises.

    ``known`` may be asked for; ``blocked``, where there is one, may not.

    Errors: NonConformance.
    """
    places = expect_success(registries.places(known, LINUX_AMD64), "look for a registry")
    expect(len(places) > 0, "a success names at least one place")
    for place in places:
        expect(place.reference == known, "a place is one of the very image that was asked for")
        expect(place.platform == LINUX_AMD64, "a place is for the platform that was asked for")
        is_url = place.base.startswith(("https://", "http://"))
        expect(is_url and "/v2/" in place.base, "a place is in the distribution API")
        expect(not place.base.endswith("/"), "a place ends in the repository's name")
    expect(len(set(places)) == len(places), "no place is there twice")
    expect(places[-1].resolves_tags, "the last place is the registry itself, which has all tags")
    again = expect_success(registries.places(known, LINUX_AMD64), "look for a registry again")
    expect(places == again, "the places are in the same order each time")
    if blocked is not None:
        refused = registries.places(blocked, LINUX_AMD64)
        expect(not is_successful(refused), "a blocked registry is a failure, and no place")
