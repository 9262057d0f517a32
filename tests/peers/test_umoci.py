"""Images that umoci builds: what is rendered of them, or of their archives, is what it unpacks."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.peers.nginx import need_tool
from tests.support.trees import Node, snapshot
from tests.support.world import World

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root"),
]

EXACT: Final = ("--devices", "--same-owner", "--setuid")
STANDARD: Final = {f"dev/{name}" for name in ("fd", "stderr", "stdin", "stdout")}
IMAGE: Final = "layout:built"


def umoci(*arguments: str) -> None:
    """Run umoci, which must succeed."""
    done = subprocess.run(
        [need_tool("umoci"), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


class Builder:
    """Builds an image layer by layer, each from changes to the unpacked tree."""

    def __init__(self) -> None:
        umoci("init", "--layout", "layout")
        umoci("new", "--image", IMAGE)
        self.layers = 0

    def layer(self, change: Callable[[Path], None]) -> None:
        """Unpack, let the tree be changed, and add the difference as a layer."""
        bundle = f"bundle-{self.layers}"
        umoci("unpack", "--image", IMAGE, bundle)
        change(Path(bundle, "rootfs"))
        umoci("repack", "--image", IMAGE, bundle)
        self.layers += 1


def write(path: Path, content: bytes, mode: int = 0o644, owner: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.chown(path, owner, owner)
    path.chmod(mode)
    os.utime(path, ns=(1_700_000_000 * 10**9, 1_700_000_000 * 10**9))


def base(root: Path) -> None:
    """Everything that a file system has."""
    write(root / "bin/app", b"#!" * 5000, 0o4755)
    write(root / "bin/group", b"g", 0o2755, owner=4_000_000)
    (root / "bin/hard").hardlink_to(root / "bin/app")
    (root / "bin/soft").symlink_to("app")
    (root / "bin/away").symlink_to("/etc/passwd")
    write(root / "etc/passwd", b"root:x:0:0", 0o600, owner=7)
    write(root / "etc/group", b"staff:x:50:\n")
    write(root / "etc/old", b"old")
    write(root / "srv/data/a", b"a")
    write(root / "srv/data/deep/b", b"b")
    (root / "srv/data").chmod(0o1777)
    write(root / "opt/first", b"linked")
    (root / "opt/second").hardlink_to(root / "opt/first")
    (root / "opt/third").hardlink_to(root / "opt/first")
    os.mkfifo(root / "srv/pipe", 0o640)
    os.mknod(root / "srv/null", 0o20666, os.makedev(1, 3))
    os.mknod(root / "srv/disk", 0o60660, os.makedev(8, 17))
    write(root / ("n" * 120) / ("é" * 60) / "long", b"long")
    write(root / "odd\nname \\ \udcff=%", b"odd")
    os.setxattr(root / "bin/app", "user.note", b"a\0b=")
    os.setxattr(root / "srv", "user.folder", b"%41")
    (root / "empty").mkdir(mode=0o711)


def changes(root: Path) -> None:
    """Every way in which a layer goes over others."""
    (root / "etc/old").unlink()
    write(root / "etc/passwd", b"app:x:1:1::/:/bin/sh\n", 0o644)
    # The first name of three goes; the others keep what it had.
    (root / "opt/first").unlink()
    for path in ("srv/data/deep/b", "srv/data/a"):
        (root / path).unlink()
    (root / "srv/data/deep").rmdir()
    write(root / "srv/data/deep", b"a file now")
    (root / "bin/soft").unlink()
    (root / "bin/soft").mkdir()
    write(root / "bin/soft/below", b"x")
    (root / "srv/pipe").unlink()
    (root / "srv/pipe").symlink_to("data")
    (root / "empty").chmod(0o700)
    os.chown(root / "empty", 12, 13)
    (root / "bin/more").hardlink_to(root / "bin/hard")


def again(root: Path) -> None:
    """What went comes back as something else."""
    (root / "etc/old").mkdir()
    write(root / "etc/old/inside", b"new")
    write(root / "opt/second", b"parted from third")
    (root / "srv/null").unlink()
    write(root / "srv/null", b"a file")


@pytest.fixture
def built(world: World) -> World:
    """A world with an image of seven layers in ``layout``, which umoci made."""
    builder = Builder()
    for change in (base, changes, again):
        builder.layer(change)
    content = world.home / "content"
    write(content / "one", b"1")
    write(content / "two/three", b"3")
    inserting = ("insert", "--image", IMAGE)
    umoci(*inserting, str(content), "/usr/share/content")
    (content / "one").unlink()
    umoci(*inserting, "--opaque", str(content), "/usr/share/content")
    umoci(*inserting, "--whiteout", "/bin/away")
    umoci(*inserting, "--whiteout", "/opt")
    umoci(
        "config", "--image", IMAGE, "--config.user", "app:staff", "--config.env", "PATH=/bin",
        "--config.env", "A=b=c", "--config.entrypoint", "/bin/app", "--config.cmd", "-v",
        "--config.volume", "/srv/data", "--config.volume", "/var", "--config.exposedports",
        "80/tcp", "--config.exposedports", "53/udp", "--config.workingdir", "/srv",
        "--config.label", "tier=web", "--author", "Somebody",
    )  # fmt: skip
    return world


def run(world: World, *arguments: str) -> str:
    """Run a command that must succeed, without asking for signatures; return what it prints."""
    assert world.run("--insecure-options=image", *arguments) == 0, world.err
    return world.out.strip()


def comparable(root: Path) -> dict[str, Node]:
    """Return a tree without what umoci leaves as it happens to be: times of folders."""
    return {
        path: replace(node, mtime=0) if node.kind == "d" else node
        for path, node in snapshot(root).items()
    }


@pytest.fixture
def wanted(built: World) -> dict[str, Node]:
    """What umoci unpacks."""
    umoci("unpack", "--image", IMAGE, "theirs")
    tree = comparable(Path("theirs/rootfs"))
    assert len(tree) > 25
    assert {"usr/share/content/two/three", "srv/disk", "bin/more"} <= tree.keys()
    assert not {"usr/share/content/one", "opt", "bin/away"} & tree.keys()
    return tree


def test_it_renders_as_umoci_unpacks_it(built: World, wanted: dict[str, Node]) -> None:
    image = run(built, "fetch", "--full", f"oci:{IMAGE}")
    run(built, "image", "render", *EXACT, "--rootfs-only", image, "ours")
    assert comparable(Path("ours")) == wanted
    run(built, "image", "extract", *EXACT, image, "whole")
    assert comparable(Path("whole/rootfs")) == wanted
    assert Path("whole/manifest").read_text().strip() == run(built, "image", "manifest", image)


def test_its_archive_renders_as_umoci_unpacks_it(built: World, wanted: dict[str, Node]) -> None:
    archive = run(built, "fetch", "--format=aci", "--full", f"oci:{IMAGE}")
    run(built, "image", "render", *EXACT, "--rootfs-only", archive, "ours")
    tree = comparable(Path("ours"))
    assert {path: os.readlink(Path("ours", path)) for path in STANDARD} == {
        "dev/fd": "/proc/self/fd", "dev/stderr": "/proc/self/fd/2",
        "dev/stdin": "/proc/self/fd/0", "dev/stdout": "/proc/self/fd/1",
    }  # fmt: skip
    assert {path: tree[path] for path in tree.keys() - STANDARD - {"dev"}} == wanted


def test_tar_unpacks_its_archive_alike(built: World, wanted: dict[str, Node]) -> None:
    """Whoever uses the archive may use another program: GNU tar sees what is rendered here."""
    image = run(built, "fetch", "--full", f"oci:{IMAGE}")
    run(built, "image", "export", image, "app.aci")
    Path("tree").mkdir()
    subprocess.run(
        [need_tool("tar"), "--xattrs", "--xattrs-include=user.*", "--same-owner",
         "--numeric-owner", "-xpf", "app.aci", "-C", "tree"],
        check=True, timeout=60,
    )  # fmt: skip
    tree = comparable(Path("tree/rootfs"))
    assert {path: tree[path] for path in tree.keys() - STANDARD - {"dev"}} == wanted


def test_what_its_archive_says(built: World) -> None:
    archive = run(built, "fetch", "--format=aci", "--full", f"oci:{IMAGE}")
    manifest: dict[str, Any] = json.loads(run(built, "image", "manifest", archive))
    app = manifest["app"]
    assert app["exec"] == ["/bin/app", "-v"]
    assert (app["user"], app["group"], app["workingDirectory"]) == ("app", "staff", "/srv")
    assert {each["name"]: each["value"] for each in app["environment"]} == {
        "PATH": "/bin",
        "A": "b=c",
    }
    assert [each["name"] for each in app["ports"]] == ["53-udp", "80-tcp"]
    assert [each["name"] for each in app["mountPoints"]] == ["volume-srv-data", "volume-var"]
    assert app["userLabels"] == {"tier": "web"}
    annotations = {each["name"]: each["value"] for each in manifest["annotations"]}
    assert annotations["author"] == "Somebody"
    assert {"name": "version", "value": "built"} in manifest["labels"]


def test_exported_and_fetched_archives_are_one(built: World) -> None:
    image = run(built, "fetch", "--full", f"oci:{IMAGE}")
    run(built, "image", "export", "--format=aci", image, "app.aci")
    archive = run(built, "fetch", "--format=aci", "--full", f"oci:{IMAGE}")
    done = subprocess.run(
        [need_tool("sha512sum"), "app.aci"], capture_output=True, text=True, check=True
    )
    assert archive == f"sha512-{done.stdout.split()[0]}"


def test_an_exported_layout_is_what_it_was(built: World) -> None:
    image = run(built, "fetch", "--full", f"oci:{IMAGE}")
    run(built, "image", "export", "--format=oci", image, "again")
    blobs = {path.name: path.read_bytes() for path in Path("again/blobs/sha256").iterdir()}
    umoci("gc", "--layout", "layout")
    assert blobs == {path.name: path.read_bytes() for path in Path("layout/blobs/sha256").iterdir()}
    umoci("unpack", "--image", "again:built", "unpacked")
    umoci("unpack", "--image", IMAGE, "theirs")
    assert comparable(Path("unpacked/rootfs")) == comparable(Path("theirs/rootfs"))
    subprocess.run(
        [need_tool("skopeo"), "--insecure-policy", "copy", "oci:again:built", "oci:copied:x"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
