"""What travels to workers, and back, has no secret of whoever sends it, wherever one is kept."""

import pickle
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from returns.result import Result

from pipeline.adapters import threads
from pipeline.adapters.threads import ThreadEngine
from pipeline.engine import Job
from pipeline.errors import EngineUnavailable, WorkerLost
from tests.cli.test_secrecy import KINDS
from tests.support.world import REFERENCE, World

Item = TypeVar("Item")
Out = TypeVar("Out")

ENVIRONMENT = "c4nary-of-the-environment"


class FarAway:
    """Does work as other processes would: what comes and what goes is pickled."""

    def __init__(self, limits: tuple[int, int], pickled: list[bytes]) -> None:
        self._engine = ThreadEngine(*limits)
        self._pickled = pickled

    def run(
        self,
        work: Callable[[Item, threading.Event], Out],
        jobs: Sequence[Job[Item]],
        ended: Callable[[int, Result[Out, WorkerLost]], bool],
    ) -> Result[None, EngineUnavailable]:
        def do(item: Item, stop: threading.Event) -> Out:
            sent = pickle.dumps((work, item))
            own_work, own_item = pickle.loads(sent)
            returned = pickle.dumps(own_work(own_item, stop))
            self._pickled += [sent, returned]
            out: Out = pickle.loads(returned)
            return out

        return self._engine.run(do, jobs, ended)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_secret_is_pickled(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever does the work has secrets of their own, and uses them."""
    write, secrets, field = KINDS[kind]
    write(world)
    world.publish()
    world.trust()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ENVIRONMENT)
    pickled: list[bytes] = []
    monkeypatch.setattr(threads, "ThreadEngine", lambda *limits: FarAway(limits, pickled))
    world.site.requests.clear()
    list_file = world.home / "images.txt"
    list_file.write_text(REFERENCE)
    code = world.run("mirror", "--json", str(list_file), "--to", str(world.home / "mirror"))
    assert code == 0, world.err
    sent = [headers.get("authorization", "") for _, headers in world.site.requests]
    assert sent
    assert all(each.startswith(field) for each in sent)
    assert len(pickled) == 4
    for secret in (*secrets, ENVIRONMENT):
        assert not any(secret.encode() in each for each in pickled), secret
