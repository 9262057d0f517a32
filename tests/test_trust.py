"""How many signers are demanded: the largest that applies, and never none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.names import ImageName, covers
from pipeline.testing.strategies import image_names
from pipeline.trust import Fingerprint, SignerPolicy, parse_fingerprint


@given(
    st.integers(-5, 5),
    st.lists(st.tuples(image_names(), st.integers(-5, 5))).map(tuple),
    st.none() | image_names(),
)
def test_the_largest_counts(
    minimum: int, by_prefix: tuple[tuple[ImageName, int], ...], name: ImageName | None
) -> None:
    applying = [count for prefix, count in by_prefix if name and covers(prefix, name)]
    assert SignerPolicy(minimum, by_prefix).demanded(name) == max([1, minimum, *applying])


@pytest.mark.parametrize("text", ["", "0" * 39, "0" * 41, "g" * 40, "0x"])
def test_no_fingerprint(text: str) -> None:
    assert parse_fingerprint(text).failure() == "wanted a fingerprint of 40 hex digits"


@pytest.mark.parametrize(
    "text",
    [
        "0123456789abcdef0123456789abcdef01234567",
        "0x0123456789ABCDEF0123456789ABCDEF01234567",
        "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567",
        "\t0X0123456789abcdef0123456789abcdef01234567\n",
    ],
)
def test_a_fingerprint_as_people_write_it(text: str) -> None:
    wanted = Fingerprint("0123456789abcdef0123456789abcdef01234567")
    assert parse_fingerprint(text).unwrap() == wanted


def test_what_is_no_fingerprint_cannot_be_made_one() -> None:
    with pytest.raises(ValueError, match=r"^not a fingerprint: '0x12'$"):
        Fingerprint("0x12")
