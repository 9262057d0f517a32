"""Digests as checked values."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.digest import HEX_LENGTH, Digest, parse_digest
from pipeline.testing import strategies


@given(strategies.digests())
def test_both_forms_are_read_back(digest: Digest) -> None:
    assert parse_digest(str(digest)).unwrap() == digest
    assert parse_digest(digest.image_id).unwrap() == digest


@given(st.text(st.sampled_from("sha256512:-0aA/.\n é"), max_size=12))
def test_nothing_short_is_a_digest(text: str) -> None:
    assert not is_successful(parse_digest(text))


@given(st.binary(max_size=8))
def test_lengths_are_those_of_hashlib(content: bytes) -> None:
    for algorithm in HEX_LENGTH:
        digest = parse_digest(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}").unwrap()
        assert digest.algorithm == algorithm


FORM = 'wanted "sha256:" or "sha512:" and lower-case hex digits'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", FORM),
        ("md5:" + "0" * 32, FORM),
        ("sha256" + "0" * 64, FORM),
        ("sha256:" + "A" * 64, FORM),
        ("sha256:" + "0" * 64 + "\n", FORM),
        ("sha256:" + "\N{ARABIC-INDIC DIGIT ONE}" * 64, FORM),
        ("sha256:" + "0" * 63, 'wanted 64 lower-case hex digits after "sha256:", got 63'),
        ("sha256:" + "0" * 128, 'wanted 64 lower-case hex digits after "sha256:", got 128'),
        ("sha512:" + "0" * 64, 'wanted 128 lower-case hex digits after "sha512:", got 64'),
        ("sha256:../../etc/passwd", FORM),
    ],
)
def test_malformed(text: str, wanted: str) -> None:
    assert parse_digest(text).failure() == wanted


@pytest.mark.parametrize(
    ("algorithm", "digits"),
    [("md5", "0" * 32), ("sha256", "0" * 63), ("sha256", "../" + "0" * 61), ("sha512", "F" * 128)],
)
def test_malformed_value_cannot_exist(algorithm: Any, digits: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        Digest(algorithm, digits)


def test_forms() -> None:
    digest = Digest("sha512", "ab" * 64)
    assert str(digest) == "sha512:" + "ab" * 64
    assert digest.image_id == "sha512-" + "ab" * 64
    assert digest.short_image_id == "sha512-" + "ab" * 16
