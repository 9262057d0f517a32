"""Whose policy decides on registry images: ``Settings -> Result[Judge, InvalidSetting]``.

``--policy`` names one; else ``policy.json`` in the user's folder counts, else that in the
machine's, else the keystore. The file that other tools keep in ``/etc/containers`` is not looked at
unless it is named: as distributions ship it, it accepts everything, and nothing is accepted here in
silence.
"""

from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from returns.result import Result

from pipeline.admission import KeystoreJudge, PolicyJudge
from pipeline.errors import InvalidSetting
from pipeline.ports import MessageVerifier
from pipeline.recipes.settings import Settings
from pipeline.trust import ONE_SIGNER, Fingerprint, SignerPolicy

FILE_NAME: Final = "policy.json"

Judge: TypeAlias = KeystoreJudge | PolicyJudge
"""Who says which registry images pass."""


def policy_file(settings: Settings) -> Path | None:
    """Return the policy that counts; None where the keystore does.

    A file that somebody named is returned whether it is there or not: it is read, or all fails.
    """
    if settings.policy is not None:
        return settings.policy
    folders = (settings.config, settings.system_config)
    return next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).exists()), None)


def load_judge(
    path: Path, verifier: MessageVerifier, signers: SignerPolicy = ONE_SIGNER, *, now: datetime
) -> Result[PolicyJudge, InvalidSetting]:
    """Read a ``policy.json`` and the keys that it names, and return who judges by it.

    ``signers`` says how many distinct signers are needed, whatever the policy demands; ``now`` is
    for which keys have expired.

    Errors: InvalidSetting with the file, the place in it, and what was wanted there.
    """
    from pipeline.adapters.openpgp import read_keys
    from pipeline.adapters.policies import read_policy
    from pipeline.adapters.sigstore import PublicKeyVerifier, check_public_key

    def first_key(keyring: bytes) -> Result[Fingerprint, str]:
        return read_keys(keyring, now).map(lambda keys: keys[0].fingerprint)

    loaded = read_policy(path, first_key=first_key, check_public_key=check_public_key)
    return loaded.map(lambda policy: PolicyJudge(policy, verifier, PublicKeyVerifier(), signers))
