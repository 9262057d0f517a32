"""What it costs to tell what happens: nobody, a trace without an SDK, and one with it.

In this process, so that it is not lost in a program's start: a chain of stages that do nothing,
then a fetch of a small image from nginx, over TLS, into a store that has it.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from returns.result import Result, Success

from pipeline.adapters import parse_connect_to
from pipeline.adapters.clock import SystemClock
from pipeline.adapters.otel import TracingObserver
from pipeline.errors import PipelineError
from pipeline.events import SILENCE, Observer
from pipeline.observing import observed
from pipeline.recipes.finder import Finder
from pipeline.recipes.settings import Settings
from pipeline.recipes.toolkit import Toolkit
from pipeline.stage import Stage
from tests.bench.results import Results
from tests.peers.nginx import Nginx

STAGES = 6
CALLS = 2000


def events(home: Path, nginx: Nginx, url: str, host: str, results: Results) -> None:
    """Print what a stage and a fetch cost, observed and not."""
    runs = results.runs
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    observers: dict[str, Observer] = {
        "nobody watches": SILENCE,
        "traced, no SDK": TracingObserver(),
        "traced, SDK, spans kept in memory": TracingObserver(provider),
    }
    section = results.section(
        f"Events: {STAGES} stages that do nothing, {CALLS} times", ("us of CPU a stage",)
    )
    for name, observer in {"not observed": None, **observers}.items():
        chain = _chain(observer)
        cost = _median([_cost(partial(_call, chain)) for _ in range(runs)])
        section.values(name, cost.cpu / CALLS / STAGES * 1e6, decimals=(2,))
    settings = Settings(
        store=home / "store",
        config=home / "config",
        system_config=home / "system",
        ca_file=str(home / "ca.pem"),
        connect_to=(parse_connect_to(f"{host}:443:127.0.0.1:{nginx.tls_port}").unwrap(),),
    )
    section = results.section(
        f"Events: a fetch of 1 MiB in one process, {4 * runs} times in turn", ("wall ms", "CPU ms")
    )
    with ExitStack() as leaving:
        finders = {
            name: leaving.enter_context(Toolkit(settings, observer=observer))
            .finder(no_cache=True)
            .unwrap()
            for name, observer in observers.items()
        }
        figures: dict[str, list[_Cost]] = {name: [] for name in finders}
        for _ in range(4 * runs + 1):
            for name, finder in finders.items():
                figures[name].append(_cost(partial(_fetch, finder, url)))
    # The first of each connects.
    costs = [_median(each[1:]) for each in figures.values()]
    for name, cost in zip(figures, costs, strict=True):
        section.values(name, cost.wall * 1e3, cost.cpu * 1e3, decimals=(1, 1))
    section.ratio("CPU, SDK to nobody", costs[-1].cpu / costs[0].cpu)
    provider.shutdown()


def _chain(observer: Observer | None) -> Stage[int, int, PipelineError]:
    def nothing(n: int) -> Result[int, PipelineError]:
        return Success(n)

    stage = Stage("nothing", nothing)
    if observer is not None:
        stage = observed(stage, observer=observer, clock=SystemClock())
    chain = stage
    for _ in range(STAGES - 1):
        chain = chain >> stage
    return chain


def _call(chain: Stage[int, int, PipelineError]) -> None:
    for n in range(CALLS):
        chain(n)


def _fetch(finder: Finder, url: str) -> None:
    finder.find_image(url).unwrap()


@final
@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds that went by, and those that this process worked."""

    wall: float
    cpu: float


def _cost(work: Callable[[], object]) -> _Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return _Cost(time.perf_counter() - wall, time.process_time() - cpu)


def _median(costs: list[_Cost]) -> _Cost:
    return _Cost(
        statistics.median(each.wall for each in costs),
        statistics.median(each.cpu for each in costs),
    )
