"""A transport of one's own: pages held in memory, as from a bucket that was read before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline import Freshness, Validators
from pipeline.errors import BodyTooLarge, HttpStatus, StoreError, TransportError
from pipeline.ports import BodyStart, Clock, Request, Response, Sink


@final
@dataclass(frozen=True, slots=True)
class PageTransport:
    """Answers from a table of URLs."""

    pages: Mapping[str, bytes]
    clock: Clock

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Give the page whole, or fail."""
        body = self.pages.get(request.url)
        if body is None or request.method != "GET":
            return Failure(HttpStatus(request.url, 404))
        if len(body) > request.max_bytes:
            return Failure(BodyTooLarge(request.url, request.max_bytes, len(body)))
        begun = sink.begin(BodyStart(request.url, 0, len(body), Validators()))
        if not is_successful(begun):
            return Failure(begun.failure())
        written = sink.write(body)
        if not is_successful(written):
            return Failure(written.failure())
        freshness = Freshness(self.clock.now())
        return Success(Response(request.url, 200, len(body), Validators(), freshness))
