"""Moments in header fields: HTTP-dates, and what ``Retry-After`` asks for. Pure.

Source: RFC 9110 sections 5.6.7 (three forms, the older two of which recipients must know) and
10.2.3. Whatever cannot be read is None: no header of this kind is a reason to fail.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from pipeline.limits import MAX_AGE_SECONDS

_LONGEST: Final = 64
"""Characters looked at; the longest form, ``Wednesday, 09-Nov-94 …``, has 33."""


def parse_http_date(value: str) -> datetime | None:
    """Read an HTTP-date in any of its forms.

    >>> parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")
    datetime.datetime(1994, 11, 6, 8, 49, 37, tzinfo=datetime.timezone.utc)
    >>> parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == parse_http_date(
    ...     "Sun Nov  6 08:49:37 1994"
    ... )
    True
    >>> parse_http_date("tomorrow")
    """
    if len(value) > _LONGEST:
        return None
    try:
        read = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # The form of C's asctime names no zone; GMT is meant.
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def parse_retry_after(value: str, answered_at: datetime) -> float | None:
    """Return for how many seconds a server wants to be left alone, from 0 to 2**31.

    ``answered_at`` is the server's own ``Date``, or our time where it gave none.

    >>> parse_retry_after("120", datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    >>> parse_retry_after("Thu, 01 Jan 2026 00:01:00 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    60.0
    >>> parse_retry_after("soon", datetime(2026, 1, 1, tzinfo=UTC))
    """
    text = value.strip()
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit():
        # Counting digits first: int() of a very long number takes quadratic time.
        seconds = MAX_AGE_SECONDS if len(digits.lstrip("0")) > 10 else int(digits)
        return 0.0 if text.startswith("-") else float(min(seconds, MAX_AGE_SECONDS))
    moment = parse_http_date(text)
    if moment is None:
        return None
    return min(max((moment - answered_at).total_seconds(), 0.0), float(MAX_AGE_SECONDS))
