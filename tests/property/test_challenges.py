"""Challenges are read as they were written, and junk is none."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.registry.challenges import Challenge, parse_challenges
from pipeline.adapters.registry.repositories import parse_repository
from pipeline.adapters.registry.tokens import parse_token
from pipeline.limits import TOKEN_SECONDS
from pipeline.testing.fakes import EPOCH

TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
WORDS = st.text(TOKEN_CHARACTERS, min_size=1, max_size=9)
VALUES = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f").filter(
        lambda each: not 0x80 <= ord(each) < 0xA0
    ),
    max_size=20,
)
SPACES = st.sampled_from(["", " ", "\t", "  "])
SEPARATORS = st.sampled_from([",", ", ", " ,", ",,", " , \t, "])

CHALLENGES = st.builds(
    Challenge,
    WORDS,
    st.lists(st.tuples(WORDS, VALUES), max_size=4, unique_by=lambda pair: pair[0]).map(tuple),
)


@st.composite
def written(draw: st.DrawFn, challenge: Challenge) -> str:
    """Write a challenge in one of the many ways that the grammar has."""
    parameters = []
    for name, value in challenge.parameters:
        is_word = value != "" and set(value) <= set(TOKEN_CHARACTERS)
        text = value
        if not is_word or draw(st.booleans()):
            escaped = [
                f"\\{each}" if each in '"\\' or draw(st.booleans()) else each for each in value
            ]
            text = f'"{"".join(escaped)}"'
        shown = name.upper() if draw(st.booleans()) else name
        parameters.append(f"{shown}{draw(SPACES)}={draw(SPACES)}{text}")
    if not parameters:
        return challenge.scheme + draw(st.sampled_from(["", " ", " abc==", " a/b"]))
    first = draw(st.sampled_from([" ", "  "]))
    return challenge.scheme + first + draw(SEPARATORS).join(parameters)


@given(st.data(), st.lists(st.lists(CHALLENGES, max_size=3), max_size=3))
def test_written_and_read(data: st.DataObject, fields: list[list[Challenge]]) -> None:
    texts = []
    for challenges in fields:
        each = [data.draw(written(challenge)) for challenge in challenges]
        separator = data.draw(SEPARATORS)
        texts.append(data.draw(SPACES) + separator.join(each) + data.draw(SPACES))
    read = parse_challenges(tuple(texts))
    assert read == tuple(challenge for challenges in fields for challenge in challenges)


@given(st.lists(st.text() | st.text('aB="\\ ,\t')))
def test_junk(fields: list[str]) -> None:
    for challenge in parse_challenges(tuple(fields)):
        assert re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9a-z]+", challenge.scheme)
        names = [name for name, _ in challenge.parameters]
        assert len(names) == len(set(names))


@given(st.text() | st.from_regex(r"https?://[^/]*/v2/.*/(manifests|blobs)/.*"))
def test_any_url(url: str) -> None:
    repository = parse_repository(url)
    assert repository is None or f"/v2/{repository.name}/" in url


@given(st.binary() | st.from_regex(rb'\{"token":"[!-~]*","issued_at":".*"\}', fullmatch=True))
def test_any_answer_of_a_token_service(body: bytes) -> None:
    assert parse_token(body, EPOCH).map(lambda token: token.seconds).value_or(1.0) > 0


@given(st.datetimes(timezones=st.timezones()) | st.datetimes(), st.integers(0, 1 << 31))
def test_any_time_of_issue(issued_at: object, seconds: int) -> None:
    body = f'{{"token": "x", "issued_at": "{issued_at}", "expires_in": {seconds}}}'
    left = parse_token(body.encode(), EPOCH).unwrap().seconds
    assert 0 < left <= max(seconds, TOKEN_SECONDS)
