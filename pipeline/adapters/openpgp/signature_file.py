"""Detached signature files: ``bytes -> SignatureFile`` (RFC 9580 section 10.4).

Version 4 Signature packets and nothing else, armored or binary; nothing is verified here.
"""

from dataclasses import dataclass
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.armor import dearmor
from pipeline.adapters.openpgp.packets import Tag, split_packets
from pipeline.adapters.openpgp.signatures import SignaturePacket, read_signature
from pipeline.errors import NotASignature, UnsupportedSignature, VerificationError
from pipeline.limits import SIGNATURE_BYTES, SIGNATURE_COUNT


@final
@dataclass(frozen=True, slots=True)
class SignatureFile:
    """The signatures of a file, in order, at least one, and in how many armor blocks."""

    signatures: tuple[SignaturePacket, ...]
    blocks: int


def read_signature_file(untrusted: bytes) -> Result[SignatureFile, VerificationError]:
    """Read a signature file.

    Bounds: :data:`~pipeline.limits.SIGNATURE_BYTES`, ``SIGNATURE_COUNT``.
    Errors: ``NotASignature``; ``UnsupportedSignature`` for other versions and malformed ones.
    """
    # 1. It is of a size that signatures have.
    if len(untrusted) > SIGNATURE_BYTES:
        return Failure(NotASignature(f"more than {SIGNATURE_BYTES} bytes"))
    # 2. Its armor, if any, is whole.
    blocks = dearmor(untrusted)
    if not is_successful(blocks):
        return Failure(NotASignature(blocks.failure()))
    signatures: list[SignaturePacket] = []
    for block in blocks.unwrap():
        # 3. Each block is packets from end to end, not too many (CVE-2023-46737).
        packets = split_packets(block, max_packets=SIGNATURE_COUNT)
        if not is_successful(packets):
            return Failure(NotASignature(packets.failure()))
        for packet in packets.unwrap():
            # A marker is there to be ignored (RFC 9580 section 5.8).
            if packet.tag == Tag.MARKER:
                continue
            # 4. They are Signature packets alone: no message, no key (CVE-2018-12020).
            if packet.tag != Tag.SIGNATURE:
                return Failure(NotASignature(f"it holds a packet of type {packet.tag}"))
            # 5. Each can be read, to the last subpacket.
            outcome = read_signature(packet.body)
            if not is_successful(outcome):
                return Failure(UnsupportedSignature(outcome.failure()))
            signature = outcome.unwrap()
            if signature.malformed is not None:
                return Failure(UnsupportedSignature(signature.malformed))
            signatures.append(signature)
    if not signatures:
        return Failure(NotASignature("it holds no signature"))
    if len(signatures) > SIGNATURE_COUNT:
        return Failure(NotASignature(f"more than {SIGNATURE_COUNT} signatures"))
    return Success(SignatureFile(tuple(signatures), len(blocks.unwrap())))
