"""The ways to prove who asks: a user and password, a token, a key that signs.

    text from a file -> Result[Proof, str];  Proof, Asked, time -> header fields

Sources: RFC 7617 (Basic), RFC 6750 section 2.1 (Bearer), :mod:`.signing` (AWS). Nothing here is
shown by ``repr``, user names included: some services take a token for one.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, final

from returns.result import Failure, Result, Success

from pipeline.adapters.credentials.origins import Asked
from pipeline.adapters.credentials.signing import sign_get
from pipeline.secret import Secret

Headers: TypeAlias = tuple[tuple[str, Secret], ...]
"""Names of header fields and their values."""

# RFC 7617 section 2: neither user nor password may hold control characters, a user no colon.
_USER: Final = re.compile("[^:\x00-\x1f\x7f\ud800-\udfff]+")
_PASSWORD: Final = re.compile("[^\x00-\x1f\x7f\ud800-\udfff]+")
# These two stand in a field as they are: whatever could end or divide it is refused.
_TOKEN: Final = re.compile("[!-~]+")
_KEY_ID: Final = re.compile("[!-+.0-<>-~-]+")
_REGION: Final = re.compile("[A-Za-z0-9_-]{1,64}")


@final
@dataclass(frozen=True, slots=True)
class Basic:
    """A user and password."""

    user: Secret
    password: Secret


@final
@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that whoever bears it may use."""

    token: Secret


@final
@dataclass(frozen=True, slots=True)
class AwsKey:
    """A key that signs each request; it is never sent itself."""

    access_key_id: Secret
    secret_access_key: Secret
    region: str


Proof: TypeAlias = Basic | Bearer | AwsKey
"""What is set for an origin."""


def headers_of(proof: Proof, asked: Asked, now: datetime) -> Headers:
    """Return the header fields by which a GET of ``asked`` at ``now`` proves who asks."""
    match proof:
        case Basic(user, password):
            pair = f"{user.value}:{password.value}".encode()
            return (("Authorization", Secret(f"Basic {b64encode(pair).decode()}")),)
        case Bearer(token):
            return (("Authorization", Secret(f"Bearer {token.value}")),)
        case AwsKey(access_key_id, secret_access_key, region):
            fields = sign_get(
                asked,
                access_key_id=access_key_id.value,
                secret_access_key=secret_access_key.value,
                region=region,
                now=now,
            )
            return tuple((name, Secret(value)) for name, value in fields)


def check_user(text: str) -> Result[Secret, str]:
    """Take a user name. Errors: what was wanted."""
    return _secret(_USER, text, "a user name, not empty, without colons and control characters")


def check_password(text: str) -> Result[Secret, str]:
    """Take a password, or a key that is never sent. Errors: what was wanted."""
    return _secret(_PASSWORD, text, "a secret, not empty, without control characters")


def check_token(text: str) -> Result[Secret, str]:
    """Take a bearer token. Errors: what was wanted."""
    return _secret(_TOKEN, text, "a token, not empty, of visible ASCII characters")


def check_key_id(text: str) -> Result[Secret, str]:
    """Take an access key's ID. Errors: what was wanted."""
    wanted = "a key's ID, not empty, of visible ASCII characters but for / , and ="
    return _secret(_KEY_ID, text, wanted)


def check_region(text: str) -> Result[str, str]:
    """Take the name of a region. Errors: what was wanted."""
    is_region = _REGION.fullmatch(text) is not None
    return Success(text) if is_region else Failure("a region as us-east-1")


def _secret(pattern: re.Pattern[str], text: str, wanted: str) -> Result[Secret, str]:
    return Success(Secret(text)) if pattern.fullmatch(text) else Failure(wanted)
