"""Where a store lies in a bucket: ``s3://bucket/prefix``, the prefix optional.

    str -> Result[BucketPath, str]

A bucket's name is as Amazon's rules for general-purpose buckets say, and within a prefix there is
nothing that a service, a shell or a URL could read in two ways.
"""

import re
from dataclasses import dataclass
from typing import Final, final

from returns.result import Failure, Result, Success

SCHEME: Final = "s3://"

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_PREFIX: Final = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*", re.ASCII
)
_PREFIX_CHARACTERS: Final = 512
"""S3's keys have up to 1,024 bytes; what a store adds has less than 400."""


@final
@dataclass(frozen=True, slots=True)
class BucketPath:
    """A bucket, and below which prefix a store lies in it; an empty prefix is the whole bucket."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        """Return it as it is written: ``s3://bucket/prefix``."""
        return f"{SCHEME}{self.bucket}{'/' if self.prefix else ''}{self.prefix}"


def parse_bucket_path(untrusted_text: str) -> Result[BucketPath, str]:
    """Read ``s3://bucket/prefix``; a slash at the end counts for nothing.

    Errors: a sentence that says what was wanted.

    >>> parse_bucket_path("s3://images/nightly/")
    <Success: s3://images/nightly>
    >>> parse_bucket_path("s3://Images").failure()
    'wanted the name of a bucket: 3 to 63 lower-case letters, digits, dots and dashes'
    """
    if not untrusted_text.startswith(SCHEME):
        return Failure("wanted s3://bucket or s3://bucket/prefix")
    bucket, _, prefix = untrusted_text.removeprefix(SCHEME).partition("/")
    if _BUCKET.fullmatch(bucket) is None or ".." in bucket:
        return Failure(
            "wanted the name of a bucket: 3 to 63 lower-case letters, digits, dots and dashes"
        )
    prefix = prefix.removesuffix("/")
    if not prefix:
        return Success(BucketPath(bucket))
    if len(prefix) > _PREFIX_CHARACTERS or _PREFIX.fullmatch(prefix) is None:
        return Failure(
            f"wanted a prefix of up to {_PREFIX_CHARACTERS} letters, digits, dots, dashes, "
            "underscores and slashes; no part of it may be empty, or begin with a dot or dash"
        )
    return Success(BucketPath(bucket, prefix))
