"""Layers that umoci takes as they are, and a real root filesystem: unpacked as umoci does it.

Twice: as the registry image that they are, and as the archive that they are converted into. Times
of folders are compared, too, but for those of which no layer speaks.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
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


def symlink(path: str, target: str) -> bytes:
    return make_entry(path.encode(), type_flag=b"2", link=target.encode())


def hardlink(path: str, source: str) -> bytes:
    return make_entry(path.encode(), type_flag=b"1", link=source.encode())


def file(path: str, content: str = "") -> bytes:
    return make_entry(path.encode(), content.encode() or path.encode(), mtime=7)


def folder(path: str, mode: int = 0o755) -> bytes:
    return make_entry(f"{path}/".encode(), type_flag=b"5", mode=mode, mtime=9)


USR = (folder("usr"), folder("usr/lib"), file("usr/lib/a"), file("usr/lib/b"))
LINKED: Mapping[str, Sequence[Sequence[bytes]]] = {
    "relative": [[*USR, symlink("lib", "usr/lib")], [file("lib/x"), file("lib/a", "new")]],
    "absolute": [[*USR, symlink("lib", "/usr/lib")], [file("lib/x"), folder("lib/d", 0o700)]],
    "in one layer": [[*USR, symlink("lib", "usr/lib"), file("lib/x")]],
    "chained": [
        [*USR, symlink("usr/lib64", "lib"), symlink("lib64", "/usr/lib64"), symlink("l", "lib64")],
        [file("l/x"), file("lib64/y"), symlink("l/up", "../.."), file("lib64/up/z")],
    ],
    "upwards": [
        [*USR, symlink("lib", "../../../usr/./lib/../lib//"), symlink("usr/lib/r", "../../../..")],
        [file("lib/x"), file("lib/r/y"), file("lib/r/lib/z")],
    ],
    "to the root": [[*USR, symlink("r", "/"), symlink("s", "..")], [file("r/x"), file("s/usr/y")]],
    "dangling": [[*USR, symlink("lib", "srv/gone/lib")], [file("lib/x"), file("lib/d/y")]],
    "past what is not there": [[*USR, symlink("lib", "gone/../usr")], [file("lib/x")]],
    "past a file": [[*USR, symlink("lib", "usr/lib/a/../d")], [file("lib/x")]],
    "removed": [[*USR, symlink("lib", "usr/lib")], [file("lib/.wh.a"), file("lib/x")]],
    "opaque": [
        [*USR, symlink("lib", "usr/lib")],
        [file("lib/x"), file("lib/.wh..wh..opq"), file("usr/lib/y")],
    ],
    "the link removed": [[*USR, symlink("lib", "usr/lib")], [file(".wh.lib"), file("lib/x")]],
    "what came through stays": [
        [*USR, symlink("lib", "usr/lib")], [file("lib/x"), file(".wh.usr"), file(".wh.lib")],
    ],
    "a folder in its place": [
        [*USR, symlink("lib", "usr/lib")], [folder("lib", 0o711), file("lib/x")],
    ],
    "a file in its place": [[*USR, symlink("lib", "usr/lib")], [file("lib")]],
    "hard links": [
        [*USR, symlink("lib", "usr/lib"), hardlink("m", "lib"), file("m/via-second-name")],
        [hardlink("lib/c", "lib/a"), hardlink("e", "usr/lib/c"), file("usr/lib/a", "new")],
    ],
    "several layers": [
        [*USR, symlink("lib", "usr/lib")],
        [file("lib/.wh.a"), file("lib/x")],
        [symlink("usr/lib/x", "/usr/lib"), file("lib/x/x/x/y")],
        [folder("usr/new", 0o700), symlink("lib", "usr/new"), file("lib/n"), file("lib/.wh.b")],
    ],
}  # fmt: skip
CIRCLES: Mapping[str, Sequence[bytes]] = {
    "itself": [symlink("l", "l")],
    "two": [symlink("l", "m/x"), symlink("m", "/l")],
    "growing": [symlink("l", "l/l")],
}


def differences(world: World) -> dict[str, tuple[Node | None, Node | None]]:
    """Unpack ``layout:app`` with both, and its archive with ours; return what differs."""
    umoci("unpack", "app", *ROOTLESS, "theirs")
    expected = {path: untimed(node) for path, node in snapshot(Path("theirs/rootfs")).items()}
    found: dict[str, tuple[Node | None, Node | None]] = {}
    for name, image_id in (("layers", fetch(world)), ("archive", fetch(world, "--format=aci"))):
        run(world, "render", "--rootfs-only", *PRIVILEGES, image_id, name)
        seen = {path: untimed(node) for path, node in snapshot(Path(name)).items()}
        if name == "archive":
            for path in (*STREAMS, "dev"):
                seen.pop(path, None)
        found |= {
            f"{name}: {path}": (expected.get(path), seen.get(path))
            for path in expected | seen
            if expected.get(path) != seen.get(path)
        }
        shutil.rmtree(name)
    shutil.rmtree("theirs")
    return found


def untimed(node: Node) -> Node:
    """Folders that links lead to may have no entry of their own, and umoci's have any time then."""
    return replace(node, mtime=0) if node.kind == "d" else node


