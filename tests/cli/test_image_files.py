"""``image export``, ``image extract`` and ``image render`` as a user types them."""

import gzip
import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.progress import size
from pipeline.testing.archives import make_entry, make_tar
from pipeline.testing.makers import make_manifest
from tests.support.world import HOST, IMAGE_PATH, LABELS, REFERENCE, World, make_image, make_key

MANIFEST = make_manifest(f"{HOST}/app", LABELS)
TAR = make_tar(
    make_entry(b"manifest", MANIFEST),
    make_entry(b"rootfs/bin/su", b"x" * 2000, mode=0o4755),
    make_entry(b"rootfs/dev/null", type_flag=b"3", device=(1, 3)),
    make_entry(b"rootfs/home/\x1b[2J", b"", owner=(77, 77)),
)


@pytest.fixture
def stored(world: World) -> World:
    """A world where an image is in the store, proven."""
    world.trust()
    world.publish(gzip.compress(TAR))
    assert world.run("fetch", REFERENCE) == 0, world.err
    return world


class TestExport:
    """The archive is what its ID is the digest of."""

    def test_to_a_file(self, stored: World) -> None:
        assert stored.run("image", "export", f"{HOST}/app:1.2.0", "out.aci") == 0
        assert Path("out.aci").read_bytes() == TAR
        assert stored.out == ""
        assert stored.err == "wrote out.aci\n"

    def test_by_id(self, stored: World) -> None:
        prefix = hashlib.sha512(TAR).hexdigest()[:8]
        assert stored.run("image", "export", f"sha512-{prefix}", "out.aci") == 0
        assert Path("out.aci").read_bytes() == TAR

    def test_to_stdout(self, stored: World) -> None:
        command = [sys.executable, "-m", "pipeline", "image", "export", REFERENCE, "-"]
        assert subprocess.run(command, capture_output=True, check=True).stdout == TAR

    def test_to_a_terminal(self, stored: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        assert stored.run("image", "export", REFERENCE, "-") == 2
        assert stored.out == ""
        assert "stdout is a terminal" in stored.err

    def test_over_a_file(self, stored: World) -> None:
        Path("out.aci").write_bytes(b"old")
        assert stored.run("image", "export", REFERENCE, "out.aci") == 10
        assert stored.err.startswith('error: "out.aci" exists, wanted a new name\n\nhint: ')
        assert Path("out.aci").read_bytes() == b"old"
        assert stored.run("image", "export", "--overwrite", REFERENCE, "out.aci") == 0
        assert Path("out.aci").read_bytes() == TAR

    def test_as_an_image_layout(self, stored: World) -> None:
        assert stored.run("image", "export", "--format=oci", REFERENCE, "out") == 0
        assert json.loads(Path("out/oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
        for blob in Path("out/blobs/sha256").iterdir():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        first = {path.name: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
        assert stored.run("image", "export", "--format=oci", REFERENCE, "out") == 10
        assert stored.run("image", "export", "--format=oci", "--overwrite", REFERENCE, "out") == 0
        again = {path.name: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
        assert again == first
        modes = {
            stat.S_IMODE(path.stat().st_mode) for path in (Path("out"), *Path("out").rglob("*"))
        }
        assert modes == {0o755, 0o644}

    def test_an_image_layout_is_no_stream(self, stored: World) -> None:
        assert stored.run("image", "export", "--format=oci", REFERENCE, "-") == 2

    @pytest.mark.parametrize("sought", ["example.com/other", "sha512-00000000"])
    @pytest.mark.parametrize("verb", ["export", "extract", "render"])
    def test_what_is_not_there(self, stored: World, verb: str, sought: str) -> None:
        assert stored.run("image", verb, sought, "out") == 8
        assert "no image" in stored.err
        assert not Path("out").exists()


class TestExtract:
    """The files, and a word on each kind of thing that is left out."""

    def test_into_a_folder(self, stored: World) -> None:
        assert stored.run("image", "extract", REFERENCE, "out") == 0
        assert Path("out/manifest").read_bytes() == MANIFEST
        assert stat.S_IMODE(Path("out/rootfs/bin/su").stat().st_mode) == 0o755
        lines = stored.err.splitlines()
        assert lines[0] == (
            "left out: setuid and setgid bits (1, the first rootfs/bin/su); --setuid asks for them"
        )
        assert lines[1] == (
            "left out: device nodes (1, the first rootfs/dev/null); --devices asks for them"
        )
        assert lines[2].endswith("(1, the first rootfs/home/\\x1b[2J); --same-owner asks for them")
        assert lines[3] == f"3 entries, {size(2000 + len(MANIFEST))} in out"

    def test_the_rootfs_alone(self, stored: World) -> None:
        assert stored.run("image", "extract", "--rootfs-only", REFERENCE, "out") == 0
        assert Path("out/bin/su").stat().st_size == 2000
        assert not Path("out/manifest").exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
    def test_with_everything_that_needs_root(self, stored: World) -> None:
        options = ("--setuid", "--devices", "--same-owner")
        assert stored.run("image", "extract", *options, REFERENCE, "out") == 0
        assert stat.S_IMODE(Path("out/rootfs/bin/su").stat().st_mode) == 0o4755
        assert stat.S_ISCHR(Path("out/rootfs/dev/null").stat().st_mode)
        assert "left out" not in stored.err

    def test_quiet(self, stored: World) -> None:
        assert stored.run("-q", "image", "extract", REFERENCE, "out") == 0
        assert (stored.out, stored.err) == ("", "")

    def test_over_a_folder(self, stored: World) -> None:
        Path("out/old").mkdir(parents=True)
        assert stored.run("image", "extract", REFERENCE, "out") == 10
        assert Path("out/old").is_dir()
        assert stored.run("image", "extract", "--overwrite", REFERENCE, "out") == 0
        assert not Path("out/old").exists()

    def test_where_nothing_can_be_written(self, stored: World) -> None:
        assert stored.run("image", "extract", REFERENCE, "gone/out") == 10
        assert stored.err.startswith('error: cannot write "gone/out": No such file')


class TestRender:
    """With what it depends on."""

    def test_over_what_it_depends_on(self, world: World) -> None:
        below = {
            "imageName": f"{HOST}/app/base",
            "labels": [{"name": "version", "value": "1.2.0"}],
        }
        world.trust(HOST)
        world.publish(
            make_image(f"{HOST}/app/base", content=b"base"),
            IMAGE_PATH.replace("/app-", "/app/base-"),
        )
        world.site.pages["/app/base"] = world.site.pages["/app"]
        world.publish(make_image(dependencies=(below,), content=b"top"))
        assert world.run("fetch", "--no-deps", REFERENCE) == 0, world.err
        assert world.run("image", "render", REFERENCE, "out") == 8
        assert f'"{HOST}/app/base' in world.err
        assert world.run("fetch", REFERENCE) == 0, world.err
        assert world.run("image", "render", REFERENCE, "out") == 0, world.err
        assert Path("out/rootfs/bin/app").read_bytes() == b"top"
        assert world.run("image", "render", "--overwrite", "--rootfs-only", REFERENCE, "out") == 0
        assert Path("out/bin/app").read_bytes() == b"top"


class TestProof:
    """An image leaves the store as it is served: on the proof that is demanded now."""

    @pytest.mark.parametrize("verb", ["export", "extract", "render"])
    def test_of_a_key_that_is_trusted_no_more(self, stored: World, verb: str) -> None:
        fingerprint = str(stored.key.fingerprint).replace(" ", "").lower()
        assert stored.run("trust", "remove", "--prefix", f"{HOST}/app", fingerprint) == 0, (
            stored.err
        )
        stored.trust(key=make_key("Somebody Else"))
        assert stored.run("image", verb, REFERENCE, "out") == 6
        assert not Path("out").exists()
        assert stored.run("--insecure-options=image", "image", verb, REFERENCE, "out") == 0
        assert Path("out").exists()

    @pytest.mark.parametrize("verb", ["export", "extract", "render"])
    def test_of_an_image_that_never_had_any(self, stored: World, verb: str) -> None:
        Path("app.aci").write_bytes(make_image(f"{HOST}/app", LABELS | {"version": "3"}))
        assert stored.run("--insecure-options=image", "fetch", "./app.aci") == 0, stored.err
        assert stored.run("image", verb, f"{HOST}/app:3", "out") == 6
        assert not Path("out").exists()
