"""Keys, signers and what was proven, as frozen values. No I/O, no cryptography.

A key is trusted for all names (root) or for the names under a prefix, by the system's keystore
or the user's own ("local"), as in rkt: ``root.d`` and ``prefix.d``.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias, final

from returns.result import Failure, Result, Success

from pipeline.names import ImageName, covers

SignatureHash: TypeAlias = Literal["sha1", "sha224", "sha256", "sha384", "sha512", "ripemd160"]
"""Hash algorithms of OpenPGP signatures that can be computed; not all of them are accepted."""

_FINGERPRINT = re.compile(r"[0-9a-f]{40}", re.ASCII)


@final
@dataclass(frozen=True, slots=True, order=True)
class Fingerprint:
    """A version 4 OpenPGP fingerprint: 40 lower-case hex digits (RFC 9580 section 5.5.4.2).

    The constructor is for values known to be right and raises ``ValueError`` otherwise; text
    from outside goes through :func:`parse_fingerprint`.
    """

    hex: str

    def __post_init__(self) -> None:
        """Refuse to exist in a malformed state."""
        if _FINGERPRINT.fullmatch(self.hex) is None:
            raise ValueError(f"not a fingerprint: {self.hex!r}")

    def __str__(self) -> str:
        """Return the 40 digits."""
        return self.hex

    @property
    def grouped(self) -> str:
        """Upper case in groups of four, as people compare them."""
        upper = self.hex.upper()
        return " ".join(upper[start : start + 4] for start in range(0, 40, 4))


def parse_fingerprint(untrusted_text: str) -> Result[Fingerprint, str]:
    """Read 40 hex digits, with or without spaces and in either case.

    Errors: a sentence naming what was wanted.

    >>> parse_fingerprint("ABCD " * 10).unwrap().hex[:8]
    'abcdabcd'
    >>> parse_fingerprint("abc").failure()
    'wanted a fingerprint of 40 hex digits'
    """
    digits = "".join(untrusted_text.split()).lower().removeprefix("0x")
    if _FINGERPRINT.fullmatch(digits) is None:
        return Failure("wanted a fingerprint of 40 hex digits")
    return Success(Fingerprint(digits))


@final
@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A keystore entry: which file grants trust, in which keystore, for which names.

    ``prefix`` is None for a root key, which speaks for every name. ``content_sha256`` is the
    hex digest of the file, so that a later change of the file is noticed.
    """

    origin: Literal["system", "local"]
    prefix: ImageName | None
    fingerprint: Fingerprint
    path: str
    content_sha256: str


@final
@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A keystore entry and the key file's bytes, which are not parsed yet."""

    entry: KeyEntry
    keyring: bytes


@final
@dataclass(frozen=True, slots=True)
class NamedScope:
    """Keys trusted for one image name: root keys, and keys of prefixes that cover it."""

    name: ImageName


@final
@dataclass(frozen=True, slots=True)
class AnyScope:
    """All trusted keys: for references that carry no name, whose name is checked afterwards."""


TrustScope: TypeAlias = NamedScope | AnyScope
"""For what a keyring is asked."""


@final
@dataclass(frozen=True, slots=True)
class SkippedKey:
    """A keystore file that was reported and left out, and why."""

    path: str
    reason: str


@final
@dataclass(frozen=True, slots=True)
class KeySet:
    """What a keystore holds for a scope: usable keys in load order, and what was skipped.

    A key in ``masked`` counts for nothing, whatever file it lies in.
    """

    keys: tuple[TrustedKey, ...]
    skipped: tuple[SkippedKey, ...] = ()
    masked: frozenset[Fingerprint] = frozenset()


@final
@dataclass(frozen=True, slots=True)
class DigestRequest:
    """What a signature needs hashed: the file, then ``suffix`` (RFC 9580 section 5.2.4).

    ``text`` asks for line ends in canonical form (CR LF) before hashing, for signatures of type
    0x01. The suffix is the signature's own trailer, known before the file is.
    """

    algorithm: SignatureHash
    text: bool
    suffix: bytes


