"""What a run of the benchmarks found: printed while it goes, and kept as a document for the site.

The document is JSON with a figure a line: when, on what kind of machine, with which versions, and
in sections what was measured. It names no host, user or path. ``docs/site/plots.py`` draws it.
"""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import final

from tests.bench.measure import Figures

COSTS = ("wall s", "CPU s", "MiB")
"""The columns of whole processes."""

_TOOLS = {
    "curl": ["curl", "--version"],
    "docker-registry": ["docker-registry", "--version"],
    "gpg": ["gpg", "--version"],
    "gzip": ["gzip", "--version"],
    "nginx": ["nginx", "-v"],
    "skopeo": ["skopeo", "--version"],
}


@final
@dataclass(slots=True)
class Section:
    """A table: a title, its columns' names and a row for each thing measured."""

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)

    def row(self, name: str, figures: Figures) -> None:
        """Keep and print what a process cost."""
        self.values(name, figures.wall, figures.cpu, figures.peak, decimals=(3, 3, 0))

    def values(self, name: str, *values: float, decimals: Sequence[int]) -> None:
        """Keep and print a row."""
        self.rows[name] = tuple(map(round, values, decimals))
        cells = (f"{value:>10,.{places}f}" for value, places in zip(values, decimals, strict=True))
        print(f"{name:<44}{''.join(cells)}", flush=True)

    def ratio(self, name: str, value: float) -> None:
        """Keep and print how two of them compare."""
        self.ratios[name] = round(value, 2)
        print(f"{name}: {value:.2f}", flush=True)


@final
@dataclass(slots=True)
class Results:
    """The sections of a run, in order."""

    runs: int
    sections: list[Section] = field(default_factory=list)

    def section(self, title: str, columns: Sequence[str] = COSTS) -> Section:
        """Begin a section, and print its head."""
        begun = Section(title, tuple(columns))
        self.sections.append(begun)
        print(f"\n{title}\n{'':<44}{''.join(f'{name:>10}' for name in columns)}", flush=True)
        return begun

    def write(self, path: Path) -> None:
        """Write the document, whole or not at all."""
        about = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": _machine(),
            "runs": self.runs,
            "versions": _versions(),
        }
        lines = [f'"{name}": {json.dumps(value)},' for name, value in about.items()]
        sections = ",\n".join(_lines(each) for each in self.sections)
        text = "{\n" + "\n".join(lines) + f'\n"sections": [\n{sections}\n]\n}}\n'
        fresh = path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(path)


def _lines(section: Section) -> str:
    def members(values: Mapping[str, object]) -> str:
        return ",\n".join(
            f"  {json.dumps(key)}: {json.dumps(each)}" for key, each in values.items()
        )

    head = f'{{"title": {json.dumps(section.title)}, "columns": {json.dumps(section.columns)},'
    ratios = members(section.ratios)
    return f'{head}\n "rows": {{\n{members(section.rows)}\n }},\n "ratios": {{\n{ratios}\n }}}}'


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return f"{platform.system()} on {platform.machine()}, {cores} cores, {memory:.0f} GiB of memory"


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version(), "image-pipeline": version("image-pipeline")}
    for tool, command in _TOOLS.items():
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        number = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
        assert number is not None, f"{tool} tells no version"
        found[tool] = number[0]
    return found
