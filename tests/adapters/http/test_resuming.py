"""One attempt to get the rest of what is held: what is asked, and what is taken."""

from dataclasses import replace
from datetime import datetime

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.http import HttpSettings
from pipeline.errors import (
    BadAnswer,
    BodyTooLarge,
    DiskFull,
    HttpStatus,
    StoreError,
    TransferTooSlow,
    TruncatedBody,
)
from pipeline.limits import LEAST_RATE_SECONDS
from pipeline.ports import BodyStart, Request
from pipeline.results import Validators
from pipeline.testing.fakes import FixedClock
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import Answer, FaultServer, http, then_close
from tests.support.faulty_site import CODED, LONG_AGO, Fault, FaultySite
from tests.support.sinks import ResumableSink

BODY = bytes(range(256)) * 4
HELD = BODY[:100]
PARTS = (
    "part-without-range",
    "part-of-junk",
    "part-in-other-unit",
    "part-one-later",
    "part-one-earlier",
    "part-one-short",
    "part-beyond-end",
    "part-backwards",
    "part-of-more",
    "part-twice",
    "part-of-parts",
    "part-without-validators",
    "part-of-other-etag",
    "part-of-weak-etag",
    "part-of-other-date",
    "part-cut",
    "part-shifted",
    "part-too-long",
    "part-coded",
    "change-unconditionally",
    "change-and-hide",
)


def holding(etag: str | None = '"v1"', modified: str | None = None) -> ResumableSink:
    return ResumableSink.holding(HELD, len(BODY), etag, modified)


class TestTheRest:
    def test_alone_is_asked_for(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY), holding()
        with FaultServer(site.answer) as server:
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
            asked = server.asked[0].headers
        assert (asked["range"], asked["if-range"]) == ("bytes=100-", '"v1"')
        assert not {"if-none-match", "if-modified-since"} & set(asked)
        assert (response.status, response.size) == (200, len(BODY))
        assert response.validators == Validators('"v1"', LONG_AGO)
        start = BodyStart(server.url("/"), 100, len(BODY), Validators('"v1"'))
        assert sink.begun[1:] == [start]
        assert (bytes(sink.content), sink.written) == (BODY, len(BODY) - 100)

    def test_by_a_date(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY, etag=False), holding(None, LONG_AGO)
        with FaultServer(site.answer) as server:
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
            assert server.asked[0].headers["if-range"] == LONG_AGO
        assert (bytes(sink.content), sink.written) == (BODY, len(BODY) - 100)
        assert response.validators == Validators(None, LONG_AGO)

    def test_what_a_part_does_not_repeat_stands(self, open_transport: Open) -> None:
        part = http(BODY[100:], 206, content_range=f"bytes 100-{len(BODY) - 1}/{len(BODY)}")
        with FaultServer({"/": part}) as server:
            sink = holding(None, LONG_AGO)
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert response.validators == Validators(None, LONG_AGO)

    @pytest.mark.parametrize("etag", ['W/"v1"', "v1", '"v1"\r\nX: y'])
    def test_is_not_asked_for_by_what_is_no_strong_validator(
        self, open_transport: Open, etag: str
    ) -> None:
        site, sink = FaultySite(BODY), holding(etag)
        with FaultServer(site.answer) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
            assert not {"range", "if-range", "x"} & set(server.asked[0].headers)
        assert (bytes(sink.content), sink.begun[1].offset) == (BODY, 0)

    def test_of_a_complete_body_is_its_last_byte(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY), ResumableSink.holding(BODY, len(BODY), '"v1"')
        with FaultServer(site.answer) as server:
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert (response.size, sink.written, bytes(sink.content)) == (len(BODY), 1, BODY)

    def test_after_a_redirect(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY), holding()
        with FaultServer(site.answer) as target:
            with FaultServer({"/a": http(b"", 302, location=target.url("/b"))}) as server:
                open_transport().fetch(get(server.url("/a")), sink).unwrap()
                assert server.asked[0].headers["range"] == "bytes=100-"
            assert target.asked[0].headers["range"] == "bytes=100-"
        assert (sink.written, bytes(sink.content)) == (len(BODY) - 100, BODY)

    def test_in_chunks(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY, [Fault("drop-chunks", 1 << 20)]), holding()
        with FaultServer(site.answer) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert (sink.written, bytes(sink.content)) == (len(BODY) - 100, BODY)


