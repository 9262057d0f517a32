"""Objects of a service that speaks S3: the only place that knows botocore and s3transfer.

    ServiceSettings -> S3Objects

Endpoint, region and credentials come from where all of Amazon's SDKs look: the variables
``AWS_ENDPOINT_URL_S3``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID`` and so on, ``~/.aws``, the machine's
role. Redirects to other hosts are not followed. What goes up carries its SHA-256, which the
service compares.
"""

import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final, final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody
from botocore.session import Session
from s3transfer.manager import TransferConfig, TransferManager

from pipeline.adapters.bucket import answers
from pipeline.adapters.bucket.failures import Refused
from pipeline.adapters.bucket.objects import ABSENT, Found
from pipeline.adapters.bucket.ranges import RangeReader
from pipeline.bucket_path import BucketPath
from pipeline.digest import Digest
from pipeline.errors import StoreCorrupt, StoreError, StoreUnavailable
from pipeline.limits import (
    BUCKET_IDLE_SECONDS,
    BUCKET_PART_BYTES,
    BUCKET_PARTS_AT_ONCE,
    BUCKET_REQUESTS_AT_ONCE,
    CONNECT_SECONDS,
    RETRIES,
    USER_AGENT,
)

if TYPE_CHECKING:
    from botocore.session import S3Client

_DELETED_AT_ONCE: Final = 1_000
"""Most keys of one DeleteObjects."""

_CONNECTIONS: Final = 4 * BUCKET_REQUESTS_AT_ONCE
"""Kept by one process: several threads commit at once."""


