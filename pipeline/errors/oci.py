"""What can be wrong with an OCI image's documents and layers. Exit code 7."""

from dataclasses import dataclass
from typing import ClassVar, final

from pipeline.digest import Digest
from pipeline.exit_codes import ExitCode
from pipeline.oci.documents import DocumentProblem
from pipeline.text import printable, quoted

_SHOWN_PLATFORMS = 20


@final
@dataclass(frozen=True, slots=True)
class InvalidDocument:
    """A manifest, index or configuration is not what it must be; ``path`` as ``$.layers[0]``."""

    document: str
    path: str
    reason: str

    kind: ClassVar[str] = "invalid-document"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        where = f"{printable(self.document)} at {printable(self.path)}"
        return f"invalid {where}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "whoever published the image can push it again; nothing was stored"


@final
@dataclass(frozen=True, slots=True)
class UnsupportedManifest:
    """A document of a kind that is not read here, as docker's schema 1."""

    media_type: str
    reason: str

    kind: ClassVar[str] = "unsupported-manifest"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"got a {quoted(self.media_type)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "push the image anew with a current tool: it will be an OCI or a schema 2 one"


@final
@dataclass(frozen=True, slots=True)
class PlatformNotFound:
    """An index has no image for the platform that was asked for."""

    reference: str
    wanted: str
    available: tuple[str, ...]

    kind: ClassVar[str] = "platform-not-found"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        listed = ", ".join(printable(each) for each in self.available[:_SHOWN_PLATFORMS])
        more = ", …" if len(self.available) > _SHOWN_PLATFORMS else ""
        return (
            f"{quoted(self.reference)} has no image for {printable(self.wanted)}; "
            f"it has {listed or 'none at all'}{more}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "--platform OS/ARCH[/VARIANT] asks for another one"


@final
@dataclass(frozen=True, slots=True)
class DiffIDMismatch:
    """A layer, uncompressed, is not what the configuration says; the lowest is the first."""

    layer: int
    wanted: Digest
    got: Digest

    kind: ClassVar[str] = "diff-id-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"layer {self.layer} unpacks to {self.got}, wanted {self.wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the image was put together wrongly, or to deceive; do not use it"


@final
@dataclass(frozen=True, slots=True)
class NoSuchImage:
    """A file or folder of images has none of the name that was asked for, or several."""

    reference: str
    available: tuple[str, ...]

    kind: ClassVar[str] = "no-such-image"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        listed = ", ".join(printable(each) for each in self.available[:_SHOWN_PLATFORMS])
        return f"{quoted(self.reference)} names no single image; there is {listed or 'none'}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "name one of them behind the path, after a colon"


def document_error(
    document: str, problem: DocumentProblem
) -> InvalidDocument | UnsupportedManifest:
    """Return the error for what a document, called ``manifest`` or the like, was found to be."""
    if problem.unsupported_type:
        return UnsupportedManifest(problem.unsupported_type, problem.reason)
    return InvalidDocument(document, problem.path, problem.reason)
