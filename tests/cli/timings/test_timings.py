"""``fetch --timings``, from the command line."""

import json
import os
import pty
import sys

import pytest

from pipeline.cli.talk import Talk
from pipeline.cli.timings import Timings, terminal_width
from pipeline.events import Noticed, StageStarted
from pipeline.testing.fakes import FixedClock
from tests.support.world import HOST, IMAGE_PATH, REFERENCE, Answer, World, make_image

SIX = ["parse", "fetch", "discover", "download", "app-1.2.0-linux-amd64.aci", "verify", "extract"]


@pytest.fixture
def published(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("COLUMNS", "120")
    world.trust()
    world.publish()
    return world


def first_words(err: str) -> list[str]:
    """The stages of the waterfall."""
    _, _, table = err.partition("\nstage ")
    return [line.split()[0] for line in table.splitlines()[1:]]


def test_a_fetch(published: World) -> None:
    assert published.run("fetch", "--timings", REFERENCE) == 0
    assert first_words(published.err) == ["find", *SIX, "store"]
    assert published.out.startswith("sha512-")
    assert all(len(line) < 120 for line in published.err.splitlines())
    # After everything that is said of the fetch itself.
    assert published.err.index("signature verified") < published.err.index("\nstage ")


def test_without_it_nothing_is_said(published: World) -> None:
    published.run("fetch", REFERENCE)
    assert "took" not in published.err


def test_up_to_the_stage_that_fails(published: World) -> None:
    published.site.pages[IMAGE_PATH] = make_image(content=b"tampered")
    assert published.run("fetch", "--timings", REFERENCE) == 6
    assert first_words(published.err) == ["find", *SIX[:-1], "verify"]
    assert published.err.endswith("\nverify failed: bad-signature\n")
    # What failed has crosses.
    [verify] = [line for line in published.err.splitlines() if line.startswith("    verify")]
    assert "x" in verify
    assert "#" not in verify


def test_a_transfer_that_fails(published: World) -> None:
    published.site.pages[IMAGE_PATH] = Answer(status=404)
    assert published.run("fetch", "--timings", REFERENCE) == 5
    assert published.err.endswith("\ndownload failed: http-status\n")
    assert first_words(published.err)[:6] == ["find", *SIX[:5]]


def test_what_is_no_reference(published: World) -> None:
    assert published.run("fetch", "--timings", "A B") == 3
    assert first_words(published.err) == ["find", "parse", "parse"]


def test_each_reference_has_its_own(published: World) -> None:
    published.run("fetch", "--timings", REFERENCE, "sha512-00")
    assert published.err.count("\nstage ") == 2


def test_quiet(published: World) -> None:
    published.run("fetch", "--timings", "--quiet", REFERENCE)
    assert published.err == ""


def test_json(published: World) -> None:
    published.run("fetch", "--timings", "--quiet", "--progress=json", REFERENCE)
    told = [json.loads(line) for line in published.err.splitlines()]
    timed = [each for each in told if each["event"] == "timed"]
    assert told[-len(timed) :] == timed
    stages = ["find", "parse", "fetch", "discover", "download", "transfer", "verify", "extract"]
    assert [each["stage"] for each in timed] == [*stages, "store"]
    ended = {each["span"]: each["seconds"] for each in told if each["event"] == "stage-ended"}
    for each in timed:
        assert each["stage"] == "transfer" or each["seconds"] == ended[each["span"]]
    assert timed[0]["start_seconds"] == 0
    [transfer] = [each for each in timed if each["stage"] == "transfer"]
    assert transfer["subject"] == f"https://{HOST}{IMAGE_PATH}"
    [download] = [each for each in timed if each["stage"] == "download"]
    assert (transfer["size"], transfer["within"]) == (download["size"], download["span"])


def test_what_has_not_ended_has_lasted_until_now(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FixedClock()
    timings = Timings(Talk(as_json=True), clock)
    timings.on_event(StageStarted("find", "x", span=1))
    timings.on_event(Noticed("seen", "a word"))
    clock.advance(3)
    timings.close()
    told = json.loads(capsys.readouterr().err)
    assert (told["seconds"], told["error_kind"]) == (3.0, "aborted")


@pytest.mark.parametrize(
    ("said", "width"), [("60", 60), ("0", 80), ("-1", 80), ("many", 80), ("9" * 9, 80), ("", 80)]
)
def test_the_width_that_is_said(monkeypatch: pytest.MonkeyPatch, said: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert terminal_width() == width


def test_the_width_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    leader, follower = pty.openpty()
    try:
        with os.fdopen(follower, "w") as terminal:
            monkeypatch.setattr(sys, "stderr", terminal)
            assert terminal_width() == 80  # one that has not said
            import fcntl
            import struct
            import termios

            fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 47, 0, 0))
            assert terminal_width() == 47
    finally:
        os.close(leader)
