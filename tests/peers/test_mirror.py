"""Many images of a real registry, mirrored: what travels, what is proven, what is left to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from pipeline.testing.oci import MadeImage
from tests.peers.filled_registry import (
    REPOSITORY,
    pushing,
    sharing_images,
    sign,
    trust,
    unique_bytes,
    use_lookaside,
)
from tests.peers.registry import Registry
from tests.support.world import World

pytestmark = pytest.mark.peer

IMAGES = 200


@dataclass(slots=True)
class Source:
    """A registry of images, and the list of them all."""

    world: World
    registry: Registry
    images: list[MadeImage]

    @property
    def list_file(self) -> Path:
        return self.world.home / "images.txt"

    @property
    def target(self) -> Path:
        return self.world.home / "mirror"

    def reference(self, n: int) -> str:
        return f"docker://{self.registry.host}/{REPOSITORY}:{n}"

    def mirror(self, *arguments: str) -> int:
        return self.world.run("mirror", str(self.list_file), "--to", str(self.target), *arguments)

    def report(self) -> list[dict[str, object]]:
        return sorted(
            (json.loads(line) for line in self.world.out.splitlines()),
            key=lambda line: str(line["reference"]),
        )

    def facts(self) -> list[tuple[object, ...]]:
        """What a report says that does not depend on what the target had."""
        members = ("reference", "digest", "signers", "size", "platform", "name", "verified")
        return [tuple(line.get(member) for member in members) for line in self.report()]

    def blobs_asked(self) -> int:
        return sum(each.startswith("GET ") and "/blobs/" in each for each in self.registry.requests)


@pytest.fixture
def source(world: World, authority: trustme.CA) -> Iterator[Source]:
    images = sharing_images(IMAGES)
    with Registry(world.home / "registry", authority.issue_cert("127.0.0.1")) as registry:
        lookaside = world.home / "lookaside"
        with pushing(registry, authority) as pusher:
            for n, image in enumerate(images):
                pusher.push(str(n), image)
                sign(lookaside, registry.host, str(n), image)
        use_lookaside(world.home, lookaside)
        trust(world.home / "config")
        source = Source(world, registry, images)
        source.list_file.write_text("".join(f"{source.reference(n)}\n" for n in range(IMAGES)))
        yield source


def test_shared_blobs_travel_once_and_again_nothing_does(source: Source) -> None:
    assert source.mirror("--json", "--jobs=4") == 0, source.world.err
    report = source.report()
    print(source.world.err)
    assert len(report) == IMAGES
    facts = source.facts()
    asked = source.blobs_asked()
    distinct = {digest for image in source.images for digest in image.blobs} - {
        image.descriptor.digest for image in source.images
    }
    assert asked == len(distinct)
    received = sum(int(str(line["received"])) for line in report)
    print(
        "requests",
        sum("GET" in r or "HEAD" in r for r in source.registry.requests),
        "received",
        received,
    )
    assert received <= unique_bytes(source.images) + IMAGES * 2_000 * 2

    assert source.mirror("--json", "--jobs=4") == 0, source.world.err
    print(source.world.err)
    assert source.facts() == facts
    assert source.blobs_asked() == asked
