"""Where botocore's exceptions become errors of the store.

Their texts are never shown: some hold URLs, and those may hold what nobody else should read. What
is shown is what a service's code means, and the code where it is one word.
"""

import re
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import (
    ConnectionError as ServiceConnectionError,
)

from pipeline.errors import DiskFull, StoreError, StoreUnavailable

_WORD: Final = re.compile(r"[A-Za-z0-9.]{1,64}", re.ASCII)

_MEANINGS: Final = {
    "AccessDenied": "the service refuses access",
    "AllAccessDisabled": "the service refuses access",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_REGION",
    "BadDigest": "the bytes changed on the way",
    "ExpiredToken": "the credentials have expired",
    "IllegalLocationConstraintException": "the bucket is in another region: set AWS_REGION",
    "InvalidAccessKeyId": "the service does not know the access key",
    "InvalidToken": "the service does not take the session token",
    "NoSuchBucket": "there is no such bucket",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "SignatureDoesNotMatch": "the secret key is not the access key's, or the region is wrong",
    "SlowDown": "the service asks for fewer requests",
    "TemporaryRedirect": "the bucket is in another region: set AWS_REGION",
}
_STATUSES: Final = {
    301: "the bucket is in another region: set AWS_REGION",
    307: "the bucket is in another region: set AWS_REGION",
    403: "the service refuses access",
    429: "the service asks for fewer requests",
    503: "the service asks for fewer requests",
}
_FULL: Final = frozenset({"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"})
_RAISED: Final[tuple[tuple[type[BotoCoreError], str], ...]] = (
    (NoCredentialsError, "no credentials are set: AWS_ACCESS_KEY_ID, AWS_PROFILE or the like"),
    (PartialCredentialsError, "half of the credentials is set, wanted key and secret"),
    (CredentialRetrievalError, "the credentials could not be had"),
    (ProfileNotFound, "there is no profile as AWS_PROFILE names it"),
    (SSLError, "the service's certificate is not to be trusted: see --ca-file"),
    (ConnectTimeoutError, "the service did not answer in time"),
    (ReadTimeoutError, "the service did not answer in time"),
    (ServiceConnectionError, "the connection failed"),
    (HTTPClientError, "the connection failed"),
    (IncompleteReadError, "the connection failed"),
)
NOT_MET: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
"""A condition did not hold, or another write was under way: what is there is looked at again."""

_ABSENT: Final = frozenset({"NoSuchKey", "404"})


def error_of(raised: Exception, where: str, doing: str) -> StoreError:
    """Return what an exception means for the store ``where``."""
    if isinstance(raised, ClientError):
        code = code_of(raised)
        if code in _FULL or _status_of(raised) == 507:
            return DiskFull(where)
        meaning = _MEANINGS.get(code) or _STATUSES.get(_status_of(raised), "the service fails")
        shown = f" ({code})" if _WORD.fullmatch(code) else ""
        return StoreUnavailable(where, doing, f"{meaning}{shown}")
    reasons = (reason for kind, reason in _RAISED if isinstance(raised, kind))
    return StoreUnavailable(
        where, doing, next(reasons, "the service, as it is set, cannot be used")
    )


def is_absent(raised: Exception) -> bool:
    """Tell whether an object is not there; of a bucket that is not, a HEAD cannot tell."""
    return code_of(raised) in _ABSENT


def code_of(raised: Exception) -> str:
    """Return the code of a service's error; empty for another exception."""
    if not isinstance(raised, ClientError):
        return ""
    return str(raised.response.get("Error", {}).get("Code", ""))


def _status_of(raised: ClientError) -> int:
    status = raised.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status if isinstance(status, int) else 0
