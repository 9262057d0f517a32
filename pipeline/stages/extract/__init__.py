"""The fifth stage: what an image says about itself. ``Verified | Unverified -> Extracted``.

An archive is read whole (:mod:`.archive`); of an OCI image, whose parts have come by their digests
already, the configuration is read (:mod:`.oci`). Only what was verified, or was let through by
name, comes here, so this is where parsing begins.
"""

from functools import partial

from returns.result import Failure, Result

from pipeline.errors import Unproven
from pipeline.limits import DEFAULT_LIMITS, Limits
from pipeline.ports import Keyring, Quarantine
from pipeline.results import ACI_TYPE, Extracted, Unverified, Verified
from pipeline.stage import Stage
from pipeline.stages.extract.archive import ExtractError, Trust, extract_archive
from pipeline.stages.extract.oci import extract_oci
from pipeline.text import redact_url
from pipeline.trust import ONE_SIGNER, SignerPolicy


def extract_manifest(
    *,
    quarantine: Quarantine,
    keyring: Keyring,
    limits: Limits = DEFAULT_LIMITS,
    signers: SignerPolicy = ONE_SIGNER,
    check_layers: bool = False,
) -> Stage[Verified | Unverified, Extracted, ExtractError]:
    """Return the stage that reads an image and checks its manifest.

    The checks of an archive, in this order (the code repeats the numbers):

    1. The name is the one that was asked for.
    2. Every label that was asked for is there with that value; every label filled in from the
       platform has that value where it is there.
    3. The image ID and the archive's size are those of the parent's dependency entry.
    4. At least one signer is trusted for the name that the manifest gives; signers that are not
       are dropped from the result. An ``Unverified`` image has no signers and skips this.
    5. As many distinct signers are left as ``signers`` demands for that name.

    The checks of an OCI image, which has no name of its own:

    1. Its documents are well-formed, and agree on how many layers there are.
    2. Its configuration is for the platform that was asked for.
    3. With ``check_layers``, each layer unpacks to what its configuration says.

    What was written into quarantine is discarded on failure. A ``Verified`` image without a signer
    is not read at all, whatever stage has made it.

    Errors: ImageError; Unproven, and other VerificationErrors from 4 and 5; StoreError from the
    quarantine, ConfigurationError from the keyring.
    """
    return Stage(
        "extract", partial(_run, quarantine, Trust(keyring, signers), limits, check_layers)
    )


def _run(
    quarantine: Quarantine,
    trust: Trust,
    limits: Limits,
    check_layers: bool,
    origin: Verified | Unverified,
) -> Result[Extracted, ExtractError]:
    if isinstance(origin, Verified) and not origin.signers:
        return Failure(Unproven(redact_url(origin.downloaded.source.image)))
    if origin.downloaded.media_type == ACI_TYPE:
        return extract_archive(quarantine, trust, limits, origin)
    return extract_oci(quarantine, limits, origin, check_layers=check_layers)


__all__ = ["ExtractError", "extract_manifest"]
