"""Every error of the product: frozen values, one closed union, one family an exit code.

Each has ``kind`` (kebab-case, stable), ``message`` (what was got, what was wanted, where),
``hint`` (what to do) and ``exit_code``. Text from outside is escaped in both, and URLs are
without credentials.

    PipelineError
      ParseError      3  InvalidReference, UnsupportedReference
      DiscoveryError      4  DiscoveryFailed
      DownloadError       5  HttpStatus, InvalidUrl, BadAnswer, PeerRefused, TransferTooSlow,
                             RetriesExhausted, ConnectionFailed, TlsFailed, InsecureUrl,
                             TooManyRedirects, TruncatedBody, BodyTooLarge, DeadlineExceeded,
                             FileUnreadable, SignatureDeferred, SignatureUnavailable,
                             AllCandidatesFailed
      VerificationError   6  NotASignature, UnknownSigner, BadSignature, WeakSignature,
                             UnusableKey, SignatureTime, UnsupportedSignature,
                             SignerNotTrustedForName, TooFewSigners, Unproven
      ImageError          7  NotAnImage, CorruptArchive, ArchiveTooLarge, ManifestMissing,
                             InvalidManifest, NameMismatch, LabelMismatch, ImageIDMismatch,
                             SizeMismatch, TooManyDependencies, NotExportable
      StoreError          8  StoreUnavailable, StoreReadOnly, DiskFull, StoreTooNew,
                             StoreCorrupt, ImageNotFound, AmbiguousImage
      ConfigurationError  9  KeystoreUnavailable, InvalidKey, KeyNotReviewed, KeyNotFound,
                             InvalidPrefix, InvalidSetting
      OutputError        10  OutputExists, OutputUnavailable

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
)
from pipeline.errors.discovery import DiscoveryError, DiscoveryFailed, NoMatchingTag
from pipeline.errors.download import (
    AllCandidatesFailed,
    DownloadError,
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
    BadAnswer,
    BodyTooLarge,
    ConnectionFailed,
    DeadlineExceeded,
    FileUnreadable,
    HttpStatus,
    InsecureUrl,
    InvalidUrl,
    PeerRefused,
    RetriesExhausted,
    TlsFailed,
    TooManyRedirects,
    TransferTooSlow,
    TransportError,
    TruncatedBody,
)
from pipeline.errors.verification import (
    BadSignature,
    NotASignature,
    SignatureTime,
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
)
"""The closed union of every error."""

__all__ = [
    "AllCandidatesFailed",
    "AmbiguousImage",
    "ArchiveTooLarge",
    "BadAnswer",
    "BadSignature",
    "BodyTooLarge",
    "ConfigurationError",
    "ConnectionFailed",
    "CorruptArchive",
    "DeadlineExceeded",
    "DiscoveryError",
    "DiscoveryFailed",
    "DiskFull",
    "DownloadError",
    "ExitCode",
    "FileUnreadable",
    "HttpStatus",
    "ImageError",
    "ImageIDMismatch",
    "ImageNotFound",
    "InsecureUrl",
    "InvalidKey",
    "InvalidManifest",
    "InvalidPrefix",
    "InvalidReference",
    "InvalidSetting",
    "InvalidUrl",
    "KeyNotFound",
    "KeyNotReviewed",
    "KeystoreUnavailable",
    "LabelMismatch",
    "ManifestMissing",
    "NameMismatch",
    "NoMatchingTag",
    "NotASignature",
    "NotAnImage",
    "NotExportable",
    "OutputError",
    "OutputExists",
    "OutputUnavailable",
    "ParseError",
    "PeerRefused",
    "PipelineError",
    "RetriesExhausted",
    "SignatureDeferred",
    "SignatureTime",
    "SignatureUnavailable",
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
    "TransferTooSlow",
    "TransportError",
    "TruncatedBody",
    "UnknownSigner",
    "Unproven",
    "UnsupportedReference",
    "UnsupportedSignature",
    "UnusableKey",
    "VerificationError",
    "WeakSignature",
]
