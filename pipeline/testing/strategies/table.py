"""Which strategy is for which class: what ``st.from_type`` asks, once they are registered."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, get_args

from hypothesis import strategies as st

from pipeline.admission import LoadedPolicy, PublicKey
from pipeline.admission.requirements import (
    AcceptAnything,
    ExactReference,
    ExactRepository,
    KeyData,
    KeyFiles,
    MatchReference,
    PolicyDocument,
    Reject,
    RemapIdentity,
    SignedBy,
    SigstoreSigned,
)
from pipeline.digest import Digest
from pipeline.errors import NoMatchingTag, PipelineError
from pipeline.events import Event
from pipeline.limits import Limits
from pipeline.logins import IdentityToken, RegistryToken, UserPassword
from pipeline.manifest import Dependency, ImageManifest
from pipeline.mirrors import MirrorFault, Mirrors, NameMirrors, UrlMirrors, UrlPrefix, UrlTemplate
from pipeline.names import IdentifierFault, ImageName, Label, LabelName, Labels, Platform
from pipeline.oci import Descriptor, IndexEntry, OciConfig, OciIndex, OciManifest, OciPlatform
from pipeline.ports import (
    BodyStart,
    LetThrough,
    Proven,
    RemoteEntry,
    Request,
    Response,
    ResumePoint,
    Wanted,
)
from pipeline.recipes.mirroring.differences import LockChange
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.locks import LockedImage
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
    ReferenceProblem,
)
from pipeline.results import (
    Candidate,
    Content,
    Downloaded,
    Expectations,
    Extracted,
    FoundSignature,
    Freshness,
    ImagePathPlace,
    KeyPlace,
    LoadedImage,
    Located,
    ManifestEvidence,
    ManifestProof,
    NoProof,
    OciImage,
    OlderSignature,
    QuarantinedBlob,
    RegistryPlace,
    SignatureProof,
    Signed,
    Stored,
    Unchanged,
    Unsigned,
    Unverified,
    Validators,
    Verified,
)
from pipeline.secret import Secret
from pipeline.testing import strategies as ours
from pipeline.testing.strategies.failures import by_fields
from pipeline.trust import (
    AnyScope,
    Decision,
    DigestRequest,
    Fingerprint,
    KeyEntry,
    KeyInfo,
    KeySet,
    NamedScope,
    SignaturePlan,
    SignedDigest,
    SignedMessage,
    Signer,
    SignerPolicy,
    SigstoreSigner,
    SkippedKey,
    SubkeyInfo,
    TrustedKey,
)

_BY_FIELDS: Final[tuple[type, ...]] = (
    *get_args(PipelineError),
    *get_args(Event),
    IdentifierFault,
    MirrorFault,
    NoMatchingTag,
    ReferenceProblem,
)


STRATEGIES: Final[Mapping[object, Callable[[], st.SearchStrategy[Any]]]] = {
    AcceptAnything: lambda: st.builds(AcceptAnything),
    AnyScope: lambda: st.builds(AnyScope),
    AppcReference: ours.appc_references,
    ArchiveReference: ours.archive_references,
    BodyStart: ours.body_starts,
    Candidate: ours.candidates,
    Content: ours.contents,
    Decision: ours.decisions,
    Dependency: ours.dependencies,
    Descriptor: ours.descriptors,
    Digest: ours.digests,
    DigestRequest: ours.digest_requests,
    DockerReference: ours.docker_references,
    Downloaded: ours.downloaded,
    ExactReference: ours.exact_references,
    ExactRepository: ours.exact_repositories,
    Expectations: ours.expectations,
    Extracted: ours.extracted,
    Fingerprint: ours.fingerprints,
    FoundSignature: ours.found_signatures,
    Freshness: ours.freshnesses,
    IdentityToken: lambda: st.builds(IdentityToken, ours.secrets()),
    ImageIDReference: ours.image_id_references,
    ImageManifest: ours.image_manifests,
    ImageName: ours.image_names,
    ImagePathPlace: ours.image_path_places,
    ImagePathReference: ours.image_path_references,
    IndexEntry: ours.index_entries,
    KeyData: ours.key_data,
    KeyEntry: lambda: ours.trusted_keys().map(lambda key: key.entry),
    KeyFiles: ours.key_files,
    KeyInfo: ours.key_infos,
    KeyPlace: ours.key_places,
    KeySet: ours.key_sets,
    Label: lambda: st.builds(Label, ours.label_names(), ours.label_values()),
    LabelName: ours.label_names,
    Labels: ours.labels,
    LetThrough: ours.let_through,
    Limits: ours.limits,
    LoadedImage: ours.loaded_images,
    LoadedPolicy: ours.loaded_policies,
    Located: ours.located,
    LockChange: ours.lock_changes,
    LockedImage: ours.locked_images,
    ManifestEvidence: ours.manifest_evidence,
    ManifestProof: ours.manifest_proofs,
    MatchReference: ours.match_references,
    MirrorEntry: ours.mirror_entries,
    Mirrors: ours.mirrors,
    NameMirrors: ours.name_mirrors,
    NamedScope: lambda: st.builds(NamedScope, ours.image_names()),
    NoProof: ours.no_proofs,
    OciConfig: ours.oci_configs,
    OciImage: ours.oci_images,
    OciIndex: ours.oci_indexes,
    OciManifest: ours.oci_manifests,
    OlderSignature: ours.older_signatures,
    OciPlatform: ours.oci_platforms,
    Platform: ours.platforms,
    PolicyDocument: ours.policy_documents,
    Proven: ours.proven,
    PublicKey: lambda: st.builds(
        PublicKey, ours.paths(), ours.sigstore_keys().map(lambda key: key.public)
    ),
    QuarantinedBlob: ours.quarantined_blobs,
    RegistryPlace: ours.registry_places,
    RegistryToken: lambda: st.builds(RegistryToken, ours.secrets()),
    Reject: lambda: st.builds(Reject),
    RemapIdentity: ours.remap_identities,
    RemoteEntry: ours.remote_entries,
    Request: ours.requests,
    Response: ours.responses,
    ResumePoint: ours.resume_points,
    Secret: ours.secrets,
    SignaturePlan: ours.signature_plans,
    SignatureProof: ours.signature_proofs,
    Signed: ours.signed_evidence,
    SignedBy: ours.signed_by,
    SignedDigest: ours.signed_digests,
    SignedMessage: ours.signed_messages,
    Signer: ours.signers,
    SignerPolicy: ours.signer_policies,
    SigstoreSigned: ours.sigstore_signed,
    SigstoreSigner: ours.sigstore_signers,
    SkippedKey: ours.skipped_keys,
    Stored: ours.stored,
    SubkeyInfo: ours.subkey_infos,
    TrustedKey: ours.trusted_keys,
    Unchanged: ours.unchanged,
    Unsigned: lambda: st.builds(Unsigned),
    Unverified: ours.unverified,
    UrlMirrors: ours.url_mirrors,
    UrlPrefix: ours.url_prefixes,
    UrlTemplate: ours.url_templates,
    UserPassword: lambda: st.builds(UserPassword, ours.secrets(), ours.secrets()),
    Validators: ours.validators,
    Verified: ours.verified,
    Wanted: lambda: st.builds(Wanted, st.booleans(), st.booleans()),
    **{kind: partial(by_fields, kind) for kind in _BY_FIELDS},
}
"""The strategy of each public value's class, made when it is asked for."""
