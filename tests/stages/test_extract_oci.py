"""What an OCI image says about itself, and what is refused of it before it is stored."""

import io
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from returns.pipeline import is_successful
from returns.result import Result, Success

from pipeline.adapters.memory import MemoryQuarantine
from pipeline.errors import (
    DiffIDMismatch,
    InvalidDocument,
    PlatformNotFound,
    StoreUnavailable,
)
from pipeline.limits import CONFIG_BYTES, MANIFEST_BYTES
from pipeline.names import Label, LabelName, Labels
from pipeline.oci import DOCKER_MANIFEST_TYPE, OciConfig, OciPlatform
from pipeline.reference import ImagePathReference, OciReference
from pipeline.reference.docker import parse_docker_reference
from pipeline.results import (
    Downloaded,
    Expectations,
    Extracted,
    OciImage,
    QuarantinedBlob,
    RegistryPlace,
    Unverified,
)
from pipeline.stages.extract import ExtractError, extract_manifest
from pipeline.testing.fakes import StaticKeyring
from pipeline.testing.oci import (
    LINUX_AMD64,
    MadeImage,
    describe_blob,
    digest_of,
    make_artifact,
    make_image,
    make_index,
    make_layer,
    make_oci_config,
    make_oci_manifest,
)
from pipeline.testing.samples import put_into
from tests.support.oci_images import REFERENCE, extracted

IMAGE = make_image({"a": b"1"}, {"b": b"2"})
DIGEST = IMAGE.descriptor.digest


@dataclass(slots=True)
class World:
    """A quarantine with a good image in it, and the stage over it."""

    quarantine: MemoryQuarantine = field(default_factory=MemoryQuarantine)

    def good(self, made: MadeImage = IMAGE, reference: OciReference = REFERENCE) -> Downloaded:
        """Put an image into quarantine."""
        return extracted(made, self.quarantine, reference).origin.downloaded

    def put(self, content: bytes) -> QuarantinedBlob:
        """Put a blob into quarantine."""
        return put_into(self.quarantine, "blob", content).unwrap()

    def extract(
        self, downloaded: Downloaded, *, check_layers: bool = False
    ) -> Result[Extracted, ExtractError]:
        """Run the stage."""
        stage = extract_manifest(
            quarantine=self.quarantine, keyring=StaticKeyring(()), check_layers=check_layers
        )
        return stage(Unverified(downloaded, "a test"))

    def with_config(self, config: bytes) -> Downloaded:
        """Return the image with another configuration, which its manifest names."""
        good = self.good()
        described = describe_blob(good.contents[0].descriptor.media_type, config)
        layers = [each.descriptor for each in good.contents[1:]]
        raw = make_oci_manifest(described, layers)
        content = replace(good.contents[0], descriptor=described, blob=self.put(config))
        contents = (content, *good.contents[1:])
        return replace(good, blob=self.put(raw), digest=digest_of(raw), contents=contents)


def labels(**values: str) -> Labels:
    return Labels(tuple(Label(LabelName(name), value) for name, value in values.items()))


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        (REFERENCE, "1.0"),
        (parse_docker_reference(f"example.com/app@{DIGEST}").unwrap(), None),
        (ImagePathReference("oci", "/images/app"), None),
        (ImagePathReference("oci", "/images/app", "1.1"), "1.1"),
        (ImagePathReference("oci", "/images/app", "localhost:5000/app:1.2"), "1.2"),
        (ImagePathReference("oci", "/images/app", "localhost:5000/app"), "app"),
        (ImagePathReference("oci", "/images/app", f"h:5/app:1.3@{DIGEST}"), "1.3"),
    ],
    ids=lambda value: getattr(value, "string", str(value)),
)
def test_the_image_is_called_as_it_was_asked_for(
    reference: OciReference, version: str | None
) -> None:
    """By name and tag; the platform is its configuration's."""
    world = World()
    image = world.extract(world.good(reference=reference), check_layers=True).unwrap()
    wanted = {"os": "linux", "arch": "amd64"} | ({"version": version} if version else {})
    assert isinstance(image.manifest, OciImage)
    assert (image.image_id, image.manifest.name) == (DIGEST, REFERENCE.image_name)
    assert image.manifest.labels == labels(**wanted)


def test_an_artifact_has_no_platform() -> None:
    """Its configuration is not read, whatever it is."""
    world = World()
    image = world.extract(world.good(make_artifact())).unwrap()
    assert isinstance(image.manifest, OciImage)
    assert image.manifest.labels == labels(version="1.0")
    assert image.manifest.config == OciConfig(OciPlatform("", ""), (), b"{}")


@pytest.mark.parametrize("changes", [{"digest": None}, {"expected": Expectations()}])
def test_what_has_no_digest_or_no_name(changes: dict[str, Any]) -> None:
    world = World()
    error = world.extract(replace(world.good(), **changes)).failure()
    assert error == InvalidDocument("manifest", "$", "it came without a digest or a name")


