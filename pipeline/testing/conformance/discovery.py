"""Conformance checks for whoever writes a discovery: :func:`check_discovery`."""

from urllib.parse import urlsplit

from returns.pipeline import is_successful

from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.ports import Discovery
from pipeline.testing.conformance.promises import expect, expect_success


def check_discovery(discovery: Discovery, *, known: ImageName, unknown: ImageName) -> None:
    """Check that a discovery keeps what the port promises.

    Of ``known`` it knows where images and keys are, of ``unknown`` nothing.

    Errors: NonConformance.
    """
    version = Labels((Label(LabelName("version"), "1.0.0"),))
    for labels in (Labels(), version):
        places = expect_success(discovery.endpoints(known, labels), "find an image")
        expect(len(places) > 0, "a success names at least one place of an image")
        for place in places:
            _expect_url(place.image)
            _expect_url(place.signature)
            expect(place.image != place.signature, "a signature is not the image itself")
        again = expect_success(discovery.endpoints(known, labels), "find an image again")
        expect(places == again, "the places are in the same order each time")
        missed = discovery.endpoints(unknown, labels)
        expect(not is_successful(missed), "an image that is nowhere is a failure")
        expect(missed.failure().name == unknown, "a failure names what was looked for")
    keys = expect_success(discovery.public_keys(known), "find keys")
    expect(len(keys) > 0, "a success names at least one place of a key")
    for key in keys:
        _expect_url(key.url)
    missed_keys = discovery.public_keys(unknown)
    expect(not is_successful(missed_keys), "keys that are nowhere are a failure")
    expect(missed_keys.failure().name == unknown, "a failure names whose keys were looked for")


def _expect_url(url: str) -> None:
    is_known = urlsplit(url).scheme in {"http", "https", "file"}
    expect(is_known, f"a place is an https:, http: or file: URL, got {url!r}")
