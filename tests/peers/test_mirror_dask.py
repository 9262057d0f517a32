"""Many images of a real registry, mirrored by two workers of a real cluster."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.peers.dask import Cluster
from tests.peers.filled_registry import unique_bytes
from tests.peers.test_mirror import IMAGES, Source, filled
from tests.support.world import World

pytestmark = pytest.mark.peer


@pytest.fixture
def source(world: World, authority: trustme.CA) -> Iterator[Source]:
    with filled(world, authority, IMAGES) as running:
        yield running


@pytest.fixture
def cluster(source: Source, tmp_path: Path) -> Iterator[Cluster]:
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3"}
    with Cluster(tmp_path / "cluster", settings=settings) as running:
        running.wait_for_workers(2)
        yield running


def blobs_of(target: Path) -> set[str]:
    """Return the names of all blobs at a target."""
    return {each.name for each in (target / "blobs").rglob("*") if each.is_file()}


def test_shared_blobs_travel_once_between_all_workers(source: Source, cluster: Cluster) -> None:
    assert source.mirror("--json", f"--scheduler={cluster.address}") == 0, source.world.err
    assert len(source.report()) == IMAGES
    requests = source.registry.requests
    asked = Counter(each for each in requests if each.startswith("GET ") and "/blobs/" in each)
    assert [each for each, count in asked.items() if count > 1] == []
    received = sum(int(str(line["received"])) for line in source.report())
    assert received <= unique_bytes(source.images) + IMAGES * 2_000 * 2
    facts, count = source.facts(), source.blobs_asked()
    assert source.mirror("--json", f"--scheduler={cluster.address}") == 0, source.world.err
    assert source.facts() == facts
    assert source.blobs_asked() == count


@pytest.mark.parametrize("dying", ["worker", "client"])
def test_whoever_is_killed_the_report_is_that_of_a_clean_run(
    source: Source, cluster: Cluster, dying: str
) -> None:
    command = ["mirror", str(source.list_file), "--to", str(source.target)]
    options = ["--json", f"--scheduler={cluster.address}"]
    if dying == "client":
        with subprocess.Popen(
            [sys.executable, "-m", "pipeline", *command, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as client:
            _wait_for_blobs(source)
            client.kill()
        assert len(blobs_of(source.target)) < IMAGES
        assert source.mirror(*options) == 0, source.world.err
    else:

        def kill() -> None:
            _wait_for_blobs(source)
            cluster.kill_worker(0)

        killing = threading.Thread(target=kill)
        killing.start()
        assert source.mirror(*options) == 0, source.world.err
        killing.join()
    facts, blobs = source.facts(), blobs_of(source.target)
    assert len(facts) == IMAGES
    clean = source.world.home / "clean"
    assert source.world.run("mirror", str(source.list_file), "--to", str(clean), "--json") == 0
    assert source.facts() == facts
    assert blobs_of(clean) == blobs


def _wait_for_blobs(source: Source) -> None:
    """Wait until some are there, and most are not."""
    while source.blobs_asked() < IMAGES // 2:
        time.sleep(0.05)
