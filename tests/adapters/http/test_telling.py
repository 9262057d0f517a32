"""What is told of HTTP requests: each that is sent, as it was asked and how it was answered."""

from dataclasses import replace

import pytest
from returns.result import Result

from pipeline.adapters.retrying import RetryingTransport
from pipeline.errors import StoreError
from pipeline.events import ABORTED, RequestEnded, RequestStarted, TransferRetried
from pipeline.spans import NOTHING, new_span
from pipeline.testing.fakes import EventLog, FixedClock
from tests.adapters.http.conftest import ListSink, Open, get
from tests.support.fault_server import Answer, FaultServer, http, then_close
from tests.support.sinks import ResumableSink


def started(log: EventLog) -> list[RequestStarted]:
    return [event for event in log.events if isinstance(event, RequestStarted)]


def ended(log: EventLog) -> list[RequestEnded]:
    return [event for event in log.events if isinstance(event, RequestEnded)]


def test_one_request(open_transport: Open, log: EventLog) -> None:
    with FaultServer({"/a?token=c4nary": http(b"four")}) as server, new_span() as around:
        url = server.url("/a?token=c4nary")
        open_transport().fetch(get(url), ListSink()).unwrap()
    shown = url.replace("c4nary", "…")
    [before], [after] = started(log), ended(log)
    assert before == RequestStarted(
        *("GET", shown, "127.0.0.1", server.port, 1, 0, 0), before.span, around.number
    )
    assert after == RequestEnded(
        *("GET", shown, 200, 4, after.seconds, None, None), before.span, around.number
    )
    assert before.span not in {NOTHING, around.number}
    assert after.seconds >= 0


def test_redirects_are_requests(open_transport: Open, log: EventLog) -> None:
    answers = {"/a": http(b"", 302, location="/b?key=c4nary"), "/b?key=c4nary": http(b"x")}
    with FaultServer(answers) as server:
        open_transport().fetch(get(server.url("/a")), ListSink()).unwrap()
    assert [each.redirects for each in started(log)] == [0, 1]
    assert [each.status for each in ended(log)] == [302, 200]
    assert [each.redirected_to for each in ended(log)] == ["/b?key=…", None]
    assert len({each.span for each in started(log)}) == 2
    assert {each.within for each in started(log)} == {NOTHING}


def test_attempts(open_transport: Open, log: EventLog) -> None:
    with FaultServer({"/": [http(b"", 503), http(b"x")]}) as server:
        transport = RetryingTransport(open_transport(), FixedClock(), log, retries=1)
        transport.fetch(get(server.url("/")), ListSink()).unwrap()
    assert [each.attempt for each in started(log)] == [1, 2]
    assert [each.error_kind for each in ended(log)] == ["http-status", None]
    [retried] = [event for event in log.events if isinstance(event, TransferRetried)]
    assert log.events.index(ended(log)[0]) < log.events.index(retried)


def test_the_rest_of_what_is_held(open_transport: Open, log: EventLog) -> None:
    held = ResumableSink.holding(b"abc", 5, '"v1"')
    part = http(b"de", 206, etag='"v1"', content_range="bytes 3-4/5")
    with FaultServer({"/": part}) as server:
        open_transport().fetch(get(server.url("/")), held).unwrap()
    assert [each.resumed_at for each in started(log)] == [3]
    assert [(each.status, each.received) for each in ended(log)] == [(206, 2)]


def test_a_kept_connection_that_was_closed(open_transport: Open, log: EventLog) -> None:
    """Two requests: the first did not reach anybody."""
    answers: list[Answer] = [http(b"a"), lambda connection: None, http(b"b")]
    with FaultServer({"/": answers}) as server:
        transport = open_transport()
        for _ in range(2):
            transport.fetch(get(server.url("/")), ListSink()).unwrap()
    assert [each.status for each in ended(log)] == [200, None, 200]
    assert [each.error_kind for each in ended(log)] == [None, "connection-failed", None]
    assert [each.attempt for each in started(log)] == [1, 1, 1]


def test_a_body_that_breaks_off(open_transport: Open, log: EventLog) -> None:
    cut = http(b"four", content_length=9)
    with FaultServer({"/": then_close(cut)}) as server:
        open_transport().fetch(get(server.url("/")), ListSink()).failure()
    [end] = ended(log)
    assert (end.status, end.received, end.error_kind) == (200, 4, "truncated-body")


def test_what_is_interrupted(open_transport: Open, log: EventLog) -> None:
    class Interrupted(ListSink):
        def write(self, chunk: bytes) -> Result[None, StoreError]:
            raise KeyboardInterrupt

    with FaultServer({"/": http(b"x")}) as server, pytest.raises(KeyboardInterrupt):
        open_transport().fetch(get(server.url("/")), Interrupted())
    assert [(each.status, each.error_kind) for each in ended(log)] == [(200, ABORTED)]


def test_what_is_not_sent_is_not_told(open_transport: Open, log: EventLog) -> None:
    """A URL that nobody is asked for: no request, and the URL may hold anything."""
    for url in ("http://me:c4nary@127.0.0.1/", "ftp://127.0.0.1/", "http://[::1"):
        open_transport().fetch(replace(get("http://x/"), url=url), ListSink()).failure()
    assert log.events == []
