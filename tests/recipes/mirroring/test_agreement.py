"""Whether two machines trust the same: whatever decides on that changes the fingerprint."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.events import SILENCE
from pipeline.recipes.mirroring.agreement import trust_fingerprint
from pipeline.recipes.settings import Settings
from pipeline.recipes.toolkit import Toolkit
from pipeline.testing.openpgp import make_openpgp_key

KEY, OTHER = make_openpgp_key(), make_openpgp_key(seed=1)


def _settings(home: Path) -> Settings:
    return Settings(home / "store", home / "config", home / "system")


def _word(home: Path) -> str:
    settings = _settings(home)
    with Toolkit(settings, SILENCE) as toolkit:
        return trust_fingerprint(settings, toolkit.judge().unwrap()).unwrap()


def _write(home: Path, name: str, content: bytes) -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _policy(home: Path) -> bytes:
    rule = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": str(home / "pub.gpg")}
    return json.dumps({"default": [rule]}).encode()


def _same(home: Path) -> None:
    _write(home, f"config/trustedkeys/root.d/{KEY.fingerprint}", KEY.public)
    _write(home, "config/config.toml", b"")


CHANGES: dict[str, Callable[[Path], None]] = {
    "a key more": lambda home: _write(
        home, f"config/trustedkeys/prefix.d/a.example/{OTHER.fingerprint}", OTHER.public
    ),
    "a key less": lambda home: (home / f"config/trustedkeys/root.d/{KEY.fingerprint}").unlink(),
    "a mask": lambda home: _write(home, f"config/trustedkeys/root.d/{KEY.fingerprint}", b""),
    "a key of the machine": lambda home: _write(
        home, f"system/trustedkeys/root.d/{KEY.fingerprint}", KEY.public
    ),
    "config.toml": lambda home: _write(home, "config/config.toml", b"# other\n"),
    "the machine's config.toml": lambda home: _write(home, "system/config.toml", b""),
    "a policy": lambda home: _write(
        home, "config/policy.json", b'{"default": [{"type": "reject"}]}'
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_decides_on_trust_makes_another_word(tmp_path: Path, change: str) -> None:
    _same(tmp_path)
    before = _word(tmp_path)
    assert len(before) == 64
    CHANGES[change](tmp_path)
    assert _word(tmp_path) != before


def test_a_key_that_a_policy_names_makes_another_word(tmp_path: Path) -> None:
    _write(tmp_path, "pub.gpg", KEY.public)
    _write(tmp_path, "config/policy.json", _policy(tmp_path))
    before = _word(tmp_path)
    _write(tmp_path, "pub.gpg", OTHER.public)
    assert _word(tmp_path) != before


def test_credentials_and_stores_have_no_part_in_it(tmp_path: Path) -> None:
    _same(tmp_path)
    before = _word(tmp_path)
    _write(tmp_path, "config/auth.d/mine.json", b"{}")
    (tmp_path / "store").mkdir()
    assert _word(tmp_path) == before
