"""What can go wrong while asking where an image is. Exit code 4."""

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias, final

from pipeline.errors.download import OnePlaceError
from pipeline.errors.transport import DeadlineExceeded, InsecureUrl, TlsFailed
from pipeline.exit_codes import ExitCode
from pipeline.names import ImageName
from pipeline.text import printable, quoted, redact_url

_NO_ANSWER: Final = (DeadlineExceeded, InsecureUrl, TlsFailed)


@final
@dataclass(frozen=True, slots=True)
class NoMatchingTag:
    """A page was read, and no meta tag on it speaks for the name in full.

    ``prefixes`` are those of the tags that were there; ``incomplete`` are templates with a
    ``{label}`` that nobody filled in; ``unusable`` are places that may not be asked, each with
    the reason.
    """

    url: str
    tag: str
    prefixes: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        if self.unusable:
            got = f"only places that are not used: {printable(', '.join(self.unusable))}"
        elif self.incomplete:
            got = f"only templates with labels missing: {printable(' '.join(self.incomplete))}"
        elif self.prefixes:
            got = f"only tags for {printable(' '.join(self.prefixes))}"
        else:
            got = "no such tag"
        return f"{redact_url(self.url)} has {got}, wanted a meta tag {quoted(self.tag)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "check the name; a path is written ./NAME, a URL with https://"


@final
@dataclass(frozen=True, slots=True)
class DiscoveryFailed:
    """No page, from the name's own up to the host's, says where the image (or its key) is.

    ``attempts`` are all of them in order, those at mirrors of the name first.
    """

    name: ImageName
    sought: str
    attempts: tuple[OnePlaceError | NoMatchingTag, ...]

    kind: ClassVar[str] = "discovery-failed"
    exit_code: ClassVar[ExitCode] = ExitCode.DISCOVERY

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        listed = "".join(f"\n  {n}. {a.message}" for n, a in enumerate(self.attempts, 1))
        return f"no {printable(self.sought)} found for {quoted(self.name)}:{listed}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        for attempt in self.attempts:
            # Where no page could be asked for, the name is not to blame.
            if isinstance(attempt, _NO_ANSWER):
                return attempt.hint
        return "check the name; a path is written ./NAME, a URL with https://"


DiscoveryError: TypeAlias = DiscoveryFailed
