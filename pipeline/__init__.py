"""Find container images, fetch them into a local store, and prove who signed them.

    parse > discover > download > verify > extract > store

A stage is a value, and stages join with ``>>``:

>>> from pipeline import Stage
>>> from returns.result import Success
>>> (Stage("double", lambda n: Success(2 * n)) >> Stage("text", lambda n: Success(str(n))))(21)
<Success: 42>

The names below are the public interface, with the modules ``pipeline.adapters``, ``errors``,
``events``, ``ports`` and ``testing``. Each is imported when it is first used, so that the command
line, which imports this package too, starts without what it does not need.
"""

from importlib import import_module as _import_module
from sys import modules as _modules
from typing import TYPE_CHECKING

from pipeline.lazy import lazy_attributes

if TYPE_CHECKING:
    from pipeline.addresses import AddressScope as AddressScope
    from pipeline.admission import KeystoreJudge as KeystoreJudge
    from pipeline.admission import PolicyJudge as PolicyJudge
    from pipeline.asynchronous import in_thread as in_thread
    from pipeline.digest import Digest as Digest
    from pipeline.digest import DigestAlgorithm as DigestAlgorithm
    from pipeline.digest import parse_digest as parse_digest
    from pipeline.errors import ExitCode as ExitCode
    from pipeline.errors import PipelineError as PipelineError
    from pipeline.hashing import hash_blob as hash_blob
    from pipeline.limits import Limits as Limits
    from pipeline.logins import Login as Login
    from pipeline.manifest import Dependency as Dependency
    from pipeline.manifest import ImageManifest as ImageManifest
    from pipeline.manifest import parse_manifest as parse_manifest
    from pipeline.mirrors import MirrorFault as MirrorFault
    from pipeline.mirrors import Mirrors as Mirrors
    from pipeline.mirrors import parse_mirror_table as parse_mirror_table
    from pipeline.mirrors import parse_mirrors as parse_mirrors
    from pipeline.names import ImageName as ImageName
    from pipeline.names import Label as Label
    from pipeline.names import LabelName as LabelName
    from pipeline.names import Labels as Labels
    from pipeline.names import Platform as Platform
    from pipeline.names import parse_image_name as parse_image_name
    from pipeline.names import this_platform as this_platform
    from pipeline.observing import observed as observed
    from pipeline.oci import Descriptor as Descriptor
    from pipeline.oci import OciPlatform as OciPlatform
    from pipeline.oci.platforms import parse_platform as parse_platform
    from pipeline.recipes.fetcher import Fetcher as Fetcher
    from pipeline.recipes.finder import Finder as Finder
    from pipeline.recipes.mirroring.differences import LockChange as LockChange
    from pipeline.recipes.mirroring.differences import diff_locks as diff_locks
    from pipeline.recipes.mirroring.entries import MirrorEntry as MirrorEntry
    from pipeline.recipes.mirroring.lists import parse_list as parse_list
    from pipeline.recipes.mirroring.locks import LockedImage as LockedImage
    from pipeline.recipes.mirroring.locks import encode_lock as encode_lock
    from pipeline.recipes.mirroring.locks import parse_lock as parse_lock
    from pipeline.recipes.policies import load_judge as load_judge
    from pipeline.reference import AppcReference as AppcReference
    from pipeline.reference import ArchiveReference as ArchiveReference
    from pipeline.reference import DockerReference as DockerReference
    from pipeline.reference import ImageIDReference as ImageIDReference
    from pipeline.reference import ImagePathReference as ImagePathReference
    from pipeline.reference import Reference as Reference
    from pipeline.results import Candidate as Candidate
    from pipeline.results import Content as Content
    from pipeline.results import Downloaded as Downloaded
    from pipeline.results import Expectations as Expectations
    from pipeline.results import Extracted as Extracted
    from pipeline.results import FoundSignature as FoundSignature
    from pipeline.results import Freshness as Freshness
    from pipeline.results import ImagePathPlace as ImagePathPlace
    from pipeline.results import KeyPlace as KeyPlace
    from pipeline.results import LoadedImage as LoadedImage
    from pipeline.results import Located as Located
    from pipeline.results import ManifestEvidence as ManifestEvidence
    from pipeline.results import ManifestProof as ManifestProof
    from pipeline.results import NoProof as NoProof
    from pipeline.results import OciImage as OciImage
    from pipeline.results import OlderSignature as OlderSignature
    from pipeline.results import QuarantinedBlob as QuarantinedBlob
    from pipeline.results import RegistryPlace as RegistryPlace
    from pipeline.results import SignatureProof as SignatureProof
    from pipeline.results import Stored as Stored
    from pipeline.results import Unchanged as Unchanged
    from pipeline.results import Unverified as Unverified
    from pipeline.results import Validators as Validators
    from pipeline.results import Verified as Verified
    from pipeline.secret import Secret as Secret
    from pipeline.stage import Stage as Stage
    from pipeline.stage import first_success as first_success
    from pipeline.stage import tap as tap
    from pipeline.stages.convert import convert_to_aci as convert_to_aci
    from pipeline.stages.discover import discover_endpoints as discover_endpoints
    from pipeline.stages.download import download_image as download_image
    from pipeline.stages.download import download_manifest as download_manifest
    from pipeline.stages.download import download_unsigned as download_unsigned
    from pipeline.stages.extract import extract_manifest as extract_manifest
    from pipeline.stages.mirror import mirror_candidates as mirror_candidates
    from pipeline.stages.parse import parse_reference as parse_reference
    from pipeline.stages.store import store_image as store_image
    from pipeline.stages.verify import accept_unsigned as accept_unsigned
    from pipeline.stages.verify import apply_policy as apply_policy
    from pipeline.stages.verify import verify_signature as verify_signature
    from pipeline.trust import AnyScope as AnyScope
    from pipeline.trust import AnySigner as AnySigner
    from pipeline.trust import Decision as Decision
    from pipeline.trust import Fingerprint as Fingerprint
    from pipeline.trust import KeyEntry as KeyEntry
    from pipeline.trust import KeySet as KeySet
    from pipeline.trust import NamedScope as NamedScope
    from pipeline.trust import SignaturePlan as SignaturePlan
    from pipeline.trust import SignedDigest as SignedDigest
    from pipeline.trust import SignedMessage as SignedMessage
    from pipeline.trust import Signer as Signer
    from pipeline.trust import SignerPolicy as SignerPolicy
    from pipeline.trust import SigstoreSigner as SigstoreSigner
    from pipeline.trust import TrustedKey as TrustedKey
    from pipeline.trust import TrustScope as TrustScope
    from pipeline.trust import parse_fingerprint as parse_fingerprint
