"""Requests for S3 and what speaks like it, signed with AWS Signature Version 4.

    AwsKey's parts, Asked, time -> header fields

Source: Amazon S3 API Reference 2006-03-01, "Authenticating Requests: Using the Authorization
Header (AWS Signature Version 4)"; a GET, whose body is empty, in one chunk.

S3's path is encoded once, not twice as for other services, and never shortened: ``a//b`` is a key.
A server takes the path's bytes as it understands them and encodes them anew before it compares;
so does this, which makes the signature independent of how the URL spells its path. A ``+`` stands
for itself in the path and for a blank in the query.

Not here: temporary keys with a session token, signatures in the query, other services.
"""

import hmac
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from returns.result import Failure, Result, Success

from pipeline.adapters.credentials.origins import Asked

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SIGNED_FIELDS: Final = "host;x-amz-content-sha256;x-amz-date"
_EMPTY_BODY: Final = sha256(b"").hexdigest()

# General reference, "Amazon S3 endpoints and quotas": today's names, and older ones with a dash.
_REGIONAL: Final = re.compile(
    r"(?:.+\.)?s3(?:-fips)?(?:\.dualstack)?[.-]([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)"
    r"\.amazonaws\.(?:com|com\.cn|eu)"
)
_GLOBAL: Final = re.compile(r"(?:.+\.)?s3(?:-external-1)?\.amazonaws\.com")


def region_of(host: str) -> Result[str, str]:
    """Return the region that one of Amazon's own host names tells, in lower case.

    Errors: what was wanted, for every other host.

    >>> region_of("bucket.s3.eu-west-1.amazonaws.com").unwrap()
    'eu-west-1'
    """
    if _GLOBAL.fullmatch(host) is not None:
        return Success("us-east-1")
    matched = _REGIONAL.fullmatch(host)
    if matched is None:
        return Failure(f"the region, which {host} does not tell")
    return Success(matched[1])


def sign_get(
    asked: Asked, *, access_key_id: str, secret_access_key: str, region: str, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Return the header fields that prove who asks, for about a quarter of an hour from ``now``."""
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, scope, _digest(canonical_request(asked, moment))))
    key = f"AWS4{secret_access_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, to_sign).hex()
    proof = f"Credential={access_key_id}/{scope}, SignedHeaders={_SIGNED_FIELDS}"
    return (
        ("Authorization", f"{_ALGORITHM} {proof}, Signature={signature}"),
        ("x-amz-content-sha256", _EMPTY_BODY),
        ("x-amz-date", moment),
    )


def canonical_request(asked: Asked, moment: str) -> str:
    """Return what is signed; ``moment`` is the time as ``20130524T000000Z``."""
    return "\n".join(
        (
            "GET",
            quote(unquote_to_bytes(asked.path or "/"), safe="/~"),
            _canonical_query(asked.query),
            f"host:{asked.authority}",
            f"x-amz-content-sha256:{_EMPTY_BODY}",
            f"x-amz-date:{moment}",
            "",
            _SIGNED_FIELDS,
            _EMPTY_BODY,
        )
    )


def _canonical_query(query: str) -> str:
    """Return each parameter as ``name=value``, both encoded anew, in order of their encodings."""
    pairs = (pair.partition("=") for pair in query.replace("+", " ").split("&") if pair)
    encoded = sorted((_encode(name), _encode(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encode(text: str) -> str:
    return quote(unquote_to_bytes(text), safe="~")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
