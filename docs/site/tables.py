"""Tables of exit codes and errors, from the classes that make them."""

import inspect
import re
from collections.abc import Iterator
from typing import Final, get_args

from pipeline import errors
from pipeline.errors import ExitCode, PipelineError


def exit_codes() -> Iterator[tuple[str, str]]:
    """Yield the cells of a table of exit codes.

    >>> next(exit_codes())
    ('0', 'done')
    """
    return ((str(code.value), code.meaning) for code in ExitCode)


def error_kinds() -> Iterator[tuple[str, str, str, str]]:
    """Yield of each error its exit code, kind, class and the first line of its docstring.

    >>> [row[:3] for row in error_kinds() if row[1] == "bad-signature"]
    [('6', 'bad-signature', 'BadSignature')]
    """
    rows = [
        (
            str(int(each.exit_code)),
            each.kind,
            each.__name__,
            (inspect.getdoc(each) or "").split("\n")[0],
        )
        for each in get_args(PipelineError)
    ]
    return iter(sorted(rows, key=lambda row: (int(row[0]), row[1])))


def families() -> dict[str, frozenset[type]]:
    """Return the unions of errors that have a name, the largest first.

    >>> "VerificationError" in families(), "PipelineError" in families()
    (True, False)
    """
    unions = {
        name: frozenset(get_args(getattr(errors, name)))
        for name in errors.__all__
        if name != "PipelineError" and get_args(getattr(errors, name))
    }
    return dict(sorted(unions.items(), key=lambda each: (-len(each[1]), each[0])))


def named(kinds: frozenset[type]) -> tuple[str, ...]:
    """Name a set of errors by the largest unions that are whole in it, and what is left one by one.

    >>> from pipeline.errors import InvalidReference, UnsupportedReference, DiskFull
    >>> named(frozenset({InvalidReference, UnsupportedReference, DiskFull}))
    ('ParseError', 'DiskFull')
    """
    found = []
    left = kinds
    for name, members in families().items():
        if members <= left:
            found.append(name)
            left -= members
    return (*found, *sorted(each.__name__ for each in left))


def shorten(annotation: str) -> str:
    """Write a union of errors by the names that :func:`named` gives, where they stand first.

    >>> shorten("Stage[str, int, ~pipeline.errors.store.DiskFull | ~pipeline.errors.BadSignature]")
    'Stage[str, int, ~pipeline.errors.BadSignature | ~pipeline.errors.DiskFull]'
    """
    return _UNION.sub(_shortened, annotation)


_ERROR: Final = r"~pipeline\.errors\.[\w.]+"
_UNION: Final = re.compile(rf"{_ERROR}(?: \| {_ERROR})+")


def _shortened(union: re.Match[str]) -> str:
    kinds = frozenset(getattr(errors, each.rpartition(".")[2]) for each in union[0].split(" | "))
    return " | ".join(f"~pipeline.errors.{name}" for name in named(kinds))
