"""An observer that fails is a defect of the program, and no reason to end a fetch."""

import json
import logging

import pytest

from pipeline.cli.progress.documents import DocumentObserver
from pipeline.cli.progress.notices import NoticeObserver
from pipeline.events import Event
from tests.support.world import REFERENCE, World


def broken(self: object, event: Event) -> None:
    raise RuntimeError("\x1b[2J")


def test_it_is_said_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.trust()
    world.publish()
    monkeypatch.setattr(NoticeObserver, "on_event", broken)
    assert world.run("fetch", "--progress=none", REFERENCE) == 0
    assert world.out.startswith("sha512-")
    warning = r"warning: not everything is shown: internal error: RuntimeError: \x1b[2J"
    assert world.err.splitlines().count(warning) == 1
    assert "Traceback" not in world.err
    assert logging.getLogger("pipeline.events").handlers == []


def test_also_to_programs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.trust()
    world.publish()
    monkeypatch.setattr(DocumentObserver, "on_event", broken)
    assert world.run("fetch", "--progress=json", REFERENCE) == 0
    told = [json.loads(line) for line in world.err.splitlines()]
    assert [each["event"] for each in told].count("warned") == 1
