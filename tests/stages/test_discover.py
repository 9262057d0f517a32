"""Where each kind of reference leads."""

import pickle

import pytest
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import DiscoveryError, DiscoveryFailed, UnsupportedReference
from pipeline.names import ImageName, Label, LabelName, Labels, Platform
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    Reference,
)
from pipeline.results import Candidate, Expectations, KeyPlace, Located
from pipeline.stages.discover import discover_endpoints

NAME = ImageName("example.com/app")
PLATFORM = Platform("linux", "amd64")
FOUND = (Candidate("https://h/a", "https://h/a.asc"), Candidate("https://h/b", "https://h/b.asc"))


def labels(**values: str) -> Labels:
    return Labels(tuple(Label(LabelName(name), value) for name, value in values.items()))


class StubDiscovery:
    """Finds the same places for every name but one, and remembers the labels."""

    def __init__(self) -> None:
        self.asked: list[Labels] = []

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        self.asked.append(labels)
        return Success(FOUND) if name == NAME else Failure(DiscoveryFailed(name, "image", ()))

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        return Failure(DiscoveryFailed(name, "public key", ()))


def test_a_name_is_discovered_with_the_platform_filled_in() -> None:
    """What the user asked for is required; else the platform counts, where the manifest has it."""
    discovery, reference = StubDiscovery(), AppcReference(NAME, labels(version="1", os="freebsd"))
    located = discover_endpoints(discovery=discovery, platform=PLATFORM)(reference).unwrap()
    assert discovery.asked == [labels(version="1", os="freebsd", arch="amd64")]
    expected = Expectations(NAME, reference.labels, labels(arch="amd64"))
    assert located == Located(reference, FOUND, expected)


def test_a_name_that_nobody_knows() -> None:
    reference = AppcReference(ImageName("other.com/app"))
    outcome = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM)(reference)
    assert outcome == Failure(DiscoveryFailed(reference.name, "image", ()))


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        ("https://h/app.aci?token=x", "https://h/app.aci.asc?token=x"),
        ("file:///images/app", "file:///images/app.aci.asc"),
    ],
)
def test_an_archive_is_its_own_place(url: str, signature: str) -> None:
    discovery, reference = StubDiscovery(), ArchiveReference(url)
    located = discover_endpoints(discovery=discovery, platform=PLATFORM)(reference).unwrap()
    assert located == Located(reference, (Candidate(url, signature),), Expectations())
    assert discovery.asked == []


@pytest.mark.parametrize("reference", [AppcReference(NAME), ArchiveReference("https://h/x.aci")])
def test_a_signature_that_the_user_named_takes_every_ones_place(reference: Reference) -> None:
    stage = discover_endpoints(
        discovery=StubDiscovery(), platform=PLATFORM, signature="file:///my.asc"
    )
    candidates = stage(reference).unwrap().candidates
    assert {each.signature for each in candidates} == {"file:///my.asc"}
    assert candidates[0].image == getattr(reference, "url", "https://h/a")


@pytest.mark.parametrize(
    "reference",
    [
        DockerReference("busybox", "docker.io", "library/busybox", "latest", None),
        DockerReference("a@b", "docker.io", "a", None, Digest("sha256", "0" * 64)),
        ImageIDReference("abcdef"),
    ],
)
def test_what_has_no_place(reference: Reference) -> None:
    outcome = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM)(reference)
    error = outcome.failure()
    assert isinstance(error, UnsupportedReference)
    assert error.reference == reference.string
    assert error.hint


def test_the_stage_pickles() -> None:
    stage = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM)
    reference = ArchiveReference("https://h/x.aci")
    assert pickle.loads(pickle.dumps(stage))(reference) == stage(reference)
