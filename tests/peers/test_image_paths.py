"""Images in files that skopeo and umoci wrote are loaded as skopeo sees them, byte by byte."""

import gzip
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.file import FileTransport, LocalPaths
from pipeline.adapters.image_paths import ImagePathFiles
from pipeline.adapters.layout import open_store
from pipeline.digest import Digest
from pipeline.errors import PlatformNotFound
from pipeline.limits import DEFAULT_LIMITS
from pipeline.oci import OciPlatform
from pipeline.reference import ImagePathReference
from pipeline.results import ImagePathPlace, LoadedImage
from pipeline.stages.parse import parse_reference
from pipeline.testing.oci import (
    LINUX_AMD64,
    digest_of,
    incompressible,
    layout_files,
    make_image,
    make_index,
    make_layer,
)
from tests.peers.nginx import need_tool
from tests.peers.registry import skopeo

pytestmark = pytest.mark.peer


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A layout that umoci made: two images, of several layers."""
    monkeypatch.chdir(tmp_path)
    umoci("init", "--layout", "layout")
    umoci("new", "--image", "layout:one")
    for number in range(3):
        Path(f"file{number}").write_bytes(incompressible(3_000_000 * number + 7, number))
        umoci("insert", "--image", "layout:one", f"file{number}", f"/dir/file{number}")
    umoci("tag", "--image", "layout:one", "two")
    umoci("insert", "--image", "layout:two", "file0", "/other")
    umoci("config", "--image", "layout:two", "--architecture", "arm64", "--config.cmd", "/other")
    return tmp_path / "layout"


def umoci(*arguments: str) -> None:
    """Run the real umoci."""
    done = subprocess.run([need_tool("umoci"), *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def copy(source: str, target: str, *options: str) -> None:
    """Have skopeo copy an image, as it is where that is possible."""
    skopeo("--insecure-policy", "copy", *options, source, target)


def theirs(reference: str) -> bytes:
    """Return the manifest, or index, that skopeo sees."""
    return skopeo("inspect", "--raw", reference).stdout


def load(text: str, platform: OciPlatform = LINUX_AMD64) -> tuple[LoadedImage, dict[Digest, bytes]]:
    """Load an image into a real quarantine; return it and its blobs."""
    reference = parse_reference(LocalPaths())(text).unwrap()
    assert isinstance(reference, ImagePathReference)
    clock = SystemClock()
    reader = ImagePathFiles(FileTransport(clock))
    with open_store(Path("store"), clock=clock).unwrap().quarantine() as opened:
        room = opened.unwrap()
        outcome = reader.load(ImagePathPlace(reference, platform), room, DEFAULT_LIMITS)
        assert is_successful(outcome), outcome.failure().message
        image = outcome.unwrap()
        blobs = {}
        listed = [(each.descriptor.digest, each.blob) for each in image.contents]
        for digest, blob in [*listed, (image.digest, image.blob)]:
            with room.open(blob).unwrap() as file:
                blobs[digest] = file.read()
            assert digest_of(blobs[digest], digest.algorithm) == digest
    return image, blobs


def named(manifest: bytes) -> list[dict[str, Any]]:
    """Return the digests and sizes that a manifest names, the configuration's first."""
    document = json.loads(manifest)
    parts = [document["config"], *document["layers"]]
    return [{"digest": part["digest"], "size": part["size"]} for part in parts]


def loaded_of(image: LoadedImage) -> list[dict[str, Any]]:
    """Return the digests and sizes of what was loaded."""
    parts = [content.descriptor for content in image.contents]
    return [{"digest": str(part.digest), "size": part.size} for part in parts]


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_layout_of_umoci(layout: Path, name: str) -> None:
    image, blobs = load(f"oci:{layout}:{name}")
    assert image.documents == (theirs(f"oci:{layout}:{name}"),)
    assert loaded_of(image) == named(image.documents[0])
    for digest, content in blobs.items():
        assert (layout / "blobs" / digest.algorithm / digest.hex).read_bytes() == content


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_layout_in_a_tar(layout: Path, compression: str) -> None:
    copy(f"oci:{layout}:two", "oci-archive:two.tar:r.example/two:1")
    wanted = theirs("oci-archive:two.tar")
    path = "two.tar"
    if compression != "none":
        subprocess.run([need_tool(compression), "-k", "two.tar"], check=True, capture_output=True)
        path = f"two.tar.{'gz' if compression == 'gzip' else 'zst'}"
    image, blobs = load(f"oci-archive:{path}:r.example/two:1")
    assert image.documents == (wanted,)
    assert image.digest == load(f"oci:{layout}:two")[0].digest
    with tarfile.open("two.tar") as archive:
        for digest, content in blobs.items():
            member = archive.extractfile(f"blobs/{digest.algorithm}/{digest.hex}")
            assert member is not None
            assert member.read() == content


