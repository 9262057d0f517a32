"""A ``policy.json`` and the key files that it names: ``Path -> Result[LoadedPolicy, …]``.

Everything is read at once, before anything is judged: a key file that is missing fails every image,
not only those that need it, as a policy whose keys are not there is not the policy that somebody
wrote. Which file counts is nobody's business here, and whether keys are any good is told by two
functions that come in as arguments, as adapters know nothing of each other. The format is in
:mod:`pipeline.admission.document`.
"""

import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.document import parse_policy
from pipeline.admission.loaded import LoadedPolicy, PublicKey
from pipeline.admission.requirements import (
    KeyFiles,
    KeySource,
    PolicyDocument,
    SignedBy,
    SigstoreSigned,
)
from pipeline.errors import InvalidSetting
from pipeline.limits import CONFIGURATION_BYTES, KEYRING_BYTES
from pipeline.strict_json import JsonProblem
from pipeline.trust import Fingerprint, KeyEntry, KeySet, TrustedKey

IN_POLICY: Final = "keyData"
"""The path of keys that a policy itself holds, where people see which file granted trust."""

# Opening a pipe without a writer must not wait, nor a terminal become ours.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

KeyringCheck = Callable[[bytes], Result[Fingerprint, str]]
"""Reads an OpenPGP key file: the fingerprint of its first key, or a reason."""

PublicKeyCheck = Callable[[bytes], Result[None, str]]
"""Reads a PEM public key: nothing, or a reason."""


def read_policy(
    path: Path, *, first_key: KeyringCheck, check_public_key: PublicKeyCheck
) -> Result[LoadedPolicy, InvalidSetting]:
    """Read a policy and every key that it names.

    Errors: InvalidSetting with the file, the place in it, what stands there and what was wanted;
    or with a key file that is not there or holds no key.
    """
    content = _read(path, CONFIGURATION_BYTES)
    if not is_successful(content):
        return Failure(InvalidSetting(str(path), content.failure(), "a policy to read"))
    parsed = parse_policy(content.unwrap(), str(path))
    if not is_successful(parsed):
        return Failure(_invalid(path, parsed.failure()))
    return _load(parsed.unwrap(), first_key, check_public_key)


def _load(
    document: PolicyDocument, first_key: KeyringCheck, check_public_key: PublicKeyCheck
) -> Result[LoadedPolicy, InvalidSetting]:
    keyrings: dict[KeySource, KeySet] = {}
    public_keys: dict[KeySource, tuple[PublicKey, ...]] = {}
    for requirement in document.all_requirements:
        if not isinstance(requirement, SignedBy | SigstoreSigned):
            continue
        source = requirement.keys
        read = _read_keys(document.path, source)
        if not is_successful(read):
            return Failure(read.failure())
        trusted: list[TrustedKey] = []
        for file, content in read.unwrap():
            if isinstance(requirement, SigstoreSigned):
                checked = check_public_key(content)
                if not is_successful(checked):
                    return Failure(_unusable(document.path, file, checked.failure()))
                continue
            fingerprint = first_key(content)
            if not is_successful(fingerprint):
                return Failure(_unusable(document.path, file, fingerprint.failure()))
            # What signatures by it are told to be granted by.
            entry = KeyEntry("local", None, fingerprint.unwrap(), file, sha256(content).hexdigest())
            trusted.append(TrustedKey(entry, content))
        if isinstance(requirement, SigstoreSigned):
            public_keys[source] = tuple(
                PublicKey("" if file == IN_POLICY else file, content)
                for file, content in read.unwrap()
            )
        else:
            keyrings[source] = KeySet(tuple(trusted))
    return Success(LoadedPolicy(document, keyrings, public_keys))


def _read_keys(
    policy: str, source: KeySource
) -> Result[tuple[tuple[str, bytes], ...], InvalidSetting]:
    """Return each key's path, or the word for those without one, and its bytes."""
    if not isinstance(source, KeyFiles):
        return Success(tuple((IN_POLICY, content) for content in source.contents))
    keys: list[tuple[str, bytes]] = []
    for file in source.paths:
        content = _read(Path(file), KEYRING_BYTES)
        if not is_successful(content):
            return Failure(_unusable(policy, file, content.failure()))
        keys.append((file, content.unwrap()))
    return Success(tuple(keys))


def _read(path: Path, limit: int) -> Result[bytes, str]:
    """Read a small regular file; a link may lead to it."""
    try:
        # What is not a regular file is not even opened: opening a device can act on it.
        if not stat.S_ISREG(path.stat().st_mode):
            return Failure("no regular file")
        with os.fdopen(os.open(path, _OPEN_FLAGS), "rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        return Failure(error.strerror or str(error))
    except ValueError:
        return Failure("no path that the system knows")
    if len(content) > limit:
        return Failure(f"a file of more than {limit} bytes")
    return Success(content)


def _unusable(policy: str, file: str, reason: str) -> InvalidSetting:
    return InvalidSetting(f"{policy}: the key {file}", reason, "a public key")


def _invalid(path: Path, problem: JsonProblem) -> InvalidSetting:
    got, separator, wanted = problem.reason.partition(", wanted ")
    got = got.removeprefix("got ") if separator else problem.reason
    return InvalidSetting(f"{path}: {problem.path}", got, wanted or "what a policy may say")
