"""Real schedulers and workers: what is promised of engines, and what dies in mid-run."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dask.config
import pytest
import trustme
from returns.pipeline import is_successful
from returns.result import Result, Success

from pipeline.adapters.dask import DaskEngine, cluster, engine, is_exposed
from pipeline.engine import Job
from pipeline.errors import EngineUnavailable, WorkerLost
from pipeline.testing import check_engine
from tests.peers.dask import ROOT, Cluster
from tests.peers.dask_work import crowd, die, double

pytestmark = pytest.mark.peer

SOON = 15.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster in which nothing dies."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def failure_at(address: str, seconds: float = 1.0) -> EngineUnavailable:
    """Return why nothing is done there."""
    return (
        DaskEngine(address, per_host=2, workers_seconds=seconds)
        .run(double, [Job(1)], lambda place, outcome: True)
        .failure()
    )


def test_the_engine_conforms(running: Cluster, tmp_path: Path) -> None:
    check_engine(lambda per_host: DaskEngine(running.address, per_host=per_host), tmp_path)


def test_a_scheduler_does_not_know_all_jobs_at_once(
    running: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "JOBS_IN_FLIGHT", 2)
    seen: list[int] = []

    def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
        seen.append(outcome.unwrap())
        return True

    jobs = [Job(str(tmp_path)) for _ in range(12)]
    DaskEngine(running.address, per_host=2).run(crowd, jobs, ended).unwrap()
    assert len(seen) == 12
    assert max(seen) <= 2


def test_nothing_is_written_to_stderr(running: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    DaskEngine(running.address, per_host=2).run(double, [Job(1)], lambda *_: True).unwrap()
    failure_at("tcp://127.0.0.1:1")
    assert capfd.readouterr() == ("", "")


def test_a_worker_that_is_killed_loses_nothing_but_time(tmp_path: Path) -> None:
    told: dict[int, Result[int, WorkerLost]] = {}
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3"}
    with Cluster(tmp_path, settings=settings) as cluster:

        def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
            assert place not in told
            told[place] = outcome
            if len(told) == 5:
                cluster.kill_worker(0)
            return True

        jobs = [Job(n, tuple({n // 2} - {n}), "example.com") for n in range(40)]
        DaskEngine(cluster.address, per_host=3).run(double, jobs, ended).unwrap()
    assert told == {number: Success(2 * number) for number in range(40)}


def test_a_job_that_kills_its_workers_is_lost_alone(tmp_path: Path) -> None:
    told: dict[int, Result[int, WorkerLost]] = {}

    def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
        told[place] = outcome
        return True

    jobs = [Job(0), Job(1, (0,)), Job(2, (0, 1)), Job(3, (2,))]
    with Cluster(tmp_path) as cluster:
        DaskEngine(cluster.address, per_host=2).run(die, jobs, ended).unwrap()
    lost = told.pop(0).failure()
    assert lost.address == cluster.address
    assert lost.reason.startswith("1 of them died while they did, the last one tcp://127.0.0.1:")
    assert told == {number: Success(number) for number in (1, 2, 3)}


def test_without_workers_it_ends_in_time(tmp_path: Path) -> None:
    began = time.monotonic()
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "9"}
    with Cluster(tmp_path, settings=settings) as cluster:

        def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
            cluster.kill_worker(0)
            cluster.kill_worker(1)
            return True

        ran = DaskEngine(cluster.address, per_host=2, workers_seconds=2).run(
            double, [Job(number) for number in range(99)], ended
        )
        assert ran.failure() == EngineUnavailable(cluster.address, "it has no workers")
        assert failure_at(cluster.address).reason == "it has no workers"
    assert time.monotonic() - began < 2 * SOON


def test_a_scheduler_that_is_killed_ends_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Cluster(tmp_path) as cluster:

        def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
            cluster.kill_scheduler()
            return True

        ran = DaskEngine(cluster.address, per_host=2).run(
            double, [Job(number) for number in range(99)], ended
        )
    assert ran.failure().address == cluster.address
    assert "the scheduler is gone" in ran.failure().reason
    assert capfd.readouterr() == ("", "")


def test_a_scheduler_that_says_nothing_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cluster(tmp_path) as stopped:
        assert stopped._scheduler is not None

        def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
            assert stopped._scheduler is not None
            monkeypatch.setattr(cluster, "SCHEDULER_SECONDS", 1.0)
            os.kill(stopped._scheduler.pid, signal.SIGSTOP)
            return True

        began = time.monotonic()
        jobs = [Job(number) for number in range(99)]
        ran = DaskEngine(stopped.address, per_host=2).run(double, jobs, ended)
        assert not is_successful(ran)
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_client_that_ends_frees_the_workers(
    running: Cluster, tmp_path: Path, ending: signal.Signals
) -> None:
    """Whoever starts it again has what the first one would have had."""
    command = [sys.executable, "-m", "tests.peers.dask_work", running.address, str(tmp_path)]
    with subprocess.Popen([*command, "60"], cwd=ROOT, stderr=subprocess.PIPE) as client:
        _wait_for(tmp_path, "begun", 4)
        began = time.monotonic()
        client.send_signal(ending)
        _, said = client.communicate(timeout=SOON)
        assert time.monotonic() - began < SOON
        assert b"distributed -" not in said
    _wait_for(tmp_path, "stopped", 4)
    assert not any("ended" in file.read_text() for file in tmp_path.iterdir())
    done = subprocess.run([*command, "0.1"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("<Success: None>\n", "")


def _wait_for(folder: Path, word: str, count: int) -> None:
    deadline = time.monotonic() + 2 * SOON
    while sum(word in file.read_text() for file in folder.iterdir()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        *(
            (address, "its address is tls:// or tcp://, host and port")
            for address in [
                "",
                "127.0.0.1:8786",
                "inproc://127.0.0.1/1/1",
                "tcp://",
                "tcp://127.0.0.1",
                "tcp://127.0.0.1:nonsense",
                "tcp://127.0.0.1:99999",
                "tcp://127.0.0.1:1/",
                "tcp://user:password@127.0.0.1:1",
                "tcp://[::1",
            ]
        ),
        ("tcp://127.0.0.1:1", "1 s"),
        ("tcp://[::1]:1", "1 s"),
        ("tls://127.0.0.1:1", "TLS"),
    ],
)
def test_where_there_is_no_scheduler(
    address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "SCHEDULER_SECONDS", 1.0)
    failure = failure_at(address)
    assert failure.address == address
    assert reason in failure.reason


@pytest.mark.parametrize("late", [False, True])
def test_a_worker_of_another_version_is_refused(tmp_path: Path, late: bool) -> None:
    """Also one that comes once the versions were looked at."""
    other = tmp_path / "other" / "image_pipeline-9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: image-pipeline\nVersion: 9.9\n")
    with Cluster(tmp_path / "cluster", workers=0) as cluster:
        coming = threading.Timer(
            2.0 if late else 0.0,
            cluster.add_worker,
            kwargs={"PYTHONPATH": f"{other.parent}:{ROOT}"},
        )
        coming.start()
        if not late:
            cluster.wait_for_workers(1)
        failure = failure_at(cluster.address, seconds=2 * SOON)
        coming.join()
    assert failure.address == cluster.address
    assert failure.reason.startswith("tcp://127.0.0.1:")
    assert failure.reason.endswith(
        " may not do it: it has image-pipeline 9.9, and this machine 0.1.0"
    )


def test_with_certificates(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who shows none, or one of somebody else's, is not let in."""
    own = _tls(tmp_path / "own", authority)
    strange = _tls(tmp_path / "strange", trustme.CA())
    monkeypatch.setattr(cluster, "SCHEDULER_SECONDS", 5.0)
    told: list[int] = []

    def ended(place: int, outcome: Result[int, WorkerLost]) -> bool:
        told.append(outcome.unwrap())
        return True

    environment = {
        f"DASK_{key.upper().replace('.', '__').replace('-', '_')}": value
        for key, value in own.items()
    }
    with Cluster(tmp_path, settings=environment, protocol="tls") as encrypted:
        assert encrypted.address.startswith("tls://")
        with dask.config.set(own):
            run = DaskEngine(encrypted.address, per_host=2).run(double, [Job(21)], ended)
        assert (run, told) == (Success(None), [42])
        with dask.config.set(strange):
            assert "certificate" in failure_at(encrypted.address).reason.lower()
        assert "TLS" in failure_at(encrypted.address).reason
        failure_at(encrypted.address.replace("tls", "tcp"))


def _tls(folder: Path, authority: trustme.CA) -> dict[str, str]:
    """Return Dask's settings for certificates of an authority's, which is the one that counts."""
    folder.mkdir()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "both.pem")
    )
    places = {
        f"distributed.comm.tls.{role}.{part}": str(folder / "both.pem")
        for role in ("scheduler", "worker", "client")
        for part in ("cert", "key")
    }
    return {**places, "distributed.comm.tls.ca-file": str(folder / "ca.pem")}


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("tcp://10.0.0.1:8786", True),
        ("tcp://scheduler:8786", True),
        ("tcp://[::", True),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tls://10.0.0.1:8786", False),
    ],
)
def test_what_is_said_of_an_address(address: str, exposed: bool) -> None:
    assert is_exposed(address) == exposed


def test_nothing_of_dask_is_imported_without_need() -> None:
    code = (
        "import sys, pipeline.cli.main, pipeline.cli.mirror, pipeline.adapters, pipeline.testing;"
        "pipeline.testing.check_engine;"
        "print(sorted({'dask', 'distributed', 'tornado'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
