"""Many images of a real registry, mirrored by two workers of a real cluster."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.dask import Cluster
from tests.peers.filled_registry import unique_bytes
from tests.peers.test_mirror import IMAGES, Source
from tests.peers.test_mirror import source as source  # a fixture

pytestmark = pytest.mark.peer


@pytest.fixture
def cluster(source: Source, tmp_path: Path) -> Iterator[Cluster]:
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3"}
    with Cluster(tmp_path / "cluster", settings=settings) as running:
        running.wait_for_workers(2)
        yield running


def files_of(target: Path) -> set[str]:
    """Return what lies under a target."""
    return {str(each.relative_to(target)) for each in target.rglob("blobs/*/*")}


def test_shared_blobs_travel_once_between_all_workers(source: Source, cluster: Cluster) -> None:
    assert source.mirror("--json", f"--scheduler={cluster.address}") == 0, source.world.err
    assert len(source.report()) == IMAGES
    asked = Counter(each for each in source.registry.requests if "/blobs/" in each)
    assert [each for each, count in asked.items() if count > 1] == []
    received = sum(int(str(line["received"])) for line in source.report())
    assert received <= unique_bytes(source.images) + IMAGES * 2_000 * 2
    facts, count = source.facts(), source.blobs_asked()
    assert source.mirror("--json", f"--scheduler={cluster.address}") == 0, source.world.err
    assert source.facts() == facts
    assert source.blobs_asked() == count


def test_a_killed_worker_changes_nothing_in_the_report(source: Source, cluster: Cluster) -> None:
    killing = threading.Thread(target=_kill_soon, args=(source, cluster))
    killing.start()
    assert source.mirror("--json", f"--scheduler={cluster.address}") == 0, source.world.err
    killing.join()
    facts, files = source.facts(), files_of(source.target)
    assert len(facts) == IMAGES
    assert (
        source.world.run(
            "mirror", str(source.list_file), "--to", str(source.world.home / "clean"), "--json"
        )
        == 0
    )
    assert source.facts() == facts
    assert files_of(source.world.home / "clean") == files


def _kill_soon(source: Source, cluster: Cluster) -> None:
    while source.blobs_asked() < IMAGES // 4:
        time.sleep(0.05)
    cluster.kill_worker(0)
