"""Every error of the product: frozen values, one closed union, one family an exit code.

Each has ``kind`` (kebab-case, stable), ``message`` (what was got, what was wanted, where),
``hint`` (what to do) and ``exit_code``. Text from outside is escaped in both, and URLs are
without credentials.

    PipelineError
      ParseError      3  InvalidReference, UnsupportedReference
      DiscoveryError      4  DiscoveryFailed
      DownloadError       5  HttpStatus, InvalidUrl, BadAnswer, PeerRefused, TransferTooSlow,
                             RetriesExhausted, TransferStopped, ConnectionFailed, TlsFailed,
                             InsecureUrl, TooManyRedirects, TruncatedBody, BodyTooLarge,
                             DeadlineExceeded, FileUnreadable, AuthenticationFailed, RealmRefused,
                             SignatureDeferred, SignatureUnavailable, DigestMismatch,
                             BlobSizeMismatch, AllCandidatesFailed
      VerificationError   6  NotASignature, NotASignedMessage, UnknownSigner, BadSignature,
                             WeakSignature, UnusableKey, SignatureTime, UnsupportedSignature,
                             SignerNotTrustedForName, TooFewSigners, SignerMissing,
                             Unproven, InvalidPayload, IdentityMismatch, BadSigstoreSignature,
                             PolicyRejects, RequirementUnmet
      ImageError          7  NotAnImage, CorruptArchive, ArchiveTooLarge, ManifestMissing,
                             InvalidManifest, NameMismatch, LabelMismatch, ImageIDMismatch,
                             SizeMismatch, TooManyDependencies, NotExportable,
                             InvalidDocument, UnsupportedManifest, PlatformNotFound,
                             DiffIDMismatch, NoSuchImage
      StoreError          8  StoreUnavailable, StoreReadOnly, DiskFull, StoreTooNew,
                             StoreCorrupt, ImageNotFound, AmbiguousImage
      ConfigurationError  9  KeystoreUnavailable, InvalidKey, KeyNotReviewed, KeyNotFound,
                             InvalidPrefix, InvalidSetting, RegistryBlocked
      OutputError        10  OutputExists, OutputUnavailable
      MirrorError        11  InvalidList, LockDiffers, NotTried, EngineUnavailable, WorkerLost

Leave a Result by ``unwrap_or_failure`` and ``match``; ``assert_never`` in the last arm makes
the type checker name an error that was forgotten.
"""

from typing import TypeAlias

from pipeline.errors.configuration import (
    ConfigurationError,
    InvalidKey,
    InvalidPrefix,
    InvalidSetting,
    KeyNotFound,
    KeyNotReviewed,
    KeystoreUnavailable,
    RegistryBlocked,
)
from pipeline.errors.discovery import DiscoveryError, DiscoveryFailed, NoMatchingTag
from pipeline.errors.download import (
    AllCandidatesFailed,
    BlobSizeMismatch,
    DigestMismatch,
    DownloadError,
    OnePlaceError,
    SignatureDeferred,
    SignatureUnavailable,
)
from pipeline.errors.image import (
    ArchiveTooLarge,
    CorruptArchive,
    ImageError,
    ImageIDMismatch,
    InvalidManifest,
    LabelMismatch,
    ManifestMissing,
    NameMismatch,
    NotAnImage,
    NotExportable,
    SizeMismatch,
    TooManyDependencies,
)
from pipeline.errors.mirroring import (
    EngineUnavailable,
    InvalidList,
    LockDiffers,
    MirrorError,
    NotTried,
    WorkerLost,
)
from pipeline.errors.oci import (
    DiffIDMismatch,
    InvalidDocument,
    NoSuchImage,
    PlatformNotFound,
    UnsupportedManifest,
    document_error,
)
from pipeline.errors.output import OutputError, OutputExists, OutputUnavailable
from pipeline.errors.reference import InvalidReference, ParseError, UnsupportedReference
from pipeline.errors.store import (
    AmbiguousImage,
    DiskFull,
    ImageNotFound,
    StoreCorrupt,
    StoreError,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
)
from pipeline.errors.transport import (
    AuthenticationFailed,
    BadAnswer,
    BodyTooLarge,
    ConnectionFailed,
    DeadlineExceeded,
    FileUnreadable,
    HttpStatus,
    InsecureUrl,
    InvalidUrl,
    PeerRefused,
    RealmRefused,
    RetriesExhausted,
    TlsFailed,
    TooManyRedirects,
    TransferStopped,
    TransferTooSlow,
    TransportError,
    TruncatedBody,
    with_url,
)
from pipeline.errors.verification import (
    BadSignature,
    BadSigstoreSignature,
    IdentityMismatch,
    InvalidPayload,
    NotASignature,
    NotASignedMessage,
    PolicyRejects,
    RequirementUnmet,
    SignatureTime,
    SignerMissing,
    SignerNotTrustedForName,
    TooFewSigners,
    UnknownSigner,
    Unproven,
    UnsupportedSignature,
    UnusableKey,
    VerificationError,
    WeakSignature,
)
from pipeline.exit_codes import ExitCode