@pytest.mark.parametrize("name", LINKED)
def test_below_a_link_it_is_where_umoci_puts_it(world: World, name: str) -> None:
    """A layer that has an entry below what is a link in the tree, and no folder in its stead."""
    begin()
    layers(*(make_tar(*entries) for entries in LINKED[name]))
    assert not differences(world)


def test_any_layers_with_links_are_where_umoci_puts_them(world: World) -> None:
    """Drawn by chance, the same in every run; folders on the way are links or none in all."""
    chance = random.Random(20151)
    compared = 0
    for _ in range(40):
        stack = [
            make_tar(*(draw(chance) for _ in range(chance.randint(1, 8))))
            for _ in range(chance.randint(1, 4))
        ]
        begin()
        layers(*stack)
        compared += compare_drawn(world)
        shutil.rmtree("layout")
    assert compared > 20


def draw(chance: random.Random) -> bytes:
    """Return an entry: names of one letter may be links or folders, ``x`` and ``y`` are files."""
    way = "/".join(chance.choices("abc", k=chance.randint(0, 3)))
    at = f"{way}/" if way else ""
    link = chance.choice(("a", "b", "c", "/a", "/b/c", "../b", "../../c/a", "./a/..", "gone/../b"))
    kind = chance.randint(0, 9)
    if kind < 3:
        return symlink(at + chance.choice("abc"), link)
    if kind < 5:
        return folder(at + chance.choice("abc"), chance.choice((0o755, 0o700)))
    if kind < 6:
        return file(at + chance.choice((".wh.a", ".wh.x", ".wh..wh..opq")))
    return file(at + chance.choice("xy"), f"{chance.random()}")


def compare_drawn(world: World) -> bool:
    """Compare, where umoci takes the image; else nobody does. Tell which it was."""
    words = [need_tool("umoci"), "unpack", "--image", "layout:app", *ROOTLESS, "theirs"]
    done = subprocess.run(words, capture_output=True, timeout=300, check=False)
    shutil.rmtree("theirs")
    if done.returncode == 0:
        assert not differences(world)
        return True
    command = ("image", "render", fetch(world), "ours")
    assert world.run("--insecure-options=image", *command) == 7, done.stderr
    return False


@pytest.mark.parametrize("name", CIRCLES)
@pytest.mark.parametrize("last", ["l/x", "l/.wh.x"])
def test_links_in_a_circle_are_refused_by_both(world: World, name: str, last: str) -> None:
    begin()
    layers(make_tar(*CIRCLES[name]), make_tar(file(last)))
    with pytest.raises(AssertionError):
        umoci("unpack", "app", *ROOTLESS, "theirs")
    assert world.run("--insecure-options=image", "image", "render", fetch(world), "ours") == 7
    assert not Path("ours").exists()
    assert "in a circle" in world.err
    assert world.run("--insecure-options=image", "fetch", "--format=aci", "oci:layout:app") == 7
