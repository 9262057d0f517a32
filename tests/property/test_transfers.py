"""What holds of every transfer, whatever sequence of faults its server and its network have."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hypothesis import event, given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.adapters.retrying import RetryingTransport
from pipeline.errors import StoreError, TransportError
from pipeline.limits import RETRIES
from pipeline.ports import BodyStart, Request, Response
from pipeline.results import Validators
from pipeline.testing.fakes import EventLog
from tests.support.fault_server import FaultServer
from tests.support.faulty_site import FAULTS, Fault, FaultySite
from tests.support.sinks import ResumableSink

MAX_BYTES = 1 << 20
BREAKS = ("drop", "drop-chunks", "drop-unanswered", "drop-in-head")
"""What breaks off, and leaves the body as it was."""

faults = st.builds(Fault, st.sampled_from(sorted(FAULTS)), st.integers(0, 3000))
breaks = st.builds(Fault, st.sampled_from(BREAKS), st.integers(0, 3000))
bodies = st.binary(min_size=1, max_size=40).map(lambda seed: (seed * 2000)[:2000] + seed)


class SleeplessClock:
    """The system's clock, but that waits pass at once."""

    def __init__(self) -> None:
        self._inner = SystemClock()
        self.now, self.monotonic = self._inner.now, self._inner.monotonic

    def sleep(self, seconds: float) -> None:
        return


@dataclass(slots=True)
class JudgingSink(ResumableSink):
    """Sees to it that a body goes on only after bytes of the very version that is being sent."""

    site: FaultySite | None = None

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        assert self.site is not None
        if start.offset > 0:
            assert self.content[: start.offset] == self.site.body[: start.offset]
            assert start.total == len(self.site.body)
        return ResumableSink.begin(self, start)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        assert self.begun, "written before it was begun"
        return ResumableSink.write(self, chunk)


@contextmanager
def asking(site: FaultySite) -> Iterator[tuple[RetryingTransport, Request]]:
    clock = SleeplessClock()
    with (
        FaultServer(site.answer) as server,
        HttpTransport(HttpSettings(allow_http=True), clock, EventLog()) as transport,
    ):
        request = Request(server.url("/"), MAX_BYTES, 5.0, 20.0)
        yield RetryingTransport(transport, clock, jitter=lambda: 0.0), request


class TestAnyFaults:
    """The outcome is one version of the body, whole, or an error; never bytes of two."""

    @settings(max_examples=150)
    @given(
        body=bodies,
        script=st.lists(faults, max_size=8),
        etag=st.booleans(),
        dated=st.booleans(),
        held=st.none() | st.integers(1, 2000),
    )
    def test_right_bytes_or_an_error(
        self, body: bytes, script: list[Fault], etag: bool, dated: bool, held: int | None
    ) -> None:
        site = FaultySite(body, list(script), etag=etag, dated=dated)
        sink = JudgingSink(site=site)
        if held is not None and etag:
            start = BodyStart("http://earlier/", 0, len(body), Validators('"v1"'))
            sink.content, sink.begun = bytearray(body[:held]), [start]
        with asking(site) as (transport, request):
            outcome = transport.fetch(request, sink)
        event(_sort(outcome))
        if not is_successful(outcome):
            error = outcome.failure()
            assert isinstance(error, TransportError)
            assert error.message
        elif outcome.unwrap().status == 200:
            assert bytes(sink.content) in site.wholes
            assert outcome.unwrap().size == len(sink.content)
        else:
            assert outcome.unwrap().status == 202


class TestBreaks:
    """A transfer that only breaks off ends well, and nothing that is held comes twice."""

    @settings(max_examples=60)
    @given(body=bodies, script=st.lists(breaks, max_size=RETRIES), dated=st.booleans())
    def test_every_byte_once(self, body: bytes, script: list[Fault], dated: bool) -> None:
        site = FaultySite(body, list(script), etag=not dated)
        sink = JudgingSink(site=site)
        with asking(site) as (transport, request):
            response = transport.fetch(request, sink).unwrap()
        assert bytes(sink.content) == body
        assert response.size == len(body)
        # The last byte may be asked for twice: a body that was whole in all but its answer.
        whole = sum(1 for start in sink.begun[1:] if start.offset == len(body) - 1)
        assert sink.written <= len(body) + whole

    @settings(max_examples=40)
    @given(body=bodies, steps=st.lists(st.integers(1, 400), min_size=RETRIES + 2, max_size=12))
    def test_any_number_of_them_where_each_brings_some(self, body: bytes, steps: list[int]) -> None:
        site = FaultySite(body, [Fault("drop", step) for step in steps])
        sink = JudgingSink(site=site)
        with asking(site) as (transport, request):
            transport.fetch(request, sink).unwrap()
        assert bytes(sink.content) == body


def _sort(outcome: Result[Response, TransportError | StoreError]) -> str:
    return "a response" if is_successful(outcome) else outcome.failure().kind
