"""A transport for every URL: files at once, HTTP when it is first needed.

    Request, Sink -> Result[Response, TransportError | StoreError]

A run that asks nobody does not wait until the HTTP stack is imported, nor read credentials.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import ConfigurationError, ConnectionFailed, StoreError, TransportError
from pipeline.ports import Request, Response, Sink, Transport


@final
@dataclass(slots=True)
class SchemeTransport:
    """A transport that goes by the URL's scheme; HTTP is made for the first such URL."""

    files: Transport
    make_http: Callable[[], Result[Transport, ConfigurationError]]
    http: Transport | None = None
    making: Lock = field(default_factory=Lock)

    def prepare(self) -> Result[None, ConfigurationError]:
        """Make HTTP ready, so that whatever is wrong with it is said before anything is asked."""
        with self.making:
            if self.http is None:
                made = self.make_http()
                if not is_successful(made):
                    return Failure(made.failure())
                self.http = made.unwrap()
        return Success(None)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        """Hand the request to the transport for its scheme."""
        # Not by urlsplit, which raises for what is no URL; each transport says that as an error.
        if request.url.partition(":")[0].lower() == "file":
            return self.files.fetch(request, sink)
        ready = self.prepare()
        if self.http is None:
            reason = "" if is_successful(ready) else ready.failure().message
            return Failure(ConnectionFailed(request.url, reason))
        return self.http.fetch(request, sink)
