"""A real cluster of Dask's on loopback: a scheduler, and workers with two threads each.

    with Cluster(folder) as cluster:
        DaskEngine(cluster.address, per_host=2).run(…)
        cluster.kill_worker(0)

Each process is ended by its own id. Workers can import these tests.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 60.0

# What a worker held that died is given back soon, and it is given up on at once.
SETTINGS: Final = {
    "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_TIMEOUT": "2s",
    "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_VALIDATION_INTERVAL": "500ms",
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
}


@dataclass(slots=True)
class Cluster:
    """A scheduler and ``workers`` workers; ``settings`` are of Dask's own, by environment."""

    folder: Path
    workers: int = 2
    settings: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "tcp"
    address: str = ""
    _scheduler: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _workers: "list[subprocess.Popen[bytes]]" = field(default_factory=list, init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file)]
        self._scheduler = self._start("scheduler", *options, "--protocol", self.protocol)
        deadline = time.monotonic() + START_SECONDS
        while self._scheduler.poll() is None and time.monotonic() < deadline:
            # It is there before all of it is written.
            if file.exists() and (text := file.read_text()).rstrip().endswith("}"):
                self.address = json.loads(text)["address"]
                for _ in range(self.workers):
                    self.add_worker()
                return self
            time.sleep(0.05)
        self._end()
        pytest.fail(f"dask scheduler did not start: {self.log('scheduler')}")

    def add_worker(self, **environment: str) -> None:
        """Start another worker; the first job may wait for it."""
        self._workers.append(
            self._start(
                "worker",
                self.address,
                "--host=127.0.0.1",
                "--nthreads=2",
                "--no-nanny",
                f"--protocol={self.protocol}",
                f"--local-directory={self.folder}",
                environment=environment,
            )
        )

    def wait_for_workers(self, count: int) -> None:
        """Wait until the scheduler knows of so many."""
        deadline = time.monotonic() + START_SECONDS
        while self.log("scheduler").count("Register worker") < count:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kill_worker(self, number: int) -> None:
        """End a worker as the kernel does where memory is short."""
        self._workers[number].kill()
        self._workers[number].wait()

    def kill_scheduler(self) -> None:
        """End the scheduler, which knows of all work."""
        assert self._scheduler is not None
        self._scheduler.kill()
        self._scheduler.wait()

    def log(self, kind: str) -> str:
        """Return what the last ones of a kind said."""
        return (self.folder / f"{kind}.log").read_text()[-4000:]

    def _start(
        self, kind: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{kind}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, "--no-dashboard", *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    **SETTINGS,
                    **self.settings,
                    **(environment or {}),
                },
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        for process in (*self._workers, self._scheduler):
            if process is not None:
                process.kill()
                process.wait()
