"""Signed messages: one shape is accepted, and what comes out is what was hashed."""

import bz2
import time
import tracemalloc
import zlib

import pytest
from returns.pipeline import is_successful

from pipeline.adapters.openpgp.signature_file import read_signature_file
from pipeline.adapters.openpgp.signatures import read_signature
from pipeline.errors import NotASignedMessage, UnsupportedSignature
from pipeline.limits import MESSAGE_BYTES, MIB, PACKET_PARTS, SIGNATURE_BYTES, SIGNATURE_COUNT
from tests.adapters.openpgp.cases import Stage
from tests.adapters.openpgp.forge import NOW, packet
from tests.adapters.openpgp.judging import STRICT, describe, judge_message
from tests.adapters.openpgp.messages import (
    ACCEPTED,
    LONG,
    PAYLOAD,
    Message,
    indeterminate,
    keyring,
    literal,
    literal_body,
    make_messages,
    one_pass,
    plain,
    squeezed,
)

STAGE = Stage(NOW)
KEYS = keyring(STAGE)
MESSAGES = make_messages(NOW)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.name))
def test_made_message(message: Message) -> None:
    """Each is accepted, with its payload, or refused as what it is."""
    assert describe(judge_message(KEYS, message.content, NOW)) == message.verdict
    if message.verdict == ACCEPTED:
        read = STRICT.read_message(message.content).unwrap()
        assert read.unverified_payload == message.payload


def test_names_are_distinct() -> None:
    """A message that is there twice holds half of what it seems to."""
    assert len({message.name for message in MESSAGES}) == len(MESSAGES)


def test_signers() -> None:
    """Everybody who signed is named, once."""
    two = next(message for message in MESSAGES if message.name == "two signers")
    signers = judge_message(KEYS, two.content, NOW).unwrap()
    wanted = {STAGE.alice.fingerprint, STAGE.mallory.fingerprint}
    assert {signer.primary.hex for signer in signers} == wanted
    assert len(signers) == 2


def test_the_signature_is_a_signature_file() -> None:
    """In the message's order; nothing else is in it."""
    two = next(message for message in MESSAGES if message.name == "two signers")
    read = STRICT.read_message(two.content).unwrap()
    file = read_signature_file(read.unverified_signature).unwrap()
    assert [signature.key_id for signature in file.signatures] == [
        STAGE.mallory.fingerprint[-16:],
        STAGE.alice.fingerprint[-16:],
    ]


def test_nothing_unsigned_comes_out() -> None:
    """Name, date and form of a literal can be changed by anybody."""
    named = one_pass(STAGE.alice) + literal(name=b"name") + STAGE.signed(data=PAYLOAD)
    read = STRICT.read_message(named).unwrap()
    assert read == STRICT.read_message(plain(STAGE)).unwrap()
    assert "critical" not in repr(read)


def test_every_octet_counts() -> None:
    """Of a message's octets, only those that nobody signed can be changed unnoticed."""
    message = plain(STAGE)
    wanted = judge_message(KEYS, message, NOW).unwrap()
    unnoticed: set[int] = set()
    for place in range(len(message)):
        for bit in range(8):
            changed = bytearray(message)
            changed[place] ^= 1 << bit
            outcome = judge_message(KEYS, bytes(changed), NOW)
            if is_successful(outcome):
                assert outcome.unwrap() == wanted
                read = STRICT.read_message(bytes(changed)).unwrap()
                assert read.unverified_payload == PAYLOAD
                unnoticed.add(place)
    date = message.index(PAYLOAD) - 4
    numbers = len(message) - len(
        read_signature(STAGE.signed(data=PAYLOAD)[6:]).unwrap().mathematics
    )
    # The literal's date, the key ID beside the fingerprint, and a hint at the digest.
    assert unnoticed == {*range(date, date + 4), numbers - 9, numbers, numbers + 1}


