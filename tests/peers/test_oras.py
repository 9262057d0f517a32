"""What docs/differences-from-skopeo-and-oras.md says of oras, seen on a real registry."""

import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import oras.client  # type: ignore[import-untyped]  # it has no types
import pytest
import trustme

from pipeline.exit_codes import ExitCode
from pipeline.testing.oci import layout_files, make_image
from tests.peers.nginx import need_tool
from tests.peers.registry import Registry
from tests.support.world import World

pytestmark = pytest.mark.peer

PAGE = Path(__file__).resolve().parents[2] / "docs/differences-from-skopeo-and-oras.md"
CONTENT = b"app" * 1000


@pytest.fixture
def registry(tmp_path: Path, authority: trustme.CA) -> Iterator[Registry]:
    """A registry over TLS with an image ``app:1`` of one layer, which was damaged afterwards."""
    source = tmp_path / "source"
    for name, content in layout_files({"image": make_image({"bin/app": CONTENT})}).items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    with Registry(tmp_path / "registry", authority.issue_cert("127.0.0.1")) as registry:
        options = ("--insecure-policy", "--preserve-digests", "--dest-tls-verify=false")
        skopeo("copy", *options, f"oci:{source}:image", f"docker://{registry.host}/app:1")
        blobs = [path.read_bytes() for path in source.glob("blobs/*/*")]
        layers = [path for path in registry.folder.rglob("data") if path.read_bytes() in blobs]
        [layer] = [path for path in layers if not path.read_bytes().startswith(b"{")]
        whole = layer.read_bytes()
        layer.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        yield registry


def skopeo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    need_tool("skopeo")
    return subprocess.run(
        ["skopeo", *arguments], capture_output=True, text=True, check="copy" not in arguments
    )


def test_a_layer_that_is_not_what_its_digest_says(
    world: World, registry: Registry, tmp_path: Path
) -> None:
    """oras unpacks it, skopeo and we refuse it."""
    client = oras.client.OrasClient(tls_verify=False)
    client.pull(target=f"{registry.host}/app:1", outdir=str(tmp_path / "oras"))
    assert (tmp_path / "oras/bin/app").read_bytes() == CONTENT
    options = ("--insecure-policy", "--src-tls-verify=false")
    copied = skopeo("copy", *options, f"docker://{registry.host}/app:1", f"oci:{tmp_path}/copy:1")
    assert copied.returncode != 0
    assert "Digest did not match" in copied.stderr
    arguments = ("--insecure-options=image", "fetch", f"docker://{registry.host}/app:1")
    assert world.run(*arguments) == ExitCode.DOWNLOAD
    assert world.out == ""
    assert "has the digest" in world.err


def test_the_page_names_the_version() -> None:
    assert f"oras {version('oras')}" in " ".join(PAGE.read_text().split())
