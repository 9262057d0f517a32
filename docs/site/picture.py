"""The picture of the pipeline, from the stages' own types: ``docs/pipeline.svg``.

    python -m docs.site.picture     writes it

A stage is every public function in ``pipeline.stages`` that returns a ``Stage[In, Out, Err]``.
Values are boxes, ordered by how many stages away they are from what a user types; a stage is a box
between those that it takes and gives, with the errors that it may fail with. The same code makes
the same bytes. tests/docs/test_picture.py holds the file to the code.
"""

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Final, final, get_args, get_origin, get_type_hints

import pipeline
from docs.site.tables import named
from pipeline import Stage
from pipeline import stages as package

FILE: Final = Path(__file__).resolve().parents[1] / "pipeline.svg"

_UNIONS: Final = {frozenset(get_args(pipeline.Reference)): "Reference"}
_WIDTH, _GAP, _LINE = 224, 20, 15


@final
@dataclass(frozen=True, slots=True)
class Drawn:
    """A stage: its function's name, what it takes and gives, and the errors' names."""

    name: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    errors: tuple[str, ...]


def stages() -> tuple[Drawn, ...]:
    """Return every stage of the library, by name.

    >>> [(each.takes, each.gives) for each in stages() if each.name == "verify_signature"]
    [(('Downloaded',), ('Verified',))]
    """
    found = []
    for value in _functions():
        hint = get_type_hints(value).get("return")
        if get_origin(hint) is Stage:
            taken, given, error = get_args(hint)
            found.append(Drawn(value.__name__, _values(taken), _values(given), _errors(error)))
    return tuple(found)


def draw(drawn: tuple[Drawn, ...]) -> str:
    """Return the picture as SVG."""
    ranks = _ranks(drawn)
    last = max(ranks.values())
    rows: dict[int, list[str]] = {rank: [] for rank in range(last + 1)}
    for value, rank in ranks.items():
        rows[rank].append(value)
    between: dict[int, list[Drawn]] = {rank: [] for rank in range(last + 1)}
    for stage in drawn:
        between[max(ranks[value] for value in stage.takes)].append(stage)
    columns = max(*map(len, rows.values()), *map(len, between.values()))
    width = columns * (_WIDTH + _GAP) + _GAP
    shapes: list[str] = []
    lines: list[str] = []
    middles: dict[str, tuple[float, float]] = {}
    boxes: list[tuple[Drawn, float, float, float]] = []
    y = float(_GAP)
    for rank in range(last + 1):
        for value, x in zip(rows[rank], _centres(len(rows[rank]), width), strict=True):
            shapes.append(_box(x, y, 30, "value", [value]))
            middles[value] = (x, y)
        y += 30 + 34
        here = sorted(between[rank], key=lambda each: (each.takes == each.gives, each.name))
        height: float = max((34 + _LINE * max(1, len(each.errors)) for each in here), default=0)
        for stage, x in zip(here, _centres(len(here), width), strict=True):
            shapes.append(
                _box(x, y, height, "stage", [stage.name, *(stage.errors or ("never fails",))])
            )
            boxes.append((stage, x, y, height))
        y += height + 34 if here else 0.0
    for stage, x, top, height in boxes:
        for value in stage.takes:
            vx, vy = middles[value]
            lines.append(_arrow(vx, vy + 30, x, top, both=value in stage.gives))
        for value in stage.gives:
            if value not in stage.takes:
                vx, vy = middles[value]
                lines.append(_arrow(x, top + height, vx, vy))
    title = "The stages, what each takes and gives, and the errors it may fail with"
    body = "\n".join([*lines, *shapes])
    tall = y + _GAP - 34
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall:g}" role="img" '
        f'font-family="sans-serif" font-size="12">\n<title>{title}</title>\n{_STYLE}\n'
        f'<rect width="{width}" height="{tall:g}" rx="8" fill="#fcfcfc"/>\n{body}\n</svg>\n'
    )


_STYLE: Final = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>\n'
    "<style>.value{fill:#fff;stroke:#444}.stage{fill:#e3eefb;stroke:#3b6ea5}"
    "text{text-anchor:middle;fill:#111}.name{font-weight:bold}.error{fill:#8a2a1b;font-size:11px}"
    "path.way{fill:none;stroke:#555;marker-end:url(#head)}"
    "path.both{marker-start:url(#head)}</style>"
)


def _functions() -> list[FunctionType]:
    """Return the public functions of the modules of stages, by name."""
    modules = [
        import_module(each.name)
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    found = {
        value.__name__: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    }
    return [found[name] for name in sorted(found)]


def _values(hint: object) -> tuple[str, ...]:
    members = get_args(hint)
    if frozenset(members) in _UNIONS:
        return (_UNIONS[frozenset(members)],)
    # What discover takes: references of all kinds but the one that names what is stored.
    if members and frozenset(members) < frozenset(get_args(pipeline.Reference)):
        return ("Reference",)
    return tuple(getattr(each, "__name__", str(each)) for each in members or (hint,))


def _errors(hint: object) -> tuple[str, ...]:
    members = get_args(hint) or (hint,)
    return named(frozenset(each for each in members if hasattr(each, "exit_code")))


def _ranks(drawn: tuple[Drawn, ...]) -> Mapping[str, int]:
    """Return how many stages lie before each value, at most."""
    ranks = {value: 0 for stage in drawn for value in (*stage.takes, *stage.gives)}
    for _ in ranks:
        for stage in drawn:
            for value in stage.gives:
                if value not in stage.takes:
                    ranks[value] = max(ranks[value], 1 + max(ranks[each] for each in stage.takes))
    return dict(sorted(ranks.items(), key=lambda each: (each[1], each[0])))


def _centres(count: int, width: int) -> Iterator[float]:
    return (width / 2 + (number - (count - 1) / 2) * (_WIDTH + _GAP) for number in range(count))


def _box(x: float, y: float, height: float, kind: str, texts: list[str]) -> str:
    left = x - _WIDTH / 2
    size = f'width="{_WIDTH}" height="{height:g}"'
    lines = [f'<rect class="{kind}" x="{left:g}" y="{y:g}" {size} rx="5"/>']
    for number, text in enumerate(texts):
        style = "error" if number else "name"
        lines.append(
            f'<text class="{style}" x="{x:g}" y="{y + 20 + number * _LINE:g}">{escape(text)}</text>'
        )
    return "".join(lines)


def _arrow(x: float, y: float, to_x: float, to_y: float, *, both: bool = False) -> str:
    middle = (y + to_y) / 2
    curve = f"M{x:g} {y:g}C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
    return f'<path class="way{" both" if both else ""}" d="{curve}"/>'


if __name__ == "__main__":
    FILE.write_text(draw(stages()))
    sys.stdout.write(f"{FILE.name}: {len(stages())} stages\n")
