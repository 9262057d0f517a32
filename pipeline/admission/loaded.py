"""A policy and the keys that it names, read: all that a judgement needs. No I/O.

Keys in files are read by :mod:`pipeline.adapters.policies`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from pipeline.admission.requirements import KeySource, PolicyDocument
from pipeline.trust import KeySet


@final
@dataclass(frozen=True, slots=True)
class PublicKey:
    """A PEM public key; ``path`` is where it was read, empty for one of the policy itself."""

    path: str
    pem: bytes = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy, and the keys of each of its requirements by where they are.

    ``keyrings`` has every source of a ``signedBy``, ``public_keys`` of a ``sigstoreSigned``.
    """

    document: PolicyDocument
    keyrings: Mapping[KeySource, KeySet]
    public_keys: Mapping[KeySource, tuple[PublicKey, ...]]
