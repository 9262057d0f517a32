"""Opening the store in a bucket: what is set is looked at, and that the service answers.

BucketPath -> Result[BucketStore, StoreError | ConfigurationError]
"""

from functools import partial
from typing import Final
from urllib.parse import urlsplit

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.bucket.failures import attempt
from pipeline.adapters.bucket.founding import check_format
from pipeline.adapters.bucket.quarantine import Rooms
from pipeline.adapters.bucket.store import BucketStore
from pipeline.bucket_path import BucketPath
from pipeline.errors import ConfigurationError, InvalidSetting, StoreError
from pipeline.limits import RETRIES
from pipeline.ports import Clock
from pipeline.text import redact_url

_EXTRA: Final = frozenset({"botocore", "s3transfer"})


def open_bucket(
    path: BucketPath,
    *,
    clock: Clock,
    rooms: Rooms,
    ca_file: str | None = None,
    allow_http: bool = False,
    checks_certificates: bool = True,
    retries: int = RETRIES,
) -> Result[BucketStore, StoreError | ConfigurationError]:
    """Open the store in a bucket, which must exist; the first commit makes the store in it.

    Endpoint, region and credentials are those of the process' environment, as for every program
    that uses Amazon's SDK. ``rooms`` is where bytes lie until they are proven. ``ca_file`` are the
    only authorities that are trusted then; ``retries`` is how often a request is sent again.

    Errors: InvalidSetting where the extra ``s3`` is not installed, or the endpoint is not https;
    StoreUnavailable where the service does not answer, or refuses; StoreTooNew, StoreCorrupt.
    """
    try:
        from pipeline.adapters.bucket.service import S3Objects, ServiceSettings
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in _EXTRA:
            raise
        wanted = "a folder, or S3's client: pip install 'image-pipeline[s3]'"
        return Failure(InvalidSetting("the store", str(path), wanted))
    objects = S3Objects(ServiceSettings(path, ca_file, checks_certificates, retries))
    endpoint = attempt(lambda: objects.endpoint)
    if not is_successful(endpoint):
        return Failure(endpoint.failure())
    if not allow_http and urlsplit(endpoint.unwrap()).scheme != "https":
        got, wanted = redact_url(endpoint.unwrap()), "https, or --insecure-options=http"
        return Failure(InvalidSetting("the endpoint of S3", got, wanted))
    checked = attempt(partial(check_format, objects))
    if not is_successful(checked):
        return Failure(checked.failure())
    return Success(BucketStore(objects, rooms, clock))
