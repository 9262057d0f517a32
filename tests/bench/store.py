"""The part ``store scale``: what is asked of a store with many images, and what one more costs.

Times of calls inside the library, in milliseconds, for two sizes of store, and their ratio.
"""

import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha512
from pathlib import Path

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.layout import LayoutStore, open_store
from pipeline.errors import StoreError
from pipeline.names import Label, LabelName, Labels
from pipeline.testing.conformance import extracted_of
from pipeline.testing.fakes import EPOCH
from pipeline.testing.samples import Sample
from tests.bench.results import Results
from tests.support.store_filler import BUSY, Tiny, fill

FEW = 1_000
CALLS = 50
"""Calls of each kind; the middle one's time is printed."""

PAGE = 50


def store_scale(folder: Path, results: Results) -> None:
    """Fill two stores and print what each question costs."""
    many = int(os.environ.get("BENCH_IMAGES", "100000"))
    columns = []
    for count in (FEW, many):
        root = folder / f"store-{count}"
        fill(root, 0, count)
        # Otherwise the first commits would wait until all of that is on the disk.
        os.sync()
        columns.append(_measure(open_store(root, clock=SystemClock()).unwrap(), count))
    title = f"Store scale, milliseconds a call inside the library; median of {CALLS} calls"
    section = results.section(title, (f"{FEW:,} images", f"{many:,} images"))
    for name, few_ms in columns[0].items():
        many_ms = columns[1][name]
        section.values(name, few_ms, many_ms, decimals=(2, 2))
    for name, few_ms in columns[0].items():
        section.ratio(f"growth: {name}", columns[1][name] / few_ms)


def _measure(store: LayoutStore, count: int) -> dict[str, float]:
    some = [Tiny(number * count // CALLS // 10 * 10) for number in range(CALLS)]
    digits = [sha512(tiny.archive).hexdigest() for tiny in some]
    return {
        f"list a page of {PAGE}": _median([partial(store.list_page, PAGE)] * CALLS),
        "resolve 12 digits of an ID": _median([partial(store.resolve, d[:12]) for d in digits]),
        "find a name with a version, among a tenth": _median(
            [partial(store.find, BUSY, _version(tiny)) for tiny in some]
        ),
        "find the newest of a name": _median([partial(store.find, t.name, Labels()) for t in some]),
        "look a URL up": _median([partial(store.lookup, tiny.url) for tiny in some]),
        "store one more image": statistics.median(_commit(store, n) for n in range(CALLS)),
        "list everything": _median([store.list_images] * 3),
    }


def _version(tiny: Tiny) -> Labels:
    return Labels((Label(LabelName("version"), tiny.labels.get("version") or ""),))


def _commit(store: LayoutStore, number: int) -> float:
    sample = Sample(version=f"more-{number}", content=b"x" * 4096)
    with store.quarantine() as opened:
        extracted = extracted_of(sample, opened.unwrap(), EPOCH)
        return _timed(partial(store.commit, extracted))


def _median(calls: list[Callable[[], Result[object, StoreError]]]) -> float:
    return statistics.median(_timed(call) for call in calls)


def _timed(call: Callable[[], Result[object, StoreError]]) -> float:
    begun = time.perf_counter()
    outcome = call()
    milliseconds = (time.perf_counter() - begun) * 1000
    if not is_successful(outcome):
        raise RuntimeError(outcome.failure().message)
    return milliseconds
