"""Where each kind of reference leads."""

import pickle

import pytest
from returns.result import Failure, Result, Success

from pipeline.errors import (
    ConfigurationError,
    DiscoveryError,
    DiscoveryFailed,
    InvalidSetting,
    UnsupportedReference,
)
from pipeline.names import ImageName, Label, LabelName, Labels, Platform
from pipeline.oci import OciPlatform
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
    Reference,
)
from pipeline.results import (
    Candidate,
    Expectations,
    ImagePathPlace,
    KeyPlace,
    Located,
    RegistryPlace,
)
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
    places = stage(reference).unwrap().candidates
    assert {getattr(each, "signature", None) for each in places} == {"file:///my.asc"}
    assert places[0].image == getattr(reference, "url", "https://h/a")


BUSYBOX = DockerReference("busybox", "docker.io", "library/busybox", "latest", None)


def test_a_registry_image_is_at_its_registry() -> None:
    located = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM)(BUSYBOX).unwrap()
    base = "https://registry-1.docker.io/v2/library/busybox"
    place = RegistryPlace(BUSYBOX, base, OciPlatform("linux", "amd64"))
    name = ImageName("docker.io/library/busybox")
    assert located == Located(BUSYBOX, (place,), Expectations(name))


def test_a_registry_image_is_where_somebody_says() -> None:
    mirror = RegistryPlace(BUSYBOX, "https://m.example/v2/busybox", OciPlatform("linux", "arm64"))

    class Mirrored:
        def places(
            self, reference: DockerReference, platform: OciPlatform
        ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
            assert (reference, platform) == (BUSYBOX, mirror.platform)
            return Success((mirror,))

    stage = discover_endpoints(
        discovery=StubDiscovery(),
        platform=PLATFORM,
        registries=Mirrored(),
        images_for=mirror.platform,
    )
    assert stage(BUSYBOX).unwrap().candidates == (mirror,)


def test_an_image_in_files_is_its_own_place() -> None:
    reference = ImagePathReference("oci", "/images/layout")
    located = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM)(reference).unwrap()
    place = ImagePathPlace(reference, OciPlatform("linux", "amd64"))
    assert located == Located(reference, (place,), Expectations(ImageName("localhost/layout")))


@pytest.mark.parametrize("reference", [BUSYBOX, ImagePathReference("oci", "/images/layout")])
def test_registry_images_have_no_detached_signature(reference: Reference) -> None:
    stage = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM, signature="file:///s")
    assert stage(reference) == Failure(
        UnsupportedReference(
            reference.string,
            "a detached signature is of an archive, wanted none for a registry image",
            "simple signatures of registry images lie where registries.d says",
        )
    )


def test_a_registry_image_that_nobody_may_say_the_place_of() -> None:
    refused = InvalidSetting("registries", "x", "a table")

    class Unreadable:
        def places(
            self, reference: DockerReference, platform: OciPlatform
        ) -> Result[tuple[RegistryPlace, ...], ConfigurationError]:
            return Failure(refused)

    stage = discover_endpoints(
        discovery=StubDiscovery(), platform=PLATFORM, registries=Unreadable()
    )
    assert stage(BUSYBOX) == Failure(refused)


def test_what_has_no_place() -> None:
    reference = ImageIDReference("abcdef")
    outcome = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM)(reference)
    assert outcome == Failure(
        UnsupportedReference(
            "sha512-abcdef",
            "an image ID names what is in the store and says nothing of where it came from",
            "image-pipeline image list shows what the store has; fetch others by name",
        )
    )


def test_the_stage_pickles() -> None:
    stage = discover_endpoints(discovery=StubDiscovery(), platform=PLATFORM)
    reference = ArchiveReference("https://h/x.aci")
    assert pickle.loads(pickle.dumps(stage))(reference) == stage(reference)
