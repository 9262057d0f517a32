"""What can be wrong with a reference. Exit code 3."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from pipeline.exit_codes import ExitCode
from pipeline.text import printable, quoted


@final
@dataclass(frozen=True, slots=True)
class InvalidReference:
    """The text names nothing: not a path, a URL, a name, a registry reference or an image ID.

    ``position`` is the offset of the first offending character, where there is one.
    """

    untrusted_text: str
    wanted: str
    advice: str
    position: int | None = None

    kind: ClassVar[str] = "invalid-reference"
    exit_code: ClassVar[ExitCode] = ExitCode.REFERENCE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        place = "" if self.position is None else f" at character {self.position + 1}"
        text, wanted = quoted(self.untrusted_text), printable(self.wanted)
        return f"{text} is not an image reference{place}: {wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return printable(self.advice)


@final
@dataclass(frozen=True, slots=True)
class UnsupportedReference:
    """A well-formed reference of a kind that cannot be fetched from where it points."""

    reference: str
    reason: str
    advice: str

    kind: ClassVar[str] = "unsupported-reference"
    exit_code: ClassVar[ExitCode] = ExitCode.REFERENCE

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"cannot fetch {quoted(self.reference)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return printable(self.advice)


ParseError: TypeAlias = InvalidReference | UnsupportedReference
