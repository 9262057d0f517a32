"""What can go wrong between a URL and a whole file in quarantine. Exit code 5."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias, final

from pipeline.digest import Digest
from pipeline.errors.transport import FileUnreadable, HttpStatus, TransportError
from pipeline.exit_codes import ExitCode
from pipeline.text import quoted, redact_url

if TYPE_CHECKING:
    from pipeline.errors.discovery import NoMatchingTag


@final
@dataclass(frozen=True, slots=True)
class SignatureDeferred:
    """The server answered 202 for a signature, and again after the image was fetched."""

    url: str

    kind: ClassVar[str] = "signature-deferred"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return (
            f"{redact_url(self.url)} answered with status 202 before and after the image, "
            "wanted 200 after it"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the server has not made the signature; try again later"


@final
@dataclass(frozen=True, slots=True)
class SignatureUnavailable:
    """There is no signature where it must be, and one was demanded."""

    cause: TransportError

    kind: ClassVar[str] = "signature-unavailable"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no signature, wanted a detached one: {self.cause.message}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        is_absent = isinstance(self.cause, FileUnreadable) or (
            isinstance(self.cause, HttpStatus) and self.cause.status in {404, 410}
        )
        if not is_absent:
            # There may well be one: going without is no answer to a server that refuses or fails.
            return self.cause.hint
        return (
            "check the path or address; a signature elsewhere is named with --signature FILE, "
            "and an image that nobody signed is fetched with --insecure-options=image, "
            "and proves nothing"
        )


@final
@dataclass(frozen=True, slots=True)
class AllCandidatesFailed:
    """Every place that discovery or a mirror named was tried; each cause in the order of trying."""

    reference: str
    causes: tuple["OnePlaceError | NoMatchingTag", ...]

    kind: ClassVar[str] = "all-candidates-failed"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        listed = "".join(f"\n  {n}. {c.message}" for n, c in enumerate(self.causes, 1))
        tried = f"{len(self.causes)} place{'' if len(self.causes) == 1 else 's'} tried"
        return f"cannot fetch {quoted(self.reference)}, {tried}:{listed}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return self.causes[-1].hint if self.causes else "nothing was named that could be tried"


@final
@dataclass(frozen=True, slots=True)
class DigestMismatch:
    """A document or blob is not what was named by its digest, whatever its server says."""

    url: str
    wanted: Digest
    got: Digest

    kind: ClassVar[str] = "digest-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{redact_url(self.url)} has the digest {self.got}, wanted {self.wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "what the server handed out was changed or damaged; nothing was stored"


@final
@dataclass(frozen=True, slots=True)
class BlobSizeMismatch:
    """A blob has another size than the document that names it says, in bytes."""

    url: str
    wanted: int
    got: int

    kind: ClassVar[str] = "blob-size-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.DOWNLOAD

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{redact_url(self.url)} has {self.got} bytes, wanted {self.wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "what the server handed out was changed or damaged; nothing was stored"


OnePlaceError: TypeAlias = (
    TransportError | SignatureDeferred | SignatureUnavailable | DigestMismatch | BlobSizeMismatch
)
"""What one place can fail with; another may have the image whole."""

DownloadError: TypeAlias = OnePlaceError | AllCandidatesFailed
