"""Verifying a file by a signature and named keys, as sqv does: no keystore, no store.

files -> Result[tuple[Signer, ...], PipelineError]
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.openpgp import OpenPGPVerifier, read_keys
from pipeline.errors import (
    FileUnreadable,
    InvalidKey,
    PipelineError,
    TooFewSigners,
)
from pipeline.hashing import start_hashing
from pipeline.limits import KEYRING_BYTES, SIGNATURE_BYTES
from pipeline.trust import AnyScope, KeyEntry, KeySet, Signer, TrustedKey


def verify_file(
    path: Path,
    signature: Path,
    key_files: Sequence[Path],
    *,
    now: datetime,
    signers: int = 1,
    leniency: frozenset[str] = frozenset(),
) -> Result[tuple[Signer, ...], PipelineError]:
    """Return who signed ``path``, judged as of ``now``; every key in every key file counts.

    The file is read once, in constant memory, after the signature and the keys were found to be
    such that they could prove something.

    Errors: FileUnreadable, InvalidKey, TooFewSigners, and every VerificationError.
    """
    keys = _read_key_files(key_files, now)
    if not is_successful(keys):
        return Failure(keys.failure())
    read = _read(signature, SIGNATURE_BYTES)
    if not is_successful(read):
        return Failure(read.failure())
    untrusted_signature = read.unwrap()
    verifier, scope = OpenPGPVerifier(leniency), AnyScope()
    plan = verifier.plan(untrusted_signature, keys.unwrap(), scope, now)
    if not is_successful(plan):
        return Failure(plan.failure())
    hasher = start_hashing(plan.unwrap().requests)
    if not is_successful(hasher):
        return Failure(hasher.failure())
    try:
        with path.open("rb") as file:
            hashed = hasher.unwrap().read_from(file)
    except OSError as error:
        return Failure(FileUnreadable(str(path), error.strerror or str(error)))
    if not is_successful(hashed):
        return Failure(FileUnreadable(str(path), hashed.failure()))
    digests = hasher.unwrap().digests()
    verdict = verifier.verify(untrusted_signature, digests, keys.unwrap(), scope, now)
    if is_successful(verdict) and len(verdict.unwrap()) < signers:
        primaries = tuple(signer.primary for signer in verdict.unwrap())
        return Failure(TooFewSigners(primaries, signers))
    return verdict


def _read_key_files(paths: Sequence[Path], now: datetime) -> Result[KeySet, PipelineError]:
    trusted: list[TrustedKey] = []
    for path in paths:
        read = _read(path, KEYRING_BYTES)
        if not is_successful(read):
            return Failure(read.failure())
        keyring = read.unwrap()
        keys = read_keys(keyring, now)
        if not is_successful(keys):
            return Failure(InvalidKey(str(path), keys.failure()))
        digest = sha256(keyring).hexdigest()
        first = keys.unwrap()[0].fingerprint
        trusted.append(TrustedKey(KeyEntry("local", None, first, str(path), digest), keyring))
    return Success(KeySet(tuple(trusted)))


def _read(path: Path, limit: int) -> Result[bytes, FileUnreadable]:
    """Read a small file; one byte over the limit, which whoever parses it will refuse."""
    try:
        with path.open("rb") as file:
            return Success(file.read(limit + 1))
    except OSError as error:
        return Failure(FileUnreadable(str(path), error.strerror or str(error)))
