"""Made signed messages, each with one thing that is special, and our verdict on it.

``test_message`` holds the verdicts, ``tests/peers/test_simple_signing`` asks gpg and sq for
theirs. What only we refuse is marked; all else we accept if and only if both do.
"""

import bz2
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from tests.adapters.openpgp.cases import Stage
from tests.adapters.openpgp.forge import Key, armored, packet, sub

PAYLOAD = b'{"critical": "signed"}\n'
LINES = b"one\r\ntwo\r\n"
LONG = b"x" * 3000

ACCEPTED = "accept"
NO_MESSAGE = "not-a-signed-message"


class Message(NamedTuple):
    """A message, and what is said of it: ACCEPTED or the kind of our error.

    ``stricter`` where gpg and sq both accept what we refuse.
    """

    name: str
    content: bytes
    verdict: str = ACCEPTED
    payload: bytes = PAYLOAD
    stricter: bool = False


def one_pass(
    key: Key,
    *,
    kind: int = 0,
    digest: int = 8,
    algorithm: int | None = None,
    key_id: bytes | None = None,
    last: int = 1,
    version: int = 3,
    more: bytes = b"",
) -> bytes:
    """Return a One-Pass Signature packet (RFC 9580 section 5.4)."""
    fields = bytes((version, kind, digest, key.algorithm if algorithm is None else algorithm))
    named = bytes.fromhex(key.fingerprint[-16:]) if key_id is None else key_id
    return packet(4, fields + named + bytes((last,)) + more)


def literal(data: bytes = PAYLOAD, *, form: bytes = b"b", name: bytes = b"") -> bytes:
    """Return a Literal Data packet (section 5.9)."""
    return packet(11, literal_body(data, form=form, name=name))


def literal_body(data: bytes = PAYLOAD, *, form: bytes = b"b", name: bytes = b"") -> bytes:
    """Return its body."""
    return form + bytes((len(name),)) + name + bytes(4) + data


