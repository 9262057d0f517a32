"""Small bodies in memory: discovery pages, signatures, keys.

    Transport, Request -> Result[Document, TransportError]

The request's ``max_bytes`` bounds the memory. Images never come this way.
"""

from dataclasses import dataclass, field
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ConnectionFailed, StoreError, TransportError
from pipeline.ports import BodyStart, Request, Response, ResumePoint, Transport


@final
@dataclass(frozen=True, slots=True)
class Document:
    """An answer and its body; the body is empty where the status is not 200."""

    response: Response
    untrusted_body: bytes = field(repr=False)


@final
@dataclass(slots=True)
class _Buffer:
    content: bytearray = field(default_factory=bytearray)

    def resume_point(self) -> ResumePoint | None:
        return None

    def begin(self, start: BodyStart) -> Result[None, StoreError]:  # noqa: ARG002 - always from 0
        self.content.clear()
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        self.content += chunk
        return Success(None)


def fetch_document(transport: Transport, request: Request) -> Result[Document, TransportError]:
    """Fetch ``request.url`` into memory, at most ``request.max_bytes`` of it.

    Errors: what the transport fails with.
    """
    buffer = _Buffer()
    outcome = transport.fetch(request, buffer)
    if is_successful(outcome):
        return Success(Document(outcome.unwrap(), bytes(buffer.content)))
    error = outcome.failure()
    if isinstance(error, TransportError):
        return Failure(error)
    # The buffer never fails: a store error can only be the transport's own trouble.
    return Failure(ConnectionFailed(request.url, error.message))
