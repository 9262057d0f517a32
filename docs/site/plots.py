"""The benchmarks' drawings: ``docs/benchmarks.json``, which ``make bench`` writes, as SVG.

A section is one drawing: a row of bars for each thing measured, a panel for each column. The same
figures make the same bytes.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import matplotlib as mpl
import matplotlib.ticker
from matplotlib.figure import Figure

OURS: Final = ("image-pipeline", "mirror, ", "fetch ", "transport", "download stage")
"""What a row's name has in it where the figure is this program's own."""


@final
@dataclass(frozen=True, slots=True)
class Section:
    """What was measured: names of columns, rows of figures, and ratios between rows."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    ratios: Mapping[str, float]


@final
@dataclass(frozen=True, slots=True)
class Report:
    """A run of the benchmarks: ``about`` says in Markdown when, where and with what."""

    about: str
    sections: tuple[Section, ...]


def read_report(text: str) -> Report:
    """Read what ``make bench`` has written; raises ``KeyError`` or ``ValueError`` for less."""
    document = json.loads(text)
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    about = (
        f"Measured on {document['date']}: {document['machine']}. "
        f"Medians of {document['runs']} after a warm-up. {versions}."
    )
    sections = tuple(
        Section(
            each["title"],
            tuple(each["columns"]),
            {name: tuple(values) for name, values in each["rows"].items()},
            each["ratios"],
        )
        for each in document["sections"]
    )
    for section in sections:
        for name, values in section.rows.items():
            if len(values) != len(section.columns):
                raise ValueError(f"{section.title}: {name} has {len(values)} figures")
    return Report(about, sections)


def draw(section: Section) -> bytes:
    """Return a section's drawing as SVG."""
    with mpl.rc_context({"svg.hashsalt": "image-pipeline", "svg.fonttype": "none", "font.size": 9}):
        names = list(section.rows)
        ours = [name for name in names if any(each in name for each in OURS)] or names
        size = (9.5, 0.9 + 0.32 * len(names))
        figure = Figure(figsize=size, layout="constrained", facecolor="#fcfcfc")
        panels = figure.subplots(1, len(section.columns), sharey=True, squeeze=False)[0]
        for number, (panel, column) in enumerate(zip(panels, section.columns, strict=True)):
            values = [section.rows[name][number] for name in names]
            colours = ["#3b6ea5" if name in ours else "#b9b9b9" for name in names]
            bars = panel.barh(range(len(names)), values, color=colours)
            panel.bar_label(bars, labels=[f"{value:,g}" for value in values], padding=2)
            panel.set_title(column, fontsize=9)
            panel.set_xlim(0, max(values) * 1.3 or 1)
            panel.set_yticks(range(len(names)), labels=names)
            panel.xaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
            panel.set_facecolor("#fcfcfc")
            panel.spines[["top", "right"]].set_visible(False)
        panels[0].invert_yaxis()
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        return out.getvalue()


def table(section: Section) -> str:
    """Return a section's figures as tables in Markdown, for those who read rather than look.

    >>> print(table(Section("", ("wall s",), {"curl": (1.5,)}, {"wall, to curl": 1.2})))
    | | wall s |
    |---|---:|
    | curl | 1.5 |
    <BLANKLINE>
    | ratio | |
    |---|---:|
    | wall, to curl | 1.2 |
    """
    head = [f"| | {' | '.join(section.columns)} |", "|---|" + "---:|" * len(section.columns)]
    rows = [
        f"| {_cell(name)} | {' | '.join(f'{value:,g}' for value in values)} |"
        for name, values in section.rows.items()
    ]
    if section.ratios:
        rows += ["", "| ratio | |", "|---|---:|"]
        rows += [f"| {_cell(name)} | {value:g} |" for name, value in section.ratios.items()]
    return "\n".join([*head, *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
