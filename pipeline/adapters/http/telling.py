"""One HTTP request, told: when it is sent, and how it was answered.

Request, Transfer -> RequestStarted, then RequestEnded
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from pipeline.adapters.http.bodies import Transfer
from pipeline.adapters.http.urls import Target
from pipeline.events import ABORTED, Observer, RequestEnded, RequestStarted, tell
from pipeline.ports import Clock, Request
from pipeline.spans import new_span
from pipeline.text import printable, redact_url

Note: TypeAlias = Callable[[str | None, str | None], None]
"""Takes how a request ended: the error's kind, and where the answer leads; None for neither."""


@contextmanager
def telling(
    observer: Observer,
    clock: Clock,
    target: Target,
    request: Request,
    transfer: Transfer,
    *,
    redirects: int,
    resumed_at: int,
) -> Iterator[Note]:
    """Tell of a request for as long as the ``with`` block lasts; what is not noted was aborted."""
    error_kind: str | None = ABORTED
    redirected_to: str | None = None

    def note(kind: str | None, location: str | None) -> None:
        nonlocal error_kind, redirected_to
        error_kind = kind
        redirected_to = None if location is None else redact_url(location)

    method, url, began = request.method, redact_url(target.url), clock.monotonic()
    with new_span() as span:
        place = (span.number, span.within)
        how_often = (request.attempt, redirects, resumed_at)
        asked = (method, url, printable(target.host), target.port)
        tell(observer, RequestStarted(*asked, *how_often, *place))
        try:
            yield note
        finally:
            seconds = clock.monotonic() - began
            how = (transfer.status, transfer.received, seconds, error_kind, redirected_to)
            tell(observer, RequestEnded(method, url, *how, *place))