class TestBounds:
    """All inclusive, all before anything is allocated."""

    def test_message(self) -> None:
        """As it comes."""
        filled = plain(STAGE, bytes(SIGNATURE_BYTES - len(plain(STAGE, b""))))
        assert is_successful(STRICT.read_message(filled))
        reason = f"more than {SIGNATURE_BYTES} bytes"
        over = plain(STAGE, bytes(SIGNATURE_BYTES + 1 - len(plain(STAGE, b""))))
        assert STRICT.read_message(over).failure() == NotASignedMessage(reason)

    @pytest.mark.parametrize("algorithm", [1, 2, 3])
    def test_unpacked(self, algorithm: int) -> None:
        """As it is meant."""
        filled = bytes(MESSAGE_BYTES - len(plain(STAGE, b"")))
        full = packet(8, squeezed(plain(STAGE, filled), algorithm))
        assert STRICT.read_message(full).unwrap().unverified_payload == filled
        over = packet(8, squeezed(plain(STAGE, filled + b"\0"), algorithm))
        assert STRICT.read_message(over).failure() == NotASignedMessage(
            f"it unpacks to more than {MESSAGE_BYTES} bytes"
        )

    @pytest.mark.parametrize("compressed", [False, True])
    def test_signatures(self, compressed: bool) -> None:
        """As many as in a signature file."""

        def message(count: int) -> bytes:
            first, last = one_pass(STAGE.alice, last=0), one_pass(STAGE.alice)
            signed = STAGE.signed(data=PAYLOAD) * count
            made = first * (count - 1) + last + literal() + signed
            return packet(8, squeezed(made, 1)) if compressed else made

        assert is_successful(judge_message(KEYS, message(SIGNATURE_COUNT), NOW))
        over = STRICT.read_message(message(SIGNATURE_COUNT + 1)).failure()
        assert over == NotASignedMessage(f"more than {2 * SIGNATURE_COUNT + 1} packets")

    def test_parts(self) -> None:
        """The last one included."""

        def message(parts: int) -> bytes:
            body = literal_body(LONG[:506]) + b"x" * (parts - 2)
            framed = b"\xcb\xe9" + body[:512] + b"\xe0x" * (parts - 2) + b"\x00"
            data = body[6:]
            return one_pass(STAGE.alice) + framed + STAGE.signed(data=data)

        assert is_successful(judge_message(KEYS, message(PACKET_PARTS), NOW))
        over = STRICT.read_message(message(PACKET_PARTS + 1)).failure()
        assert f"comes in more than {PACKET_PARTS} parts" in over.message


BOMB = bytes(300 * MIB)
HOSTILE = {
    "deflate bomb": lambda: indeterminate(8, squeezed(BOMB, 1)),
    "zlib bomb": lambda: indeterminate(8, b"\2" + zlib.compress(BOMB, 9)),
    "bzip2 bomb": lambda: indeterminate(8, b"\3" + bz2.compress(BOMB[: 100 * MIB])),
    "flood of one-passes": lambda: one_pass(STAGE.alice, last=0) * 50_000,
    "flood of empty packets": lambda: b"\x90\0" * (SIGNATURE_BYTES // 2),
    "flood within": lambda: packet(8, squeezed(b"\x90\0" * (MESSAGE_BYTES // 2), 1)),
    "parts of one octet": lambda: b"\xcb\xe9" + bytes(512) + b"\xe0x" * 520_000,
    "parts within": lambda: packet(
        8, squeezed(b"\xcb\xe9" + bytes(512) + b"\xe0x" * 520_000 + b"\0", 1)
    ),
    "declared lengths": lambda: b"\xc8\xff\xff\xff\xff\xff\1" + b"\xcb\xfe" * 100_000,
    "armor without end": lambda: b"-----BEGIN PGP MESSAGE-----\n\n" + b"AAAA\n" * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    """Refused, in half a second and few MiB, whatever is promised."""
    message = HOSTILE[name]()
    assert len(message) <= SIGNATURE_BYTES
    STRICT.read_message(b"")  # imports pgpy
    started = time.process_time()
    outcome = STRICT.read_message(message)
    assert time.process_time() - started < 0.5
    assert isinstance(outcome.failure(), NotASignedMessage)
    tracemalloc.start()
    STRICT.read_message(message)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * MIB


def test_errors_say_what_is_there() -> None:
    """For people who look at such a file."""
    old = STRICT.read_message(STAGE.signed(data=PAYLOAD) + literal()).failure()
    assert old.message == "not an OpenPGP signed message: it holds packets of the types 2, 11"
    nothing = STRICT.read_message(packet(8, squeezed(b"", 1))).failure()
    assert nothing.message.endswith("it holds packets of the types none")
    third = one_pass(STAGE.alice) + literal() + packet(2, b"\3")
    assert STRICT.read_message(third).failure() == UnsupportedSignature(
        "wanted a signature of version 4, got 3"
    )
