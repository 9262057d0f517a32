"""The verifier as the pipeline uses it: plan, hash the file, verify."""

import io
from datetime import UTC, datetime

from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.openpgp import OpenPGPVerifier
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


def entry(name: str = "0", prefix: ImageName | None = None) -> KeyEntry:
    """Return a keystore entry; ``name`` is a hex digit that tells it apart."""
    return KeyEntry("local", prefix, Fingerprint(name * 40), f"trusted/{name}", "0" * 64)


def key_set(*keyrings: bytes) -> KeySet:
    """Return a key set with one entry a keyring, named 0, 1, 2 and so on."""
    return KeySet(tuple(TrustedKey(entry(str(i)), ring) for i, ring in enumerate(keyrings)))


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


def describe(outcome: Result[tuple[Signer, ...], VerificationError]) -> str:
    """Return ``accept``, or the error's kind, with an unusable key's problem behind a colon."""
    if is_successful(outcome):
        return "accept"
    error = outcome.failure()
    problem = getattr(error, "problem", None)
    return error.kind if problem is None else f"{error.kind}:{problem}"
