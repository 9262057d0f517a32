"""curl's --connect-to, and what else is set."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.http import ConnectTo, parse_connect_to
from pipeline.adapters.http.settings import rule_for
from pipeline.limits import USER_AGENT


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a:1:b:2", ConnectTo("a", 1, "b", 2)),
        ("A.Example:443:127.0.0.1:8443", ConnectTo("a.example", 443, "127.0.0.1", 8443)),
        (":::", ConnectTo()),
        ("a::b:", ConnectTo("a", None, "b", None)),
        ("[::1]:443:[fe80::2]:1", ConnectTo("::1", 443, "fe80::2", 1)),
    ],
)
def test_rules(text: str, rule: ConnectTo) -> None:
    assert parse_connect_to(text).unwrap() == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a:1",
        "a:1:b",
        "a:1:b:2:c",
        "::1:443:b:2",
        "a:0:b:1",
        "a:1:b:65536",
        "a:x:b:1",
        "a:1:[b:2",
        "a:-1:b:2",
        "a:1:b:2\n",
        f"a:{'9' * 5000}:b:2",
        f"a:1:b:{'9' * 5000}",
    ],
)
def test_refused(text: str) -> None:
    assert not is_successful(parse_connect_to(text))


@pytest.mark.parametrize(
    ("rule", "host", "port", "matches"),
    [
        (ConnectTo(), "any", 1, True),
        (ConnectTo("a"), "A", 1, True),
        (ConnectTo("a"), "b", 1, False),
        (ConnectTo("a", 1), "a", 2, False),
        (ConnectTo(None, 2), "b", 2, True),
    ],
)
def test_matches(rule: ConnectTo, host: str, port: int, matches: bool) -> None:
    assert rule.matches(host, port) is matches


@given(st.text(max_size=20))
def test_nothing_raises(text: str) -> None:
    parse_connect_to(text)


def test_the_first_rule_that_matches_counts() -> None:
    """One that leads nowhere keeps a host where it is, as an exception to those after it."""
    stays, moves = ConnectTo("a"), ConnectTo(None, None, "b")
    assert rule_for((stays, moves), "a", 1) is None
    assert rule_for((stays, moves), "c", 1) is moves
    assert rule_for((moves, stays), "a", 1) is moves
    assert rule_for((), "a", 1) is None


def test_the_user_agent_names_this_version() -> None:
    path = Path(__file__).parents[3] / "pyproject.toml"
    version = tomllib.loads(path.read_text())["project"]["version"]
    assert f"image-pipeline/{version}" == USER_AGENT
