"""What is asked again, after which waits, and when it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.retrying import RetryingTransport, is_passing
from pipeline.errors import (
    BadAnswer,
    BodyTooLarge,
    ConnectionFailed,
    DeadlineExceeded,
    DiskFull,
    FileUnreadable,
    HttpStatus,
    InsecureUrl,
    InvalidUrl,
    PeerRefused,
    RetriesExhausted,
    StoreError,
    TlsFailed,
    TooManyRedirects,
    TransferTooSlow,
    TransportError,
    TruncatedBody,
)
from pipeline.events import TransferRetried
from pipeline.limits import RETRIES, RETRY_LONGEST_SECONDS, RETRY_SECONDS
from pipeline.ports import BodyStart, Request, Response, Sink
from pipeline.results import Freshness, Validators
from pipeline.testing.fakes import EPOCH, EventLog, FixedClock
from tests.support.sinks import ResumableSink

URL = "https://user@files.example/a.aci?token=s3cret"
REFUSED = ConnectionFailed(URL, "refused")
BODY = bytes(100)


@dataclass(slots=True)
class ScriptedTransport:
    """Fails as the script says, each time after so many bytes more; then succeeds."""

    script: list[tuple[int, TransportError | StoreError | BaseException]]
    clock: FixedClock
    takes: float = 0.0
    starts_over: bool = False
    asked: list[tuple[float, float]] = field(default_factory=list)

    def fetch(self, request: Request, sink: Sink) -> Result[Response, TransportError | StoreError]:
        self.asked.append((self.clock.monotonic(), request.total_seconds))
        self.clock.advance(self.takes)
        point = sink.resume_point()
        held = 0 if point is None or self.starts_over else point.offset
        count, error = self.script.pop(0) if self.script else (len(BODY) - held, None)
        if count:
            sink.begin(BodyStart(URL, held, len(BODY), Validators('"v"'))).unwrap()
            sink.write(BODY[held : held + count]).unwrap()
        if isinstance(error, BaseException):
            raise error
        if error is not None:
            return Failure(error)
        return Success(Response(URL, 200, len(BODY), Validators(), Freshness(EPOCH)))


@dataclass(slots=True)
class World:
    clock: FixedClock = field(default_factory=FixedClock)
    log: EventLog = field(default_factory=EventLog)
    sink: ResumableSink = field(default_factory=ResumableSink)
    transport: ScriptedTransport = field(init=False)

    def run(
        self,
        *script: TransportError | StoreError | BaseException | tuple[int, TransportError],
        retries: int = RETRIES,
        jitter: Callable[[], float] = lambda: 1.0,
        total: float = 10_000.0,
        takes: float = 0.0,
        starts_over: bool = False,
    ) -> Result[Response, TransportError | StoreError]:
        entries = [each if isinstance(each, tuple) else (0, each) for each in script]
        self.transport = ScriptedTransport(entries, self.clock, takes, starts_over)
        retrying = RetryingTransport(
            self.transport, self.clock, self.log, retries=retries, jitter=jitter
        )
        return retrying.fetch(Request(URL, 1000, 1.0, total), self.sink)

    @property
    def waits(self) -> list[float]:
        return [each.wait_seconds for each in self.log.events if isinstance(each, TransferRetried)]


PASSING: list[TransportError] = [
    REFUSED,
    TruncatedBody(URL, 1, 2),
    TransferTooSlow(URL, 1.0, 2),
    DeadlineExceeded(URL, 1, "idle"),
    DeadlineExceeded(URL, 1, "connect"),
    *(HttpStatus(URL, status) for status in (408, 425, 429, 500, 502, 503, 504, 507, 520, 599)),
]
LASTING: list[TransportError | StoreError] = [
    DeadlineExceeded(URL, 1, "total"),
    BadAnswer(URL, "not HTTP"),
    TlsFailed(URL, "expired"),
    InsecureUrl(URL),
    InvalidUrl(URL, "no"),
    PeerRefused(URL, "127.0.0.1"),
    TooManyRedirects(URL, 10),
    BodyTooLarge(URL, 1),
    FileUnreadable("/a", "no"),
    DiskFull("/full"),
    *(HttpStatus(URL, status) for status in (204, 206, 304, 400, 401, 403, 404, 410, 416, 451)),
    *(HttpStatus(URL, status) for status in (501, 505, 511, 600)),
]


class TestWhatIsAskedAgain:
    @pytest.mark.parametrize("error", PASSING, ids=str)
    def test_what_may_pass(self, error: TransportError) -> None:
        world = World()
        assert is_passing(error)
        assert world.run(error).unwrap().status == 200
        assert bytes(world.sink.content) == BODY

    @pytest.mark.parametrize("error", LASTING, ids=str)
    def test_what_will_not(self, error: TransportError | StoreError) -> None:
        """The sole cause is the error itself."""
        world = World()
        assert not is_passing(error)
        expected = error
        if isinstance(error, DeadlineExceeded):
            expected = DeadlineExceeded(URL, 10_000.0, "total")
        assert world.run(error).failure() == expected
        assert (len(world.transport.asked), world.log.events) == (1, [])

    def test_an_interrupt_passes(self) -> None:
        world = World()
        with pytest.raises(KeyboardInterrupt):
            world.run(KeyboardInterrupt())
        assert len(world.transport.asked) == 1

    def test_no_retries(self) -> None:
        world = World()
        assert world.run(REFUSED, retries=0).failure() == REFUSED
        assert world.log.events == []


class TestWaits:
    def test_they_double_up_to_the_longest(self) -> None:
        world = World()
        world.run(*[REFUSED] * 9, retries=9).unwrap()
        doubled = [RETRY_SECONDS * 2**n for n in range(9)]
        assert world.waits == [min(each, RETRY_LONGEST_SECONDS) for each in doubled]
        assert doubled[-1] > RETRY_LONGEST_SECONDS
        assert world.clock.monotonic() == sum(world.waits)

    def test_each_is_drawn_from_all_up_to_it(self) -> None:
        drawn = iter([0.0, 0.25, 1.0])
        world = World()
        world.run(REFUSED, REFUSED, REFUSED, jitter=lambda: next(drawn)).unwrap()
        assert world.waits == [0.0, RETRY_SECONDS * 2 * 0.25, RETRY_SECONDS * 4]

    @pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (0.1, RETRY_SECONDS), (60.0, 60.0)])
    def test_retry_after_where_it_is_longer(self, asked: float, waited: float) -> None:
        world = World()
        world.run(HttpStatus(URL, 429, retry_after_seconds=asked)).unwrap()
        assert world.waits == [waited]

    def test_a_retry_after_that_is_too_long_ends_it(self) -> None:
        world = World()
        error = HttpStatus(URL, 503, retry_after_seconds=RETRY_LONGEST_SECONDS + 1)
        assert world.run(error).failure() == error
        assert (len(world.transport.asked), world.clock.time) == (1, EPOCH)
        assert error.hint == "the server asks to be left alone for 61 seconds"

    def test_one_beyond_the_deadline_too(self) -> None:
        world = World()
        error = HttpStatus(URL, 503, retry_after_seconds=30)
        assert world.run(error, total=29).failure() == error
        assert world.clock.time == EPOCH


class TestTheEnd:
    def test_so_many_and_no_more(self) -> None:
        world = World()
        causes = [ConnectionFailed(URL, f"{n}") for n in range(9)]
        error = world.run(*causes, retries=3).failure()
        assert error == RetriesExhausted(URL, tuple(causes[:4]))
        assert len(world.waits) == 3

    def test_the_last_cause_may_be_a_lasting_one(self) -> None:
        world, absent = World(), HttpStatus(URL, 404)
        assert world.run(REFUSED, absent).failure() == RetriesExhausted(URL, (REFUSED, absent))

    def test_a_full_disk_is_not_the_servers(self) -> None:
        assert World().run(REFUSED, DiskFull("/full")).failure() == DiskFull("/full")

    def test_one_deadline_for_all(self) -> None:
        """Each attempt may take what is left; the error speaks of the whole."""
        world = World()
        own = DeadlineExceeded(URL, 3.0, "total")
        error = world.run(REFUSED, own, total=10.0, takes=4.0).failure()
        whole = DeadlineExceeded(URL, 10.0, "total")
        assert error == RetriesExhausted(URL, (REFUSED, whole))
        assert world.transport.asked == [(0.0, 10.0), (4.5, 5.5)]

    def test_no_wait_beyond_the_deadline(self) -> None:
        world = World()
        error = world.run(*[REFUSED] * 9, total=1.0).failure()
        assert error == RetriesExhausted(URL, (REFUSED, REFUSED))
        assert world.clock.time == EPOCH + timedelta(seconds=RETRY_SECONDS)


class TestProgress:
    def test_it_begins_to_count_anew(self) -> None:
        """As long as bytes are gained there is no end; and the waits are short again."""
        world, cut = World(), TruncatedBody(URL, 1, 2)
        rounds: list[TransportError | tuple[int, TransportError]] = [REFUSED, REFUSED, (9, cut)]
        assert world.run(*rounds * 10, retries=3).unwrap().status == 200
        assert (
            world.waits
            == [RETRY_SECONDS, RETRY_SECONDS * 2, RETRY_SECONDS]
            + [
                RETRY_SECONDS * 2,
                RETRY_SECONDS * 4,
                RETRY_SECONDS,
            ]
            * 9
        )

    def test_causes_are_those_since_then(self) -> None:
        world, cut = World(), TruncatedBody(URL, 1, 2)
        error = world.run(REFUSED, (9, cut), REFUSED, REFUSED, retries=2).failure()
        assert error == RetriesExhausted(URL, (cut, REFUSED, REFUSED))

    def test_what_was_held_before_is_none(self) -> None:
        world = World(sink=ResumableSink.holding(BODY[:50], 100, '"v"'))
        assert not is_successful(world.run(REFUSED, REFUSED, retries=1))

    def test_starting_over_is_none(self) -> None:
        """A server that always loses what it sent does not keep us for ever."""

        world = World(sink=ResumableSink.holding(BODY[:5], 100, '"v"'))
        script = [(10, TruncatedBody(URL, 10, 100))] * 50
        assert not is_successful(world.run(*script, retries=3, starts_over=True))
        # The first ten bytes are progress; what comes after is not.
        assert len(world.transport.asked) == 4


def test_each_is_told_without_secrets() -> None:
    world = World()
    world.run(REFUSED, REFUSED).unwrap()
    redacted = "https://files.example/a.aci?token=…"
    assert world.log.events == [
        TransferRetried(redacted, n, f"no answer from {redacted}: refused", wait)
        for n, wait in ((1, RETRY_SECONDS), (2, RETRY_SECONDS * 2))
    ]


class TestHostsThatAreDown:
    def asked_by(self, *urls: str, script: list[TransportError]) -> list[int]:
        """How often each request in turn is sent by one transport."""
        clock = FixedClock()
        inner = ScriptedTransport([(0, error) for error in script], clock)
        transport = RetryingTransport(inner, clock, retries=3, jitter=lambda: 1.0)
        counts = []
        for url in urls:
            before = len(inner.asked)
            transport.fetch(Request(url, 1000, 10, 10_000), ResumableSink())
            counts.append(len(inner.asked) - before)
        return counts

    @pytest.mark.parametrize("error", [REFUSED, DeadlineExceeded(URL, 30, "connect")])
    def test_they_are_asked_once_from_then_on(self, error: TransportError) -> None:
        urls = ("https://a.example/1", "https://A.example/2", "https://a.example")
        assert self.asked_by(*urls, script=[error] * 9) == [4, 1, 1]

    def test_others_are_not(self) -> None:
        urls = ("https://a.example/1", "https://a.example:444/", "http://a.example/")
        assert self.asked_by(*urls, script=[REFUSED] * 12) == [4, 4, 4]

    def test_nor_those_that_answered(self) -> None:
        urls = ("https://a.example/1", "https://a.example/2")
        down: list[TransportError] = [REFUSED, REFUSED, REFUSED, HttpStatus(URL, 503)]
        assert self.asked_by(*urls, script=[*down, *down]) == [4, 4]

    def test_nor_those_that_came_back(self) -> None:
        urls = ("https://a.example/1", "https://a.example/2", "https://a.example/3")
        down = [REFUSED] * 4
        clock = FixedClock()
        inner = ScriptedTransport([(0, error) for error in down], clock)
        transport = RetryingTransport(inner, clock, retries=3, jitter=lambda: 1.0)
        for url in urls:
            transport.fetch(Request(url, 1000, 10, 10_000), ResumableSink())
        assert len(inner.asked) == 4 + 1 + 1
        inner.script.extend((0, error) for error in down)
        transport.fetch(Request(urls[0], 1000, 10, 10_000), ResumableSink())
        assert len(inner.asked) == 6 + 4