PipelineError: TypeAlias = (
    ParseError
    | DiscoveryError
    | DownloadError
    | VerificationError
    | ImageError
    | StoreError
    | ConfigurationError
    | OutputError
    | MirrorError
)
"""The closed union of every error."""

__all__ = [
    "AllCandidatesFailed",
    "AmbiguousImage",
    "ArchiveTooLarge",
    "AuthenticationFailed",
    "BadAnswer",
    "BadSignature",
    "BadSigstoreSignature",
    "BlobSizeMismatch",
    "BodyTooLarge",
    "ConfigurationError",
    "ConnectionFailed",
    "CorruptArchive",
    "DeadlineExceeded",
    "DiffIDMismatch",
    "DigestMismatch",
    "DiscoveryError",
    "DiscoveryFailed",
    "DiskFull",
    "DownloadError",
    "EngineUnavailable",
    "ExitCode",
    "FileUnreadable",
    "HttpStatus",
    "IdentityMismatch",
    "ImageError",
    "ImageIDMismatch",
    "ImageNotFound",
    "InsecureUrl",
    "InvalidDocument",
    "InvalidKey",
    "InvalidList",
    "InvalidManifest",
    "InvalidPayload",
    "InvalidPrefix",
    "InvalidReference",
    "InvalidSetting",
    "InvalidUrl",
    "KeyNotFound",
    "KeyNotReviewed",
    "KeystoreUnavailable",
    "LabelMismatch",
    "LockDiffers",
    "ManifestMissing",
    "MirrorError",
    "NameMismatch",
    "NoMatchingTag",
    "NoSuchImage",
    "NotASignature",
    "NotASignedMessage",
    "NotAnImage",
    "NotExportable",
    "NotTried",
    "OnePlaceError",
    "OutputError",
    "OutputExists",
    "OutputUnavailable",
    "ParseError",
    "PeerRefused",
    "PipelineError",
    "PlatformNotFound",
    "PolicyRejects",
    "RealmRefused",
    "RegistryBlocked",
    "RequirementUnmet",
    "RetriesExhausted",
    "SignatureDeferred",
    "SignatureTime",
    "SignatureUnavailable",
    "SignerMissing",
    "SignerNotTrustedForName",
    "SizeMismatch",
    "StoreCorrupt",
    "StoreError",
    "StoreReadOnly",
    "StoreTooNew",
    "StoreUnavailable",
    "TlsFailed",
    "TooFewSigners",
    "TooManyDependencies",
    "TooManyRedirects",
    "TransferStopped",
    "TransferTooSlow",
    "TransportError",
    "TruncatedBody",
    "UnknownSigner",
    "Unproven",
    "UnsupportedManifest",
    "UnsupportedReference",
    "UnsupportedSignature",
    "UnusableKey",
    "VerificationError",
    "WeakSignature",
    "WorkerLost",
    "document_error",
    "with_url",
]
