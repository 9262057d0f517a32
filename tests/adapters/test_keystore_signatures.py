"""The keystore and OpenPGP together against rkt's verdicts: who may sign what."""

import hashlib
import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.keystore import FileKeystore
from pipeline.adapters.openpgp import OpenPGPVerifier, read_keys
from pipeline.errors import UnknownSigner, VerificationError
from pipeline.names import ImageName, parse_image_name
from pipeline.trust import Fingerprint, NamedScope, SignedDigest, Signer
from tests.adapters.test_keystore import DIFFERENCES

RKT: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "rkt" / "keystore.json").read_bytes()
)
NOW: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""Soon after the vectors' keys and signatures were made."""


WITH_SIGNATURES: Final = DIFFERENCES | {
    53: "a file with several keys counts whole; rkt takes the first key alone",
}
"""Where a verdict is not rkt's, by the vector's number, and why."""


def content_of(value: str) -> bytes:
    """Return what a vector's file holds."""
    if value.startswith("!"):
        return value.removeprefix("!").encode()
    return str(RKT["keys"][value]).encode() if value else b""


def judge(
    store: FileKeystore, name: ImageName, signature: bytes
) -> Result[tuple[Signer, ...], VerificationError]:
    """Verify the vectors' message."""
    scope = NamedScope(name)
    keys = store.keys_for(scope).unwrap()
    verifier = OpenPGPVerifier()
    plan = verifier.plan(signature, keys, scope, NOW)
    digests = tuple(
        SignedDigest(
            request,
            hashlib.new(request.algorithm, b64decode(RKT["message_b64"]) + request.suffix).digest(),
        )
        for request in (plan.unwrap().requests if is_successful(plan) else ())
    )
    return plan.bind(lambda _: verifier.verify(signature, digests, keys, scope, NOW))


@pytest.mark.parametrize("number", range(len(RKT["vectors"])))
def test_verdicts_are_rkts(number: int, tmp_path: Path) -> None:
    vector = RKT["vectors"][number]
    for path, value in vector["files"].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content_of(value))
    name = parse_image_name(vector["name"])
    if not is_successful(name):
        assert "error" in vector["check"] or number in WITH_SIGNATURES
        return
    by_name = vector["sig"]
    text = RKT["bad_signature"] if by_name == "BAD" else RKT["signatures"][by_name]
    store = FileKeystore(tmp_path / "system", tmp_path / "local")
    outcome = judge(store, name.unwrap(), text.encode())
    by_rkt = "fingerprint" in vector["check"]
    assert is_successful(outcome) == (by_rkt != (number in WITH_SIGNATURES)), vector["desc"]
    if is_successful(outcome):
        (signer,) = outcome.unwrap()
        assert signer.primary.hex == RKT["fingerprints"][by_name]
        assert signer.user_ids == (f"{by_name} <{by_name}@example.test>",)


@pytest.mark.parametrize("content", ["other", "rsa2048"])
def test_a_file_without_the_key_that_it_is_named_by_grants_nothing(
    content: str, tmp_path: Path
) -> None:
    store = FileKeystore(tmp_path / "system", tmp_path / "local")
    names = {"other": "rsa2048", "rsa2048": "other"}
    named = Fingerprint(RKT["fingerprints"][names[content]])
    store.add(None, {named: content_of(content)}).unwrap()
    outcome = judge(store, ImageName("example.com"), RKT["signatures"][content].encode())
    assert isinstance(outcome.failure(), UnknownSigner)


def test_a_mask_counts_for_a_key_in_a_file_with_others(tmp_path: Path) -> None:
    store = FileKeystore(tmp_path / "system", tmp_path / "local")
    store.add(None, {Fingerprint(RKT["fingerprints"]["rsa2048"]): content_of("two")}).unwrap()
    signature = RKT["signatures"]["other"].encode()
    assert is_successful(judge(store, ImageName("example.com"), signature))
    store.mask(Fingerprint(RKT["fingerprints"]["other"]), None).unwrap()
    outcome = judge(store, ImageName("example.com"), signature)
    assert isinstance(outcome.failure(), UnknownSigner)


@pytest.mark.parametrize("key", sorted(RKT["keys"]))
def test_what_is_added_is_found_again(key: str, tmp_path: Path) -> None:
    store = FileKeystore(tmp_path / "system", tmp_path / "local")
    keys = read_keys(content_of(key), NOW).unwrap()
    store.add(None, {each.fingerprint: each.certificate for each in keys}).unwrap()
    for each in keys:
        names = {hex_: name for name, hex_ in RKT["fingerprints"].items()}
        signature = RKT["signatures"][names[each.fingerprint.hex]].encode()
        (signer,) = judge(store, ImageName("example.com"), signature).unwrap()
        assert signer.primary == each.fingerprint
        assert signer.granted_by.prefix is None


@pytest.mark.parametrize("junk", ["junk", "", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"])
def test_what_rkt_refuses_as_a_key_is_none(junk: str) -> None:
    assert not is_successful(read_keys(junk.encode(), NOW))
