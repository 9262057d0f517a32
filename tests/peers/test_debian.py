"""A real root filesystem, unpacked here and by GNU tar: the same, file by file."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.testing.makers import make_manifest
from tests.support.trees import Node, snapshot
from tests.support.world import LABELS, World

pytestmark = pytest.mark.peer

PACKAGES = ("base-files", "bash", "coreutils", "libc6", "passwd", "perl-base", "tzdata")
IS_ROOT = os.geteuid() == 0


def run(*command: str | Path) -> None:
    """Run a tool that must succeed."""
    done = subprocess.run(command, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of some Debian packages, as GNU tar writes it."""
    for tool in ("apt-get", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            if os.environ.get("CI"):
                pytest.fail(f"needs {tool}")
            pytest.skip(f"needs {tool}")
    folder = tmp_path_factory.mktemp("debian")
    got = subprocess.run(
        ["apt-get", "download", "-qq", *PACKAGES],
        cwd=folder, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    if got.returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(f"needs Debian packages: {got.stderr.decode()}")
        pytest.skip("needs Debian packages, and a network to get them")
    rootfs = folder / "image" / "rootfs"
    rootfs.mkdir(parents=True)
    for package in sorted(folder.glob("*.deb")):
        run("dpkg-deb", "-x", package, rootfs)
    (rootfs.parent / "manifest").write_bytes(make_manifest("example.com/debian", LABELS))
    _add_what_packages_lack(rootfs)
    run(
        "tar", "-C", rootfs.parent, "--format=posix", "--xattrs", "--numeric-owner",
        "-cf", folder / "debian.aci", "manifest", "rootfs",
    )  # fmt: skip
    return folder / "debian.aci"


def _add_what_packages_lack(rootfs: Path) -> None:
    os.setxattr(rootfs / "bin" / "bash", "user.origin", b"\0 debian\n")
    os.setxattr(rootfs / "etc", "user.folder", b"yes")
    (rootfs / "etc" / "name\nof two lines").write_bytes(b"x")
    os.mkfifo(rootfs / "run" / "pipe", 0o620)
    (rootfs / "run" / "secret").mkdir(0o000)
    os.utime(rootfs / "run" / "secret", ns=(1, 1_234_567_890_123_456_789))
    if IS_ROOT:
        os.chown(rootfs / "home", 1234, 5678)
        os.mknod(rootfs / "dev" / "null", 0o020666, os.makedev(1, 3))


def test_a_debian_root_filesystem_as_gnu_tar_unpacks_it(
    world: World, image: Path, tmp_path: Path
) -> None:
    """Mode, owner where root, time, content, links, devices and extended attributes."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    owner = "--same-owner" if IS_ROOT else "--no-same-owner"
    run(
        "tar", "-C", theirs, "-p", owner, "--numeric-owner", "--xattrs",
        "--xattrs-include=user.*", "-xf", image,
    )  # fmt: skip
    assert world.run("--insecure-options=image", "fetch", str(image)) == 0, world.err
    privileges = ("--setuid", "--devices", "--same-owner") if IS_ROOT else ("--setuid",)
    command = ("--insecure-options=image", "image", "extract", *privileges, "example.com/debian")
    assert world.run(*command, "ours") == 0, world.err
    assert "left out" not in world.err
    found, expected = files(Path("ours")), files(theirs)
    assert len(expected) > 2000
    assert {node.kind for node in expected.values()} >= {"d", "-", "l", "p"}
    assert any(node.mode & 0o4000 for node in expected.values())
    assert any(node.links > 1 for node in expected.values())
    assert any(node.attributes for node in expected.values())
    different = {path for path in expected | found if expected.get(path) != found.get(path)}
    assert not {path: (expected.get(path), found.get(path)) for path in sorted(different)[:3]}


def files(root: Path) -> dict[str, Node]:
    """Return everything but the folder itself, of which the archive says nothing."""
    return {path: node for path, node in snapshot(root).items() if path != "."}
