"""What is said of events that are no transfer: to everybody, with --verbose, with --debug."""

import pytest

from pipeline.cli.progress.notices import NoticeObserver
from pipeline.cli.talk import Talk
from pipeline.events import (
    CacheHit,
    Committed,
    Event,
    Judged,
    Noticed,
    RequestEnded,
    StageEnded,
    StageStarted,
)

URL = "https://example.com/app.aci"

ALWAYS: dict[Event, str] = {
    Noticed("waiting", "another fetch is under way"): "another fetch is under way",
    CacheHit("store", "example.com/app"): "using image from the store for example.com/app",
    CacheHit("fresh", URL): f"image for {URL} isn't expired, not fetching",
    CacheHit("unchanged", URL): f"image for {URL} has not changed, not fetching",
}
VERBOSE: dict[Event, str] = {
    CacheHit("blob", "sha256:00"): "using sha256:00 from the store",
    StageEnded("verify", URL, 0.25, "bad-signature"): "verify: bad-signature in 0.250 s",
    StageEnded("store", URL, 0.25, None): "store: done in 0.250 s",
}
DEBUG: dict[Event, str] = {
    StageStarted("verify", URL): f"verify: {URL}",
    RequestEnded("GET", URL, 200, 2048, 0.5, None, None): f"GET {URL}: 200, 2.0 KiB, 0.500 s",
    RequestEnded("HEAD", URL, None, 0, 0.5, "connection-failed", None): (
        f"HEAD {URL}: no answer, 0 B, 0.500 s, connection-failed"
    ),
    RequestEnded("GET", URL, 302, 0, 0.5, None, "/there"): (
        f"GET {URL}: 302, 0 B, 0.500 s, to /there"
    ),
    Judged(URL, "bad-signature"): f"judged: {URL}: bad-signature",
    Judged(URL, None, "keystore", "signature", ("ab", "cd")): (
        f"judged: {URL}: keystore demands signature, signed by ab, cd"
    ),
    Judged(URL, None, "request", "none"): (
        f"judged: {URL}: request demands none, signed by nobody"
    ),
    Committed("example.com/app", "sha512-00", 1, "new"): (
        "committed: example.com/app, sha512-00, new"
    ),
}


@pytest.mark.parametrize(
    ("verbose", "debug", "said"),
    [
        (False, False, ALWAYS),
        (True, False, ALWAYS | VERBOSE),
        (False, True, ALWAYS | VERBOSE | DEBUG),
    ],
)
def test_what_is_said(
    verbose: bool, debug: bool, said: dict[Event, str], capsys: pytest.CaptureFixture[str]
) -> None:
    observer = NoticeObserver(Talk(), verbose=verbose, debug=debug)
    for event in ALWAYS | VERBOSE | DEBUG:
        observer.on_event(event)
    assert capsys.readouterr().err.splitlines() == list(said.values())
