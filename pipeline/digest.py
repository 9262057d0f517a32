"""Digests as checked values: ``algorithm:hex`` and appc's ``algorithm-hex``.

Shape: ``str -> Result[Digest, str]``; the failure is one sentence that says what was wanted.
Sources: OCI image-spec v1.1.0 ``descriptor.md`` "Digests"; appc/spec v0.8.11 ``spec/aci.md``
"Image ID". Nothing here hashes bytes.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from returns.result import Failure, Result, Success

DigestAlgorithm: TypeAlias = Literal["sha256", "sha512"]

HEX_LENGTH: Final[dict[DigestAlgorithm, int]] = {"sha256": 64, "sha512": 128}
"""Hex digits of a whole digest, by algorithm."""

_DIGEST = re.compile(r"(sha256|sha512)[:-]([0-9a-f]+)", re.ASCII)


@final
@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A whole, well-formed digest; safe to build a path or URL from.

    The constructor is for values that are known to be right and raises ``ValueError``
    otherwise; text from outside goes through :func:`parse_digest`.
    """

    algorithm: DigestAlgorithm
    hex: str

    def __post_init__(self) -> None:
        """Refuse to exist in a malformed state."""
        wanted = HEX_LENGTH.get(self.algorithm)
        if wanted is None or re.fullmatch(rf"[0-9a-f]{{{wanted}}}", self.hex) is None:
            raise ValueError(f"not a digest: {self.algorithm!r}, {self.hex!r}")

    def __str__(self) -> str:
        """Return the OCI form, ``algorithm:hex``."""
        return f"{self.algorithm}:{self.hex}"

    @property
    def image_id(self) -> str:
        """The appc form, ``algorithm-hex``, as ``--full`` prints it."""
        return f"{self.algorithm}-{self.hex}"

    @property
    def short_image_id(self) -> str:
        """The appc form with 32 hex digits, as rkt prints it."""
        return f"{self.algorithm}-{self.hex[:32]}"


def parse_digest(untrusted_text: str) -> Result[Digest, str]:
    """Read ``sha256:hex``, ``sha512:hex`` or the appc form with a ``-``.

    Errors: a sentence naming what was wanted.

    >>> str(parse_digest("sha256:" + "0" * 64).unwrap())[:12]
    'sha256:00000'
    >>> parse_digest("sha512:abc").failure()
    'wanted 128 lower-case hex digits after "sha512:", got 3'
    """
    match = _DIGEST.fullmatch(untrusted_text)
    if match is None:
        return Failure('wanted "sha256:" or "sha512:" and lower-case hex digits')
    algorithm: DigestAlgorithm = "sha256" if match[1] == "sha256" else "sha512"
    wanted = HEX_LENGTH[algorithm]
    if len(match[2]) != wanted:
        return Failure(
            f'wanted {wanted} lower-case hex digits after "{algorithm}:", got {len(match[2])}'
        )
    return Success(Digest(algorithm, match[2]))
