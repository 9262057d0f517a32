"""What can be wrong when many images are fetched by a list. Exit code 11."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from pipeline.exit_codes import ExitCode
from pipeline.text import printable, quoted


@final
@dataclass(frozen=True, slots=True)
class InvalidList:
    """A list of images, or a lock file, that cannot be used; ``place`` says where in it."""

    path: str
    place: str
    reason: str

    kind: ClassVar[str] = "invalid-list"
    exit_code: ClassVar[ExitCode] = ExitCode.MIRROR

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        place = f", {printable(self.place)}" if self.place else ""
        return f"{quoted(self.path)}{place}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "image-pipeline mirror --help shows what a list may say"


@final
@dataclass(frozen=True, slots=True)
class LockDiffers:
    """Something is not as the lock file says: what is asked for, what came, or who signed it."""

    reference: str
    what: str
    got: str
    wanted: str

    kind: ClassVar[str] = "lock-differs"
    exit_code: ClassVar[ExitCode] = ExitCode.MIRROR

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        got, wanted = printable(self.got), printable(self.wanted)
        return (
            f"{quoted(self.reference)} is not as locked: "
            f"{printable(self.what)} is {got}, wanted {wanted}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "where the difference is wanted, write the lock file anew with --lock"


@final
@dataclass(frozen=True, slots=True)
class NotTried:
    """An image that was not asked for, because another one failed before."""

    reference: str

    kind: ClassVar[str] = "not-tried"
    exit_code: ClassVar[ExitCode] = ExitCode.MIRROR

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{quoted(self.reference)} was not tried: another image failed before"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "run again, or with --keep-going"


@final
@dataclass(frozen=True, slots=True)
class EngineUnavailable:
    """Nobody is there to do the work: a scheduler that does not answer, or has no workers."""

    address: str
    reason: str

    kind: ClassVar[str] = "engine-unavailable"
    exit_code: ClassVar[ExitCode] = ExitCode.MIRROR

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no work can be done at {quoted(self.address)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "start a scheduler and workers there, or leave --scheduler out"


@final
@dataclass(frozen=True, slots=True)
class WorkerLost:
    """Those who did a piece of work died, again and again."""

    address: str
    reason: str

    kind: ClassVar[str] = "worker-lost"
    exit_code: ClassVar[ExitCode] = ExitCode.MIRROR

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the workers at {quoted(self.address)} did not end this: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "look at the workers' logs: one that has too little memory is ended by its machine"


MirrorError: TypeAlias = InvalidList | LockDiffers | NotTried | EngineUnavailable | WorkerLost
"""Why a list of images was not fetched as it was asked for."""
