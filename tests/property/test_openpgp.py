"""OpenPGP adapter: whatever comes in, something comes out, and it is never trust by accident."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.openpgp import read_keys
from pipeline.adapters.openpgp.armor import dearmor
from pipeline.adapters.openpgp.packets import Packet, split_packets
from tests.adapters.openpgp.cases import DATA, Stage
from tests.adapters.openpgp.forge import NOW, armored, packet
from tests.adapters.openpgp.judging import at, judge

STAGE = Stage(NOW)
KEY = STAGE.with_subkey(STAGE.bound())
SIGNATURES = (STAGE.signed(), STAGE.signed(STAGE.subkey), armored(STAGE.signed()))
VECTORS = json.loads(
    gzip.decompress((Path(__file__).parents[1] / "data" / "openpgp-detached.json.gz").read_bytes())
)["cases"]
RECORDED = tuple(
    base64.b64decode(vector[part])
    for part in ("sig_base64", "key_asc_base64")
    for vector in VECTORS
    if part in vector
)
PACKET_HEADERS = st.sampled_from((0x88, 0x89, 0x99, 0xB4, 0xC2, 0xC6, 0xCD, 0xCE))


def changed(seed: bytes, draw: Callable[[st.SearchStrategy[int]], int]) -> bytes:
    """Return ``seed`` with octets changed, left out, doubled or swapped, or cut."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, max(len(data) - 1, 0)))
        end = min(start + draw(st.integers(1, 40)), len(data))
        what = draw(st.integers(0, 4))
        if what == 0 and data:
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif what == 1:
            del data[start:end]
        elif what == 2:
            data[end:end] = data[start:end]
        elif what == 3:
            data = data[end:] + data[:start] + data[start:end]
        else:
            del data[end:]
    return bytes(data)


@st.composite
def changed_ones(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Return one of ``seeds``, changed."""
    return changed(draw(st.sampled_from(seeds)), draw)


class TestNothingRaises:
    """A verifier's input is an attacker's output; every one has a Result."""

    @given(st.binary(max_size=600))
    def test_junk(self, junk: bytes) -> None:
        """Random octets are neither a signature nor a key."""
        assert not is_successful(judge(KEY, junk, DATA, NOW))
        read_keys(junk, at(NOW))

    @given(PACKET_HEADERS, st.binary(max_size=400))
    def test_junk_behind_a_header(self, header: int, junk: bytes) -> None:
        """Something that starts like a packet."""
        assert not is_successful(judge(KEY, bytes((header,)) + junk, DATA, NOW))
        read_keys(bytes((header,)) + junk, at(NOW))

    @given(st.sampled_from((2, 6, 13, 14)), st.binary(max_size=300))
    def test_junk_in_a_packet(self, tag: int, junk: bytes) -> None:
        """A whole packet with anything in it, alone, behind a key and armored."""
        framed = packet(tag, b"\x04" + junk)
        assert not is_successful(judge(KEY, framed, DATA, NOW))
        assert not is_successful(judge(KEY, armored(framed), DATA, NOW))
        for keyring in (framed, STAGE.alice.as_primary + framed, KEY + framed):
            read_keys(keyring, at(NOW))
            judge(keyring, SIGNATURES[0], DATA, NOW)

    @given(changed_ones(RECORDED), changed_ones(RECORDED))
    def test_changed_recordings(self, signature: bytes, keyring: bytes) -> None:
        """Recorded signatures and keys, damaged."""
        judge(keyring, signature, DATA, NOW)
        read_keys(keyring, at(NOW))


class TestNoAccident:
    """What was signed is what is trusted."""

    @given(st.binary(max_size=60))
    def test_other_file(self, data: bytes) -> None:
        """A signature is of one file."""
        outcome = judge(KEY, SIGNATURES[0], data, NOW)
        assert is_successful(outcome) == (data == DATA)

    @given(st.data())
    def test_changed_signature(self, data: st.DataObject) -> None:
        """A damaged signature that is accepted still says the same, by the same key, then."""
        seed = data.draw(st.sampled_from(SIGNATURES))
        outcome = judge(KEY, changed(seed, data.draw), DATA, NOW)
        if is_successful(outcome):
            assert outcome.unwrap() == judge(KEY, seed, DATA, NOW).unwrap()

    @given(st.data())
    def test_changed_key(self, data: st.DataObject) -> None:
        """No damage to a key file makes it vouch for a subkey that it did not bind."""
        unbound = STAGE.with_subkey() + STAGE.key(owner=STAGE.mallory)
        outcome = judge(changed(unbound, data.draw), STAGE.signed(STAGE.subkey), DATA, NOW)
        assert not is_successful(outcome)

    @given(st.permutations(range(6)))
    def test_order_of_packets(self, order: list[int]) -> None:
        """However a certificate is shuffled, what revokes it is found."""
        parts = split_packets(
            STAGE.with_subkey(STAGE.bound(), STAGE.revoked(2)), max_packets=9
        ).unwrap()
        assert len(parts) == len(order)
        shuffled = b"".join(parts[i].framed for i in order)
        keyring = STAGE.alice.as_primary + shuffled
        assert not is_successful(judge(keyring, STAGE.signed(STAGE.subkey), DATA, NOW))

    @given(st.integers(0, 2**33))
    def test_time_never_unrevokes(self, now: int) -> None:
        """A revoked key is not good at any time."""
        keyring = STAGE.key(before=[STAGE.key_revoked(2)])
        assert not is_successful(judge(keyring, STAGE.signed(), DATA, now))


class TestFraming:
    """What is written is what is read."""

    @given(st.lists(st.tuples(st.integers(1, 63), st.binary(max_size=300)), max_size=5))
    def test_packets(self, packets: list[tuple[int, bytes]]) -> None:
        """Packets in, packets out."""
        framed = b"".join(packet(tag, body) for tag, body in packets)
        wanted = tuple(Packet(tag, body) for tag, body in packets)
        assert split_packets(framed, max_packets=5).unwrap() == wanted
        assert b"".join(one.framed for one in wanted) == framed

    @given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=3))
    def test_armor(self, blocks: list[bytes]) -> None:
        """Blocks in, blocks out."""
        assert dearmor(b"".join(map(armored, blocks))).unwrap() == tuple(blocks)
