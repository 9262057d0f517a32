"""Which rule decides on an image, as values for whoever shows it. Nothing is judged."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class ExplainedRequirement:
    """One demand: its type, where its keys are, and which identity must have been signed.

    ``keys`` are paths, or the word ``keyData`` for keys that the policy itself holds; of the
    keystore, which files grant the trust. ``signed_identity`` is the type, and ``signed_reference``
    what a signature must name: a whole reference, or a repository; empty where nothing would do.
    """

    type: str
    keys: tuple[str, ...] = ()
    signed_identity: str = ""
    signed_reference: str = ""


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """Which policy decides on a reference, by which scope, demanding what: all of it.

    ``policy`` and ``scope`` are as in :class:`~pipeline.trust.Decision`. ``signers`` is how many
    distinct keys must have signed; 0 where no signature is demanded. ``looks_for`` says which
    kinds of signatures are asked for: ``simple``, ``sigstore``.
    """

    reference: str
    policy: str
    scope: str
    requirements: tuple[ExplainedRequirement, ...]
    signers: int
    looks_for: tuple[str, ...]
