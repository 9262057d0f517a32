"""A transport that another thread can stop: a :class:`~pipeline.ports.Transport`, wrapped.

    Request, Sink -> Result[Response, TransportError | StoreError]

The transfer runs in a thread of its own, and whoever asked for it waits for that, or for ``stop``.
Once it is stopped, the sink is touched no more, and the outcome is TransferStopped: at once, also
where a server is silent, a name is being resolved, or a retry is waited for. What the sink holds
stays as it is, so that a later fetch goes on there.

The thread that was left behind ends when its transport next has something for the sink, which
refuses it, or by its request's own time limits. It is a daemon: it keeps no program from ending.

Not here: what needs no transport (reading an archive, a commit) goes on to its end.
"""

import threading
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TypeAlias, final

from returns.result import Failure, Result

from pipeline.errors import StoreError, StoreUnavailable, TransferStopped, TransportError
from pipeline.limits import STOP_CHECK_SECONDS
from pipeline.ports import BodyStart, Request, Response, ResumePoint, Sink, Transport
from pipeline.text import redact_url

_Outcome: TypeAlias = Result[Response, TransportError | StoreError]


@final
@dataclass(slots=True)
class _Gate:
    """A sink until it is closed; from then on it holds nothing and refuses everything."""

    sink: Sink
    shown: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False

    def resume_point(self) -> ResumePoint | None:
        with self.lock:
            return None if self.closed else self.sink.resume_point()

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        with self.lock:
            return self._refusal() if self.closed else self.sink.begin(start)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        with self.lock:
            return self._refusal() if self.closed else self.sink.write(chunk)

    def close(self) -> None:
        """Wait for what is being written, and let nothing more through."""
        with self.lock:
            self.closed = True

    def _refusal(self) -> Result[None, StoreError]:
        return Failure(StoreUnavailable(self.shown, "write", "the transfer was stopped"))


@final
class StoppableTransport:
    """Fetches as ``transport`` does, until ``stop`` is set; nothing is asked for after that.

    Around everything that waits: a :class:`~pipeline.adapters.RetryingTransport` goes within it.
    """

    def __init__(self, transport: Transport, stop: threading.Event) -> None:
        """Wrap ``transport``; several may share what stops them."""
        self._transport = transport
        self._stop = stop

    def fetch(self, request: Request, sink: Sink) -> _Outcome:
        """Ask as the transport does, while nobody stops it. What it raises is raised again here.

        Errors: TransferStopped; what the transport fails with.
        """
        if self._stop.is_set():
            return Failure(TransferStopped(request.url))
        gate = _Gate(sink, redact_url(request.url))
        fetched: Future[_Outcome] = Future()

        def run() -> None:
            try:
                fetched.set_result(self._transport.fetch(request, gate))
            except BaseException as defect:  # noqa: BLE001 - raised again by whoever waits
                fetched.set_exception(defect)

        # In the caller's context, as if it were the same thread.
        threading.Thread(
            target=copy_context().run, args=(run,), name="pipeline-stoppable", daemon=True
        ).start()
        try:
            while not fetched.done():
                if self._stop.is_set():
                    return Failure(TransferStopped(request.url))
                wait((fetched,), STOP_CHECK_SECONDS)
        finally:
            gate.close()
        return fetched.result()
