"""Progress says nothing that is not so, and nothing that a terminal would obey."""

import json
import math
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.progress.bars import bar_line
from pipeline.cli.progress.lines import finished, progressed, resumed, retried
from pipeline.cli.progress.meter import LONGEST_SECONDS, Meter, Sample
from pipeline.cli.progress.transfers import Transfers, following
from pipeline.cli.progress.words import short_name, shortened
from pipeline.cli.talk import document, json_line
from pipeline.events import (
    Event,
    TransferFailed,
    TransferFinished,
    TransferProgressed,
    TransferRetried,
    TransferStarted,
)

moments = st.floats(min_value=0, max_value=1e9)
sizes = st.integers(min_value=0, max_value=2**63) | st.integers(min_value=0, max_value=2**20)
totals = st.none() | sizes | st.just(10**400)
urls = st.text() | st.builds("https://{}".format, st.text()) | st.just("https://example.com/a.aci")

events: st.SearchStrategy[Event] = st.one_of(
    st.builds(TransferStarted, urls, sizes, totals),
    st.builds(TransferProgressed, urls, sizes, totals),
    st.builds(TransferRetried, urls, st.integers(1, 99), st.text(), moments),
    st.builds(TransferFinished, urls, sizes, sizes, moments),
    st.builds(TransferFailed, urls, st.just("truncated-body"), moments),
)


def harmless(line: str) -> bool:
    """Tell whether a terminal only shows it: Python's isprintable, but for spaces of all widths."""
    return all(each.isprintable() or unicodedata.category(each) == "Zs" for each in line)


@given(st.lists(st.tuples(moments, sizes)), sizes, moments, totals)
def test_figures_are_finite_and_not_negative(
    samples: list[tuple[float, int]], resumed_at: int, later: float, total: int | None
) -> None:
    meter = Meter((Sample(0.0, resumed_at),))
    for at, received in sorted(samples):
        meter = meter.noting(at, received)
    pace = meter.pace(meter.samples[-1].at + later, total)
    for figure in (pace.bytes_per_second, pace.seconds_left):
        assert figure is None or (math.isfinite(figure) and figure >= 0)
    assert pace.seconds_left is None or pace.seconds_left <= LONGEST_SECONDS


@given(st.lists(st.tuples(moments, events)), moments, st.integers(-1, 200))
def test_a_bar_stays_in_its_line(told: list[tuple[float, Event]], later: float, width: int) -> None:
    transfers: Transfers = {}
    now = 0.0
    for now, event in sorted(told, key=lambda pair: pair[0]):
        transfers = following(transfers, event, now)
    for transfer in transfers.values():
        line = bar_line(transfer, now + later, width)
        text = line.before + line.full + line.empty + line.after
        assert len(text) <= max(0, width)
        assert text.isascii()
        assert text.isprintable()
        assert harmless(progressed(transfer, now + later))


@given(events)
def test_whatever_is_told_is_one_printable_line(event: Event) -> None:
    line = json_line(document(event))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"].startswith("transfer-")
    match event:
        case TransferStarted():
            assert harmless(resumed(event))
        case TransferRetried():
            assert harmless(retried(event))
        case TransferFinished():
            assert harmless(finished(event))
        case _:
            pass


@given(urls, st.integers(0, 100))
def test_names_are_ascii_and_fit(url: str, width: int) -> None:
    name = short_name(url)
    assert name
    assert name.isascii()
    assert name.isprintable()
    assert len(shortened(name, width)) <= width
    assert width < len(name) or shortened(name, width) == name
