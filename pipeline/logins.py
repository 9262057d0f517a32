"""What proves to a registry who asks: nouns, without I/O.

Sources: containers-auth.json(5) of containers-common 0.51 ``FORMAT``; distribution v2.8.2
``docs/spec/auth/token.md`` and ``oauth.md``.
"""

from dataclasses import dataclass
from typing import TypeAlias, final

from pipeline.secret import Secret


@final
@dataclass(frozen=True, slots=True)
class UserPassword:
    """A user's name and password: for Basic (RFC 7617), or for getting a token by it."""

    user: Secret
    password: Secret


@final
@dataclass(frozen=True, slots=True)
class IdentityToken:
    """What gets tokens (OAuth 2.0 calls it a refresh token) and is never shown to a registry."""

    token: Secret


@final
@dataclass(frozen=True, slots=True)
class RegistryToken:
    """A bearer token that a registry takes as it is; nobody gives a newer one."""

    token: Secret


Login: TypeAlias = UserPassword | IdentityToken | RegistryToken
"""One way to prove it."""
