"""Dates in every form that a server may use, and how long to leave one alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.http.dates import parse_http_date, parse_retry_after
from pipeline.limits import MAX_AGE_SECONDS

THEN = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
FORMS = (
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
)


@pytest.mark.parametrize("form", FORMS)
def test_the_three_forms(form: str) -> None:
    """RFC 9110 5.6.7: the older two must be understood."""
    assert parse_http_date(form) == THEN
    assert parse_retry_after(form, THEN - timedelta(seconds=90)) == 90


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +2500",
        f"Sun, 06 Nov 1994 08:49:37 GMT{' ' * 64}",
    ],
)
def test_no_date(text: str) -> None:
    assert parse_http_date(text) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("-5", 0),
        ("00120", 120),
        (FORMS[0], 0),
        ("Fri, 06 Nov 2994 08:49:37 GMT", MAX_AGE_SECONDS),
        ("9" * 5000, MAX_AGE_SECONDS),
        ("4294967296", MAX_AGE_SECONDS),
        ("", None),
        ("1.5", None),
        ("+7", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("7, 8", None),
        ("-", None),
    ],
)
def test_how_long(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, THEN + timedelta(days=1)) == seconds


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z, :0-9+-]{0,40}", fullmatch=True))
def test_nothing_raises_and_all_is_bounded(value: str) -> None:
    parse_http_date(value)
    seconds = parse_retry_after(value, THEN)
    assert seconds is None or 0 <= seconds <= MAX_AGE_SECONDS
