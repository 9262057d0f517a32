"""Rows as a waterfall, in lines of ASCII: ``rows, width -> lines``, none of them wider. Pure.

The narrower, the fewer columns: at last there is the name alone. Bars begin and end where the row
does, on a scale that is the root's; what failed has crosses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

from pipeline.cli.progress.meter import LEAST_SECONDS
from pipeline.cli.progress.words import compact_duration, rate, short_name, shortened, size
from pipeline.cli.timings.recording import TRANSFER, WHOLES, Row
from pipeline.text import printable

_GAP: Final = "  "
_INDENT: Final = "  "
_NAME_LEAST: Final = 16
_NAME_MOST: Final = 60
_BAR_LEAST: Final = 10
_BAR_MOST: Final = 80


@final
@dataclass(frozen=True, slots=True)
class _Column:
    """What stands under ``title``; where it gets narrow, the last in ``rank`` goes first.

    One that has nothing to say of any row is left out.
    """

    title: str
    rank: int
    width: int
    text: Callable[[Row], str]


def waterfall(rows: Sequence[Row], width: int) -> tuple[str, ...]:
    """Lay a root's rows out, under titles; what failed is named below."""
    if not rows:
        return ()
    names = [_name(row) for row in rows]
    columns, name_width, bar_width = _fit(rows, max(map(len, names)), width)
    titles = [each.title.rjust(each.width) for each in columns]
    lines = [_GAP.join(["stage".ljust(name_width), *titles])]
    for row, name in zip(rows, names, strict=True):
        texts = [each.text(row).rjust(each.width) for each in columns]
        bar = [_bar(row, rows[0], bar_width)] if bar_width else []
        lines.append(_GAP.join([shortened(name, name_width).ljust(name_width), *texts, *bar]))
    lines += [f"{_label(row)} failed: {row.error_kind}" for row in _culprits(rows)]
    return tuple(line[: max(0, width)].rstrip() for line in lines)


def _fit(
    rows: Sequence[Row], longest_name: int, width: int
) -> tuple[tuple[_Column, ...], int, int]:
    """Return the columns that there is room for, and the widths of the name and of the bar."""
    room = width - _NAME_LEAST
    taken: list[_Column] = []
    told = (each for each in _COLUMNS if each is _BAR or any(map(each.text, rows)))
    for column in sorted(told, key=lambda each: each.rank):
        if len(_GAP) + column.width > room:
            break
        room -= len(_GAP) + column.width
        taken.append(column)
    more_name = max(0, min(room, min(longest_name, _NAME_MOST) - _NAME_LEAST))
    bar = min(_BAR_MOST, _BAR_LEAST + room - more_name) if _BAR in taken else 0
    name = min(max(0, width), _NAME_LEAST + more_name)
    return tuple(each for each in _COLUMNS if each in taken and each is not _BAR), name, bar


def _label(row: Row) -> str:
    """Return what a row is about, in ASCII."""
    if row.stage == TRANSFER:
        return short_name(row.subject)
    subject = row.subject if "://" in row.subject else row.subject.partition(",")[0]
    text = f"{row.stage} {subject}" if row.stage in WHOLES else row.stage
    # What is told is printable already; its backslashes are not to be doubled.
    shown = text if text.isprintable() else printable(text)
    return shown.replace("…", "..").encode("ascii", "backslashreplace").decode()


def _name(row: Row) -> str:
    return _INDENT * row.depth + _label(row)


def _bar(row: Row, root: Row, width: int) -> str:
    whole = root.seconds or 0.0
    if whole <= 0:
        return ""
    begin = min(width - 1, int(min(row.start, whole) / whole * width))
    until = min(row.start + (row.seconds or 0.0), whole)
    end = max(begin + 1, round(until / whole * width))
    return " " * begin + ("#" if row.error_kind is None else "x") * (end - begin)


def _culprits(rows: Sequence[Row]) -> list[Row]:
    """Return what failed of itself, not because of a part of it."""
    blamed = {row.within for row in rows if row.error_kind is not None and row.stage != TRANSFER}
    return [
        row
        for row in rows
        if row.error_kind is not None and row.stage != TRANSFER and row.span not in blamed
    ]


def _time(seconds: float | None) -> str:
    seconds = seconds or 0.0
    return f"{seconds:.3f} s" if seconds < 99.9 else compact_duration(seconds)


def _rate(row: Row) -> str:
    if row.size is None or (row.seconds or 0.0) < LEAST_SECONDS:
        return ""
    return rate(row.size / (row.seconds or LEAST_SECONDS))


_BAR: Final = _Column("", 1, _BAR_LEAST, lambda row: "")
_COLUMNS: Final = (
    _Column("start", 4, 8, lambda row: _time(row.start)),
    _Column("took", 0, 8, lambda row: _time(row.seconds)),
    _Column("size", 3, 10, lambda row: "" if row.size is None else size(row.size)),
    _Column("rate", 5, 12, _rate),
    _Column("retries", 2, 7, lambda row: str(row.retries or "")),
    _BAR,
)
