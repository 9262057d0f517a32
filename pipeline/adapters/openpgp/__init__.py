"""OpenPGP: detached signatures and public keys (RFC 9580), as strict as gpg and sqv together.

``OpenPGPVerifier`` is a :class:`~pipeline.ports.SignatureVerifier`, ``read_keys`` shows what a
key file holds. Everything else is private. The parts, each on its own feet: ``armor`` and
``packets`` frame, ``signatures`` reads fields, ``mathematics`` has pgpy read the numbers and
cryptography compute, ``certificates`` checks what a key says of itself, ``standing`` judges it.
What is accepted, what not, and why: docs/openpgp-policy.md.

pgpy and cryptography take a tenth of a second to import, so they are loaded at the first use.
"""

from datetime import datetime

from returns.result import Result

from pipeline.trust import KeyInfo


def read_keys(untrusted_keyring: bytes, now: datetime) -> Result[tuple[KeyInfo, ...], str]:
    """Read a key file, armored or binary, with one key or several, for review and storage.

    Each primary key of version 4 is one :class:`~pipeline.trust.KeyInfo`, in the file's order;
    what cannot be understood beside them is left out. ``now`` decides which of the key's
    statements are in force.

    Errors: a sentence that says what was wanted; also for a file with a secret key in it.
    """
    from pipeline.adapters.openpgp.review import review_keys

    return review_keys(untrusted_keyring, now)


__all__ = ["read_keys"]
