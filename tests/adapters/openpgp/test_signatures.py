"""Signature packets: fields, subpackets, and what of them counts."""

import pytest

from pipeline.adapters.openpgp.signatures import Statement, read_signature
from tests.adapters.openpgp.cases import Stage
from tests.adapters.openpgp.forge import DAY, NOW, flags_sub, sub, time_sub

STAGE = Stage(NOW)
BODY = STAGE.alice.sign(0, b"", at=NOW, hashed=[time_sub(3, DAY)], unhashed=[flags_sub(2)])
AREAS = 8 + int.from_bytes(BODY[4:6], "big")
AREAS += int.from_bytes(BODY[AREAS - 2 : AREAS], "big")
"""Where the digest's first octets stand, behind both areas."""


def test_fields() -> None:
    """Only the hashed area speaks; the trailer is RFC 9580 section 5.2.4."""
    signature = read_signature(BODY).unwrap()
    assert (signature.kind, signature.key_algorithm, signature.hash_algorithm) == (0, 22, 8)
    assert signature.first == signature.last
    assert signature.first == Statement(NOW, DAY, None, None, is_primary_user_id=False)
    assert signature.first.expires == NOW + DAY
    end = 6 + int.from_bytes(BODY[4:6], "big")
    assert signature.trailer == BODY[:end] + b"\x04\xff" + end.to_bytes(4, "big")
    assert signature.mathematics == BODY[AREAS:]
    assert signature.issuers == (STAGE.alice.fingerprint, STAGE.alice.fingerprint[-16:])


def test_first_and_last_of_several() -> None:
    """gpg reads the first of a type, sqv the last."""
    body = STAGE.alice.sign(0, b"", at=1, hashed=[time_sub(2, 2), flags_sub(1), flags_sub(2)])
    signature = read_signature(body).unwrap()
    assert (signature.first.created, signature.last.created) == (1, 2)
    assert (signature.first.key_flags, signature.last.key_flags) == (1, 2)


@pytest.mark.parametrize("size", range(AREAS + 4))
def test_cut_off(size: int) -> None:
    """Whatever is missing in front of the numbers is noticed."""
    assert "wanted" in read_signature(b"").failure()
    if size:
        assert read_signature(BODY[:size]).failure() == "the signature is cut off"


def test_areas_that_overlap_the_numbers() -> None:
    """A length that reaches beyond the areas takes nothing from what follows."""
    for at in (4, 6 + int.from_bytes(BODY[4:6], "big")):
        longer = BODY[:at] + b"\xff\xff" + BODY[at + 2 :]
        assert read_signature(longer).failure() == "the signature is cut off"


@pytest.mark.parametrize(
    ("area", "fails"),
    [
        (b"", False),
        (b"\x02\x63x", False),
        (b"\xc0\x00\x63" + b"x" * 191, False),
        (b"\xff\0\0\0\x02\x63x", False),
        (b"\x00", True),
        (b"\x03\x63x", True),
        (b"\xc0\x00\x63", True),
        (b"\xff\0\0\0\x03\x63x", True),
        (b"\xff\0\0", True),
    ],
)
def test_lengths_of_subpackets(area: bytes, fails: bool) -> None:
    """Three spellings of a length (RFC 9580 section 5.2.3.7), none beyond the area."""
    body = STAGE.alice.sign(0, b"", at=None, issuer=False, hashed=[area])
    outcome = read_signature(body)
    malformed = outcome.failure() if fails else None
    assert malformed == ("a subpacket of the signature is malformed" if fails else None)
    if not fails:
        assert [one.type for one in outcome.unwrap().hashed] == ([99] if area else [])


def test_embedded_is_the_first() -> None:
    """In the hashed area before the other."""
    signature = read_signature(
        STAGE.alice.sign(0, b"", hashed=[sub(32, b"one")], unhashed=[sub(32, b"two")])
    ).unwrap()
    assert signature.embedded == b"one"
    assert read_signature(BODY).unwrap().embedded is None


def test_local_is_the_last_word() -> None:
    """Not to be exported, unless it says otherwise afterwards."""
    for bodies, local in (((b"\0",), True), ((b"\0", b"\1"), False), ((), False)):
        hashed = [sub(4, body) for body in bodies]
        signature = read_signature(STAGE.alice.sign(0, b"", hashed=hashed)).unwrap()
        assert signature.is_local is local