else:
    # Hidden from type checkers, which would take every name for exported.
    __getattr__ = lazy_attributes(
        __name__,
        {
            "pipeline.addresses": ("AddressScope",),
            "pipeline.admission": (
                "KeystoreJudge",
                "PolicyJudge",
            ),
            "pipeline.asynchronous": ("in_thread",),
            "pipeline.digest": (
                "Digest",
                "DigestAlgorithm",
                "parse_digest",
            ),
            "pipeline.errors": (
                "ExitCode",
                "PipelineError",
            ),
            "pipeline.hashing": ("hash_blob",),
            "pipeline.limits": ("Limits",),
            "pipeline.logins": ("Login",),
            "pipeline.manifest": (
                "Dependency",
                "ImageManifest",
                "parse_manifest",
            ),
            "pipeline.mirrors": (
                "MirrorFault",
                "Mirrors",
                "parse_mirror_table",
                "parse_mirrors",
            ),
            "pipeline.names": (
                "ImageName",
                "Label",
                "LabelName",
                "Labels",
                "Platform",
                "parse_image_name",
                "this_platform",
            ),
            "pipeline.observing": ("observed",),
            "pipeline.oci": (
                "Descriptor",
                "OciPlatform",
            ),
            "pipeline.oci.platforms": ("parse_platform",),
            "pipeline.recipes.fetcher": ("Fetcher",),
            "pipeline.recipes.finder": ("Finder",),
            "pipeline.recipes.mirroring.differences": (
                "LockChange",
                "diff_locks",
            ),
            "pipeline.recipes.mirroring.entries": ("MirrorEntry",),
            "pipeline.recipes.mirroring.lists": ("parse_list",),
            "pipeline.recipes.mirroring.locks": (
                "LockedImage",
                "encode_lock",
                "parse_lock",
            ),
            "pipeline.recipes.policies": ("load_judge",),
            "pipeline.reference": (
                "AppcReference",
                "ArchiveReference",
                "DockerReference",
                "ImageIDReference",
                "ImagePathReference",
                "Reference",
            ),
            "pipeline.results": (
                "Candidate",
                "Content",
                "Downloaded",
                "Expectations",
                "Extracted",
                "FoundSignature",
                "Freshness",
                "ImagePathPlace",
                "KeyPlace",
                "LoadedImage",
                "Located",
                "ManifestEvidence",
                "ManifestProof",
                "NoProof",
                "OciImage",
                "OlderSignature",
                "QuarantinedBlob",
                "RegistryPlace",
                "SignatureProof",
                "Stored",
                "Unchanged",
                "Unverified",
                "Validators",
                "Verified",
            ),
            "pipeline.secret": ("Secret",),
            "pipeline.stage": (
                "Stage",
                "first_success",
                "tap",
            ),
            "pipeline.stages.convert": ("convert_to_aci",),
            "pipeline.stages.discover": ("discover_endpoints",),
            "pipeline.stages.download": (
                "download_image",
                "download_manifest",
                "download_unsigned",
            ),
            "pipeline.stages.extract": ("extract_manifest",),
            "pipeline.stages.mirror": ("mirror_candidates",),
            "pipeline.stages.parse": ("parse_reference",),
            "pipeline.stages.store": ("store_image",),
            "pipeline.stages.verify": (
                "accept_unsigned",
                "apply_policy",
                "verify_signature",
            ),
            "pipeline.trust": (
                "AnyScope",
                "AnySigner",
                "Decision",
                "Fingerprint",
                "KeyEntry",
                "KeySet",
                "NamedScope",
                "SignaturePlan",
                "SignedDigest",
                "SignedMessage",
                "Signer",
                "SignerPolicy",
                "SigstoreSigner",
                "TrustScope",
                "TrustedKey",
                "parse_fingerprint",
            ),
        },
    )

