"""The benchmarks' page: figures that were measured, drawn; nothing of the machine but its kind."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.site.plots import Section, draw, read_report, table
from tests.bench.measure import Figures
from tests.bench.results import Results

FILE = Path(__file__).resolve().parents[2] / "docs/benchmarks.json"
SECTION = Section("A title", ("wall s", "MiB"), {"curl": (1.5, 20), "ours": (0.25, 64)}, {})


def test_the_committed_figures_are_whole() -> None:
    """Every part of ``make bench`` is there, with a figure in every column."""
    report = read_report(FILE.read_text())
    titles = " ".join(section.title for section in report.sections)
    for part in (
        "Start-up",
        "transfer",
        "signed, from nginx",
        "signature",
        "Peak",
        "registry",
        "Store",
    ):
        assert part in titles
    for section in report.sections:
        assert section.rows
        assert all(value >= 0 for values in section.rows.values() for value in values)
    assert re.match(r"Measured on \d{4}-\d\d-\d\d: Linux on \w+, \d+ cores", report.about)


def test_nothing_of_the_machine_is_in_it() -> None:
    """No path, and of names none but those of what was measured."""
    text = FILE.read_text()
    assert "/" not in re.sub(r"MB/s|s/GiB", "", text)
    assert set(json.loads(text)) == {"date", "machine", "runs", "versions", "sections"}


def test_a_drawing_shows_every_figure_and_is_the_same_again() -> None:
    svg = draw(SECTION)
    ET.fromstring(svg)
    for shown in ("curl", "ours", "wall s", "MiB", "1.5", "0.25", ">64<"):
        assert shown in svg.decode()
    assert draw(SECTION) == svg


def test_what_a_run_writes_is_what_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = Results(3)
    section = results.section('A "title"')
    section.row("curl", Figures(1.23456, 0.5, 20.4))
    section.ratio("wall, to curl", 1.234)
    results.section("Empty")
    results.write(tmp_path / "benchmarks.json")
    text = (tmp_path / "benchmarks.json").read_text()
    assert json.loads(text)["runs"] == 3
    read = read_report(text)
    assert read.sections[0] == Section(
        'A "title"', ("wall s", "CPU s", "MiB"), {"curl": (1.235, 0.5, 20)}, {"wall, to curl": 1.23}
    )
    assert "| wall, to curl | 1.23 |" in table(read.sections[0])
    assert "1.235" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["benchmarks.json"]


def test_a_row_without_a_figure_is_refused() -> None:
    document = json.loads(FILE.read_text())
    document["sections"][0]["rows"]["short"] = []
    with pytest.raises(ValueError, match="short has 0 figures"):
        read_report(json.dumps(document))
