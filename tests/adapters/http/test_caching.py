"""Cache-Control against what rkt makes of it, and what RFC 9111 says instead."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.http.caching import parse_max_age
from pipeline.limits import MAX_AGE_SECONDS
from pipeline.results import Freshness
from pipeline.testing.fakes import EPOCH

DATA = Path(__file__).parents[2] / "data" / "rkt"

# What we say where rkt says otherwise.
STALE_WINS = "no-cache and no-store win wherever they stand (RFC 9111 5.2.2.4, 5.2.2.5)"
NOT_DIGITS = "a max-age that is not digits makes the answer stale (RFC 9111 4.2.1)"
TOO_LARGE = "a larger number counts as 2**31 (RFC 9111 1.2.2)"
DIFFERENCES = {
    "no-cache,max-age=10": (0, STALE_WINS),
    "no-store, max-age=10": (0, STALE_WINS),
    "no-cache=Set-Cookie, max-age=10": (0, STALE_WINS),
    "No-Store, MAX-AGE=3": (0, STALE_WINS),
    "max-age=+5": (0, NOT_DIGITS),
    "max-age=abc,max-age=10": (0, NOT_DIGITS),
    "max-age=9223372036854775807": (MAX_AGE_SECONDS, TOO_LARGE),
    "max-age=99999999999999999999": (MAX_AGE_SECONDS, TOO_LARGE),
}


def vectors(name: str) -> list[Any]:
    loaded: list[Any] = json.loads((DATA / f"{name}.json").read_text())["vectors"]
    return loaded


@pytest.mark.parametrize("vector", vectors("cache-control-max-age"), ids=lambda v: repr(v["in"]))
def test_as_rkt_or_as_recorded(vector: Any) -> None:
    theirs = vector["out"]["max_age"]
    ours, _ = DIFFERENCES.get(vector["in"], (theirs, ""))
    assert parse_max_age(vector["in"]) == ours


def test_every_difference_is_one() -> None:
    theirs = {vector["in"]: vector["out"]["max_age"] for vector in vectors("cache-control-max-age")}
    assert all(theirs[value] != ours for value, (ours, _) in DIFFERENCES.items())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ('max-age="10"', 10),
        ('private="a, max-age=99", max-age=10', 10),
        ('x="\\", no-cache", max-age=10', 10),
        ('x="unclosed, max-age=10', 0),
        ("max-age=10, garbage here", 0),
        ("max-age=20, max-age=10", 10),
        ("", 0),
    ],
)
def test_lists_and_quotes(value: str, seconds: int) -> None:
    assert parse_max_age(value) == seconds


@pytest.mark.parametrize(
    ("age", "left"),
    [("0", 600), ("100", 500), ("600", 0), ("9" * 30, 0), ("-1", 600), ("x", 600), ("9, 1", 591)],
)
def test_age_counts(age: str, left: int) -> None:
    """RFC 9111 5.1: of several the first counts, and one that is no number is ignored."""
    assert parse_max_age("max-age=600", age) == left


@pytest.mark.parametrize("filling", [" ", "\t", "a", '\\"', ",", "=", "a=b,", '"'])
def test_a_long_header_takes_no_longer_than_it_is(filling: str) -> None:
    """Tried in every way that it could be read, any of these would take minutes."""
    for start in ("max-age=", 'x="', "x"):
        assert parse_max_age(start + filling * 200_000 + '\x00"') == 0


@given(st.text(max_size=200), st.text(max_size=20))
def test_always_a_bounded_number(value: str, age: str) -> None:
    assert 0 <= parse_max_age(value, age) <= MAX_AGE_SECONDS


@given(st.lists(st.sampled_from(["max-age=5", "public", "x=1", 'y="a,b"', ""])), st.data())
def test_no_store_wins_anywhere(directives: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(directives)))
    said = data.draw(st.sampled_from(["no-store", "No-Cache", 'no-cache="x"']))
    assert parse_max_age(", ".join([*directives[:place], said, *directives[place:]])) == 0


@pytest.mark.parametrize("vector", vectors("freshness"), ids=str)
def test_freshness_as_rkt(vector: Any) -> None:
    """One difference: an answer from the future (the clock was set back) is not fresh."""
    age, theirs = vector["in"]["age"], vector["out"]["use"]
    fresh = Freshness(EPOCH, vector["in"]["max_age"]).is_fresh(EPOCH + timedelta(seconds=age))
    assert fresh is (theirs and age >= 0)
