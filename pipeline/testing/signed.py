"""Signed files and images as made for tests: what was signed, by which keys, what is wrong with it.

The keys are :mod:`.openpgp`'s and :mod:`.sigstore`'s: nothing but a test may trust them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, final

from pipeline.results import ManifestEvidence
from pipeline.testing.fakes import EPOCH
from pipeline.trust import Fingerprint, KeySet

NO_KEYS: Final = KeySet(())
"""Nobody is trusted."""


@final
@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file, a detached OpenPGP signature, and the keys that are trusted.

    ``signers`` are the primary keys that are proven as of ``now``; of a bad one there are none, and
    ``kind`` is that of the error.
    """

    content: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    keys: KeySet
    signers: tuple[Fingerprint, ...] = ()
    kind: str | None = None
    now: datetime = EPOCH


@final
@dataclass(frozen=True, slots=True)
class SignedImage:
    """An OCI image's manifest and one signature, and the key that is trusted.

    Of a simple signature, the key is among ``keys``; of cosign's, it is ``public_key``, as PEM. Of
    a bad one ``kind`` is that of the error that says why it proves nothing.
    """

    evidence: ManifestEvidence
    keys: KeySet = NO_KEYS
    public_key: bytes = b""
    kind: str | None = None
    now: datetime = EPOCH