__all__ = [
    "AddressScope",
    "AnyScope",
    "AnySigner",
    "AppcReference",
    "ArchiveReference",
    "Candidate",
    "Content",
    "Decision",
    "Dependency",
    "Descriptor",
    "Digest",
    "DigestAlgorithm",
    "DockerReference",
    "Downloaded",
    "ExitCode",
    "Expectations",
    "Extracted",
    "Fetcher",
    "Finder",
    "Fingerprint",
    "FoundSignature",
    "Freshness",
    "ImageIDReference",
    "ImageManifest",
    "ImageName",
    "ImagePathPlace",
    "ImagePathReference",
    "KeyEntry",
    "KeyPlace",
    "KeySet",
    "KeystoreJudge",
    "Label",
    "LabelName",
    "Labels",
    "Limits",
    "LoadedImage",
    "Located",
    "LockChange",
    "LockedImage",
    "Login",
    "ManifestEvidence",
    "ManifestProof",
    "MirrorEntry",
    "MirrorFault",
    "Mirrors",
    "NamedScope",
    "NoProof",
    "OciImage",
    "OciPlatform",
    "OlderSignature",
    "PipelineError",
    "Platform",
    "PolicyJudge",
    "QuarantinedBlob",
    "Reference",
    "RegistryPlace",
    "Secret",
    "SignaturePlan",
    "SignatureProof",
    "SignedDigest",
    "SignedMessage",
    "Signer",
    "SignerPolicy",
    "SigstoreSigner",
    "Stage",
    "Stored",
    "TrustScope",
    "TrustedKey",
    "Unchanged",
    "Unverified",
    "Validators",
    "Verified",
    "accept_unsigned",
    "apply_policy",
    "convert_to_aci",
    "diff_locks",
    "discover_endpoints",
    "download_image",
    "download_manifest",
    "download_unsigned",
    "encode_lock",
    "extract_manifest",
    "first_success",
    "hash_blob",
    "in_thread",
    "load_judge",
    "mirror_candidates",
    "observed",
    "parse_digest",
    "parse_fingerprint",
    "parse_image_name",
    "parse_list",
    "parse_lock",
    "parse_manifest",
    "parse_mirror_table",
    "parse_mirrors",
    "parse_platform",
    "parse_reference",
    "store_image",
    "tap",
    "this_platform",
    "verify_signature",
]

if "hypothesis" in _modules:
    # Its entry point has come and gone, before there was anything to register.
    _import_module("pipeline.testing.registration").register_strategies()