@final
@dataclass(frozen=True, slots=True)
class SignedDigest:
    """A digest request and its answer."""

    request: DigestRequest
    value: bytes


@final
@dataclass(frozen=True, slots=True)
class SignaturePlan:
    """What a signature file needs before it can be judged: digests, in the packets' order.

    ``issuers`` names the keys of the keyring that claim to have signed.
    """

    requests: tuple[DigestRequest, ...]
    issuers: tuple[Fingerprint, ...]


@final
@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, as proven by one signature, and what granted them trust.

    ``expires`` is the moment from which the same signature would be judged expired (the earliest
    of the signature's, the key's and the primary key's), or None for never. ``leniency`` names
    the options without which the signature would have been refused.
    """

    primary: Fingerprint
    signing_key: Fingerprint
    user_ids: tuple[str, ...]
    signed_at: datetime
    hash_algorithm: SignatureHash
    key_algorithm: str
    granted_by: KeyEntry
    expires: datetime | None = None
    leniency: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class SigstoreSigner:
    """Who signed by cosign's scheme, as proven: a bare public key, which has no name.

    ``key_sha256`` is the SHA-256 of its SubjectPublicKeyInfo in DER, as hex digits; ``path`` says
    where the policy has the key from (empty for one that stands in the policy itself).
    """

    key_sha256: str
    algorithm: str
    path: str


AnySigner: TypeAlias = Signer | SigstoreSigner
"""Whoever can be proven to have signed."""


@final
@dataclass(frozen=True, slots=True)
class Decision:
    """Which rule let an image pass: of which policy, for which scope, demanding what.

    ``policy`` is the path of a ``policy.json``, or one of the words ``keystore`` and ``request``.
    """

    policy: str
    scope: str
    requirement: str


BY_KEYSTORE: Final = Decision("keystore", "", "signature")
"""The keystore's own rule: a signature by a key that is trusted for the name."""

BY_REQUEST: Final = Decision("request", "", "none")
"""Somebody asked for it, by name."""


@final
@dataclass(frozen=True, slots=True)
class SignedMessage:
    """An OpenPGP message taken apart: what was signed, and the signatures over exactly that.

    ``unverified_signature`` is as a detached signature file.
    """

    unverified_payload: bytes = field(repr=False)
    unverified_signature: bytes = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class SignerPolicy:
    """How many distinct primary keys must have signed: at least one, whatever is said.

    ``minimum`` is for every image; ``by_prefix`` for names under a prefix. Where several apply,
    the largest counts, so that none of them can be talked down by another.

    >>> policy = SignerPolicy(by_prefix=((ImageName("example.com/app"), 2),))
    >>> policy.demanded(ImageName("example.com/app/sub")), policy.demanded(None)
    (2, 1)
    """

    minimum: int = 1
    by_prefix: tuple[tuple[ImageName, int], ...] = ()

    def demanded(self, name: ImageName | None) -> int:
        """Return the number for an image of that name; None for one that has no name yet."""
        named = (
            count for prefix, count in self.by_prefix if name is not None and covers(prefix, name)
        )
        return max(1, self.minimum, *named)


ONE_SIGNER: Final = SignerPolicy()
"""One signer is enough."""


@final
@dataclass(frozen=True, slots=True)
class SubkeyInfo:
    """A subkey as people review it; ``capabilities`` are ``sign``, ``certify`` and the like."""

    fingerprint: Fingerprint
    algorithm: str
    capabilities: tuple[str, ...]
    created: datetime
    expires: datetime | None
    revoked: bool


@final
@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One key of a key file as people review it before they trust it.

    ``user_ids`` are those that the key itself vouches for. ``algorithm`` has the size or curve,
    as ``RSA 4096``. ``problem`` says why no signature by it would be accepted, where that is so.
    ``certificate`` is the key alone, binary, with all its subkeys: a key file of its own.
    """

    fingerprint: Fingerprint
    user_ids: tuple[str, ...]
    algorithm: str
    capabilities: tuple[str, ...]
    created: datetime
    expires: datetime | None
    revoked: bool
    subkeys: tuple[SubkeyInfo, ...]
    certificate: bytes = field(repr=False)
    problem: str | None = None
