"""Who may vouch for a registry image: policies, and what signatures say of an image.

Two judges, each a :class:`~pipeline.ports.ManifestPolicy`: ``PolicyJudge`` follows a
``policy.json``, ``KeystoreJudge`` asks the keystore where there is none. Below them: ``document``
reads a policy into what ``requirements`` has, ``scopes`` finds the one rule that decides,
``proofs`` judges a signature step by step, ``payloads`` reads what was signed, ``identities``
compares names, and ``chain`` follows digests from document to document.

Nothing here computes a signature, reads a file or fetches anything: that is the business of
adapters, which come in through ports. What is demanded, and how it differs from skopeo:
docs/policies.md.
"""

from pipeline.admission.explanation import ExplainedRequirement, Explanation
from pipeline.admission.judge import PolicyJudge
from pipeline.admission.keystore_judge import KeystoreJudge
from pipeline.admission.loaded import LoadedPolicy, PublicKey

__all__ = [
    "ExplainedRequirement",
    "Explanation",
    "KeystoreJudge",
    "LoadedPolicy",
    "PolicyJudge",
    "PublicKey",
]
