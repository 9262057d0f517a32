"""What a list of images costs, beside skopeo sync: the same list, the same registry, in one run.

A hundred images of three layers over TLS from docker's own registry on loopback: one layer that all
have, one that ten have, and their own. ``skopeo sync`` writes a folder an image, in which nothing
is shared, one after the other: of its targets none is nearer. It judges nothing; neither do we, so
that both do the same. MB are those that the registry sent, a run; MB/s are of these.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import trustme

from tests.bench.measure import Figures, median_of
from tests.bench.results import Results, Section
from tests.peers.dask import Cluster
from tests.peers.filled_registry import REPOSITORY, pushing, sharing_images
from tests.peers.registry import Registry

MIB: Final = 1024 * 1024
IMAGES: Final = 100
JOBS: Final = (1, 2, 4)
WORKERS: Final = (1, 2)
COLUMNS: Final = ("images/s", "MB/s", "MB", "requests")
_ANSWER: Final = re.compile(r'" 200 (\d+) "')


def mirror_list(home: Path, authority: trustme.CA, results: Results) -> None:
    """Print images and bytes a second of ``mirror`` and ``skopeo sync``, and their ratios."""
    folder = home / "mirror"
    with Registry(folder / "registry", authority.issue_cert("127.0.0.1")) as registry:
        with pushing(registry, authority) as pusher:
            for n, image in enumerate(sharing_images(IMAGES, base=4 * MIB, own=MIB // 4)):
                pusher.push(str(n), image)
        listed = folder / "images.txt"
        listed.write_text(
            "".join(f"docker://{registry.host}/{REPOSITORY}:{n}\n" for n in range(IMAGES))
        )
        section = results.section(f"A list of {IMAGES} images that share layers", COLUMNS)
        ca = str(home / "ca.pem")
        row = _Rows(section, registry, results.runs)
        theirs = row("skopeo sync", _sync(folder, registry.host))
        for jobs in JOBS:
            name = f"image-pipeline mirror --jobs={jobs}"
            ours = row(name, _mirror(listed, folder / "target", ca, f"--jobs={jobs}"))
            section.ratio(f"wall, to skopeo sync, {jobs} jobs", ours.wall / theirs.wall)
        again = [*_mirror_command(listed, folder / "target", ca), "--jobs=4"]
        row("image-pipeline mirror, nothing has changed", lambda: again)
        for workers in WORKERS:
            with Cluster(folder / f"cluster-{workers}", workers=workers) as cluster:
                cluster.wait_for_workers(workers)
                option = f"--scheduler={cluster.address}"
                name = f"mirror, {workers} Dask workers of two threads"
                ours = row(name, _mirror(listed, folder / "target", ca, option))
            section.ratio(f"wall, to skopeo sync, {workers} Dask workers", ours.wall / theirs.wall)


class _Rows:
    """Measures a command and keeps its row; what the registry sent is in its log."""

    def __init__(self, section: Section, registry: Registry, runs: int) -> None:
        self.section, self.registry, self.runs = section, registry, runs

    def __call__(self, name: str, command: Callable[[], Sequence[str]]) -> Figures:
        before = self._sent()
        figures = median_of(self.runs, command)
        # All runs do the same, the first to warm up as well.
        requests, sent = (
            (after - earlier) / (self.runs + 1)
            for after, earlier in zip(self._sent(), before, strict=True)
        )
        mb = sent / 1e6
        values = (IMAGES / figures.wall, mb / figures.wall, mb, requests)
        self.section.values(name, *values, decimals=(1, 1, 1, 0))
        return figures

    def _sent(self) -> tuple[int, int]:
        """Return the requests that were answered, and the bytes of the answers."""
        log = (self.registry.folder / "log").read_text()
        return len(self.registry.requests), sum(map(int, _ANSWER.findall(log)))


def _mirror_command(listed: Path, target: Path, ca: str) -> Sequence[str]:
    options = ("--insecure-options=image", f"--ca-file={ca}", "--quiet")
    return [sys.executable, "-m", "pipeline", *options, "mirror", str(listed), f"--to={target}"]


def _mirror(listed: Path, target: Path, ca: str, option: str) -> Callable[[], Sequence[str]]:
    def prepare() -> Sequence[str]:
        shutil.rmtree(target, ignore_errors=True)
        return [*_mirror_command(listed, target, ca), option]

    return prepare


def _sync(folder: Path, host: str) -> Callable[[], Sequence[str]]:
    listed, target = folder / "images.yaml", folder / "synced"
    images = {REPOSITORY: [str(n) for n in range(IMAGES)]}
    # YAML, of which JSON is a part.
    listed.write_text(json.dumps({host: {"images": images, "tls-verify": False}}))

    def prepare() -> Sequence[str]:
        shutil.rmtree(target, ignore_errors=True)
        options = ("--src=yaml", "--dest=dir", "--preserve-digests")
        return ["skopeo", "--insecure-policy", "sync", *options, str(listed), str(target)]

    return prepare
