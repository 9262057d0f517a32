"""Image layouts that are written here are read by skopeo, and unpacked by umoci."""

import gzip
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.testing.archives import make_entry, make_pax, make_tar
from pipeline.testing.makers import make_manifest
from tests.support.trees import Node, snapshot
from tests.support.world import LABELS, REFERENCE, World

pytestmark = pytest.mark.peer

APP = {
    "exec": ["/bin/app", "-v"],
    "user": "0",
    "group": "0",
    "environment": [{"name": "A", "value": "b"}],
    "workingDirectory": "/srv",
    "ports": [{"name": "web", "protocol": "tcp", "port": 80}],
    "mountPoints": [{"name": "data", "path": "/data"}],
    "userLabels": {"tier": "web"},
}
MANIFEST = make_manifest(
    "example.com/app", LABELS, (), app=APP,
    annotations=[{"name": "created", "value": "2026-01-02T03:04:05Z"}],
)  # fmt: skip
LONG = b"rootfs/" + b"/".join([b"n" * 90] * 3)
TAR = make_tar(
    make_entry(b"manifest", MANIFEST),
    make_entry(b"rootfs/", type_flag=b"5", mode=0o755, mtime=1_700_000_000),
    make_pax({b"mtime": b"1700000001.5", b"SCHILY.xattr.user.a": b"b"}),
    make_entry(b"rootfs/bin/app", b"#!" * 5000, mode=0o4755),
    make_entry(b"rootfs/bin/link", type_flag=b"2", link=b"app", mtime=5),
    make_entry(b"rootfs/bin/hard", type_flag=b"1", link=b"rootfs/bin/app"),
    make_entry(b"rootfs/srv/", type_flag=b"5", mode=0o2750, mtime=1_600_000_000),
    make_pax({b"path": LONG, b"uid": b"4000000"}),
    make_entry(b"x", b"deep", mtime=7),
    make_entry(b"rootfs/pipe", type_flag=b"6", mode=0o600, mtime=7),
)


@pytest.fixture
def layout(world: World) -> Path:
    """An image layout, exported by the command."""
    world.trust()
    world.publish(gzip.compress(TAR))
    assert world.run("fetch", REFERENCE) == 0, world.err
    assert world.run("image", "export", "--format=oci", REFERENCE, "layout") == 0, world.err
    return Path("layout")


def tool(name: str, *arguments: str) -> str:
    """Run a tool that must be there in CI, and return what it prints."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"needs {name}")
        pytest.skip(f"needs {name}")
    done = subprocess.run(
        [found, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_skopeo_reads_it(layout: Path) -> None:
    for reference in (f"oci:{layout}", f"oci:{layout}:1.2.0"):
        image = json.loads(tool("skopeo", "inspect", reference))
        assert (image["Os"], image["Architecture"]) == ("linux", "amd64")
        assert image["Created"] == "2026-01-02T03:04:05Z"
        assert image["Labels"] == {"tier": "web"}
    config = json.loads(tool("skopeo", "inspect", "--config", f"oci:{layout}"))["config"]
    assert config == {
        "User": "0:0",
        "ExposedPorts": {"80/tcp": {}},
        "Env": ["A=b"],
        "Entrypoint": ["/bin/app", "-v"],
        "Volumes": {"/data": {}},
        "WorkingDir": "/srv",
        "Labels": {"tier": "web"},
    }


def test_skopeo_copies_it(layout: Path) -> None:
    """Copying reads every blob and compares its digest, the layer's diffID too."""
    copying = ("--insecure-policy", "copy", "--preserve-digests")
    tool("skopeo", *copying, f"oci:{layout}:1.2.0", "oci:copy:1.2.0")
    kept = {path.name for path in (layout / "blobs" / "sha256").iterdir()}
    copied = {path.name for path in Path("copy/blobs/sha256").iterdir()}
    assert copied == kept


def test_umoci_unpacks_it_as_it_is_extracted(world: World, layout: Path) -> None:
    is_root = os.geteuid() == 0
    tool("umoci", "unpack", *([] if is_root else ["--rootless"]), "--image", f"{layout}:1.2.0", "b")
    options = ("--setuid", "--same-owner") if is_root else ("--setuid",)
    assert world.run("image", "extract", "--rootfs-only", *options, REFERENCE, "ours") == 0
    theirs, ours = tree(Path("b/rootfs")), tree(Path("ours"))
    assert len(ours) == 10
    assert theirs == ours


def tree(root: Path) -> dict[str, Node]:
    """Return a tree but for the times of folders that get files later: umoci leaves them so."""
    return {
        path: node if node.kind != "d" or path == "srv" else replace(node, mtime=0)
        for path, node in snapshot(root).items()
    }
