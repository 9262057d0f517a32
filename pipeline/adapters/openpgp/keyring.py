"""Key files: ``bytes -> tuple[RawCertificate, ...]``, or a reason.

A certificate is a primary key with user IDs and subkeys, and signatures behind each (RFC 9580
section 10.1). Packets, versions and algorithms that nobody here understands are left out and
never spoil what stands beside them. Nothing is verified here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp.armor import dearmor
from pipeline.adapters.openpgp.mathematics import PublicKey, read_public_key
from pipeline.adapters.openpgp.packets import Packet, Tag, split_packets
from pipeline.limits import KEYRING_BYTES, KEYS_PER_FILE, PACKETS_PER_FILE

_KEPT = frozenset(Tag) - {Tag.MARKER, Tag.TRUST}


@final
@dataclass(slots=True)
class RawCertificate:
    """A certificate's packets, sorted to their places and not checked at all.

    ``parts`` has the signatures by what they stand behind: the primary key (None), a user ID or
    a subkey. The same part in two places, or in two files, is one part.
    """

    primary: PublicKey
    parts: dict[Packet | None, dict[Packet, None]] = field(default_factory=dict)

    def add(self, part: Packet | None, signatures: Iterable[Packet]) -> None:
        """Note a part, once, and signatures behind it."""
        self.parts.setdefault(part, {}).update(dict.fromkeys(signatures))

    def merge(self, other: "RawCertificate") -> None:
        """Add what another copy of the same certificate says."""
        for part, signatures in other.parts.items():
            self.add(part, signatures)

    @property
    def framed(self) -> bytes:
        """The certificate alone, binary, in the order in which it came."""
        packets: list[Packet] = [Packet(Tag.PUBLIC_KEY, self.primary.body)]
        for part, signatures in self.parts.items():
            packets += ([] if part is None else [part]) + list(signatures)
        return b"".join(packet.framed for packet in packets)

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """The primary key and every readable subkey, bound or not."""
        return (self.primary, *(key for _, key in self.subkeys))

    @property
    def subkeys(self) -> tuple[tuple[Packet, PublicKey], ...]:
        """Subkeys that can be read."""
        read = (
            (part, read_public_key(part.body))
            for part in self.parts
            if part is not None and part.tag == Tag.PUBLIC_SUBKEY
        )
        return tuple((part, key.unwrap()) for part, key in read if is_successful(key))


def read_keyring(untrusted: bytes) -> Result[tuple[RawCertificate, ...], str]:
    """Cut a key file, armored or binary, into certificates by primary fingerprint.

    Bounds: :data:`~pipeline.limits.KEYRING_BYTES`, ``PACKETS_PER_FILE``, ``KEYS_PER_FILE``.
    Errors: a sentence that says what was wanted; also for a file with a secret key in it.
    """
    if len(untrusted) > KEYRING_BYTES:
        return Failure(f"more than {KEYRING_BYTES} bytes")
    blocks = dearmor(untrusted)
    if not is_successful(blocks):
        return Failure(blocks.failure())
    outcome = split_packets(b"".join(blocks.unwrap()), max_packets=PACKETS_PER_FILE)
    if not is_successful(outcome):
        return Failure(outcome.failure())
    packets = outcome.unwrap()
    if any(packet.tag in {Tag.SECRET_KEY, Tag.SECRET_SUBKEY} for packet in packets):
        return Failure("it holds a secret key, wanted public keys only")
    # Neither gpg nor sqv takes a file for a keyring that starts with something unheard of.
    if packets and packets[0].tag not in set(Tag):
        return Failure(f"it starts with a packet of type {packets[0].tag}")
    return _sort(packets)


def _sort(packets: tuple[Packet, ...]) -> Result[tuple[RawCertificate, ...], str]:
    found: dict[str, RawCertificate] = {}
    current: RawCertificate | None = None
    part: Packet | None = None
    for packet in packets:
        if packet.tag == Tag.PUBLIC_KEY:
            key = read_public_key(packet.body)
            # What follows a key that cannot be read belongs to it, and goes with it.
            current, part = None, None
            if is_successful(key):
                fresh = RawCertificate(key.unwrap())
                current = found.setdefault(fresh.primary.fingerprint, fresh)
                current.add(None, ())
            if len(found) > KEYS_PER_FILE:
                return Failure(f"more than {KEYS_PER_FILE} keys")
        elif current is None or packet.tag not in _KEPT:
            continue
        elif packet.tag == Tag.SIGNATURE:
            current.add(part, (packet,))
        else:
            part = packet
            current.add(part, ())
    if not found:
        return Failure("it holds no public key of version 4")
    return Success(tuple(found.values()))
