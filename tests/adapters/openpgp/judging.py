"""The verifier as the pipeline uses it: plan, hash the file, verify."""

import io
from datetime import UTC, datetime

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.openpgp import OpenPGPVerifier
from pipeline.adapters.openpgp.keyring import read_keyring
from pipeline.errors import VerificationError
from pipeline.hashing import start_hashing
from pipeline.names import ImageName
from pipeline.trust import (
    AnyScope,
    Fingerprint,
    KeyEntry,
    KeySet,
    Signer,
    TrustedKey,
    TrustScope,
)

STRICT = OpenPGPVerifier()


def at(seconds: int) -> datetime:
    """Return seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def entry(keyring: bytes, path: str = "trusted/0", prefix: ImageName | None = None) -> KeyEntry:
    """Return a keystore entry that is named by the keyring's first key, if it has one."""
    keys = read_keyring(keyring).value_or(())
    named = keys[0].primary.fingerprint if keys else "0" * 40
    return KeyEntry("local", prefix, Fingerprint(named), path, "0" * 64)


def key_set(*keyrings: bytes) -> KeySet:
    """Return a key set with one entry a keyring, at trusted/0, trusted/1 and so on."""
    return KeySet(
        tuple(TrustedKey(entry(ring, f"trusted/{i}"), ring) for i, ring in enumerate(keyrings))
    )


def judge(
    keys: KeySet | bytes,
    signature: bytes,
    data: bytes,
    now: int,
    *,
    verifier: OpenPGPVerifier = STRICT,
    scope: TrustScope | None = None,
) -> Result[tuple[Signer, ...], VerificationError]:
    """Verify ``signature`` over ``data``; the failure may be the plan's."""
    known = key_set(keys) if isinstance(keys, bytes) else keys
    where = AnyScope() if scope is None else scope
    plan = verifier.plan(signature, known, where, at(now))
    if not is_successful(plan):
        return Failure(plan.failure())
    hasher = start_hashing(plan.unwrap().requests).unwrap()
    hasher.read_from(io.BytesIO(data)).unwrap()
    return verifier.verify(signature, hasher.digests(), known, where, at(now))


def judge_message(
    keys: KeySet | bytes, message: bytes, now: int
) -> Result[tuple[Signer, ...], VerificationError]:
    """Verify a signed message over what it holds; the failure may be the reader's."""
    return STRICT.read_message(message).bind(
        lambda read: judge(keys, read.unverified_signature, read.unverified_payload, now)
    )


def describe(outcome: Result[tuple[Signer, ...], VerificationError]) -> str:
    """Return ``accept``, or the error's kind, with an unusable key's problem behind a colon."""
    if is_successful(outcome):
        return "accept"
    error = outcome.failure()
    problem = getattr(error, "problem", None)
    return error.kind if problem is None else f"{error.kind}:{problem}"