@final
@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Which store of which service, and how to ask; without credentials, so it may be pickled.

    ``ca_file`` are the only authorities that are trusted then. ``retries`` is how often a request
    that fails for a passing reason is sent again.
    """

    path: BucketPath
    ca_file: str | None = None
    checks_certificates: bool = True
    retries: int = RETRIES


@final
@dataclass(frozen=True, slots=True)
class S3Objects:
    """The :class:`~.objects.Objects` below a prefix of a bucket."""

    settings: ServiceSettings

    @property
    def name(self) -> str:
        """What the place is called, for people."""
        return str(self.settings.path)

    @property
    def endpoint(self) -> str:
        """Which URL is asked. Refuses settings that name none."""
        with self._refusing("open"):
            return self._client().meta.endpoint_url

    def get(self, key: str, max_bytes: int) -> Found | None:
        """Return a small object whole; None where there is none."""
        with self._refusing("read"):
            answer = self._if_there(self._client().get_object, key)
            if answer is None:
                return None
            content = _body_of(answer).read(max_bytes + 1)
            version = str(answer["ETag"])
        if len(content) > max_bytes:
            reason = f"wanted at most {max_bytes} bytes"
            raise Refused(StoreCorrupt(f"{self.name}/{key}", reason))
        return Found(content, version)

    def put(self, key: str, content: bytes, only_over: str | None = None) -> bool:
        """Write a small object; False where ``only_over`` does not hold."""
        conditions = (
            {}
            if only_over is None
            else {"IfNoneMatch": ABSENT}
            if only_over == ABSENT
            else {"IfMatch": only_over}
        )
        with self._refusing("write"):
            try:
                self._put(key, content, hashlib.sha256(content).digest(), conditions)
            except ClientError as raised:
                if answers.code_of(raised) in answers.NOT_MET or (
                    conditions and answers.is_absent(raised)
                ):
                    return False
                raise
        return True

    def upload(self, key: str, file: BinaryIO, size: int, digest: Digest) -> None:
        """Write a blob, in parts where it is large."""
        with self._refusing("write"):
            if size <= BUCKET_PART_BYTES:
                content = file.read(size)
                known = digest.algorithm == "sha256"
                sha256 = bytes.fromhex(digest.hex) if known else hashlib.sha256(content).digest()
                self._put(key, content, sha256, {})
                return
            checked = {"ChecksumAlgorithm": "SHA256"}
            transfers, path = _transfers(self.settings, os.getpid()), self.settings.path
            transfers.upload(file, path.bucket, self._key(key), checked).result()
        # Each part was compared; that they are all there, is not.
        got = self.size_of(key)
        if got != size:
            reason = f"the service has {got} bytes of it now, wanted {size}"
            raise Refused(StoreUnavailable(f"{self.name}/{key}", "write", reason))

    def size_of(self, key: str) -> int | None:
        """Return an object's size in bytes; None where there is none."""
        with self._refusing("read"):
            answer = self._if_there(self._client().head_object, key)
            return None if answer is None else _size_in(answer)

    def open(self, key: str) -> BinaryIO | None:
        """Open an object for reading; None where there is none."""
        with self._refusing("read"):
            answer = self._if_there(self._client().head_object, key)
            if answer is None:
                return None
            version, size = str(answer["ETag"]), _size_in(answer)

        def ask(first: int) -> StreamingBody:
            wanted = {"Range": f"bytes={first}-", "IfMatch": version}
            return _body_of(self._client().get_object(**self._named(key), **wanted))

        return RangeReader(ask, size, self.settings.retries)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys that begin with ``prefix``, in order, those behind ``after`` alone."""
        wanted: dict[str, object] = {"Prefix": self._key(prefix)}
        if after:
            wanted["StartAfter"] = self._key(after)
        with self._refusing("list"):
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.settings.path.bucket, **wanted):
                listed = page.get("Contents", ())
                for each in listed if isinstance(listed, list) else ():
                    yield str(each["Key"])[len(self._key("")) :]

    def delete(self, keys: tuple[str, ...]) -> None:
        """Delete objects; what is not there is none the worse."""
        for first in range(0, len(keys), _DELETED_AT_ONCE):
            names = [{"Key": self._key(key)} for key in keys[first : first + _DELETED_AT_ONCE]]
            with self._refusing("delete"):
                answer = self._client().delete_objects(
                    Bucket=self.settings.path.bucket, Delete={"Objects": names, "Quiet": True}
                )
            if answer.get("Errors"):
                reason = "the service keeps some of what was to be deleted"
                raise Refused(StoreUnavailable(self.name, "delete", reason))

    def _put(self, key: str, content: bytes, sha256: bytes, conditions: Mapping[str, str]) -> None:
        checked = {"Body": content, "ChecksumSHA256": base64.b64encode(sha256).decode("ascii")}
        self._client().put_object(**self._named(key), **checked, **conditions)

    def _if_there(
        self, ask: Callable[..., Mapping[str, object]], key: str
    ) -> Mapping[str, object] | None:
        try:
            return ask(**self._named(key))
        except ClientError as raised:
            if answers.is_absent(raised):
                return None
            raise

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self.settings.path.bucket, "Key": self._key(key)}

    def _key(self, key: str) -> str:
        prefix = self.settings.path.prefix
        return f"{prefix}/{key}" if prefix else key

    def _client(self) -> "S3Client":
        # A connection that a fork took along would be two processes' at once.
        return _client(self.settings, os.getpid())

    @contextmanager
    def _refusing(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError, KeyError, TypeError, ValueError) as raised:
            # Settings that make no URL are a ValueError, an answer that lacks what S3 says a
            # KeyError or TypeError. The exception goes no further: its text may hold secrets.
            error: StoreError = answers.error_of(raised, self.name, doing)
        else:
            return
        raise Refused(error)


@lru_cache(maxsize=8)
def _client(settings: ServiceSettings, _process: int) -> "S3Client":
    return Session().create_client(
        "s3",
        verify=settings.ca_file if settings.checks_certificates else False,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=BUCKET_IDLE_SECONDS,
            max_pool_connections=_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": settings.retries + 1},
            user_agent_extra=USER_AGENT,
            # What is not asked for, not every service has: checksums of other kinds.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@lru_cache(maxsize=8)
def _transfers(settings: ServiceSettings, process: int) -> TransferManager:
    """One for all threads, so that however many upload, no more parts are in memory."""
    return TransferManager(
        _client(settings, process),
        TransferConfig(
            multipart_threshold=BUCKET_PART_BYTES,
            multipart_chunksize=BUCKET_PART_BYTES,
            max_request_concurrency=BUCKET_PARTS_AT_ONCE,
            max_in_memory_upload_chunks=BUCKET_PARTS_AT_ONCE,
        ),
    )


def _body_of(answer: Mapping[str, object]) -> StreamingBody:
    body = answer["Body"]
    if not isinstance(body, StreamingBody):
        raise TypeError("wanted a body that streams")
    return body


def _size_in(answer: Mapping[str, object]) -> int:
    size = answer["ContentLength"]
    if not isinstance(size, int):
        raise TypeError("wanted a size")
    return size
