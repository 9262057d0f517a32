"""Two ways to look at what a key says of itself: as gpg does now, and as sqv did then.

gpg judges a key as it stands now; sqv as it stood when the signature was made, and with stricter
hashes. They also choose differently between several statements (docs/openpgp-policy.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, final

from pipeline.adapters.openpgp.signatures import HASHES, SignaturePacket, Statement

STRONG_HASHES = frozenset({8, 9, 10, 11})
"""The SHA-2 family: what a signature over a file must use, and by default one over a key."""

KNOWN_HASHES = frozenset(HASHES)
"""With SHA-1, as gpg takes it in signatures over keys."""


@final
@dataclass(frozen=True, slots=True)
class View:
    """Whose eyes judge a key, and when: ``at`` is in seconds since 1970.

    ``hashes`` are those that the key's signatures on itself may use.
    """

    like: Literal["gpg", "sqv"]
    at: int
    hashes: frozenset[int]

    def read(self, signature: SignaturePacket) -> Statement:
        """Read what a signature says."""
        return signature.first if self.like == "gpg" else signature.last

    def newest(
        self, signatures: Iterable[SignaturePacket], *, even_expired: bool = False
    ) -> SignaturePacket | None:
        """Return the signature in force: the newest that has not expired.

        sqv looks only at what had been made by then; gpg at all that there is now, except what
        is marked as not to be exported. Of two made in one second gpg takes the later in the
        file, sqv the one with the smaller numbers.
        """
        seen = [one for one in signatures if self.sees(one)]
        if self.like == "sqv":
            seen.sort(key=lambda one: one.mathematics[2:], reverse=True)
        in_force = [one for one in seen if even_expired or not self.is_over(self.read(one).expires)]
        return max(reversed(in_force), key=lambda one: self.read(one).created or 0, default=None)

    def sees(self, signature: SignaturePacket) -> bool:
        """Tell whether a signature counts at all."""
        if signature.hash_algorithm not in self.hashes:
            return False
        if self.like == "gpg":
            return not signature.is_local
        return (self.read(signature).created or 0) <= self.at

    def says(self, signatures: Iterable[SignaturePacket]) -> Statement | None:
        """Return what the signature in force says, None where there is none."""
        newest = self.newest(signatures)
        return None if newest is None else self.read(newest)

    def is_over(self, expires: int | None) -> bool:
        """Tell whether that moment has come."""
        return expires is not None and expires <= self.at


def view_of_now(at: int) -> View:
    """Return gpg's view."""
    return View("gpg", at, KNOWN_HASHES)


def view_of_then(at: int, *, sha1: bool = False) -> View:
    """Return sqv's view, with SHA-1 let pass or not."""
    return View("sqv", at, KNOWN_HASHES if sha1 else STRONG_HASHES)
