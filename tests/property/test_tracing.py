"""No secret reaches a trace, wherever it stands, and whatever a server answers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from returns.result import Result

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.errors import StoreError, TransportError
from pipeline.events import Observers
from pipeline.observing import observed
from pipeline.ports import Request, Response
from pipeline.secret import Secret
from pipeline.stage import Stage
from pipeline.testing.fakes import EventLog
from tests.adapters.http.conftest import ListSink
from tests.cli.test_secrecy import ANSWERS, KINDS
from tests.support.fault_server import Asked, FaultServer, http
from tests.support.tracing import Traces, fetch
from tests.support.world import HOST, IMAGE_PATH, REFERENCE, World

CANARY = "c4nary"

texts = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?@:/&=[]"))
values = st.builds("{}{}{}".format, texts, st.just(CANARY), texts)
queries = st.lists(st.builds("{}={}".format, texts, values)).map("&".join)
users = st.builds("{}:{}@".format, texts, values) | st.builds("{}@".format, values) | st.just("")
fragments = st.just("") | values.map("#{}".format)
hosts = st.sampled_from(["SELF", "other.test", "[::1", "other.test:99999", ""])
locations = st.builds(
    "{}{}{}{}?{}{}".format,
    st.sampled_from(["http://", "https://", "//"]),
    users,
    hosts,
    st.sampled_from(["", "/there", "/again"]),
    queries,
    fragments,
) | st.builds("/there?{}{}".format, queries, fragments)


@settings(max_examples=60)
@given(queries, fragments, users, locations, st.integers(200, 599))
def test_wherever_it_stands(
    query: str, fragment: str, user: str, location: str, status: int
) -> None:
    """In what is asked for, in where a redirect leads, in what goes with it."""
    traces, log, clock = Traces(), EventLog(), SystemClock()
    observer = Observers((log, traces.observer()))

    def answer(asked: Asked) -> bytes:
        told = location.replace("SELF", asked.headers["host"])
        if asked.path.startswith("/here"):
            return http(CANARY.encode(), 302, location=told)
        return http(CANARY.encode(), status, www_authenticate=f'Basic realm="{CANARY}"')

    with (
        FaultServer(answer) as server,
        HttpTransport(HttpSettings(allow_http=True), clock, observer) as transport,
    ):

        def ask(url: str) -> Result[Response, TransportError | StoreError]:
            secret = (("Authorization", Secret(CANARY)),)
            return transport.fetch(
                Request(url, 1000, 5, 5, headers=secret, plain_headers=secret), ListSink()
            )

        stage = observed(Stage("ask", ask), observer=observer, clock=clock)
        stage(f"http://{user}127.0.0.1:{server.port}/here?{query}{fragment}")
        stage(f"http://127.0.0.1:{server.port}/here?{query}{fragment}")
    assert len(traces.spans) >= 3
    assert CANARY not in traces.text()
    assert CANARY not in repr(log.events)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_server_answers(world: World, kind: str) -> None:
    """Credentials that are sent are in no trace: the same answers as on the command line."""
    write, secrets, field = KINDS[kind]
    write(world)
    world.publish()
    world.trust()
    good = dict(world.site.pages)
    traces = Traces()
    for answer in ANSWERS.values():
        for path, reference in (
            ("/app", REFERENCE),
            (IMAGE_PATH, f"https://{HOST}{IMAGE_PATH}?token={secrets[0]}"),
            (f"{IMAGE_PATH}.asc", f"https://{HOST}{IMAGE_PATH}?token={secrets[0]}"),
        ):
            world.site.pages = good if answer is None else {**good, path: answer}
            fetch(world, traces.observer(), reference)
    sent = [headers.get("authorization", "") for _, headers in world.site.requests]
    assert any(each.startswith(field) for each in sent)
    assert len(traces.named("GET")) >= len(ANSWERS)
    for secret in secrets:
        assert secret not in traces.text()
