from collections.abc import Mapping
from typing import BinaryIO

from botocore.session import S3Client

class TransferConfig:
    def __init__(
        self,
        *,
        multipart_threshold: int = ...,
        multipart_chunksize: int = ...,
        max_request_concurrency: int = ...,
        max_in_memory_upload_chunks: int = ...,
    ) -> None: ...

class TransferFuture:
    def result(self) -> None: ...

class TransferManager:
    def __init__(self, client: S3Client, config: TransferConfig | None = None) -> None: ...
    def upload(
        self,
        fileobj: BinaryIO,
        bucket: str,
        key: str,
        extra_args: Mapping[str, object] | None = None,
    ) -> TransferFuture: ...
