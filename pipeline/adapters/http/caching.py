"""For how long an answer may be used without asking again: ``Cache-Control`` and ``Age``.

Source: RFC 9111 sections 4.2, 5.1 and 5.2. Wherever the header is unclear, the answer counts as
stale: one request too many costs little, a stale image may be a withdrawn one. rkt counted
``no-cache, max-age=10`` as 10 and ``max-age=+5`` as 5.

Not here: ``Expires``, ``Vary`` (requests to one URL are all alike), and shared-cache directives.
"""

import re
from typing import Final

from pipeline.limits import MAX_AGE_SECONDS

# Possessive throughout: a header of 100 KiB must not be tried in every way that it could be read.
_DIRECTIVE: Final = re.compile(
    r"[ \t]*+(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]*+)"
    r'(?:=(?P<value>"(?:[^"\\]|\\.)*+"|[^",]*+))?+[ \t]*+(?:,|\Z)'
)
_SECONDS: Final = re.compile(r"[0-9]+", re.ASCII)


def parse_max_age(value: str, age: str = "") -> int:
    """Return the seconds for which an answer stays fresh, 0 for "ask again at once".

    ``value`` is the whole ``Cache-Control`` field, several lines joined by commas; ``age`` the
    ``Age`` field, the seconds that the answer spent in caches on its way.

    ``no-store`` and ``no-cache`` win wherever they stand, with a field list or without. Of several
    ``max-age`` the smallest counts; one that is not a number, and any syntax error, make it 0.

    >>> parse_max_age("public, max-age=600"), parse_max_age("max-age=600", age="100")
    (600, 500)
    >>> parse_max_age("no-cache, max-age=10"), parse_max_age("max-age=-1")
    (0, 0)
    """
    ages: list[int] = []
    position = 0
    while position < len(value):
        directive = _DIRECTIVE.match(value, position)
        if directive is None:
            return 0
        position = directive.end()
        name = directive["name"].lower()
        if name in {"no-store", "no-cache"}:
            return 0
        if name == "max-age":
            ages.append(_seconds(_unquote((directive["value"] or "").rstrip(" \t"))))
    return max(0, min(ages, default=0) - _seconds(age.partition(",")[0].strip()))


def _unquote(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text


def _seconds(text: str) -> int:
    if _SECONDS.fullmatch(text) is None:
        return 0
    # Counting digits first: int() of a very long number takes quadratic time.
    return MAX_AGE_SECONDS if len(text.lstrip("0")) > 10 else min(int(text), MAX_AGE_SECONDS)