class TestManifest:
    """It is one image's, and what has come is what it names."""

    def refuse(self, raw: bytes, media_type: str = IMAGE.descriptor.media_type) -> object:
        """Return the error for a manifest that has come in place of the right one."""
        world = World()
        good = world.good()
        return world.extract(replace(good, blob=world.put(raw), media_type=media_type)).failure()

    def test_junk(self) -> None:
        error = self.refuse(b"{")
        assert isinstance(error, InvalidDocument)
        assert error.document == "manifest"

    def test_of_another_type_than_it_came_as(self) -> None:
        error = self.refuse(IMAGE.raw, DOCKER_MANIFEST_TYPE)
        assert isinstance(error, InvalidDocument)
        assert (error.document, error.path) == ("manifest", "$.mediaType")

    def test_an_index(self) -> None:
        index = make_index(IMAGE)
        wanted = InvalidDocument("manifest", "$", "got an index, wanted one image")
        assert self.refuse(index.raw, index.descriptor.media_type) == wanted

    @pytest.mark.parametrize(
        "other", [make_image({"a": b"1"}), make_image({"b": b"2"}, {"a": b""})]
    )
    def test_of_other_blobs(self, other: MadeImage) -> None:
        wanted = InvalidDocument("manifest", "$", "it names other blobs than have come")
        assert self.refuse(other.raw) == wanted

    def test_too_long(self) -> None:
        reason = f"got {MANIFEST_BYTES + 1} bytes, wanted at most {MANIFEST_BYTES}"
        assert self.refuse(bytes(MANIFEST_BYTES + 1)) == InvalidDocument("document", "$", reason)

    def test_as_long_as_may_be(self) -> None:
        world, raw = World(), IMAGE.raw.ljust(MANIFEST_BYTES)
        assert is_successful(world.extract(replace(world.good(), blob=world.put(raw))))

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [(OSError(5, "Input/output error"), "Input/output error"), (OSError("odd"), "odd")],
    )
    def test_that_cannot_be_read(
        self, fault: OSError, reason: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise fault

        world = World()
        good = world.good()
        monkeypatch.setattr(MemoryQuarantine, "open", lambda _self, _blob: Success(Broken()))
        assert world.extract(good).failure() == StoreUnavailable(good.blob.key, "read", reason)

    def test_no_more_is_read_than_may_be(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever a quarantine says of the blob's size."""
        sizes: list[int] = []

        class Grown(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                content = super().read(size)
                sizes.append(len(content))
                return content

        world = World()
        good, file = world.good(), Grown(bytes(MANIFEST_BYTES + 9))
        monkeypatch.setattr(MemoryQuarantine, "open", lambda _self, _blob: Success(file))
        assert isinstance(world.extract(good).failure(), InvalidDocument)
        assert sizes == [MANIFEST_BYTES]

    def test_gone(self) -> None:
        world = World()
        good = replace(world.good(), blob=QuarantinedBlob("none", 1))
        assert isinstance(world.extract(good).failure(), StoreUnavailable)


class TestConfiguration:
    """It is for the platform that was asked for, and has an entry for each layer."""

    def test_junk(self) -> None:
        world = World()
        error = world.extract(world.with_config(b"{")).failure()
        assert isinstance(error, InvalidDocument)
        assert error.document == "configuration"

    def test_too_long(self) -> None:
        world = World()
        error = world.extract(world.with_config(bytes(CONFIG_BYTES + 1))).failure()
        reason = f"got {CONFIG_BYTES + 1} bytes, wanted at most {CONFIG_BYTES}"
        assert error == InvalidDocument("document", "$", reason)

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_another_number_of_layers(self, count: int) -> None:
        world = World()
        error = world.extract(world.with_config(make_oci_config([DIGEST] * count))).failure()
        reason = f"got {count}, wanted one for each of 2 layers"
        assert error == InvalidDocument("configuration", "$.rootfs.diff_ids", reason)

    def test_of_another_platform(self) -> None:
        world = World()
        good = world.good()
        place = RegistryPlace(REFERENCE, "https://h/v2/a", OciPlatform("linux", "arm64"))
        error = world.extract(replace(good, source=place)).failure()
        wanted = PlatformNotFound(REFERENCE.string, "linux/arm64", (str(LINUX_AMD64),))
        assert error == wanted


def test_layers_are_checked_where_that_is_wanted() -> None:
    """A configuration that says something else of them is refused then, and not before."""
    world = World()
    lying = world.with_config(make_oci_config([make_layer({"c": b""}).diff_id, DIGEST]))
    assert is_successful(world.extract(lying))
    unasked = extract_manifest(quarantine=world.quarantine, keyring=StaticKeyring(()))
    assert is_successful(unasked(Unverified(lying, "a test")))
    assert isinstance(world.extract(lying, check_layers=True).failure(), DiffIDMismatch)
