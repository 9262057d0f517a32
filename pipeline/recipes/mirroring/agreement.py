"""What says whom to trust, in one word, so that several machines can tell whether they agree.

    Settings -> Result[str, PipelineError]

It stands for the bytes of everything in ``trustedkeys/`` of both configuration folders, of their
``config.toml``, and of the policy that counts with the keys that it names. Credentials and the ways
to reach registries have no part in it: each machine has its own.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.configuration import FILE_NAME
from pipeline.admission import PolicyJudge
from pipeline.errors import InvalidSetting, PipelineError
from pipeline.recipes.policies import Judge, policy_file
from pipeline.recipes.settings import Settings

_KEYSTORE: Final = "trustedkeys"


def trust_fingerprint(settings: Settings, judge: Judge) -> Result[str, PipelineError]:
    """Return 64 hex digits; ``judge`` is who was made of the same settings.

    Errors: InvalidSetting for a file that cannot be read.
    """
    digest = hashlib.sha256()
    for name, content in (*_files(settings), *_keys_of(judge)):
        if not is_successful(content):
            return Failure(content.failure())
        # Each with its length, so that no two lists of files are the same bytes.
        for part in (name.encode(errors="surrogateescape"), content.unwrap()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return Success(digest.hexdigest())


def _files(settings: Settings) -> Iterator[tuple[str, Result[bytes, InvalidSetting]]]:
    for origin, folder in (("system", settings.system_config), ("local", settings.config)):
        if (folder / FILE_NAME).exists():
            yield f"{origin}/{FILE_NAME}", _sha256(folder / FILE_NAME)
        root = folder / _KEYSTORE
        # No link to a folder is followed, as the keystore follows none.
        for parent, folders, names in os.walk(root):
            folders.sort()
            for path in (Path(parent, name) for name in sorted(names)):
                yield f"{origin}/{path.relative_to(folder)}", _sha256(path)
    policy = policy_file(settings)
    if policy is not None:
        yield "policy", _sha256(policy)


def _sha256(path: Path) -> Result[bytes, InvalidSetting]:
    try:
        if not path.is_file():
            return Success(b"")  # nothing that anybody would read
        with path.open("rb") as file:
            return Success(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        return Failure(InvalidSetting(str(path), error.strerror or "", "a file that can be read"))


def _keys_of(judge: Judge) -> Iterator[tuple[str, Result[bytes, InvalidSetting]]]:
    """Give the keys that a policy names, in the order of its rules."""
    if not isinstance(judge, PolicyJudge):
        return
    for keys in judge.policy.keyrings.values():
        for key in keys.keys:
            yield "key", Success(key.keyring)
    for public_keys in judge.policy.public_keys.values():
        for public in public_keys:
            yield "key", Success(public.pem)