def squeezed(data: bytes, algorithm: int) -> bytes:
    """Return the body of a Compressed Data packet (section 5.6)."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = {
        0: lambda: data,
        1: lambda: deflate.compress(data) + deflate.flush(),
        2: lambda: zlib.compress(data),
        3: lambda: bz2.compress(data),
    }[algorithm]()
    return bytes((algorithm,)) + body


def indeterminate(tag: int, body: bytes) -> bytes:
    """Frame a body in the old format, without a length (section 4.2.2)."""
    return bytes((0x83 | tag << 2,)) + body


def in_parts(tag: int, body: bytes, *powers: int) -> bytes:
    """Frame a body in parts of so many octets, as powers of two (section 4.2.1.4)."""
    framed, offset = bytes((0xC0 | tag,)), 0
    for power in powers:
        framed += bytes((0xE0 | power,)) + body[offset : offset + (1 << power)]
        offset += 1 << power
    assert offset <= len(body)
    return framed + b"\xff" + (len(body) - offset).to_bytes(4, "big") + body[offset:]


def plain(stage: Stage, data: bytes = PAYLOAD) -> bytes:
    """Return a message by Alice."""
    return one_pass(stage.alice) + literal(data) + stage.signed(data=data)


def make_messages(now: int) -> list[Message]:
    """Return all messages; names are distinct."""
    stage = Stage(now)
    families = (_shapes, _announcements, _literals, _compressions, _lengths, _armors)
    return [message for family in families for message in family(stage)]


def keyring(stage: Stage) -> bytes:
    """Return the certificates of Alice, with her subkey, and Mallory."""
    return stage.with_subkey(stage.bound()) + stage.key(owner=stage.mallory)


def _shapes(s: Stage) -> Iterator[Message]:
    alice, mallory = one_pass(s.alice), one_pass(s.mallory)
    signed, message = s.signed(data=PAYLOAD), plain(s)
    yield Message("plain", message)
    by_subkey = s.signed(s.subkey, PAYLOAD)
    yield Message("by a subkey", one_pass(s.subkey) + literal() + by_subkey)
    yield Message("over another literal", alice + literal(b"other") + signed, "bad-signature")
    by_stranger = one_pass(s.stranger) + literal() + s.signed(s.stranger, PAYLOAD)
    yield Message("by a stranger", by_stranger, "unknown-signer")
    shapes = {
        "nothing": b"",
        "a signature alone": signed,
        "a literal alone": literal(),
        "a one-pass alone": alice,
        "no signature": alice + literal(),
        "no literal": alice + signed,
        "the signature in front": signed + literal(),
        "two literals": alice + literal() + literal() + signed,
        "another literal in front": literal() + message,
        "another literal behind": message + literal(b"other"),
        "two signatures, one announced": alice + literal() + signed + signed,
        "a message in a message": alice + message + signed,
        "two messages": message + message,
        "a key behind": message + s.alice.as_primary,
        "a key in front": s.alice.as_primary + message,
        "encrypted": packet(18, b"\1" + message),
        "zero behind": message + b"\0",
        "cut off": message[:-1],
    }
    for name, content in shapes.items():
        yield Message(name, content, NO_MESSAGE)
    announced = one_pass(s.mallory, last=0) + alice + literal() + signed
    yield Message("two announced, one signature", announced, NO_MESSAGE)
    notarized = mallory + message + s.signed(s.mallory, signed + PAYLOAD)
    yield Message("a signature over the signature", notarized, NO_MESSAGE)
    marker = packet(10, b"PGP")
    yield Message("a marker in front", marker + message, NO_MESSAGE, stricter=True)
    yield Message("a marker inside", alice + marker + literal() + signed, NO_MESSAGE)
    third = packet(2, b"\3\5\0" + bytes(30))
    yield Message("version 3", alice + literal() + third, "unsupported-signature")
    # An issuer that is not there, and one that is of no known form.
    anonymous = s.signed(data=PAYLOAD, issuer=False)
    nobody = one_pass(s.alice, key_id=bytes(8))
    yield Message("anonymous", nobody + literal() + anonymous, NO_MESSAGE)


def _announcements(s: Stage) -> Iterator[Message]:
    rest = literal() + s.signed(data=PAYLOAD)
    text = literal() + s.signed(data=PAYLOAD, kind=1)
    different = {
        "announced as text": one_pass(s.alice, kind=1) + rest,
        "announced as bytes": one_pass(s.alice) + text,
        "announced with SHA-512": one_pass(s.alice, digest=10) + rest,
        "announced as version 6": one_pass(s.alice, version=6) + rest,
        "announced with more behind": one_pass(s.alice, more=b"\0") + rest,
    }
    for name, content in different.items():
        yield Message(name, content, NO_MESSAGE)
    alike = {
        "announced as a certification": one_pass(s.alice, kind=0x10),
        "announced as RSA": one_pass(s.alice, algorithm=1),
        "announced by another": one_pass(s.mallory),
        "announced by nobody": one_pass(s.alice, key_id=bytes(8)),
        "announced as not the last": one_pass(s.alice, last=0),
        "announced as the last by 2": one_pass(s.alice, last=2),
    }
    for name, announcement in alike.items():
        yield Message(name, announcement + rest, NO_MESSAGE, stricter=True)
    other = s.signed(data=PAYLOAD, unhashed=[sub(16, bytes(8))], issuer=False)
    yield Message("another key ID inside", one_pass(s.alice) + literal() + other, NO_MESSAGE)
    alice, mallory = s.signed(data=PAYLOAD), s.signed(s.mallory, PAYLOAD)
    both = mallory + alice
    first, second = one_pass(s.alice, last=0), one_pass(s.mallory)
    yield Message("two signers", first + second + literal() + both)
    bad = s.signed(s.mallory, b"other")
    spoiled = first + second + literal() + bad + alice
    yield Message("two signers, one bad", spoiled, "bad-signature")
    ordered = first + second + literal() + alice + mallory
    yield Message("two signers in order", ordered, NO_MESSAGE, stricter=True)
    neither = first + one_pass(s.mallory, last=0) + literal() + both
    yield Message("two signers, none the last", neither, NO_MESSAGE, stricter=True)
    last = one_pass(s.alice) + second + literal() + both
    yield Message("two signers, both the last", last, NO_MESSAGE)
    reverse = one_pass(s.alice) + one_pass(s.mallory, last=0) + literal() + both
    yield Message("two signers, the first the last", reverse, NO_MESSAGE)


def _literals(s: Stage) -> Iterator[Message]:
    def signed(body: bytes, over: bytes = PAYLOAD, kind: int = 0) -> bytes:
        return one_pass(s.alice, kind=kind) + body + s.signed(data=over, kind=kind)

    for form in (b"t", b"u"):
        yield Message(f"form {form.decode()}", signed(literal(form=form)))
    for form in (b"l", b"1", b"m", b"x"):
        made = signed(literal(form=form))
        yield Message(f"form {form.decode()}", made, NO_MESSAGE, stricter=True)
    yield Message("with a name", signed(literal(name=b"_CONSOLE")))
    yield Message("empty", signed(literal(b""), b""), payload=b"")
    for size in range(6):
        cut = signed(packet(11, b"b\0\0\0\0\0"[:size]), b"")
        yield Message(f"literal of {size} octets", cut, NO_MESSAGE)
    yield Message("name beyond the end", signed(packet(11, b"b\xff" + PAYLOAD)), NO_MESSAGE)
    yield Message("text", signed(literal(LINES, form=b"t"), LINES, 1), payload=LINES)
    yield Message("text in bytes", signed(literal(LINES), LINES, 1), payload=LINES)
    yield Message("text without an end", signed(literal(b"a"), b"a", 1), payload=b"a")
    yield Message("bytes in text", signed(literal(form=b"t")))
    bare = LINES.replace(b"\r", b"")
    yield Message("text with LF", signed(literal(bare, form=b"t"), LINES, 1), NO_MESSAGE)
    yield Message("text with LF, so signed", signed(literal(bare), bare, 1), NO_MESSAGE)
    yield Message("text with CR", signed(literal(b"a\rb\r\n"), b"a\rb\r\n", 1), NO_MESSAGE)
    yield Message("text with CR at the end", signed(literal(b"a\r"), b"a\r", 1), NO_MESSAGE)


def _compressions(s: Stage) -> Iterator[Message]:
    message = plain(s)
    for algorithm in range(4):
        body = squeezed(message, algorithm)
        yield Message(f"compressed {algorithm}", packet(8, body))
        yield Message(f"compressed {algorithm}, indeterminate", indeterminate(8, body))
        if algorithm:
            name = f"compressed {algorithm}, zero behind"
            yield Message(name, packet(8, body + b"\0"), NO_MESSAGE, stricter=True)
    for algorithm in (2, 3):
        cut = packet(8, squeezed(message, algorithm)[:-4])
        yield Message(f"compressed {algorithm}, cut off", cut, NO_MESSAGE)
    twice = packet(8, squeezed(packet(8, squeezed(message, 1)), 2))
    yield Message("compressed twice", twice, NO_MESSAGE, stricter=True)
    signed = s.signed(data=PAYLOAD)
    wrong = {
        "compressed by 4": packet(8, b"\4" + message),
        "compressed nothing": packet(8, b""),
        "compressed empty": packet(8, squeezed(b"", 1)),
        "compressed junk": packet(8, b"\1" + message),
        "the literal compressed": one_pass(s.alice) + packet(8, squeezed(literal(), 1)) + signed,
        "one-pass, then compressed": one_pass(s.alice) + packet(8, squeezed(literal() + signed, 1)),
        "compressed, and a literal behind": packet(8, squeezed(message, 1)) + literal(b"other"),
        "compressed, and a literal in front": literal() + packet(8, squeezed(message, 1)),
        "a literal behind within": packet(8, squeezed(message + literal(b"other"), 1)),
        "a compressed signature": packet(8, squeezed(signed, 1)),
    }
    for name, content in wrong.items():
        yield Message(name, content, NO_MESSAGE)


def _lengths(s: Stage) -> Iterator[Message]:
    long = literal_body(LONG)
    alice, signed = one_pass(s.alice), s.signed(data=LONG)

    def message(framed: bytes) -> bytes:
        return alice + framed + signed

    for powers in ((9,), (10, 9), (11, 0, 1, 2), (9, 9, 9, 9, 9)):
        name = f"literal in parts of {', '.join(str(1 << power) for power in powers)}"
        yield Message(name, message(in_parts(11, long, *powers)), payload=LONG)
    small = message(in_parts(11, long, 8, 9))
    yield Message("first part of 256", small, NO_MESSAGE, LONG)
    body = squeezed(message(packet(11, long)), 0)
    yield Message("compressed in parts", in_parts(8, body, 9, 10), payload=LONG)
    within = squeezed(message(in_parts(11, long, 9)), 2)
    yield Message("parts within", indeterminate(8, within), payload=LONG)
    parts = squeezed(message(in_parts(11, long, 9)), 0)
    yield Message("parts within parts", in_parts(8, parts, 10), payload=LONG)
    wrong = {
        "one-pass in parts": in_parts(4, one_pass(s.alice)[6:], 2) + literal(LONG) + signed,
        "signature in parts": alice + literal(LONG) + in_parts(2, signed[6:], 5),
        "indeterminate literal": message(indeterminate(11, long)),
        "indeterminate within parts": in_parts(
            8, squeezed(message(indeterminate(11, long)), 0), 10
        ),
        "last part missing": alice + b"\xcb\xe9" + long[:512],
        "last part cut off": alice + b"\xcb\xe9" + long[:512] + b"\x05x",
        "part beyond the end": message(b"\xcb\xfe" + long),
        "length beyond the end": alice + b"\xcb\xff\xff\xff\xff\xff" + long + signed,
    }
    for name, content in wrong.items():
        yield Message(name, content, NO_MESSAGE)


def _armors(s: Stage) -> Iterator[Message]:
    text = armored(plain(s), "MESSAGE")
    yield Message("armored", text)
    yield Message("armored, compressed", armored(packet(8, squeezed(plain(s), 1)), "MESSAGE"))
    yield Message("text around the armor", b"hello\n" + text + b"bye\n")
    wrong = {
        "two armored blocks": text + text,
        "a block behind": text + armored(literal(b"other"), "MESSAGE"),
        "armor without its end": text[:-20],
        "armor with a bad checksum": armored(plain(s) + b"x", "MESSAGE").replace(
            b"\n=", b"\n=A", 1
        ),
        "cleartext": b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
        + PAYLOAD
        + armored(s.signed(data=PAYLOAD.rstrip())),
    }
    for name, content in wrong.items():
        yield Message(name, content, NO_MESSAGE)
