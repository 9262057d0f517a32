"""What a registry image costs, beside skopeo: the same image, the same registry, in one run.

Five layers that do not compress, 500 MiB in all, over TLS from docker's own registry on loopback.
skopeo copies into an OCI image layout, and judges nothing; neither do we, so that both do the same.
What a run of either takes to start is taken off where wall times are compared.
"""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import trustme

from pipeline.testing.oci import incompressible, layout_files, make_image, make_layer
from tests.bench.measure import Figures, measure, median_of
from tests.bench.results import Results, Section
from tests.peers.registry import Registry

MIB = 1024 * 1024
LAYERS = 5
LAYER_MIB = 100


def registry_image(home: Path, authority: trustme.CA, results: Results) -> None:
    """Print wall, CPU and memory of a fetch and of ``skopeo copy``, and their ratios."""
    folder = home / "registry-image"
    with Registry(folder / "registry", authority.issue_cert("127.0.0.1")) as registry:
        image = f"{registry.host}/app:1"
        _push(folder, image)
        size = f"{LAYERS} layers, {LAYERS * LAYER_MIB} MiB"
        section = results.section(f"An image of {size}, from a registry over TLS")
        runs = results.runs
        ca = str(home / "ca.pem")
        ours = median_of(runs, _fetch(folder / "store", image, ca))
        starting = median_of(runs, lambda: [sys.executable, "-m", "pipeline", "--version"])
        theirs = median_of(runs, _copy(folder / "layout", image))
        section.row("image-pipeline fetch", ours)
        section.row("skopeo copy", theirs)
        section.row("starting: image-pipeline --version", starting)
        again = median_of(runs, lambda: _fetch_command(folder / "store", image, ca))
        section.row("image-pipeline fetch, nothing has changed", again)
        _compare(section, ours, starting, theirs)


def _compare(section: Section, ours: Figures, starting: Figures, theirs: Figures) -> None:
    net = ours.wall - starting.wall
    section.ratio("wall, to skopeo", ours.wall / theirs.wall)
    section.ratio("wall less the interpreter's start, to skopeo", net / theirs.wall)
    section.ratio("CPU, to skopeo", ours.cpu / theirs.cpu)


def _push(folder: Path, image: str) -> None:
    # In a process of its own: what this one holds counts as its children's peak.
    measure([sys.executable, "-m", "tests.bench.registry", str(folder / "source")])
    options = ("--insecure-policy", "--preserve-digests", "--dest-tls-verify=false")
    measure(["skopeo", "copy", *options, f"oci:{folder}/source:image", f"docker://{image}"])
    shutil.rmtree(folder / "source")


def _write_layout(folder: Path) -> None:
    made = make_image(
        *(
            make_layer({f"{n}": incompressible(LAYER_MIB * MIB, seed=n)}, compression="none")
            for n in range(LAYERS)
        )
    )
    for path, content in layout_files({"image": made}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _fetch(store: Path, image: str, ca: str) -> Callable[[], Sequence[str]]:
    def prepare() -> Sequence[str]:
        shutil.rmtree(store, ignore_errors=True)
        return _fetch_command(store, image, ca)

    return prepare


def _fetch_command(store: Path, image: str, ca: str) -> Sequence[str]:
    options = ("--insecure-options=image", f"--ca-file={ca}", f"--store={store}", "--quiet")
    return [sys.executable, "-m", "pipeline", *options, "fetch", f"docker://{image}"]


def _copy(layout: Path, image: str) -> Callable[[], Sequence[str]]:
    def prepare() -> Sequence[str]:
        shutil.rmtree(layout, ignore_errors=True)
        options = ("--insecure-policy", "--preserve-digests", "--src-tls-verify=false")
        return ["skopeo", "copy", *options, f"docker://{image}", f"oci:{layout}:1"]

    return prepare


if __name__ == "__main__":
    _write_layout(Path(sys.argv[1]))
