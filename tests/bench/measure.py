"""Whole processes, measured: wall and CPU seconds, and the peak memory of the largest process."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Figures:
    """What a run cost: wall and CPU in seconds, peak resident memory in MiB."""

    wall: float
    cpu: float
    peak: float


def measure(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Figures:
    """Run a command once, its output thrown away, and return what it cost.

    The operating system's own accounting is used; it includes processes that the command waited
    for. Raises ``RuntimeError`` when the command fails: a failed run is no measurement. Python may
    keep what it compiled, as it does for whoever installed the package.
    """
    inherited = os.environ if env is None else env
    begun = time.perf_counter()
    process = subprocess.Popen(
        argv,
        env={k: v for k, v in inherited.items() if k != "PYTHONDONTWRITEBYTECODE"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{argv[0]} ended with {process.returncode}: {complaint.decode()}")
    return Figures(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median_of(
    runs: int, command: Callable[[], Sequence[str]], env: Mapping[str, str] | None = None
) -> Figures:
    """Measure a command several times after one warm-up; ``command`` prepares each run."""
    measure(command(), env)
    figures = [measure(command(), env) for _ in range(runs)]
    return Figures(
        statistics.median(each.wall for each in figures),
        statistics.median(each.cpu for each in figures),
        max(each.peak for each in figures),
    )
