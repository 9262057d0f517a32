"""Work that travels: it takes no environment along, and is done only where the same is trusted."""

import pickle
import threading
from dataclasses import replace
from pathlib import Path

from returns.pipeline import is_successful

from pipeline.errors import InvalidSetting
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.work import Look, MirrorItem
from pipeline.recipes.mirroring.workshop import Demands, Workshop, open_workshop
from pipeline.recipes.settings import Settings
from pipeline.testing.openpgp import make_openpgp_key

ITEM = MirrorItem(MirrorEntry("docker://example.com/app:1"))


def _workshop(home: Path) -> Workshop:
    settings = Settings(home / "store", home / "config", home / "system")
    settings = replace(settings, environment={"TOKEN": "s3cret"})
    return open_workshop(settings, Demands(pull_policy="never")).unwrap()


def _trust(home: Path) -> None:
    key = make_openpgp_key()
    folder = home / "config/trustedkeys/root.d"
    folder.mkdir(parents=True)
    (folder / key.fingerprint.hex).write_bytes(key.public)


def test_what_is_sent_has_no_environment(tmp_path: Path) -> None:
    with _workshop(tmp_path) as workshop:
        assert b"s3cret" not in pickle.dumps(Look(workshop))


def test_elsewhere_the_same_must_be_trusted_for_each_item(tmp_path: Path) -> None:
    with _workshop(tmp_path) as workshop:
        elsewhere: Look = pickle.loads(pickle.dumps(Look(workshop)))
        looked = elsewhere(ITEM, threading.Event()).outcome
        assert is_successful(looked), looked
        _trust(tmp_path)
        refused = elsewhere(ITEM, threading.Event()).outcome
        assert isinstance(refused.failure(), InvalidSetting)
        # Whoever sends the work goes by what counts here now, as every fetch does.
        assert is_successful(Look(workshop)(ITEM, threading.Event()).outcome)


def test_a_run_has_one_workshop_in_a_process(tmp_path: Path) -> None:
    with _workshop(tmp_path) as workshop, _workshop(tmp_path) as other:
        first: Look = pickle.loads(pickle.dumps(Look(workshop)))
        again: Look = pickle.loads(pickle.dumps(Look(workshop)))
        another: Look = pickle.loads(pickle.dumps(Look(other)))
        assert first.workshop is again.workshop
        assert another.workshop is not first.workshop
