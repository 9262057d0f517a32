from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from botocore.config import Config
from botocore.response import StreamingBody

class Meta(Protocol):
    endpoint_url: str

class Paginator(Protocol):
    def paginate(self, **arguments: object) -> Iterator[Mapping[str, object]]: ...

class S3Client(Protocol):
    meta: Meta
    def get_object(self, **arguments: object) -> Mapping[str, object]: ...
    def head_object(self, **arguments: object) -> Mapping[str, object]: ...
    def put_object(self, **arguments: object) -> Mapping[str, object]: ...
    def delete_objects(self, **arguments: object) -> Mapping[str, object]: ...
    def get_paginator(self, operation: str) -> Paginator: ...

class Session:
    def __init__(self) -> None: ...
    def create_client(
        self,
        service_name: str,
        *,
        verify: bool | str | None = None,
        config: Config | None = None,
    ) -> S3Client: ...