def test_an_archive_of_docker(layout: Path) -> None:
    more = ("--additional-tag", "busybox:2")
    copy(f"oci:{layout}:one", "docker-archive:one.tar:r.example/one:1", *more)
    wanted = theirs("docker-archive:one.tar:r.example/one:1")
    Path("one.tar.gz").write_bytes(gzip.compress(Path("one.tar").read_bytes(), 1))
    image, blobs = load("docker-archive:one.tar")
    assert loaded_of(image) == named(wanted) == named(image.documents[0])
    for reference in (
        "one.tar.gz",
        "one.tar:r.example/one:1",
        "one.tar:docker.io/library/busybox:2",
        "one.tar:busybox:2",
    ):
        assert load(f"docker-archive:{reference}")[1] == blobs
    with tarfile.open("one.tar") as archive:
        for content in image.contents:
            digest = content.descriptor.digest
            suffix = "json" if content is image.contents[0] else "tar"
            member = archive.extractfile(f"{digest.hex}.{suffix}")
            assert member is not None
            assert member.read() == blobs[digest]


def test_the_manifest_that_is_made_is_one_to_skopeo(layout: Path) -> None:
    """skopeo calls uncompressed layers compressed; here they are called what they are."""
    copy(f"oci:{layout}:one", "docker-archive:one.tar")
    image, blobs = load("docker-archive:one.tar")
    folder = Path("dir")
    folder.mkdir()
    (folder / "version").write_text("Directory Transport Version: 1.1\n")
    (folder / "manifest.json").write_bytes(blobs[image.digest])
    for content in image.contents:
        digest = content.descriptor.digest
        (folder / digest.hex).write_bytes(blobs[digest])
    copy("dir:dir", "dir:copy", "--preserve-digests")
    assert Path("copy/manifest.json").read_bytes() == blobs[image.digest]
    shutil.rmtree("copy")


def test_a_layer_that_changes_nothing(layout: Path) -> None:
    empty = make_layer(bytes(1024), compression="none")
    for path, content in layout_files({"": make_image(empty)}).items():
        target = Path("empty", path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    copy("oci:empty", "docker-archive:empty.tar:a:1")
    image, _ = load("docker-archive:empty.tar")
    assert loaded_of(image) == named(theirs("docker-archive:empty.tar"))


ARM = [OciPlatform("linux", "arm", variant) for variant in ("v5", "v6", "v7", "")]
INDEXES = {
    "arm": ARM,
    "arm v8 first": [OciPlatform("linux", "arm", "v8"), *ARM],
    "arm v7 alone": [OciPlatform("linux", "arm", "v7")],
    "arm v6 and v5": [OciPlatform("linux", "arm", "v5"), OciPlatform("linux", "arm", "v6")],
    "arm64": [OciPlatform("linux", "arm64", "v8"), OciPlatform("linux", "arm64")],
    "arm64 v8": [LINUX_AMD64, OciPlatform("linux", "arm64", "v8")],
    "amd64": [OciPlatform("linux", "amd64", "v3"), LINUX_AMD64],
    "windows": [OciPlatform("windows", "amd64"), LINUX_AMD64, LINUX_AMD64],
    "nothing": [OciPlatform("linux", "s390x")],
}
WANTED = [
    *ARM,
    OciPlatform("linux", "arm", "v8"),
    OciPlatform("linux", "arm64"),
    OciPlatform("linux", "arm64", "v8"),
    LINUX_AMD64,
    OciPlatform("linux", "amd64", "v2"),
    OciPlatform("windows", "amd64"),
]


@pytest.mark.parametrize("platforms", INDEXES.values(), ids=INDEXES.keys())
def test_the_choice_of_a_platform_is_skopeos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platforms: list[OciPlatform]
) -> None:
    monkeypatch.chdir(tmp_path)
    images = [
        make_image({"n": b"%d" % number}, platform=platform)
        for number, platform in enumerate(platforms)
    ]
    for path, content in layout_files({"app": make_index(*images)}).items():
        target = Path("layout", path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for wanted in WANTED:
        choice = ("--override-os", wanted.os, "--override-arch", wanted.architecture)
        variant = ("--override-variant", wanted.variant) if wanted.variant else ()
        shutil.rmtree("chosen", ignore_errors=True)
        done = skopeo(
            "--insecure-policy", *choice, *variant, "copy", "oci:layout:app", "dir:chosen",
            check=False,
        )  # fmt: skip
        reference = parse_reference(LocalPaths())("oci:layout:app").unwrap()
        assert isinstance(reference, ImagePathReference)
        place = ImagePathPlace(reference, wanted)
        clock = SystemClock()
        with open_store(Path("store"), clock=clock).unwrap().quarantine() as opened:
            outcome = ImagePathFiles(FileTransport(clock)).load(
                place, opened.unwrap(), DEFAULT_LIMITS
            )
        if done.returncode:
            assert isinstance(outcome.failure(), PlatformNotFound), (wanted, done.stderr)
        else:
            chosen = Path("chosen/manifest.json").read_bytes()
            assert outcome.unwrap().documents[-1] == chosen, wanted
