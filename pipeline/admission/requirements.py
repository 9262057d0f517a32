"""What a policy demands, as frozen values: ``policy.json`` once it is read. No I/O, no keys.

    PolicyDocument: (transport, scope) -> Requirements, all of which must hold

Source: containers/image v5.23.1 ``docs/containers-policy.json.5.md``. The names of types are those
of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

MatchType: TypeAlias = Literal["matchExact", "matchRepoDigestOrExact", "matchRepository"]
"""How exactly what was signed must be what was asked for."""


@final
@dataclass(frozen=True, slots=True)
class MatchReference:
    """What was signed is what was asked for; ``type`` says how exactly.

    ``matchExact``: the same tag, or the same digest. ``matchRepoDigestOrExact``: the same tag;
    where a digest was asked for, the same repository. ``matchRepository``: the same repository.
    """

    type: MatchType


@final
@dataclass(frozen=True, slots=True)
class ExactReference:
    """What was signed is ``reference``, normalised, whatever was asked for."""

    reference: str

    type = "exactReference"


@final
@dataclass(frozen=True, slots=True)
class ExactRepository:
    """What was signed is of ``repository``, normalised, whatever was asked for."""

    repository: str

    type = "exactRepository"


@final
@dataclass(frozen=True, slots=True)
class RemapIdentity:
    """As ``matchRepoDigestOrExact``, with ``signed_prefix`` in place of ``prefix``.

    Both are a host, or a host and the first parts of a repository. What is not under ``prefix``
    stays as it is.
    """

    prefix: str
    signed_prefix: str

    type = "remapIdentity"


Identity: TypeAlias = MatchReference | ExactReference | ExactRepository | RemapIdentity
"""Which signed reference speaks for the one that was asked for."""


@final
@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Keys in files, by absolute path, at least one; each of them may have signed."""

    paths: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class KeyData:
    """Keys in the policy itself, at least one; each of them may have signed."""

    contents: tuple[bytes, ...] = field(repr=False)


KeySource: TypeAlias = KeyFiles | KeyData
"""Where the keys of a requirement are."""


@final
@dataclass(frozen=True, slots=True)
class AcceptAnything:
    """Demands nothing."""

    type = "insecureAcceptAnything"


@final
@dataclass(frozen=True, slots=True)
class Reject:
    """Lets nothing pass."""

    type = "reject"


@final
@dataclass(frozen=True, slots=True)
class SignedBy:
    """Demands an OpenPGP simple signature by one of the keys, of that identity."""

    keys: KeySource
    identity: Identity

    type = "signedBy"


@final
@dataclass(frozen=True, slots=True)
class SigstoreSigned:
    """Demands a signature of cosign's kind by one of the public keys, of that identity."""

    keys: KeySource
    identity: Identity

    type = "sigstoreSigned"


Requirement: TypeAlias = AcceptAnything | Reject | SignedBy | SigstoreSigned
"""One demand."""

Requirements: TypeAlias = tuple[Requirement, ...]
"""What one scope demands, at least one: all of it."""


@final
@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy: what is demanded by transport and scope, and by ``default`` of the rest.

    ``path`` is where it was read, for people. The scope ``""`` is all of a transport.
    """

    path: str
    default: Requirements
    scopes: Mapping[tuple[str, str], Requirements]

    @property
    def all_requirements(self) -> Requirements:
        """Every requirement of every scope."""
        return self.default + tuple(each for rule in self.scopes.values() for each in rule)