class TestAnotherAnswer:
    def test_the_whole_starts_over(self, open_transport: Open) -> None:
        """rkt appended it to what it had."""
        site, sink = FaultySite(BODY, [Fault("ignore-range")]), holding()
        with FaultServer(site.answer) as server:
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert sink.begun[1] == BodyStart(server.url("/"), 0, len(BODY), Validators('"v1"'))
        assert (response.size, bytes(sink.content)) == (len(BODY), BODY)

    def test_another_version_does_too(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY, [Fault("change")]), holding()
        with FaultServer(site.answer) as server:
            response = open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert response.validators.etag == '"v2"'
        assert sink.begun[1].validators == Validators('"v2"')
        assert bytes(sink.content) == site.body != BODY

    @pytest.mark.parametrize("fault", PARTS)
    def test_a_wrong_part_is_asked_for_as_a_whole(self, open_transport: Open, fault: str) -> None:
        """Nothing of it counts; and asked without a range, the server has nothing to get wrong."""
        site, sink = FaultySite(BODY, [Fault(fault, 3)]), holding()
        if fault == "part-of-other-date":
            site, sink = FaultySite(BODY, site.faults, etag=False), holding(None, LONG_AGO)
        with FaultServer(site.answer) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
            assert len(server.asked) == 2
            assert not {"range", "if-range"} & set(server.asked[1].headers)
        assert bytes(sink.content) == site.body
        assert sink.begun[-1].offset == 0

    def test_416_is_asked_for_as_a_whole_once(self, open_transport: Open) -> None:
        sink, short = ResumableSink.holding(b"x" * 2000, None, '"v1"'), FaultySite(BODY)
        with FaultServer(short.answer) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
            assert len(server.asked) == 2
        assert bytes(sink.content) == BODY
        with FaultServer({"/": http(b"", 416)}) as server:
            error = open_transport().fetch(get(server.url("/")), holding()).failure()
            assert len(server.asked) == 2
        assert error == HttpStatus(server.url("/"), 416)

    def test_a_part_that_nobody_asked_for(self, open_transport: Open) -> None:
        part = http(BODY, 206, content_range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}")
        sink = ListSink()
        with FaultServer({"/": part}) as server:
            error = open_transport().fetch(get(server.url("/")), sink).failure()
        assert error == BadAnswer(server.url("/"), "a part (206) that was not asked for")
        assert sink.content == b""

    @pytest.mark.parametrize("status", [202, 404, 500])
    def test_what_is_held_stays_where_there_is_no_body(
        self, open_transport: Open, status: int
    ) -> None:
        sink = holding()
        with FaultServer({"/": http(b"no", status)}) as server:
            open_transport().fetch(get(server.url("/")), sink)
            assert len(server.asked) == 1
        assert (bytes(sink.content), len(sink.begun)) == (HELD, 1)

    def test_both_questions_in_one_request(self, open_transport: Open) -> None:
        """RFC 9110 13.2.2: If-None-Match first; then the range."""
        site, sink = FaultySite(BODY), holding()
        with FaultServer(site.answer) as server:
            stored = get(server.url("/"), etag='"v1"')
            assert open_transport().fetch(stored, sink).unwrap().status == 304
            assert (bytes(sink.content), len(sink.begun)) == (HELD, 1)
            older = get(server.url("/"), etag='"v0"')
            assert open_transport().fetch(older, sink).unwrap().status == 200
            assert [each.headers["range"] for each in server.asked] == ["bytes=100-"] * 2
        assert (bytes(sink.content), sink.written) == (BODY, len(BODY) - 100)


