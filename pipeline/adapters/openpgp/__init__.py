"""OpenPGP: signatures and public keys (RFC 9580), judged as strictly as gpg and sqv together.

``OpenPGPVerifier`` is a :class:`~pipeline.ports.MessageVerifier`, ``read_keys`` shows what a
key file holds. Everything else is private; from the bytes upwards: ``armor`` and ``packets``
frame, ``signatures`` reads fields, ``mathematics`` has pgpy read the numbers and cryptography
compute; ``keyring`` sorts a key file, ``certificates`` verifies what a key says of itself,
``views`` and ``standing`` judge it; ``signature_file``, ``claims``, ``judgement`` and ``verdict``
do the same for detached signatures, ``review`` for people. ``message`` makes a detached signature
and its payload of a signed message. What is accepted, what not, and why: docs/openpgp-policy.md.

pgpy and cryptography take a tenth of a second to import, so they are loaded at the first use.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from returns.result import Result

from pipeline.errors import VerificationError
from pipeline.trust import (
    KeyInfo,
    KeySet,
    SignaturePlan,
    SignedDigest,
    SignedMessage,
    Signer,
    TrustScope,
)

SHA1_SELF_SIGNATURES: Final = "sha1-self-signatures"
"""The leniency by which SHA-1 is let pass where a key vouches for itself."""

LENIENCIES: Final = frozenset({SHA1_SELF_SIGNATURES})
"""What a verifier can be told to let pass: keys that vouch for themselves with SHA-1 only."""


@final
@dataclass(frozen=True, slots=True)
class OpenPGPVerifier:
    """A :class:`~pipeline.ports.MessageVerifier`; ``leniency`` names are :data:`LENIENCIES`.

    An unknown name raises ``ValueError``. What was let pass is named in
    :attr:`~pipeline.trust.Signer.leniency`, signature by signature.
    """

    leniency: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a name that would change nothing."""
        if not self.leniency <= LENIENCIES:
            raise ValueError(f"not a leniency: {sorted(self.leniency - LENIENCIES)}")

    def plan(
        self, untrusted_signature: bytes, keys: KeySet, scope: TrustScope, now: datetime
    ) -> Result[SignaturePlan, VerificationError]:
        """Read a signature file before the file that it signs, armored or binary."""
        from pipeline.adapters.openpgp.verdict import plan

        return plan(untrusted_signature, keys, scope, now, self.leniency)

    def verify(
        self,
        untrusted_signature: bytes,
        digests: tuple[SignedDigest, ...],
        keys: KeySet,
        scope: TrustScope,
        now: datetime,
    ) -> Result[tuple[Signer, ...], VerificationError]:
        """Judge it: every signature by a known key must be good, and one at least there.

        The signers are distinct primary keys. One that signed twice is named once, by the
        signature that expires first.
        """
        from pipeline.adapters.openpgp.verdict import verify

        return verify(untrusted_signature, digests, keys, scope, now, self.leniency)

    def read_message(self, untrusted_message: bytes) -> Result[SignedMessage, VerificationError]:
        """Take a signed message apart, armored or binary, compressed or not.

        Its payload is judged like a file, by its signature: ``plan``, hash the payload, ``verify``.
        Until then nobody may look into it.
        """
        from pipeline.adapters.openpgp.message import read_message

        return read_message(untrusted_message)


def read_keys(untrusted_keyring: bytes, now: datetime) -> Result[tuple[KeyInfo, ...], str]:
    """Read a key file, armored or binary, with one key or several, for review and storage.

    Each primary key of version 4 is one :class:`~pipeline.trust.KeyInfo`, in the file's order;
    what cannot be understood beside them is left out. ``now`` decides which of the key's
    statements are in force.

    Errors: a sentence that says what was wanted; also for a file with a secret key in it.
    """
    from pipeline.adapters.openpgp.review import review_keys

    return review_keys(untrusted_keyring, now)


__all__ = ["LENIENCIES", "OpenPGPVerifier", "read_keys"]
