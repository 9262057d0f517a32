"""One store, many processes: fetches from a real registry, removals and collections at once.

Eight children, each of which runs the command itself some fifty times over images that share their
layers, removes some of them, and collects without any grace.
"""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pipeline.cli.main import run
from pipeline.exit_codes import ExitCode
from pipeline.limits import KIB
from pipeline.testing.oci import MadeImage, incompressible, layout_files, make_image, make_layer
from tests.adapters.store_world import fork
from tests.peers.nginx import need_tool
from tests.peers.registry import Registry

pytestmark = pytest.mark.peer

PROCESSES, STEPS, IMAGES = 8, 50, 12
REMOVED = range(IMAGES // 2, IMAGES)
"""Which images are removed now and then; the others never are, and so must stay."""


@pytest.fixture
def registry(tmp_path: Path, authority: trustme.CA) -> Iterator[Registry]:
    with Registry(tmp_path / "registry", authority.issue_cert("127.0.0.1")) as running:
        yield running


@pytest.fixture
def images(tmp_path: Path, registry: Registry) -> tuple[MadeImage, ...]:
    """Images in the registry, ``app:0`` and on; each layer belongs to several of them."""
    layers = [make_layer({f"{n}": incompressible(256 * KIB, seed=n)}) for n in range(6)]
    made = tuple(
        make_image(*(layers[(n + step) % 6] for step in (0, 1, 3)), {"own": b"%d" % n})
        for n in range(IMAGES)
    )
    layout = tmp_path / "layout"
    for name, content in layout_files({str(n): image for n, image in enumerate(made)}).items():
        (layout / name).parent.mkdir(parents=True, exist_ok=True)
        (layout / name).write_bytes(content)
    options = ("--insecure-policy", "--preserve-digests", "--dest-tls-verify=false")
    for n in range(IMAGES):
        source, target = f"oci:{layout}:{n}", f"docker://{registry.host}/app:{n}"
        subprocess.run([need_tool("skopeo"), "copy", "-q", *options, source, target], check=True)
    return made


def test_nothing_is_lost_and_nothing_but_not_found_is_said(
    tmp_path: Path,
    authority: trustme.CA,
    registry: Registry,
    images: tuple[MadeImage, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("STORE", "CONFIG", "SYSTEM_CONFIG"):
        monkeypatch.setenv(f"IMAGE_PIPELINE_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("IMAGE_PIPELINE_CA_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("IMAGE_PIPELINE_INSECURE_OPTIONS", "image")
    ids = [str(image.descriptor.digest).replace(":", "-") for image in images]
    # What a fetch imports is imported here once, and not by every child.
    assert run(["fetch", "-q", f"docker://{registry.host}/app:0"]) == 0

    children = [_start(tmp_path, registry, ids, seed) for seed in range(PROCESSES)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    logs = "".join(path.read_text() for path in sorted(tmp_path.glob("log-*")))
    assert codes == [0] * PROCESSES, logs

    # Whole, and everything that nobody removed is there: the registry is not asked.
    assert run(["store", "verify"]) == 0, capsys.readouterr()
    asked = len(registry.requests)
    for n in set(range(IMAGES)) - set(REMOVED):
        assert run(["fetch", "--pull-policy=never", f"docker://{registry.host}/app:{n}"]) == 0
    assert len(registry.requests) == asked
    for n in range(IMAGES):
        assert run(["fetch", f"docker://{registry.host}/app:{n}"]) == 0, capsys.readouterr()
    assert run(["store", "verify"]) == 0, capsys.readouterr()
    # Each blob once, whole: index.json has every image, for programs that read the store in place.
    for n, image in enumerate(images):
        seen = ["skopeo", "inspect", "--raw", f"oci:{tmp_path}/store:{registry.host}/app:{n}"]
        assert subprocess.run(seen, capture_output=True, check=True).stdout == image.raw


def _start(home: Path, registry: Registry, ids: list[str], seed: int) -> int:
    """Start a child; it ends with 0 if all that it did ended as it may."""
    child = fork()
    if child == 0:
        code = 99
        try:
            log = os.open(home / f"log-{seed}", os.O_WRONLY | os.O_CREAT)
            sys.stdout = sys.stderr = os.fdopen(log, "w", buffering=1)
            code = _work(registry, ids, random.Random(seed))
        finally:
            os._exit(code)
    return child


def _work(registry: Registry, ids: list[str], chance: random.Random) -> int:
    for step in range(STEPS):
        n = chance.randrange(IMAGES)
        if run(["fetch", "-q", "--pull-policy=update", f"docker://{registry.host}/app:{n}"]):
            return 1
        if step % 4 == 0 and run(["image", "rm", ids[chance.choice(REMOVED)]]) not in {
            ExitCode.DONE,
            ExitCode.STORE,
        }:
            return 2
        if step % 9 == 0 and run(["image", "gc", "--grace-period=0s"]):
            return 3
    return 0
