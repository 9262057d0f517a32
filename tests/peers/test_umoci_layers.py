"""Layers that umoci takes as they are, and a real root filesystem: unpacked as umoci does it.

Twice: as the registry image that they are, and as the archive that they are converted into. Times
of folders are compared, too, but for those of which no layer speaks.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.testing.archives import make_entry, make_pax, make_tar
from tests.peers.nginx import need_tool
from tests.support.trees import Node, snapshot
from tests.support.world import World

pytestmark = pytest.mark.peer

IS_ROOT = os.geteuid() == 0
PRIVILEGES = ("--setuid", "--devices", "--same-owner") if IS_ROOT else ("--setuid",)
ROOTLESS = () if IS_ROOT else ("--rootless",)
STREAMS = {
    "dev/fd": b"/proc/self/fd",
    "dev/stderr": b"/proc/self/fd/2",
    "dev/stdin": b"/proc/self/fd/0",
    "dev/stdout": b"/proc/self/fd/1",
}
LONG = ("n" * 90, "m" * 90, "o" * 90)
UNSPOKEN = {".", "dev", LONG[0], "/".join(LONG[:2])}
PACKAGES = ("base-files", "bash", "coreutils", "libc6", "passwd", "perl-base", "tzdata")


def umoci(command: str, image: str, *arguments: str | Path) -> None:
    """Have umoci do something with an image in the folder ``layout``."""
    words = (*command.split(), "--image", f"layout:{image}", *arguments)
    done = subprocess.run(
        [need_tool("umoci"), *words], capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def begin() -> None:
    """Make a layout with one image, that has no layer."""
    done = subprocess.run(
        [need_tool("umoci"), "init", "--layout", "layout"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    umoci("new", "app")


def change(image: str, *changes: Callable[[Path], None]) -> None:
    """Add a layer for each change of the root filesystem, by unpacking and repacking."""
    umoci("unpack", image, *ROOTLESS, "bundle")
    for each in changes:
        each(Path("bundle/rootfs"))
        umoci("repack --refresh-bundle", image, "bundle")
    shutil.rmtree("bundle")


def layers(*tars: bytes) -> None:
    """Add layers as they are."""
    for tar in tars:
        Path("layer.tar").write_bytes(tar)
        umoci("raw add-layer", "app", "layer.tar")


def raw() -> None:
    begin()
    layers(
        make_tar(
            make_entry(b"a/", type_flag=b"5", mode=0o700, mtime=5),
            make_entry(b"a/one", b"1", mtime=5),
            make_entry(b"a/two", b"2", mtime=6),
            make_entry(b"f", b"a file", mtime=1),
            make_entry(b"g", b"g", mtime=1),
            make_entry(b"g2", type_flag=b"1", link=b"g"),
            make_entry(b"l", type_flag=b"2", link=b"a", mtime=4),
        ),
        make_tar(
            # Of files below: one that goes in this layer, one that goes in the next.
            make_entry(b"h", type_flag=b"1", link=b"f"),
            make_entry(b"i", type_flag=b"1", link=b"a/two"),
            make_entry(b"a/.wh.one"),
            make_entry(b".wh.g"),
            make_entry(b"f/", type_flag=b"5", mode=0o711, mtime=8),
            make_entry(b"f/in", b"in", mtime=8),
            make_entry(b"l/", type_flag=b"5", mode=0o750, mtime=8),
        ),
        make_tar(
            make_entry(b"a/", type_flag=b"5", mode=0o755, mtime=9),
            make_entry(b"a/.wh..wh..opq"),
            make_entry(b"a/three", b"3", mtime=7),
            make_entry(b".wh.gone"),
        ),
        make_tar(
            make_pax({b"SCHILY.xattr.user.k": b"v\0w", b"mtime": b"12.345678901"}),
            make_entry(b"x", b"x", mode=0o6755),
            make_pax({b"path": "/".join(LONG).encode(), b"mtime": b"-3.5"}),
            make_entry(b"long", b"deep"),
        ),
        make_tar(),
    )


def debian() -> None:
    """A real root filesystem, and a layer that removes and changes parts of it."""
    begin()
    got = subprocess.run(
        [need_tool("apt-get"), "download", "-qq", *PACKAGES],
        capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    if got.returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(f"needs Debian packages: {got.stderr.decode()}")
        pytest.skip("needs Debian packages, and a network to get them")
    unpack = need_tool("dpkg-deb")

    def install(root: Path) -> None:
        for package in sorted(Path().glob("*.deb")):
            subprocess.run([unpack, "-x", package, root], check=True, timeout=300)

    def purge(root: Path) -> None:
        shutil.rmtree(root / "usr/share/doc")
        for zone in sorted((root / "usr/share/zoneinfo/Europe").iterdir())[::2]:
            zone.unlink()
        (root / "usr/bin/perl").unlink(missing_ok=True)
        (root / "bin/bash").chmod(0o711)

    change("app", install, purge)


IMAGES: Mapping[str, Callable[[], None]] = {"raw": raw, "debian": debian}


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, world: World) -> str:
    """An image in the folder ``layout``, and what umoci makes of it in ``theirs``."""
    IMAGES[request.param]()
    umoci("unpack", "app", *ROOTLESS, "theirs")
    return str(request.param)


def fetch(world: World, *options: str) -> str:
    """Fetch the image, and return its ID."""
    command = ("--insecure-options=image", "fetch", "--full", *options, "oci:layout:app")
    assert world.run(*command) == 0, world.err
    return world.out.strip()


def run(world: World, *arguments: str) -> None:
    assert world.run("--insecure-options=image", "image", *arguments) == 0, world.err


def tree(root: str) -> dict[str, Node]:
    """Return a tree but for the times of folders of which no layer speaks."""
    return {
        path: replace(node, mtime=0) if path in UNSPOKEN else node
        for path, node in snapshot(Path(root)).items()
    }


def assert_same(found: dict[str, Node], expected: dict[str, Node]) -> None:
    different = {path for path in expected | found if expected.get(path) != found.get(path)}
    assert not {path: (expected.get(path), found.get(path)) for path in sorted(different)[:3]}


def test_its_files(world: World, image: str) -> None:
    """Mode, owner where root, time, content, links, devices and extended attributes."""
    image_id = fetch(world)
    run(world, "render", "--rootfs-only", *PRIVILEGES, image_id, "ours")
    assert "left out" not in world.err
    expected = tree("theirs/rootfs")
    assert_same(tree("ours"), expected)
    run(world, "extract", *PRIVILEGES, image_id, "whole")
    assert_same(tree("whole/rootfs"), expected)
    assert len(expected) > {"debian": 1500, "raw": 12}[image]


def test_its_files_as_an_archive(world: World, image: str) -> None:
    """All but the links that conversion adds; and the same archive however it is made."""
    image_id = fetch(world, "--format=aci")
    assert image_id.startswith("sha512-")
    run(world, "render", "--rootfs-only", *PRIVILEGES, image_id, "ours")
    found, expected = tree("ours"), tree("theirs/rootfs")
    for path, target in STREAMS.items():
        assert (found[path].kind, found.pop(path).content) == ("l", target)
    if "dev" not in expected:
        del found["dev"]
    assert_same(found, expected)
    run(world, "export", image_id, "stored.aci")
    run(world, "export", "--format=aci", fetch(world), "exported.aci")
    assert Path("exported.aci").read_bytes() == Path("stored.aci").read_bytes()


def test_below_a_link_umoci_follows_and_nothing_here_does(world: World) -> None:
    """A layer that has a file below what is a link in a lower one, and no folder in its stead."""
    begin()
    layers(
        make_tar(
            make_entry(b"usr/lib/a", b"a"), make_entry(b"lib", type_flag=b"2", link=b"usr/lib")
        ),
        make_tar(make_entry(b"lib/b", b"b")),
    )
    umoci("unpack", "app", *ROOTLESS, "theirs")
    run(world, "render", "--rootfs-only", fetch(world), "ours")
    assert Path("theirs/rootfs/lib").is_symlink()
    assert Path("theirs/rootfs/usr/lib/b").exists()
    assert stat.S_ISDIR(Path("ours/lib").lstat().st_mode)
    assert not Path("ours/usr/lib/b").exists()
