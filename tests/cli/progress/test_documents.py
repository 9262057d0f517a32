"""What programs read on stderr: every line is JSON, and docs/progress.md says what is in it."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from pipeline.cli.main import INTERNAL_ERROR, INTERRUPTED, run
from pipeline.cli.progress import make_observer
from pipeline.cli.talk import Failed, Said, Talk, Timed, Warned, event_name
from pipeline.events import (
    Event,
    StageEnded,
    TransferFinished,
    TransferProgressed,
    TransferRetried,
    TransferStarted,
)
from pipeline.testing.fakes import FixedClock
from tests.support.world import HOST, IMAGE_PATH, REFERENCE, World

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "progress.md"

TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    int | None: "integer or null",
    str | None: "string or null",
    tuple[str, ...]: "array of strings",
}


def documents(err: str) -> list[dict[str, Any]]:
    """Read every line; one that is no JSON document fails."""
    read = [json.loads(line) for line in err.splitlines()]
    assert all("event" in each for each in read)
    return read


def test_the_table_is_that_of_the_code() -> None:
    rows = re.findall(
        r"^\| (?:`([a-z-]+)`)? ?\| `(\w+)` \| ([a-z ]+) \|", DOCUMENT.read_text(), re.MULTILINE
    )
    documented: list[tuple[str, str, str]] = []
    for event, member, type_name in rows:
        documented.append((event or documented[-1][0], member, type_name))
    assert documented == [
        (event_name(kind), member, TYPES.get(hint, "string"))
        for kind in (*get_args(Event), Said, Warned, Timed, Failed)
        for member, hint in get_type_hints(kind).items()
    ]


def test_every_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    observer = make_observer("json", Talk(as_json=True), FixedClock())
    url = "https://user:secret@example.com/\x1b[2J\n.aci?token=secret"
    observer.on_event(TransferStarted(url, 1, None))
    observer.on_event(TransferProgressed(url, 2, 3))
    observer.on_event(TransferRetried(url, 1, "status\n503", 1.5))
    observer.on_event(TransferFinished(url, 3, 2, 0.25))
    observer.on_event(StageEnded("download", "x", 0.5, None, span=7))
    err = capsys.readouterr().err
    assert err.isascii()
    assert "secret" not in err
    shown = documents(err)
    assert len({each["url"] for each in shown if "url" in each}) == 1
    assert all(each.pop("within") == 0 for each in shown)
    assert [{name: each[name] for name in each if name != "url"} for each in shown] == [
        {"event": "transfer-started", "resumed_at": 1, "total": None},
        {"event": "transfer-progressed", "received": 2, "total": 3},
        {"event": "transfer-retried", "attempt": 1, "reason": "status\n503", "wait_seconds": 1.5},
        {"event": "transfer-finished", "size": 3, "received": 2, "seconds": 0.25},
        {
            "event": "stage-ended",
            "stage": "download",
            "subject": "x",
            "seconds": 0.5,
            "error_kind": None,
            "size": None,
            "image_id": None,
            "media_type": None,
            "span": 7,
        },
    ]


@pytest.fixture
def published(world: World) -> World:
    """A world where the image is published and its maker trusted."""
    world.trust()
    world.publish()
    return world


class TestCommands:
    """From the command line, for better or worse."""

    def test_a_fetch(self, published: World) -> None:
        assert published.run("fetch", "--progress=json", REFERENCE) == 0
        assert published.out.startswith("sha512-")
        told = documents(published.err)
        names = [each["event"] for each in told]
        assert names.count("transfer-started") == names.count("transfer-finished") == 1
        ended = [each["stage"] for each in told if each["event"] == "stage-ended"]
        stages = ["parse", "discover", "download", "verify", "extract", "store"]
        assert ended == [*stages, "fetch", "find"]
        assert f"signature verified: {HOST}/app:1.2.0" in [each.get("message") for each in told]

    def test_quiet_leaves_out_what_is_for_people(self, published: World) -> None:
        published.run("fetch", "--quiet", "--progress=json", REFERENCE)
        names = {each["event"] for each in documents(published.err)}
        assert "transfer-finished" in names
        assert "said" not in names

    def test_errors_of_several_references(self, published: World) -> None:
        code = published.run("--progress", "json", "fetch", "sha512-00", REFERENCE, "A B")
        failed = [each for each in documents(published.err) if each["event"] == "failed"]
        assert [each["exit_code"] for each in failed] == [8, 3]
        assert code == 8
        assert [each["kind"] for each in failed] == ["image-not-found", "invalid-reference"]
        assert all(each["message"] and each["hint"] for each in failed)

    def test_a_transfer_that_fails(self, published: World) -> None:
        del published.site.pages[IMAGE_PATH]
        assert published.run("--progress=json", "fetch", REFERENCE) == 5
        told = documents(published.err)
        [failed] = [each for each in told if each["event"] == "transfer-failed"]
        assert failed["error_kind"] == "http-status"
        assert told[-1]["event"] == "failed"

    def test_warnings(self, world: World) -> None:
        world.run("--progress=json", "--insecure-options=image,tls", "image", "list")
        assert [each["event"] for each in documents(world.err)] == ["warned", "warned", "said"]

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--progress=json",),
            ("--progress=json", "image"),
            ("--progress=json", "fetch"),
            ("--progress=json", "fetsch"),
            ("fetch", "--no-such-option", "--progress", "json"),
        ],
    )
    def test_usage(self, world: World, arguments: tuple[str, ...]) -> None:
        assert world.run(*arguments) == 2
        [failed] = documents(world.err)
        assert (failed["kind"], failed["exit_code"]) == ("usage", 2)
        assert failed["message"]

    def test_the_environment_asks_for_it_too(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("IMAGE_PIPELINE_PROGRESS", "json")
        world.run("fetch")
        world.run("fetch", "A B")
        told = documents(world.err)
        assert [each["kind"] for each in told if each["event"] == "failed"] == ["invalid-reference"]
        world.run("fetch", "--progress=none", "A B")
        assert world.err.startswith("error: ")

    @pytest.mark.parametrize(
        ("raised", "code", "kind"),
        [
            (KeyboardInterrupt(), INTERRUPTED, "interrupted"),
            (RuntimeError("\x9b2J"), INTERNAL_ERROR, "internal-error"),
            (OSError(28, "No space left"), INTERNAL_ERROR, "output-failed"),
        ],
    )
    def test_whatever_ends_a_run(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        raised: BaseException,
        code: int,
        kind: str,
    ) -> None:
        def broken(*_arguments: object) -> None:
            raise raised

        monkeypatch.setattr("pipeline.cli.output.error_document", broken)
        command = import_module("pipeline.cli.main")
        monkeypatch.setattr(command, "_drop_output", lambda: None)
        monkeypatch.setattr(command, "is_tty", lambda stream: True)
        assert run(["parse", "--json", "--progress=json", "--debug", "A B"]) == code
        *rest, failed = documents(capfd.readouterr().err)
        assert (failed["kind"], failed["exit_code"]) == (kind, code)
        trace = [each for each in rest if "Traceback" in each["message"]]
        assert len(trace) == (kind == "internal-error")

    def test_nobody_is_asked(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pipeline.cli.trust.is_terminal", lambda: True)
        (world.home / "key.asc").write_text(str(world.key.pubkey))
        code = world.run("trust", "add", "--root", "key.asc", "--progress=json")
        assert code == 9
        assert documents(world.err)[-1]["kind"] == "key-not-reviewed"


def test_nothing_imports_what_draws_until_a_bar_is_drawn() -> None:
    code = """
import sys
from pipeline.cli.progress import make_observer
from pipeline.cli.talk import Talk
from pipeline.events import (TransferFinished, TransferProgressed, TransferStarted)
from pipeline.testing.fakes import FixedClock
import pipeline.cli.progress as progress
progress.can_draw = lambda: True
for word in ("auto", "bar", "plain", "json", "none"):
    clock = FixedClock()
    observer = make_observer(word, Talk(), clock)
    observer.on_event(TransferStarted("u", 0, 2))
    observer.on_event(TransferProgressed("u", 1, 2))
    observer.on_event(TransferFinished("u", 2, 2, 0.1))
    observer.close()
assert "rich" not in sys.modules
observer = make_observer("bar", Talk(), clock)
observer.on_event(TransferStarted("u", 0, 2))
clock.advance(1)
observer.on_event(TransferProgressed("u", 1, 2))
observer.close()
assert "rich" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
