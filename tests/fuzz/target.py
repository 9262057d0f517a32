"""What is fuzzed: everything that reads OpenPGP bytes, as one function that must not raise."""

from datetime import datetime
from typing import Final

from returns.pipeline import is_successful

from pipeline.adapters.openpgp import OpenPGPVerifier, read_keys
from pipeline.hashing import start_hashing
from pipeline.trust import AnyScope, Fingerprint, KeyEntry, KeySet, TrustedKey

SEPARATOR: Final = b"\n\x00--\x00\n"
UNSIGNED: Final = b"a file that nobody ever signed"
VERIFIER: Final = OpenPGPVerifier()
SCOPE: Final = AnyScope()


def judge_junk(data: bytes, now: datetime) -> None:
    """Read a key file, and the rest as signature and as message; raise where any is accepted."""
    keyring, _, signature = data.partition(SEPARATOR)
    keys = read_keys(keyring, now)
    named = keys.unwrap()[0].fingerprint if is_successful(keys) else Fingerprint("0" * 40)
    entry = KeyEntry("local", None, named, "trusted/key", "0" * 64)
    trusted = KeySet((TrustedKey(entry, keyring),))
    _judge(signature, UNSIGNED, trusted, now)
    message = VERIFIER.read_message(signature)
    if is_successful(message):
        read = message.unwrap()
        _judge(read.unverified_signature, read.unverified_payload, trusted, now)


def _judge(signature: bytes, data: bytes, trusted: KeySet, now: datetime) -> None:
    plan = VERIFIER.plan(signature, trusted, SCOPE, now)
    if not is_successful(plan):
        return
    hasher = start_hashing(plan.unwrap().requests)
    if not is_successful(hasher):
        return
    hasher.unwrap().update(data)
    verdict = VERIFIER.verify(signature, hasher.unwrap().digests(), trusted, SCOPE, now)
    if is_successful(verdict):
        raise AssertionError(f"accepted: {verdict.unwrap()}")