class TestWhatIsSaidOfABody:
    @pytest.mark.parametrize(
        ("fields", "validators"),
        [
            ({"etag": '"v"'}, Validators('"v"')),
            ({"etag": 'W/"v"', "last_modified": LONG_AGO}, Validators()),
            ({"etag": '"v"', "accept_ranges": "none"}, Validators()),
            ({"etag": '"v"', "content_encoding": "gzip"}, Validators()),
            ({"last_modified": LONG_AGO}, Validators()),
            (
                {"last_modified": LONG_AGO, "date": "Thu, 01 Jan 2026 00:00:00 GMT"},
                Validators(None, LONG_AGO),
            ),
        ],
    )
    def test_by_what_it_can_be_resumed(
        self, open_transport: Open, fields: dict[str, str], validators: Validators
    ) -> None:
        sink = ResumableSink()
        with FaultServer({"/": http(b"abc", **fields)}) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert sink.begun == [BodyStart(server.url("/"), 0, 3, validators)]

    def test_a_body_to_the_end_of_the_connection(self, open_transport: Open) -> None:
        sink = ResumableSink()
        with FaultServer(
            {"/": then_close(http(b"abc", content_length=None, etag='"v"'))}
        ) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert sink.begun == [BodyStart(server.url("/"), 0, None, Validators('"v"'))]

    def test_an_empty_body_is_begun_too(self, open_transport: Open) -> None:
        site, sink = FaultySite(b""), holding()
        with FaultServer(site.answer) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert bytes(sink.content) == b""

    def test_a_coded_body_is_kept_as_it_travels(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY, [Fault("coded", 1 << 20)]), ResumableSink()
        with FaultServer(site.answer) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
        assert (bytes(sink.content), sink.resume_point()) == (CODED + BODY, None)


class TestBounds:
    def test_a_part_cut_off_says_how_much_of_the_whole(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY, [Fault("drop", 50)]), holding()
        with FaultServer(site.answer) as server:
            error = open_transport().fetch(get(server.url("/")), sink).failure()
        assert error == TruncatedBody(server.url("/"), 150, len(BODY))
        assert bytes(sink.content) == BODY[:150]

    def test_a_chunked_part_that_ends_too_soon(self, open_transport: Open) -> None:
        """No length of its own gives it away, only its Content-Range."""
        short = http(
            b"3\r\nabc\r\n0\r\n\r\n",
            206,
            content_length=None,
            transfer_encoding="chunked",
            content_range="bytes 100-1023/1024",
            etag='"v1"',
        )
        with FaultServer({"/": short}) as server:
            error = open_transport().fetch(get(server.url("/")), holding()).failure()
        assert error == TruncatedBody(server.url("/"), 103, 1024)

    @pytest.mark.parametrize("limit", [len(BODY) - 1, len(BODY)])
    def test_the_limit_is_the_wholes(self, open_transport: Open, limit: int) -> None:
        site, sink = FaultySite(BODY), holding()
        with FaultServer(site.answer) as server:
            request = get(server.url("/"), max_bytes=limit)
            outcome = open_transport().fetch(request, sink)
        assert is_successful(outcome) is (limit == len(BODY))
        if limit < len(BODY):
            assert outcome.failure() == BodyTooLarge(server.url("/"), limit, len(BODY))
            assert bytes(sink.content) == HELD

    def test_a_sink_that_cannot_begin(self, open_transport: Open) -> None:
        class Full(ListSink):
            def begin(self, start: BodyStart) -> Result[None, StoreError]:
                return Failure(DiskFull("/full"))

        with FaultServer(FaultySite(BODY).answer) as server:
            outcome = open_transport().fetch(get(server.url("/")), Full())
        assert outcome.failure() == DiskFull("/full")


