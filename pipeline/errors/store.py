"""What can go wrong with the local store. Exit code 8."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from pipeline.bucket_path import SCHEME
from pipeline.digest import Digest
from pipeline.exit_codes import ExitCode
from pipeline.text import printable, quoted


@final
@dataclass(frozen=True, slots=True)
class StoreUnavailable:
    """A file of the store cannot be read or written."""

    path: str
    doing: str
    reason: str

    kind: ClassVar[str] = "store-unavailable"
    exit_code: ClassVar[ExitCode] = ExitCode.STORE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"cannot {printable(self.doing)} {quoted(self.path)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        if self.path.startswith(SCHEME):
            return (
                "check the bucket, its region and who may use it (AWS_ENDPOINT_URL_S3, AWS_REGION, "
                "AWS_ACCESS_KEY_ID), or name another store with --store"
            )
        return "check the folder and its permissions, or name another store with --store"


@final
@dataclass(frozen=True, slots=True)
class StoreReadOnly:
    """Something must be written, and the store cannot be."""

    path: str

    kind: ClassVar[str] = "store-read-only"
    exit_code: ClassVar[ExitCode] = ExitCode.STORE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the store {quoted(self.path)} is read-only, wanted to write to it"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "name a store that can be written with --store"


@final
@dataclass(frozen=True, slots=True)
class DiskFull:
    """No space, or no quota, is left where the store is."""

    path: str

    kind: ClassVar[str] = "disk-full"
    exit_code: ClassVar[ExitCode] = ExitCode.STORE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no space left for {quoted(self.path)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "free some space: image-pipeline image rm and image gc do; nothing was stored"


@final
@dataclass(frozen=True, slots=True)
class StoreTooNew:
    """The store was written by a later version of this program."""

    path: str
    got: int
    wanted: int

    kind: ClassVar[str] = "store-too-new"
    exit_code: ClassVar[ExitCode] = ExitCode.STORE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the store {quoted(self.path)} has format {self.got}, wanted at most {self.wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "upgrade image-pipeline, or name another store with --store"


@final
@dataclass(frozen=True, slots=True)
class StoreCorrupt:
    """What lies in the store is not what the store wrote there."""

    path: str
    reason: str

    kind: ClassVar[str] = "store-corrupt"
    exit_code: ClassVar[ExitCode] = ExitCode.STORE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the store is damaged at {quoted(self.path)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return (
            "image-pipeline store verify says what is damaged, and store rebuild makes the index "
            "again; an image that is damaged is replaced when it is fetched again"
        )


@final
@dataclass(frozen=True, slots=True)
class ImageNotFound:
    """The store has no such image."""

    sought: str

    kind: ClassVar[str] = "image-not-found"
    exit_code: ClassVar[ExitCode] = ExitCode.STORE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no image {quoted(self.sought)} in the store"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "image-pipeline image list shows what there is"


@final
@dataclass(frozen=True, slots=True)
class AmbiguousImage:
    """Several stored images fit."""

    sought: str
    candidates: tuple[Digest, ...]

    kind: ClassVar[str] = "ambiguous-image"
    exit_code: ClassVar[ExitCode] = ExitCode.STORE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        listed = ", ".join(digest.short_image_id for digest in self.candidates[:10])
        return f"{quoted(self.sought)} fits {len(self.candidates)} images: {listed}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "give more digits of the image ID"


StoreError: TypeAlias = (
    StoreUnavailable
    | StoreReadOnly
    | DiskFull
    | StoreTooNew
    | StoreCorrupt
    | ImageNotFound
    | AmbiguousImage
)
