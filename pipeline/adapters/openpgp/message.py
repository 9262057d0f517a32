"""Signed messages: ``bytes -> SignedMessage``, or an error (RFC 9580 section 10.3).

Grammar, in packets; armor around the whole or not::

    message   = compressed( signed ) | signed
    signed    = 1*one-pass literal 1*signature

with as many signatures as one-passes, in reverse order, each over the literal's body and nothing
else. This is what gpg, sq and skopeo write. The older form with the signature in front,
signatures over signatures, cleartext, compression within compression, and whatever else may be
called a message are refused. What is returned is what must be hashed, byte for byte; what the
literal says beside it (a file name, a date) nobody signed, and is dropped. Nothing is verified
here.
"""

import bz2
import zlib
from collections.abc import Callable
from typing import Final, Protocol

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.armor import dearmor
from pipeline.adapters.openpgp.packets import Packet, Tag, split_packets
from pipeline.adapters.openpgp.signatures import Kind, SignaturePacket, read_signature
from pipeline.errors import NotASignedMessage, UnsupportedSignature, VerificationError
from pipeline.limits import MESSAGE_BYTES, SIGNATURE_BYTES, SIGNATURE_COUNT
from pipeline.trust import SignedMessage

_STREAMED: Final = frozenset({Tag.COMPRESSED_DATA, Tag.LITERAL_DATA})
_MOST_PACKETS: Final = 2 * SIGNATURE_COUNT + 1

_ONE_PASS_VERSION: Final = 3
_FORMATS: Final = frozenset(b"btu")
"""Bytes and two kinds of text (section 5.9); they are hashed alike."""


class _Decoder(Protocol):
    """What zlib and bz2 have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_UNCOMPRESSED: Final = b"\0"
_DECODERS: Final[dict[int, Callable[[], _Decoder]]] = {
    1: lambda: zlib.decompressobj(-zlib.MAX_WBITS),
    2: zlib.decompressobj,
    3: bz2.BZ2Decompressor,
}
"""ZIP, ZLIB and BZip2 (section 9.4)."""


def read_message(untrusted: bytes) -> Result[SignedMessage, VerificationError]:
    """Take a signed message apart, armored or binary.

    Bounds: :data:`~pipeline.limits.SIGNATURE_BYTES` as it comes, ``MESSAGE_BYTES`` unpacked,
    ``SIGNATURE_COUNT`` signatures.
    Errors: ``NotASignedMessage``; ``UnsupportedSignature`` for signatures of other versions and
    malformed ones.
    """
    outcome = _unpack(untrusted)
    if not is_successful(outcome):
        return Failure(NotASignedMessage(outcome.failure()))
    # 5. It is one-passes, one literal, and as many signatures, for nothing else says without
    #    doubt what was signed by whom (CVE-2018-12020).
    packets = outcome.unwrap()
    count = len(packets) // 2
    tags = [packet.tag for packet in packets]
    wanted = [Tag.ONE_PASS_SIGNATURE] * count + [Tag.LITERAL_DATA] + [Tag.SIGNATURE] * count
    if not count or tags != wanted:
        listed = ", ".join(map(str, tags)) or "none"
        return Failure(NotASignedMessage(f"it holds packets of the types {listed}"))
    body = _literal_body(packets[count].body)
    if not is_successful(body):
        return Failure(NotASignedMessage(body.failure()))
    signatures = packets[count + 1 :]
    for place, packet in enumerate(reversed(signatures), 1):
        signature = read_signature(packet.body)
        if not is_successful(signature):
            return Failure(UnsupportedSignature(signature.failure()))
        # 6. Each signature is the one that was announced, and over the literal.
        one_pass = packets[place - 1].body
        if not _announces(one_pass, signature.unwrap(), is_last=place == count):
            return Failure(NotASignedMessage("a signature is not as it was announced"))
        # 7. One over text is over these very bytes: gpg hashes them as they are, sq as text.
        if signature.unwrap().kind == Kind.TEXT and not _has_text_line_ends(body.unwrap()):
            return Failure(NotASignedMessage("it is signed as text, and its lines end otherwise"))
    framed = b"".join(packet.framed for packet in signatures)
    return Success(SignedMessage(body.unwrap(), framed))


def _unpack(untrusted: bytes) -> Result[tuple[Packet, ...], str]:
    """Return a message's packets, out of armor and compression."""
    # 1. It is of a size that signatures have.
    if len(untrusted) > SIGNATURE_BYTES:
        return Failure(f"more than {SIGNATURE_BYTES} bytes")
    # 2. Its armor, if any, is whole, and there is nothing else.
    blocks = dearmor(untrusted)
    if not is_successful(blocks):
        return Failure(blocks.failure())
    if len(blocks.unwrap()) > 1:
        return Failure("several armored blocks")
    # 3. It is packets from end to end, not too many (CVE-2023-46737).
    packets = _split(blocks.unwrap()[0])
    if not is_successful(packets):
        return packets
    # 4. It is compressed as a whole and once, if at all: what unpacks to something compressed is
    #    refused like any other packet that has no business there.
    found = packets.unwrap()
    if len(found) == 1 and found[0].tag == Tag.COMPRESSED_DATA:
        return _decompress(found[0].body).bind(_split)
    return packets


def _split(data: bytes) -> Result[tuple[Packet, ...], str]:
    return split_packets(data, max_packets=_MOST_PACKETS, streamed=_STREAMED)


def _decompress(body: bytes) -> Result[bytes, str]:
    """Undo compression; what is compressed must end where the packet does."""
    if body[:1] == _UNCOMPRESSED:
        return Success(body[1:])
    make = _DECODERS.get(body[0]) if body else None
    if make is None:
        return Failure("it is compressed in no known way, wanted ZIP, ZLIB or BZip2")
    decoder = make()
    try:
        data = decoder.decompress(body[1:], MESSAGE_BYTES + 1)
    except (zlib.error, OSError) as error:
        return Failure(f"its compressed data is broken: {error}")
    if len(data) > MESSAGE_BYTES:
        return Failure(f"it unpacks to more than {MESSAGE_BYTES} bytes")
    if not decoder.eof:
        return Failure("its compressed data is cut off")
    if decoder.unused_data:
        return Failure("something follows its compressed data")
    return Success(data)


def _announces(one_pass: bytes, signature: SignaturePacket, *, is_last: bool) -> bool:
    """Tell whether a one-pass announces a signature, over the literal (section 5.4).

    One that says it is the last, and is not, is of a signature over those behind it.
    """
    key_id = one_pass[4:12]
    wanted = (_ONE_PASS_VERSION, signature.kind, signature.hash_algorithm, signature.key_algorithm)
    key_ids = {issuer[-16:] for issuer in signature.issuers}
    return key_ids == {key_id.hex()} and one_pass == bytes((*wanted, *key_id, is_last))


def _literal_body(literal: bytes) -> Result[bytes, str]:
    """Return what a Literal Data packet's body holds behind format, name and date (section 5.9)."""
    name_bytes = literal[1] if len(literal) > 1 else 0
    start = 2 + name_bytes + 4
    if len(literal) < start or literal[0] not in _FORMATS:
        return Failure("what is signed is neither bytes nor text")
    return Success(literal[start:])


def _has_text_line_ends(body: bytes) -> bool:
    """Tell whether every line ends in CR LF, as text is signed (section 5.2.1.2)."""
    return body.count(b"\r\n") == body.count(b"\n") == body.count(b"\r")
