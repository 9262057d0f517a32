"""What can go wrong with files and folders that are written where somebody asked. Exit code 10."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from pipeline.exit_codes import ExitCode
from pipeline.text import printable, quoted


@final
@dataclass(frozen=True, slots=True)
class OutputExists:
    """Something stands already where a file or folder should go."""

    path: str

    kind: ClassVar[str] = "output-exists"
    exit_code: ClassVar[ExitCode] = ExitCode.OUTPUT

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{quoted(self.path)} exists, wanted a new name"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "name another place, or replace what is there with --overwrite"


@final
@dataclass(frozen=True, slots=True)
class OutputUnavailable:
    """A file or folder cannot be written where it should go."""

    path: str
    reason: str

    kind: ClassVar[str] = "output-unavailable"
    exit_code: ClassVar[ExitCode] = ExitCode.OUTPUT

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"cannot write {quoted(self.path)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "check the folder, its permissions and its space; nothing of this run was left there"


OutputError: TypeAlias = OutputExists | OutputUnavailable
