"""What can be wrong with an archive or its manifest. Exit code 7."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from pipeline.digest import Digest
from pipeline.errors.oci import (
    DiffIDMismatch,
    InvalidDocument,
    NoSuchImage,
    PlatformNotFound,
    UnsupportedManifest,
)
from pipeline.exit_codes import ExitCode
from pipeline.names import ImageName, LabelName
from pipeline.text import printable, quoted


@final
@dataclass(frozen=True, slots=True)
class NotAnImage:
    """The bytes are not a tar, compressed or not, or it is not laid out as an image."""

    reason: str

    kind: ClassVar[str] = "not-an-image"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"not an image archive: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "an image is a tar (plain, gzip, bzip2, xz or zstd) that holds manifest and rootfs/"


@final
@dataclass(frozen=True, slots=True)
class CorruptArchive:
    """The archive is damaged, cut off, or contradicts itself."""

    reason: str

    kind: ClassVar[str] = "corrupt-archive"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"damaged image archive: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "fetch it again; if that does not help, it was published damaged"


@final
@dataclass(frozen=True, slots=True)
class ArchiveTooLarge:
    """The archive expands beyond a limit: a decompression bomb, or a very large image."""

    what: str
    limit: int

    kind: ClassVar[str] = "archive-too-large"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the archive has more than {self.limit} {printable(self.what)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        if self.what != "bytes":
            return "no image needs that many; it may be made to exhaust the machine that reads it"
        return "if it is meant to be this large, raise the limit with --max-archive-size"


@final
@dataclass(frozen=True, slots=True)
class ManifestMissing:
    """The archive has no entry named manifest, or no rootfs."""

    wanted: str

    kind: ClassVar[str] = "manifest-missing"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the archive has no {quoted(self.wanted)} at its root"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return (
            "check that it is the right file: an App Container Image has manifest and rootfs, "
            "a tar for oci-archive: has oci-layout, one for docker-archive: manifest.json"
        )


@final
@dataclass(frozen=True, slots=True)
class InvalidManifest:
    """The manifest is not what the schema says; ``path`` is as ``$.labels[0].name``."""

    path: str
    reason: str

    kind: ClassVar[str] = "invalid-manifest"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"invalid manifest at {printable(self.path)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the image's maker can check it with the appc schema; nothing was stored"


@final
@dataclass(frozen=True, slots=True)
class NameMismatch:
    """The image is not the one that was asked for."""

    wanted: ImageName
    got: ImageName

    kind: ClassVar[str] = "name-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the image calls itself {quoted(self.got)}, wanted {quoted(self.wanted)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the server handed out another image than was asked for; nothing was stored"


@final
@dataclass(frozen=True, slots=True)
class LabelMismatch:
    """A label that was asked for has another value, or (``got`` is None) is not there."""

    label: LabelName
    wanted: str
    got: str | None

    kind: ClassVar[str] = "label-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        if self.got is None:
            return f"the image has no label {quoted(self.label)}, wanted {quoted(self.wanted)}"
        return (
            f"the image's label {quoted(self.label)} is {quoted(self.got)}, "
            f"wanted {quoted(self.wanted)}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "ask for the labels that the image has, or for another image"


@final
@dataclass(frozen=True, slots=True)
class ImageIDMismatch:
    """The image's ID is not the one that its parent's dependency entry names."""

    wanted: Digest
    got: Digest

    kind: ClassVar[str] = "image-id-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the image is {self.got.image_id}, wanted {self.wanted.image_id}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the dependency was published anew since its parent was built; nothing was stored"


@final
@dataclass(frozen=True, slots=True)
class SizeMismatch:
    """The image's size is not the one that its parent's dependency entry names."""

    wanted: int
    got: int

    kind: ClassVar[str] = "size-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the image has {self.got} bytes, wanted {self.wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "the dependency was published anew since its parent was built; nothing was stored"


@final
@dataclass(frozen=True, slots=True)
class TooManyDependencies:
    """An image pulls in more dependencies, or deeper ones, than anybody needs."""

    limit: int
    what: str

    kind: ClassVar[str] = "too-many-dependencies"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"more than {self.limit} {printable(self.what)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "fetch without dependencies with --no-deps"


@final
@dataclass(frozen=True, slots=True)
class NotExportable:
    """The image has something that the format asked for cannot say."""

    reason: str

    kind: ClassVar[str] = "not-exportable"
    exit_code: ClassVar[ExitCode] = ExitCode.IMAGE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the image cannot be written in that format: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "image export --format=aci always can; image render joins an image and what it needs"


ImageError: TypeAlias = (
    NotAnImage
    | CorruptArchive
    | ArchiveTooLarge
    | ManifestMissing
    | InvalidManifest
    | NameMismatch
    | LabelMismatch
    | ImageIDMismatch
    | SizeMismatch
    | TooManyDependencies
    | NotExportable
    | InvalidDocument
    | UnsupportedManifest
    | PlatformNotFound
    | DiffIDMismatch
    | NoSuchImage
)
