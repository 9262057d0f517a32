"""Tables of exit codes and errors, from the classes that make them."""

import inspect
from collections.abc import Iterator
from typing import get_args

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

    >>> [row for row in error_kinds() if row[1] == "bad-signature"]
    [('6', 'bad-signature', 'BadSignature', 'A signature by a trusted key does not fit the file.')]
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
