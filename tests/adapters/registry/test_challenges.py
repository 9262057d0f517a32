"""What servers want to be proven by, as they write it."""

import pytest

from pipeline.adapters.registry.challenges import Challenge, parse_challenges
from pipeline.limits import CHALLENGES, FIELD_CHARACTERS

BASIC = Challenge("basic", (("realm", "x"),))


@pytest.mark.parametrize(
    ("field", "challenges"),
    [
        (
            'Bearer realm="https://h/t?a=b,c",service="s",scope="repository:a:pull,push"',
            [
                Challenge(
                    "bearer",
                    (
                        ("realm", "https://h/t?a=b,c"),
                        ("service", "s"),
                        ("scope", "repository:a:pull,push"),
                    ),
                )
            ],
        ),
        ('BASIC REALM = "x"', [BASIC]),
        ("basic realm=x", [BASIC]),
        ('Basic realm="\\x"', [BASIC]),
        (r'Basic realm="a\"b\\c"', [Challenge("basic", (("realm", 'a"b\\c'),))]),
        ('Basic realm=""', [Challenge("basic", (("realm", ""),))]),
        (
            'Negotiate, Basic realm="x" , , NTLM abc/+==,Basic realm=x',
            [Challenge("negotiate"), BASIC, Challenge("ntlm"), BASIC],
        ),
        (', \t,Basic realm="x",', [BASIC]),
        ("Negotiate abc==", [Challenge("negotiate")]),
        ("Negotiate realm=", [Challenge("negotiate")]),
        ("Basic  ", [Challenge("basic")]),
        ("Basic , realm=x", [BASIC]),
        ("", []),
        (" , ", []),
    ],
)
def test_the_grammar(field: str, challenges: list[Challenge]) -> None:
    """RFC 9110 11.6.1; its own example, "Newauth realm=…, Basic", among the shapes."""
    assert parse_challenges((field,)) == tuple(challenges)


@pytest.mark.parametrize(
    "field",
    [
        "realm=x",
        'Basic realm="x',
        'Basic realm="x\\"',
        'Basic realm="x" service="y"',
        'Basic realm="x"y',
        "Basic realm=https://h/",
        "Basic realm x",
        "Basic abc== , realm=x",
        "Basic (x)",
        "Basic realm=x, (y)",
        'Basic realm="\x00"',
        'Basic realm="\u2028"',
        "B\u00e4sic realm=x",
        'Basic realm="x", realm="y"',
        'Basic realm="x", REALM="y"',
    ],
)
def test_a_field_that_is_none(field: str) -> None:
    """Nothing of it counts, also what stands before: whose words these are is not certain."""
    assert parse_challenges((f"NTLM abc=, {field}", "Basic realm=x")) == (BASIC,)


def test_limits() -> None:
    assert len(parse_challenges(("Basic realm=x",) * 99)) == CHALLENGES
    assert len(parse_challenges(("Basic," * 99,))) == CHALLENGES
    long = f'Basic realm="{"x" * FIELD_CHARACTERS}"'
    assert parse_challenges((long, "Basic realm=x")) == (BASIC,)


@pytest.mark.parametrize("text", ["a", "a=", '"\\', ",", " ", "a,", "a ", '=",'])
def test_long_fields_take_no_long_time(text: str) -> None:
    parse_challenges((text * (FIELD_CHARACTERS // len(text)),))


def test_a_parameter_that_is_not_there() -> None:
    assert BASIC.parameter("realm") == "x"
    assert BASIC.parameter("service") == ""
