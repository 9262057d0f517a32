"""Many images of a real registry, mirrored: what travels, what is proven, what is left to do."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from pipeline.errors import ExitCode
from pipeline.oci import OciPlatform
from pipeline.testing.makers import make_archive, make_manifest
from pipeline.testing.oci import (
    MadeImage,
    make_image,
    make_index,
    make_layer,
)
from tests.peers.filled_registry import (
    KEY,
    REPOSITORY,
    pushing,
    sharing_images,
    sign,
    trust,
    unique_bytes,
    use_lookaside,
)
from tests.peers.nginx import Nginx
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

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the same in a process of its own."""
        command = (sys.executable, "-m", "pipeline", "mirror", str(self.list_file))
        return subprocess.Popen(
            [*command, "--to", str(self.target), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_blobs(self, count: int) -> None:
        """Wait until so many blobs were fetched."""
        deadline = time.monotonic() + 60
        while self.blobs_asked() < count:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def distinct(self) -> int:
        """How many blobs there are to fetch."""
        manifests = {image.descriptor.digest for image in self.images}
        return len({digest for image in self.images for digest in image.blobs} - manifests)

    def write_list(self, *lines: str) -> None:
        self.list_file.write_text("".join(f"{line}\n" for line in lines))

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


@contextmanager
def filled(world: World, authority: trustme.CA, count: int) -> Iterator[Source]:
    """Run a registry with so source signed images, whose signer is trusted."""
    images = sharing_images(count)
    with Registry(world.home / "registry", authority.issue_cert("127.0.0.1")) as registry:
        lookaside = world.home / "lookaside"
        with pushing(registry, authority) as pusher:
            for n, image in enumerate(images):
                pusher.push(str(n), image)
                sign(lookaside, registry.host, str(n), image)
        use_lookaside(world.home, lookaside)
        trust(world.home / "config")
        source = Source(world, registry, images)
        source.write_list(*map(source.reference, range(count)))
        yield source


@pytest.fixture
def source(world: World, authority: trustme.CA) -> Iterator[Source]:
    with filled(world, authority, IMAGES) as source:
        yield source


@pytest.fixture
def few(world: World, authority: trustme.CA) -> Iterator[Source]:
    with filled(world, authority, 12) as source:
        yield source


def test_shared_blobs_travel_once_and_again_nothing_does(source: Source) -> None:
    assert source.mirror("--json", "--jobs=4") == 0, source.world.err
    facts, first = source.facts(), source.report()
    assert len(first) == IMAGES
    assert source.blobs_asked() == source.distinct
    # Beside the blobs, each manifest travels twice: to be looked at, and to be fetched by.
    documents = 2 * sum(len(image.raw) for image in source.images)
    received = sum(int(str(line["received"])) for line in first)
    assert received == unique_bytes(source.images) + documents
    assert sum(int(str(line["requests"])) for line in first) == source.distinct + 2 * IMAGES

    assert source.mirror("--json", "--jobs=4") == 0, source.world.err
    again = source.report()
    assert source.facts() == facts
    assert source.blobs_asked() == source.distinct
    assert {line["outcome"] for line in again} == {"already-stored"}
    assert sum(int(str(line["requests"])) for line in again) == IMAGES


def test_a_run_that_is_killed_is_finished_by_the_next(source: Source) -> None:
    killed = source.begin("--json", "--jobs=4")
    source.wait_for_blobs(source.distinct // 3)
    killed.kill()
    killed.communicate()
    before = source.blobs_asked()
    assert before < source.distinct
    assert source.mirror("--json", "--jobs=4") == 0, source.world.err
    facts = source.facts()
    # At most what was on its way then is asked for again: four images, four blobs of each.
    assert source.distinct <= source.blobs_asked() <= source.distinct + 16
    assert source.world.run("store", "verify", "--store", str(source.target)) == 0
    clean = ("mirror", str(source.list_file), "--to", str(source.world.home / "clean"), "--json")
    assert source.world.run(*clean) == 0
    assert source.facts() == facts


def test_ctrl_c_tells_what_was_done_and_leaves_nothing_half_written(few: Source) -> None:
    stopped = few.begin("--limit-rate=40K")
    few.wait_for_blobs(3)
    stopped.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = stopped.communicate()
    assert stopped.returncode == 130, err
    assert time.monotonic() - began < 10
    assert "of 12 in the list" in out
    assert few.world.run("store", "verify", "--store", str(few.target)) == 0, few.world.err
    assert few.mirror() == 0, few.world.err


def test_two_at_once_to_one_target(few: Source) -> None:
    runs = [few.begin("--json") for _ in range(2)]
    ends = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], ends
    assert few.world.run("store", "verify", "--store", str(few.target)) == 0, few.world.err
    assert few.mirror("--json") == 0
    assert len({line["digest"] for line in few.report()}) == 12


def test_what_nobody_signed_is_not_there_and_the_others_are(few: Source) -> None:
    digest = few.images[5].descriptor.digest
    (few.world.home / f"lookaside/{REPOSITORY}@sha256={digest.hex}/signature-1").unlink()
    assert few.mirror("--json") == 6
    failed = [line for line in few.report() if line["outcome"] == "failed"]
    assert [line["reference"] for line in failed] == [few.reference(5)]
    # Not even its layers were asked for.
    own = few.images[5].blobs.keys() - few.images[4].blobs.keys()
    assert not any(
        str(each) in request
        for each in own
        for request in few.registry.requests
        if request.startswith("GET")
    )
    assert few.world.run("image", "list", "--json", "--store", str(few.target)) == 0
    assert len(few.world.out.splitlines()) == 11


def test_after_a_failure_nothing_more_begins_where_that_is_wanted(few: Source) -> None:
    digest = few.images[0].descriptor.digest
    (few.world.home / f"lookaside/{REPOSITORY}@sha256={digest.hex}/signature-1").unlink()
    assert few.mirror("--json", "--fail-fast", "--jobs=1") == 6
    kinds = [line["error"] for line in few.report()]
    assert sum("not-tried" in str(kind) for kind in kinds) == 11
    assert few.blobs_asked() == 0
    # Nor was any other image looked at.
    asked = [each for each in few.registry.requests if each.startswith("GET ")]
    assert [each for each in asked if f"/{REPOSITORY}/manifests/0 " not in each] == []


def test_nothing_more_is_fetched_after_a_failure_where_that_is_wanted(few: Source) -> None:
    for lost in few.images[0].blobs.keys() - few.images[1].blobs.keys():
        (few.registry.blobs / f"sha256/{lost.hex[:2]}/{lost.hex}/data").unlink(missing_ok=True)
    # Its manifest is there: it goes wrong after everything was looked at.
    path = few.registry.blobs / "sha256" / few.images[0].descriptor.digest.hex[:2]
    (path / few.images[0].descriptor.digest.hex / "data").write_bytes(few.images[0].raw)
    assert few.mirror("--json", "--fail-fast", "--jobs=1", "--retries=0") == 5
    kinds = [str(line["error"]) for line in few.report()]
    assert sum("not-tried" in kind for kind in kinds) == 11


def test_archives_of_a_web_server_in_the_same_list(few: Source, authority: trustme.CA) -> None:
    archive = make_archive(make_manifest("example.com/tool"))
    certificate = authority.issue_cert("127.0.0.1")
    with Nginx(few.world.home / "nginx", certificate) as nginx:
        (nginx.root / "tool.aci").write_bytes(archive)
        (nginx.root / "tool.aci.asc").write_bytes(KEY.sign(archive))
        (nginx.root / "other.aci").write_bytes(archive)
        base = f"https://127.0.0.1:{nginx.tls_port}"
        few.write_list(few.reference(0), f"{base}/tool.aci?token=s3cret", f"{base}/other.aci")
        assert few.mirror("--json") != 0
        lines = {str(line["reference"]): line for line in few.report()}
    assert "s3cret" not in few.world.out + few.world.err
    tool = lines[f"{base}/tool.aci?token=…"]
    assert tool["name"] == "example.com/tool", tool
    assert tool["signers"] == [KEY.fingerprint.hex]
    assert lines[few.reference(0)]["verified"]
    assert lines[f"{base}/other.aci"]["outcome"] == "failed"


def publish(source: Source, authority: trustme.CA, tag: str, *images: MadeImage) -> MadeImage:
    """Push images as what a tag names, an index of them where there are several, and sign that."""
    lookaside = source.world.home / "lookaside"
    named = images[0] if len(images) == 1 else make_index(*images)
    with pushing(source.registry, authority) as pusher:
        for n, image in enumerate(images):
            pusher.push(f"{tag}-{n}", image)
        pusher.push(tag, named)
    sign(lookaside, source.registry.host, tag, named)
    return named


def test_what_was_locked_is_fetched_by_its_digest_once_its_tag_has_moved(
    few: Source, authority: trustme.CA
) -> None:
    lock = few.world.home / "images.lock"
    few.write_list(few.reference(0), few.reference(1))
    assert few.mirror("--lock", str(lock)) == 0, few.world.err
    shutil.rmtree(few.target)
    newer = publish(few, authority, "0", make_image(make_layer({"new": b"newer"})))
    assert few.mirror("--locked", str(lock), "--json") == 0, few.world.err
    digests = {line["digest"] for line in few.report()}
    assert digests == {str(image.descriptor.digest) for image in few.images[:2]}
    assert str(newer.descriptor.digest) not in digests
    assert few.mirror("--json") == 0, few.world.err
    assert str(newer.descriptor.digest) in {line["digest"] for line in few.report()}


def test_all_platforms_are_locked_and_each_difference_is_seen(
    few: Source, authority: trustme.CA
) -> None:
    lock = few.world.home / "images.lock"
    arm = make_image(make_layer({"a": b"arm"}), platform=OciPlatform("linux", "arm64"))
    amd = make_image(make_layer({"a": b"amd"}), platform=OciPlatform("linux", "amd64"))
    publish(few, authority, "all", arm, amd)
    few.write_list(f"docker://{few.registry.host}/{REPOSITORY}:all platform=all")
    assert few.mirror("--lock", str(lock)) == 0, few.world.err
    assert few.mirror("--locked", str(lock), "--json") == 0, few.world.err
    wanted = {str(each.descriptor.digest) for each in (arm, amd)}
    assert {line["digest"] for line in few.report()} == wanted
    shutil.rmtree(few.target)

    other = make_image(make_layer({"a": b"other"}), platform=OciPlatform("linux", "arm64"))
    publish(few, authority, "all", other, amd)
    assert few.mirror("--locked", str(lock)) == ExitCode.MIRROR
    assert f"a digest is {other.descriptor.digest}" in few.world.err
    assert few.world.run("--store", str(few.target), "image", "list", "--json") == 0
    assert len(few.world.out.splitlines()) == 1

    publish(few, authority, "all", amd)
    assert few.mirror("--locked", str(lock)) == ExitCode.MIRROR
    assert "what came for linux/arm64 is another" in few.world.err
