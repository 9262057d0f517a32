"""The judge where no policy is: a :class:`~pipeline.ports.ManifestPolicy` of the keystore.

A registry's image ``host/repository`` needs a simple signature by a key that is trusted for that
name, as images by name do: the keys of the keystore whose prefix covers it, and the root keys.
What was signed must be what was asked for (``matchRepoDigestOrExact``), so that an old tag does
not pass for a new one. Images in files carry no signatures: nothing proves them here.

1. The reference is read; it alone picks the keys (:attr:`DockerReference.image_name`).
2. Where a digest was asked for, the documents are those of that digest.
3. As many distinct primary keys as are demanded for the name made good signatures.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.admission.cases import check_documents, read_subject
from pipeline.admission.explanation import ExplainedRequirement, Explanation
from pipeline.admission.identities import DEFAULT_IDENTITY, expected_reference
from pipeline.admission.proofs import Statement, prove_all, prove_simple
from pipeline.admission.scopes import Subject
from pipeline.errors import (
    ConfigurationError,
    RequirementUnmet,
    TooFewSigners,
    UnknownSigner,
    VerificationError,
)
from pipeline.names import ImageName
from pipeline.ports import Admitted, Keyring, MessageVerifier, Proven, Wanted
from pipeline.results import ManifestEvidence
from pipeline.trust import (
    ONE_SIGNER,
    AnySigner,
    Decision,
    KeySet,
    NamedScope,
    Signer,
    SignerPolicy,
)

_POLICY: Final = "keystore"
_REQUIREMENT: Final = "signedBy"


@final
@dataclass(frozen=True, slots=True)
class KeystoreJudge:
    """Judges by the keys that are trusted for an image's name."""

    keyring: Keyring
    verifier: MessageVerifier
    signers: SignerPolicy = ONE_SIGNER

    def wanted(self, reference: str) -> Result[Wanted, VerificationError | ConfigurationError]:
        """Tell that simple signatures are.

        Errors: RequirementUnmet at once for an image in files, and where no key is trusted for
        the name, since no signature could prove anything; UnsupportedSignature for what is no
        reference; what the keyring fails with.
        """
        known = self._find_keys(reference)
        if not is_successful(known):
            return Failure(known.failure())
        _, name, keys = known.unwrap()
        if not keys.keys:
            cause = UnknownSigner((), name, 0)
            return Failure(RequirementUnmet(reference, _POLICY, name, _REQUIREMENT, (cause,)))
        return Success(Wanted(simple=True, sigstore=False))

    def admit(
        self, evidence: ManifestEvidence, now: datetime
    ) -> Result[Admitted, VerificationError | ConfigurationError]:
        """Judge a manifest, as of ``now``; see the steps above.

        Errors: RequirementUnmet with why each signature proves nothing; IdentityMismatch for
        documents that are not those of the digest that was asked for; UnsupportedSignature for
        what is no reference, Unproven for no document at all; what the keyring fails with.
        """
        # 1. Nothing in the image has a say in which keys count.
        known = self._find_keys(evidence.reference)
        if not is_successful(known):
            return Failure(known.failure())
        subject, name, keys = known.unwrap()
        # 2. The user's own digest vouches for the first document.
        whole = check_documents(subject, evidence.documents)
        if not is_successful(whole):
            return Failure(whole.failure())
        # 3. A threshold counts distinct primary keys (CVE-2020-6174).
        expected = expected_reference(DEFAULT_IDENTITY, subject.docker)
        statement = Statement(evidence.documents, expected, subject.reference)
        scope = NamedScope(name)
        outcome = prove_all(
            evidence.signatures,
            "simple",
            lambda each: prove_simple(each, statement, self.verifier, keys, scope, now),
        )
        signers, causes = outcome.signers, outcome.causes
        wanted = self.signers.demanded(name)
        if len(signers) < wanted:
            few = (TooFewSigners(_primaries(signers), wanted),) if signers else ()
            return Failure(
                RequirementUnmet(evidence.reference, _POLICY, name, _REQUIREMENT, (*causes, *few))
            )
        return Success(Proven(signers, Decision(_POLICY, _prefix(signers, name), _REQUIREMENT)))

    def explain(
        self, reference: str
    ) -> Result[Explanation, VerificationError | ConfigurationError]:
        """Tell which keys may vouch for a reference; nothing is judged.

        Errors: RequirementUnmet for an image in files; UnsupportedSignature for what is no
        reference; what the keyring fails with.
        """
        known = self._find_keys(reference)
        if not is_successful(known):
            return Failure(known.failure())
        subject, name, keys = known.unwrap()
        expected = expected_reference(DEFAULT_IDENTITY, subject.docker)
        requirement = ExplainedRequirement(
            _REQUIREMENT,
            tuple(key.entry.path for key in keys.keys),
            DEFAULT_IDENTITY.type,
            "" if expected is None else expected.text,
        )
        demanded = self.signers.demanded(name)
        return Success(Explanation(reference, _POLICY, name, (requirement,), demanded, ("simple",)))

    def _find_keys(
        self, reference: str
    ) -> Result[tuple[Subject, ImageName, KeySet], VerificationError | ConfigurationError]:
        read = read_subject(reference)
        if not is_successful(read):
            return Failure(read.failure())
        subject = read.unwrap()
        if subject.docker is None:
            return Failure(RequirementUnmet(reference, _POLICY, "", _REQUIREMENT, ()))
        name = subject.docker.image_name
        keys = self.keyring.keys_for(NamedScope(name))
        if not is_successful(keys):
            return Failure(keys.failure())
        return Success((subject, name, keys.unwrap()))


def _primaries(signers: tuple[AnySigner, ...]) -> tuple[str, ...]:
    return tuple(signer.primary.hex for signer in signers if isinstance(signer, Signer))


def _prefix(signers: tuple[AnySigner, ...], name: ImageName) -> str:
    """Return the prefix that granted the first signer trust; the name, where a root key did."""
    first = signers[0]
    granted = first.granted_by.prefix if isinstance(first, Signer) else None
    return granted or name
