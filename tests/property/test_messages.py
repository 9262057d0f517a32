"""Signed messages: however they are written they say one thing, and damage says nothing else.

The writer is the forge's, which knows nothing of the reader.
"""

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from tests.adapters.openpgp.cases import Stage
from tests.adapters.openpgp.forge import NOW, Key, armored, packet
from tests.adapters.openpgp.judging import STRICT, judge_message
from tests.adapters.openpgp.messages import (
    ACCEPTED,
    PAYLOAD,
    in_parts,
    indeterminate,
    keyring,
    literal_body,
    make_messages,
    one_pass,
    squeezed,
)
from tests.property.test_openpgp import changed

STAGE = Stage(NOW)
KEYS = keyring(STAGE)
SIGNERS = (STAGE.alice, STAGE.subkey, STAGE.mallory)
GOOD = tuple(each for each in make_messages(NOW) if each.verdict == ACCEPTED)
ALL = tuple(each.content for each in make_messages(NOW))


@st.composite
def framings(draw: st.DrawFn, tag: int, body: bytes) -> bytes:
    """Draw a way to frame a data packet."""
    powers: list[int] = []
    left = len(body)
    while left >= 512 and draw(st.booleans()):
        power = draw(st.integers(9, min(12, left.bit_length() - 1)))
        powers.append(power)
        left -= 1 << power
    return in_parts(tag, body, *powers) if powers else packet(tag, body)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bytes, set[str]]:
    """Draw a message, its payload, and the primary keys of who signed it."""
    data = draw(st.binary(max_size=400) | st.integers(0, 20_000).map(bytes))
    keys: list[Key] = draw(st.lists(st.sampled_from(SIGNERS), min_size=1, max_size=4))
    digests = [draw(st.sampled_from(((8, "sha256"), (10, "sha512")))) for _ in keys]
    literal = draw(
        framings(11, literal_body(data, form=draw(st.sampled_from((b"b", b"t", b"u"))))),
    )
    announced = [
        one_pass(key, digest=number, last=int(place == len(keys)))
        for place, (key, (number, _)) in enumerate(zip(keys, digests, strict=True), 1)
    ]
    signed = [
        STAGE.signed(key, data, digest=name) for key, (_, name) in zip(keys, digests, strict=True)
    ]
    message = b"".join((*announced, literal, *reversed(signed)))
    algorithm = draw(st.sampled_from((None, 0, 1, 2, 3)))
    if algorithm is not None:
        body = squeezed(message, algorithm)
        message = draw(framings(8, body) | st.just(indeterminate(8, body)))
    if draw(st.booleans()):
        message = armored(message, "MESSAGE")
    primaries = {(STAGE.alice if key is STAGE.subkey else key).fingerprint for key in keys}
    return message, data, primaries


class TestMeaning:
    """Everybody who signed is named, and what they signed comes out."""

    @given(messages())
    def test_every_way(self, made: tuple[bytes, bytes, set[str]]) -> None:
        """Framing, compression, armor and the number of signers change nothing."""
        message, data, primaries = made
        assert STRICT.read_message(message).unwrap().unverified_payload == data
        signers = judge_message(KEYS, message, NOW).unwrap()
        assert {signer.primary.hex for signer in signers} == primaries

    @given(messages(), st.integers(0, 2**20), st.binary(max_size=3))
    def test_nothing_more(
        self, made: tuple[bytes, bytes, set[str]], place: int, more: bytes
    ) -> None:
        """Octets put in somewhere are noticed, or change nothing that was signed."""
        message, data, _ = made
        where = place % (len(message) + 1)
        outcome = STRICT.read_message(message[:where] + more + message[where:])
        if is_successful(judge_message(KEYS, message[:where] + more + message[where:], NOW)):
            assert outcome.unwrap().unverified_payload == data


class TestDamage:
    """A message that is accepted says what was signed, by whom it was signed."""

    @given(st.data())
    def test_changed(self, data: st.DataObject) -> None:
        """Octets changed, left out, doubled or swapped, or the message cut."""
        made = data.draw(st.sampled_from(GOOD))
        message = changed(made.content, data.draw)
        outcome = judge_message(KEYS, message, NOW)
        if is_successful(outcome):
            assert outcome == judge_message(KEYS, made.content, NOW)
            read = STRICT.read_message(message).unwrap()
            assert read.unverified_payload == made.payload

    @given(st.data())
    def test_spliced(self, data: st.DataObject) -> None:
        """The head of one message and the tail of another."""
        head, tail = data.draw(st.sampled_from(ALL)), data.draw(st.sampled_from(ALL))
        message = head[: data.draw(st.integers(0, len(head)))]
        message += tail[data.draw(st.integers(0, len(tail))) :]
        # One signature of the made ones is over another payload than its message holds.
        payloads = {made.payload for made in GOOD} | {b"other"}
        if is_successful(judge_message(KEYS, message, NOW)):
            assert STRICT.read_message(message).unwrap().unverified_payload in payloads


class TestNothingRaises:
    """A reader's input is an attacker's output; every one has a Result."""

    @given(st.binary(max_size=600))
    def test_junk(self, junk: bytes) -> None:
        """Random octets."""
        assert not is_successful(judge_message(KEYS, junk, NOW))

    @given(st.sampled_from((0x90, 0xA3, 0xAC, 0xAF, 0xC4, 0xC8, 0xCB)), st.binary(max_size=400))
    def test_junk_behind_a_header(self, header: int, junk: bytes) -> None:
        """Something that starts like a message."""
        assert not is_successful(judge_message(KEYS, bytes((header,)) + junk, NOW))

    @given(st.integers(0, 4), st.binary(max_size=400))
    def test_junk_compressed(self, algorithm: int, junk: bytes) -> None:
        """Something that claims to be compressed, and something that is."""
        claimed = packet(8, bytes((algorithm,)) + junk)
        assert not is_successful(judge_message(KEYS, claimed, NOW))
        if algorithm < 4:
            packed = packet(8, squeezed(junk, algorithm))
            assert not is_successful(judge_message(KEYS, packed, NOW))

    @given(st.sampled_from((4, 11, 2)), st.binary(max_size=100))
    def test_junk_in_a_packet(self, tag: int, junk: bytes) -> None:
        """One packet of three with anything in it."""
        parts = {
            4: one_pass(STAGE.alice),
            11: packet(11, literal_body()),
            2: STAGE.signed(data=PAYLOAD),
        }
        framed = parts | {tag: packet(tag, junk)}
        assert not is_successful(judge_message(KEYS, b"".join(framed.values()), NOW))