class SlowClock:
    """Every look at it takes ten seconds; sleep none."""

    def __init__(self) -> None:
        self._inner = FixedClock()

    def now(self) -> datetime:
        return self._inner.now()

    def monotonic(self) -> float:
        self._inner.advance(10)
        return self._inner.monotonic()

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class TestRates:
    @pytest.mark.parametrize(
        ("size", "least", "passes"), [(1, 0, True), (10_000, 1, True), (1, 1, False)]
    )
    def test_a_body_that_comes_too_slowly(
        self, open_transport: Open, size: int, least: int, passes: bool
    ) -> None:
        chunk = b"%x\r\n%s\r\n" % (size, b"x" * size)
        body = chunk * 30 + b"0\r\n\r\n"
        answer = http(body, content_length=None, transfer_encoding="chunked")
        with FaultServer({"/": answer}) as server:
            request = Request(server.url("/"), 1 << 20, 1e9, 1e9, least_bytes_per_second=least)
            outcome = open_transport(clock=SlowClock()).fetch(request, ListSink())
        assert is_successful(outcome) is passes
        if not passes:
            error = outcome.failure()
            assert isinstance(error, TransferTooSlow)
            assert (error.wanted, error.bytes_per_second < least) == (least, True)

    def test_our_own_limit_keeps_the_rate_down(self, open_transport: Open) -> None:
        """And is no reason to call the server slow."""
        clock, sink = FixedClock(), ListSink()
        settings = HttpSettings(allow_http=True, limit_rate=100)
        chunks = (b"400\r\n%s\r\n" % BODY) * 10 + b"0\r\n\r\n"
        answer = http(chunks, content_length=None, transfer_encoding="chunked")
        with FaultServer({"/": answer}) as server:
            request = Request(server.url("/"), 1 << 20, 1e6, 1e6, least_bytes_per_second=1000)
            open_transport(settings, clock).fetch(request, sink).unwrap()
        assert sink.content == BODY * 10
        assert clock.monotonic() == pytest.approx(len(BODY) * 10 / 100)
        assert clock.monotonic() > LEAST_RATE_SECONDS
        assert max(len(each) for each in sink.chunks) == 25

    def test_one_limit_for_all_transfers(self, open_transport: Open) -> None:
        clock = FixedClock()
        transport = open_transport(HttpSettings(allow_http=True, limit_rate=100), clock)
        with FaultServer({"/": http(b"x" * 50)}) as server:
            for _ in range(3):
                transport.fetch(get(server.url("/")), ListSink()).unwrap()
        assert clock.monotonic() == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "soon"}, None),
        (
            {
                "retry_after": "Sun, 06 Nov 1994 08:49:37 GMT",
                "date": "Sun, 06 Nov 1994 08:49:30 GMT",
            },
            7.0,
        ),
        ({"retry_after": "Thu, 01 Jan 2026 00:00:09 GMT"}, 9.0),
        ({"retry_after": "Thu, 01 Jan 2026 00:00:09 GMT", "date": "junk"}, 9.0),
    ],
)
def test_what_a_server_says_about_later(
    open_transport: Open, fields: dict[str, str], seconds: float | None
) -> None:
    """By its own clock, where it tells; else by ours, which stands at the start of 2026."""
    answer: Answer = http(b"", 429, **fields)
    with FaultServer({"/": answer}) as server:
        request = get(server.url("/"))
        error = open_transport(clock=FixedClock()).fetch(request, ListSink()).failure()
    assert error == HttpStatus(server.url("/"), 429, retry_after_seconds=seconds)


class TestWhatADigestNames:
    """It needs no validator, and trusts none: whoever asked compares the digest at the end."""

    @pytest.mark.parametrize("fault", ["", "ignore-range", "416", "part-one-later", "part-of-more"])
    def test_goes_on_or_starts_over(self, open_transport: Open, fault: str) -> None:
        """A 200 starts over; a 416, or a part of something else, is asked for as a whole."""
        site = FaultySite(BODY, [Fault(fault)] if fault else [], etag=False)
        sink = ResumableSink.holding(HELD, len(BODY), None)
        sink.content_addressed = True
        with FaultServer(site.answer) as server:
            request = replace(get(server.url("/")), content_addressed=True)
            response = open_transport().fetch(request, sink).unwrap()
            asked = [each.headers.get("range") for each in server.asked]
            assert not any("if-range" in each.headers for each in server.asked)
        held = 0 if fault else 100
        whole_again = [] if fault in {"", "ignore-range"} else [None]
        assert asked == ["bytes=100-", *whole_again]
        assert [start.offset for start in sink.begun] == [0, held]
        assert (response.size, bytes(sink.content)) == (len(BODY), BODY)

    def test_across_places(self, open_transport: Open) -> None:
        """What a mirror gave is gone on with at the registry, whatever its ETag."""
        site = FaultySite(BODY)
        sink = ResumableSink.holding(HELD, None, '"of the mirror"')
        sink.content_addressed = True
        with FaultServer(site.answer) as server:
            request = replace(get(server.url("/")), content_addressed=True)
            open_transport().fetch(request, sink).unwrap()
        assert (sink.written, bytes(sink.content)) == (len(BODY) - 100, BODY)

    def test_only_where_both_sides_say_so(self, open_transport: Open) -> None:
        site, sink = FaultySite(BODY), ResumableSink.holding(HELD, len(BODY), None)
        sink.content_addressed = True
        with FaultServer(site.answer) as server:
            open_transport().fetch(get(server.url("/")), sink).unwrap()
            assert "range" not in server.asked[0].headers
        assert (sink.written, bytes(sink.content)) == (len(BODY), BODY)
