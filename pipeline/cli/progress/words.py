"""Sizes, spans of time and names as progress shows them: ``value -> str``, no errors. Pure."""

import math
from typing import Final
from urllib.parse import quote, urlsplit

from pipeline.text import redact_url

_GAP: Final = ".."
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_BYTES: Final = {unit: 1024**power for power, unit in enumerate(_UNITS)}
_MOST: Final = 1024**6


def size(count: float) -> str:
    """Return a number of bytes for people.

    >>> size(999), size(1536), size(268435456)
    ('999 B', '1.5 KiB', '256.0 MiB')
    """
    unit = _unit(count)
    return f"{_in_unit(count, unit)} {unit}"


def rate(bytes_per_second: float) -> str:
    """Return a rate for people.

    >>> rate(1536)
    '1.5 KiB/s'
    """
    return f"{size(bytes_per_second)}/s"


def duration(seconds: float) -> str:
    """Return a span of time for people, rounded up: what is left is never said to be nothing.

    >>> duration(3.2), duration(65), duration(7384)
    ('4 s', '1 min 5 s', '2 h 3 min')
    """
    whole = math.ceil(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def amount(received: int, total: int | None) -> str:
    """Return how much is there of how much.

    >>> amount(512, 2048), amount(512, None)
    ('512 B of 2.0 KiB', '512 B')
    """
    return size(received) if total is None else f"{size(received)} of {size(total)}"


def compact_amount(received: int, total: int | None) -> str:
    """Return :func:`amount` in the whole's unit, for columns.

    >>> compact_amount(512, 2048), compact_amount(512, None)
    ('0.5/2.0 KiB', '512 B')
    """
    if total is None:
        return size(received)
    unit = _unit(total)
    return f"{_in_unit(received, unit)}/{_in_unit(total, unit)} {unit}"


def compact_duration(seconds: float) -> str:
    """Return :func:`duration` as on a clock, for columns.

    >>> compact_duration(3.2), compact_duration(65), compact_duration(7384)
    ('0:04', '1:05', '2:03:04')
    """
    minutes, second = divmod(math.ceil(max(0.0, seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def share(received: int, total: int | None) -> str | None:
    """Return whole percents, never over 100; None where the whole is not known, or nothing.

    >>> share(2047, 2048), share(4096, 2048), share(1, None)
    ('99%', '100%', None)
    """
    return f"{min(received, total) * 100 // total}%" if total else None


def short_name(url: str) -> str:
    """Return what a URL's path ends in, or its host, in the characters that travel: ASCII.

    Of a registry's manifest it is the repository's last part and the tag or digest.

    So it has neither credentials nor control characters nor any that are wider than others.

    >>> short_name("https://user:secret@example.com/images/app.aci?token=s3cret")
    'app.aci'
    >>> short_name("https://user:secret@example.com/")
    'example.com'
    >>> short_name("https://example.com/v2/library/app/manifests/1.2")
    'app:1.2'
    >>> short_name("https://example.com/b\\u00fcld.aci"), short_name("https://[::1]@[x]/")
    ('b%C3%BCld.aci', '(unreadable URL)')
    """
    try:
        parts = urlsplit(redact_url(url))
    except ValueError:  # what is left of a URL without its user need not be one
        return "(unreadable URL)"
    *_, repository, kind, name = ("", "", *parts.path.rstrip("/").split("/"))
    if kind == "manifests" and repository:
        name = f"{repository}{'@' if ':' in name else ':'}{name}"
    name = name or parts.netloc or "(no name)"
    name = name.replace("…", _GAP)  # what was too long has lost its middle already
    return quote(name, safe="!#$%&'()*+,/:;=?@[]~ \\")


def shortened(name: str, width: int) -> str:
    """Return an ASCII name in at most ``width`` characters; the middle goes first.

    >>> shortened("app-1.2.0-linux-amd64.aci", 14)
    'app-1...64.aci'
    >>> shortened("app.aci", 1)
    'a'
    """
    if len(name) <= width:
        return name
    kept = max(0, width - len(_GAP))
    if kept < 2:
        return name[: max(0, width)]
    return f"{name[: kept - kept // 2]}{_GAP}{name[-(kept // 2) :]}"


def _unit(count: float) -> str:
    for unit in _UNITS[:-1]:
        if count < _BYTES[unit] * 1024:
            return unit
    return _UNITS[-1]


def _in_unit(count: float, unit: str) -> str:
    # A server may announce a size that no float holds.
    return f"{count:.0f}" if unit == "B" else f"{min(count, _MOST) / _BYTES[unit]:.1f}"
