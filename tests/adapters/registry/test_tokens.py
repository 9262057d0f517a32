"""What token services are asked, and what they answer."""

import json
from datetime import timedelta

import pytest

from pipeline.adapters.registry.tokens import (
    TokenQuestion,
    basic,
    bearer,
    parse_token,
    refresh_form,
)
from pipeline.limits import TOKEN_BYTES, TOKEN_SECONDS
from pipeline.logins import IdentityToken, UserPassword
from pipeline.secret import Secret
from pipeline.testing.fakes import EPOCH

QUESTION = TokenQuestion("https://h/t", "a service", "repository:a/b:pull")
ASKED = "service=a%20service&scope=repository%3Aa%2Fb%3Apull"


@pytest.mark.parametrize(
    ("realm", "url"),
    [
        ("https://h/t", f"https://h/t?{ASKED}"),
        ("https://h", f"https://h?{ASKED}"),
        ("https://h/t?a=b&service=c#d", f"https://h/t?a=b&service=c&{ASKED}"),
    ],
)
def test_a_question_by_get(realm: str, url: str) -> None:
    assert TokenQuestion(realm, QUESTION.service, QUESTION.scope).url == url


def test_a_service_without_a_name() -> None:
    assert TokenQuestion("https://h/t", "", "x").url == "https://h/t?scope=x"


def test_a_question_by_form() -> None:
    form = refresh_form(QUESTION, IdentityToken(Secret("c4nary")))
    assert {name: value.value for name, value in form} == {
        "grant_type": "refresh_token",
        "refresh_token": "c4nary",
        "service": "a service",
        "scope": "repository:a/b:pull",
        "client_id": "image-pipeline",
    }


def login(user: str, password: str) -> UserPassword:
    return UserPassword(Secret(user), Secret(password))


def test_basic() -> None:
    """RFC 7617 section 2, its own examples; the second in UTF-8."""
    assert basic(login("Aladdin", "open sesame")).unwrap().value == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )
    assert basic(login("test", "123\u00a3")).unwrap().value == "Basic dGVzdDoxMjPCow=="


@pytest.mark.parametrize(
    ("user", "password"),
    [("a:b", "c"), ("a\n", "c"), ("a", "c\n"), ("a", "c\x7f"), ("a", "\ud800"), ("a", "")],
)
def test_what_basic_cannot_carry(user: str, password: str) -> None:
    assert "Basic" in basic(login(user, password)).failure()


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "\x7f", "\u00e9", "\ud800"])
def test_what_no_field_carries(token: str) -> None:
    assert bearer(Secret(token)).failure() == "wanted a token of visible ASCII characters"
    body = json.dumps({"token": token}).encode()
    reason = parse_token(body, EPOCH).failure()
    assert "visible ASCII" in reason or "surrogate" in reason


def lifetime(**members: object) -> float:
    return parse_token(json.dumps({"token": "x"} | members).encode(), EPOCH).unwrap().seconds


class TestAnswers:
    @pytest.mark.parametrize(
        "members",
        [
            {"token": "x"},
            {"access_token": "x"},
            {"token": "x", "access_token": "y"},
            {"token": "", "access_token": "x", "refresh_token": 7},
            {"token": None, "access_token": "x"},
        ],
    )
    def test_a_token(self, members: dict[str, object]) -> None:
        token = parse_token(json.dumps(members).encode(), EPOCH).unwrap()
        assert (token.value.value, token.seconds) == ("Bearer x", TOKEN_SECONDS)

    @pytest.mark.parametrize(
        ("said", "seconds"),
        [(300, 300), (60, 60), (59, 60), (0, 60), (None, 60), (1 << 31, 1 << 31)],
    )
    def test_for_how_long(self, said: int | None, seconds: int) -> None:
        """Its own word, but a minute at least: as the specification has it for older clients."""
        assert lifetime(expires_in=said) == seconds

    @pytest.mark.parametrize(
        ("issued_at", "seconds"),
        [
            ("2025-12-31T23:58:20Z", 200),
            ("2025-12-31T23:58:20.123456789Z", 200.123456),
            ("2026-01-01T01:58:20+02:00", 200),
            # Another clock's: ahead of ours, or a token that would be no use.
            ("2026-01-01T00:00:01Z", 300),
            ("2025-12-31T23:55:00Z", 300),
            ("0001-01-01T00:00:00+14:00", 300),
            # No time.
            ("2025-12-31T23:58:20", 300),
            ("yesterday", 300),
            ("", 300),
        ],
    )
    def test_since_when(self, issued_at: str, seconds: float) -> None:
        assert lifetime(expires_in=300, issued_at=issued_at) == pytest.approx(seconds)

    def test_the_clock_is_ours(self) -> None:
        body = b'{"token": "x", "expires_in": 300, "issued_at": "2026-01-01T00:00:00Z"}'
        assert parse_token(body, EPOCH + timedelta(seconds=100)).unwrap().seconds == 200

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"c4nary",
            b'"c4nary"',
            b'["c4nary"]',
            b"{}",
            b'{"token": 7, "c4nary": 1}',
            b'{"Token": "c4nary"}',
            b'{"token": "c4nary", "Token": "c4nary"}',
            b'{"token": "c4nary", "token": "c4nary2"}',
            b'{"c4nary": 1, "c4nary": 2}',
            b'{"token": "c4nary", "expires_in": "c4nary"}',
            b'{"token": "c4nary", "expires_in": -1}',
            b'{"token": "c4nary", "expires_in": 1e3}',
            b'{"token": "c4nary", "issued_at": 7}',
            b'{"token": "c4nary", "x": ' + b"[" * 99 + b"]" * 99 + b"}",
            b'{"token": "c4nary"}' + b" " * TOKEN_BYTES,
        ],
    )
    def test_what_is_none(self, body: bytes) -> None:
        """Nothing of it is in what is said of it: it may be a token, misspelt."""
        assert "c4nary" not in parse_token(body, EPOCH).failure()

    def test_is_not_shown(self) -> None:
        assert "c4nary" not in repr(parse_token(b'{"token": "c4nary"}', EPOCH))
