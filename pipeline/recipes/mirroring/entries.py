"""What a list of images asks for, an entry an image: values alone, no parsing.

An entry says what is wanted and what must hold of it beyond what the run demands of all.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from pipeline.oci import OciPlatform
from pipeline.recipes.settings import PullPolicy

WantedPlatform: TypeAlias = OciPlatform | Literal["all"] | None
"""Which of a registry's images: one, every one, or None for the one that the run is for."""


@final
@dataclass(frozen=True, slots=True)
class MirrorEntry:
    """One image, or one of a registry's indexes, of a list.

    ``reference`` is a text as ``fetch`` takes it, not parsed yet. ``pull_policy`` is None where the
    run's counts. ``signers`` distinct keys must have signed; 1 demands no more than the run does.
    Each of ``signed_by`` must be among the keys that are proven to have, spelt as ``fetch --json``
    spells them, in lower case: the fingerprint, 40 hex digits, or a bare key's SHA-256, 64.
    ``place`` says where in the list it stands, for people: ``line 3``, ``images[2]``.
    """

    reference: str
    platform: WantedPlatform = None
    pull_policy: PullPolicy | None = None
    signers: int = 1
    signed_by: tuple[str, ...] = ()
    place: str = ""
