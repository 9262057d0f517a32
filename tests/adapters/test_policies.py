"""Policies in files, and the key files that they name."""

import json
import os
from base64 import b64encode
from pathlib import Path

import pytest
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp import read_keys
from pipeline.adapters.policies import read_policy
from pipeline.adapters.sigstore import check_public_key
from pipeline.admission import LoadedPolicy, PublicKey
from pipeline.admission.requirements import KeyData, KeyFiles
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES, KEYRING_BYTES
from pipeline.trust import Fingerprint
from tests.admission.signing import NOW, cosigner, maker

ALICE, BOB, CAROL = maker("alice"), maker("bob"), cosigner("carol")


def first_key(content: bytes) -> Result[Fingerprint, str]:
    return read_keys(content, NOW).map(lambda keys: keys[0].fingerprint)


def read(path: Path) -> Result[LoadedPolicy, InvalidSetting]:
    return read_policy(path, first_key=first_key, check_public_key=check_public_key)


def write(folder: Path, *requirements: object) -> Path:
    path = folder / "policy.json"
    path.write_text(json.dumps({"default": requirements}))
    return path


def signed_by(**keys: object) -> dict[str, object]:
    return {"type": "signedBy", "keyType": "GPGKeys", **keys}


def test_a_policy_and_its_keys(tmp_path: Path) -> None:
    both, pem = tmp_path / "both.gpg", tmp_path / "carol.pem"
    both.write_bytes(BOB.public + ALICE.public)
    pem.write_bytes(CAROL.public)
    path = write(
        tmp_path,
        signed_by(keyPath=str(both)),
        signed_by(keyData=b64encode(ALICE.public).decode()),
        {"type": "sigstoreSigned", "keyPath": str(pem)},
        {"type": "sigstoreSigned", "keyData": b64encode(CAROL.public).decode()},
    )
    policy = read(path).unwrap()
    assert policy.document.path == str(path)
    (key,) = policy.keyrings[KeyFiles((str(both),))].keys
    # A file is known by its first key; every key in it counts.
    assert (key.entry.path, key.entry.fingerprint) == (str(both), BOB.fingerprint)
    assert (key.entry.origin, key.entry.prefix) == ("local", None)
    assert key.keyring == both.read_bytes()
    (key,) = policy.keyrings[KeyData((ALICE.public,))].keys
    assert (key.entry.path, key.entry.fingerprint) == ("keyData", ALICE.fingerprint)
    assert policy.public_keys == {
        KeyFiles((str(pem),)): (PublicKey(str(pem), CAROL.public),),
        KeyData((CAROL.public,)): (PublicKey("", CAROL.public),),
    }


def test_the_same_file_for_both_kinds(tmp_path: Path) -> None:
    """What holds for the one kind is not what holds for the other."""
    pem = tmp_path / "carol.pem"
    pem.write_bytes(CAROL.public)
    path = write(
        tmp_path,
        {"type": "sigstoreSigned", "keyPath": str(pem)},
        signed_by(keyPath=str(pem)),
    )
    assert str(pem) in read(path).failure().setting


@pytest.mark.parametrize(
    ("content", "setting", "wanted"),
    [
        (b"{", ": $", "what a policy may say"),
        (b'{"default": []}', ": $.default", "an array of requirements, at least one"),
        (b'{"default": [{"type": "reject", "x": 1}]}', ": $.default[0].x", "no member but type"),
        (b" " * (CONFIGURATION_BYTES + 1), "", "a policy to read"),
    ],
)
def test_what_is_no_policy(tmp_path: Path, content: bytes, setting: str, wanted: str) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(content)
    error = read(path).failure()
    assert error.setting == f"{path}{setting}"
    assert wanted in f"{error.got}, wanted {error.wanted}"


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    assert read(path).failure() == InvalidSetting(
        str(path), "No such file or directory", "a policy to read"
    )
    assert read(tmp_path).failure().got == "no regular file"
    assert read(Path("/\0")).failure().got == "no path that the system knows"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    path = write(tmp_path, signed_by(keyPath=str(tmp_path / "key")))
    assert read(path).failure().got == "no regular file"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (None, "No such file or directory"),
        (b"", ""),
        (b"no key", ""),
        (b"\0" * (KEYRING_BYTES + 1), f"a file of more than {KEYRING_BYTES} bytes"),
    ],
)
@pytest.mark.parametrize("kind", ["signedBy", "sigstoreSigned"])
def test_a_key_file_that_is_no_good_fails_the_whole_policy(
    tmp_path: Path, content: bytes | None, got: str, kind: str
) -> None:
    good, key = tmp_path / "good", tmp_path / "key"
    good.write_bytes(ALICE.public if kind == "signedBy" else CAROL.public)
    if content is not None:
        key.write_bytes(content)
    requirement = signed_by() if kind == "signedBy" else {"type": kind}
    rule = {"docker": {"example.com": [requirement | {"keyPaths": [str(good), str(key)]}]}}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"default": [{"type": "reject"}], "transports": rule}))
    error = read(path).failure()
    assert error.setting == f"{path}: the key {key}"
    assert got in error.got
    assert error.wanted == "a public key"


def test_a_link_may_lead_to_a_key(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(ALICE.public)
    (tmp_path / "key").symlink_to("real")
    path = write(tmp_path, signed_by(keyPath=str(tmp_path / "key")))
    assert read(path).unwrap().keyrings


def test_the_checks_that_come_in_decide(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"any")

    def refused(content: bytes) -> Result[None, str]:
        return Failure("not this one")

    def accepted(content: bytes) -> Result[Fingerprint, str]:
        return Success(ALICE.fingerprint)

    path = write(tmp_path, {"type": "sigstoreSigned", "keyPath": str(key)})
    outcome = read_policy(path, first_key=accepted, check_public_key=refused)
    assert outcome.failure().got == "not this one"
    path = write(tmp_path, signed_by(keyPath=str(key)))
    outcome = read_policy(path, first_key=accepted, check_public_key=refused)
    assert outcome.unwrap().keyrings
