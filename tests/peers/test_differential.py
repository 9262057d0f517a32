"""Certificates and signatures made at random, judged by us, gpg and sqv.

Times, subpackets, flags and hashes are drawn; signatures over keys are dropped, doubled, swapped
and damaged. We must accept exactly what both accept: the exceptions of the policy are not among
what is drawn (several signatures, key files of strange packets, armor).
"""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful

from tests.adapters.openpgp.cases import DATA, Stage
from tests.adapters.openpgp.forge import (
    DAY,
    YEAR,
    Key,
    ed25519_key,
    flags_sub,
    packet,
    sub,
    time_sub,
)
from tests.adapters.openpgp.judging import describe, judge
from tests.peers.openpgp import judge_by_tools, need

pytestmark = pytest.mark.peer

STAGE = Stage(int(time.time()))
SECOND = ed25519_key("second subkey", STAGE.made + 10 * DAY)

LIFETIMES = (0, 60, YEAR, 2 * YEAR, 5 * YEAR)


def key_expiry(lifetime: int) -> bytes:
    """Return a subpacket that says for how long a key is good."""
    return time_sub(9, lifetime)


rarely = st.integers(0, 9).map(lambda drawn: drawn == 0)
sometimes = st.integers(0, 3).map(lambda drawn: drawn == 0)
flags = st.sampled_from((None, 1, 2, 3, 3, 3, 4))
moments = st.sampled_from(
    (-5 * DAY, 0, 1, DAY, 100 * DAY, 3 * YEAR - 2 * DAY, 3 * YEAR - 3600, 3 * YEAR + DAY)
)
subpackets = st.one_of(
    st.sampled_from(LIFETIMES).map(lambda lifetime: time_sub(3, lifetime)),
    st.sampled_from(LIFETIMES).map(key_expiry),
    st.sampled_from((0, DAY, 3 * YEAR)).map(lambda at: time_sub(2, STAGE.made + at)),
    st.sampled_from((0, 1, 2, 3, 4, 32)).map(flags_sub),
    st.booleans().map(lambda critical: sub(99, b"x", critical=critical)),
    st.booleans().map(lambda critical: sub(20, bytes(5) + b"\3\0\1a@bc", critical=critical)),
    st.sampled_from((sub(25, b"\1"), sub(7, b"\0"), sub(4, b"\1"))),
)


def options(draw: st.DrawFn, at: int) -> dict[str, Any]:
    """Draw what may be special about a signature that is made at ``at`` otherwise."""
    drawn: dict[str, Any] = {"at": at}
    if draw(sometimes):
        drawn["at"] = STAGE.made + draw(moments)
    if draw(sometimes):
        drawn["hashed"] = draw(st.lists(subpackets, min_size=1, max_size=2))
    if draw(rarely):
        drawn["digest"] = draw(st.sampled_from(("sha1", "md5", "sha512", "sha224")))
    if draw(rarely):
        drawn["issuer"] = False
    return drawn


@st.composite
def certificates(draw: st.DrawFn) -> bytes:
    """Draw a certificate of Alice's: one or two user IDs, up to two subkeys."""
    parts = [STAGE.alice.as_primary]
    if draw(sometimes):
        said = draw(st.sampled_from((flags_sub(3), flags_sub(1), *map(key_expiry, LIFETIMES))))
        parts.append(STAGE.direct(said, at=STAGE.made + draw(moments)))
    if draw(rarely):
        reason = draw(st.sampled_from((None, 0, 1, 2, 3)))
        parts.append(STAGE.key_revoked(reason, at=STAGE.made + draw(moments)))
    for user_id in (b"Alice", b"Bob")[: draw(st.integers(1, 2))]:
        parts.append(packet(13, user_id))
        for _ in range(draw(st.sampled_from((1, 1, 2)))):
            given = {"flags": draw(flags), **options(draw, STAGE.made)}
            parts.append(STAGE.alice.certify(user_id, **given))
        if draw(rarely):
            at = STAGE.made + draw(moments)
            parts.append(STAGE.alice.certify(user_id, kind=0x30, flags=None, at=at))
    for subkey in (STAGE.subkey, SECOND)[: draw(st.integers(0, 2))]:
        parts.append(subkey.as_subkey)
        for _ in range(draw(st.sampled_from((1, 1, 2)))):
            back = None if draw(rarely) else STAGE.back(subkey, **options(draw, subkey.created))
            given = {"flags": draw(flags), "back": back, **options(draw, subkey.created)}
            parts.append(STAGE.bound(subkey, **given))
        if draw(rarely):
            reason_sub = sub(29, bytes((draw(st.integers(0, 3)),)))
            at = STAGE.made + draw(moments)
            parts.append(STAGE.alice.bind(subkey, kind=0x28, hashed=[reason_sub], at=at))
    return b"".join(damaged(draw, parts))


def damaged(draw: st.DrawFn, parts: list[bytes]) -> list[bytes]:
    """Draw damage to the signatures over keys: where they stand, and the last of their octets."""
    places = [i for i, part in enumerate(parts) if part[0] == 0xC2]
    what, one, other = (
        draw(st.integers(0, 9)),
        draw(st.sampled_from(places)),
        draw(st.sampled_from(places)),
    )
    if what == 0:
        parts[one], parts[other] = parts[other], parts[one]
    elif what == 1:
        parts.insert(one, parts[other])
    elif what == 2:
        del parts[one]
    elif what == 3:
        parts[one] = parts[one][:-1] + bytes((parts[one][-1] ^ 1,))
    return parts


@st.composite
def signatures(draw: st.DrawFn) -> bytes:
    """Draw a signature over the file, by one of the three keys."""
    key: Key = draw(st.sampled_from((STAGE.alice, STAGE.subkey, SECOND)))
    at = STAGE.now - draw(st.sampled_from((DAY, DAY, 3600, YEAR, 2 * YEAR, 3 * YEAR - 5 * DAY)))
    signature = key.sign_file(DATA, **options(draw, at))
    if draw(rarely):
        place, bit = draw(st.integers(6, len(signature) - 1)), draw(st.integers(0, 7))
        flipped = bytes((signature[place] ^ 1 << bit,))
        signature = signature[:place] + flipped + signature[place + 1 :]
    return signature


@given(certificates(), signatures())
@settings(max_examples=max(settings().max_examples // 2, 1))
def test_we_accept_what_both_accept(certificate: bytes, signature: bytes) -> None:
    """No more and no less."""
    need("gpg", "sqv")
    outcome = judge(certificate, signature, DATA, int(time.time()))
    verdict = judge_by_tools(certificate, signature, DATA)
    both = verdict.gpg and verdict.sqv
    assert is_successful(outcome) == both, (describe(outcome), verdict)
