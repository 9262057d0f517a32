"""Bodies on their way from a connection into a sink.

    httpx.Response, BodyStart, Sink -> Result[None, TransportError | StoreError]

Source: RFC 9112 section 6 (where a body ends). What httpx and httpcore raise passes through, and a
:class:`Transfer` tells how far things had come.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, final

import httpcore
import httpx
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.http.failures import ended_early
from pipeline.adapters.http.rates import LeastRate
from pipeline.adapters.http.streams import Stream
from pipeline.errors import (
    BadAnswer,
    BodyTooLarge,
    StoreError,
    TransferTooSlow,
    TransportError,
    TruncatedBody,
)
from pipeline.ports import BodyStart, Clock, Request, Sink

Paced: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""Gives a chunk on in pieces, each when its time has come."""


@final
@dataclass(slots=True)
class Transfer:
    """How far a body has come: what an error wants to know.

    The body begins at ``offset`` of ``total`` bytes, of which ``received`` came in now; ``status``
    is None until an answer has come.
    """

    url: str
    status: int | None = None
    offset: int = 0
    total: int | None = None
    received: int = 0
    ended_early: bool = False

    @property
    def held(self) -> int:
        """How much of the whole there is."""
        return self.offset + self.received


def announced(response: httpx.Response) -> int | None:
    """Return how many bytes the body has by ``Content-Length``, where that is what counts."""
    length = response.headers.get("content-length", "")
    # httpcore's parser has refused one that is not a number; beside a transfer coding it is void
    # (RFC 9112 section 6.3).
    return int(length) if length and "transfer-encoding" not in response.headers else None


def receive(
    response: httpx.Response,
    start: BodyStart,
    transfer: Transfer,
    request: Request,
    sink: Sink,
    clock: Clock,
    paced: Paced,
) -> Result[None, TransportError | StoreError]:
    """Move a body into the sink: all that was announced, and never more than the limit."""
    transfer.offset, transfer.total = start.offset, start.total
    # 1. Too much by the server's own word is not begun.
    if start.total is not None and start.total > request.max_bytes:
        return Failure(BodyTooLarge(transfer.url, request.max_bytes, start.total))
    begun = sink.begin(start)
    if not is_successful(begun):
        return Failure(begun.failure())
    rate = LeastRate(request.least_bytes_per_second)
    waiting_since = clock.monotonic()
    for chunk in _chunks(response, transfer):
        # 2. Nor is it taken because more came than was said.
        if transfer.held > request.max_bytes:
            return Failure(BodyTooLarge(transfer.url, request.max_bytes))
        if transfer.total is not None and transfer.held > transfer.total:
            return Failure(BadAnswer(transfer.url, "more came than was announced"))
        # 3. Not so slowly that it never ends (endless data, slow retrieval).
        too_slow = rate.too_slow(len(chunk), clock.monotonic() - waiting_since)
        if too_slow is not None:
            wanted = request.least_bytes_per_second
            return Failure(TransferTooSlow(transfer.url, too_slow, wanted))
        for piece in paced(chunk):
            written = sink.write(piece)
            if not is_successful(written):
                return Failure(written.failure())
        waiting_since = clock.monotonic()
    # 4. Less than announced is not the body: httpcore sees to it where the length is the answer's
    #    own, but a chunked part's is in its Content-Range alone.
    if transfer.total is not None and transfer.held < transfer.total:
        return Failure(TruncatedBody(transfer.url, transfer.held, transfer.total))
    return Success(None)


def _chunks(response: httpx.Response, transfer: Transfer) -> Iterator[bytes]:
    """Yield the body, and note where the connection ended before it did."""
    try:
        for chunk in raw_chunks(response):
            transfer.received += len(chunk)
            yield chunk
    except httpcore.ReadError as error:
        transfer.ended_early = ended_early(error)
        raise
    except httpcore.RemoteProtocolError:
        stream = stream_of(response)
        transfer.ended_early = stream is not None and stream.ended
        raise


def raw_chunks(response: httpx.Response) -> Iterator[bytes]:
    """Yield a body as it comes, and leave the answer open at its end.

    What httpx has for this gives the connection back with the last chunk: another thread may have
    asked for something over it by the time that somebody looks whether it is clean.
    """
    if isinstance(response.stream, httpx.SyncByteStream):  # it is: nothing here is asynchronous
        yield from response.stream


def stream_of(response: httpx.Response) -> Stream | None:
    """Return the connection that an answer comes over."""
    stream = response.extensions.get("network_stream")
    return stream if isinstance(stream, Stream) else None


def close_unless_clean(response: httpx.Response, transfer: Transfer) -> None:
    """Let the connection be used again only where nothing follows the answer on it."""
    chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
    stream = stream_of(response)
    if stream is not None and not stream.is_between_answers(transfer.received, chunked=chunked):
        stream.close()
