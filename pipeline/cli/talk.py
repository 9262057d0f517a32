"""What a run says, from whichever thread: talk on stderr, results on stdout, one at a time.

For people talk is lines, above the bars where some are drawn. With ``--progress=json`` it is for
programs, and then stderr has JSON documents alone, one a line, errors included
(docs/progress.md). Where nobody takes it, the run goes on without.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import pairwise
from threading import RLock
from typing import TYPE_CHECKING, Final, Protocol, TextIO, TypeAlias, final

import click

from pipeline.text import redact_url

if TYPE_CHECKING:
    from pipeline.events import Event

PROGRESS_VARIABLE: Final = "IMAGE_PIPELINE_PROGRESS"


@final
@dataclass(frozen=True, slots=True)
class Said:
    """Something of interest, for people; left out by ``--quiet``."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should not overlook."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """An error: of the run, or of one of the things that it was asked for."""

    kind: str
    message: str
    hint: str
    exit_code: int


@final
@dataclass(frozen=True, slots=True)
class Timed:
    """A row of ``--timings``: a stage or a transfer, when it began, and how long it took."""

    stage: str
    subject: str
    start_seconds: float
    seconds: float
    size: int | None
    retries: int
    error_kind: str | None
    span: int
    within: int


Statement: TypeAlias = "Said | Warned | Failed | Timed | Event"
"""Whatever is told to a program."""


class Bars(Protocol):
    """What is drawn at the end of the terminal and must step aside for lines."""

    def pause(self) -> None:
        """Take away what is drawn."""
        ...

    def resume(self) -> None:
        """Draw it again, if there is something to draw."""
        ...


@final
class Talk:
    """The way to stdout and stderr; ``lock`` is held while something is written there."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        """Speak to people, or in JSON to programs."""
        self.lock: Final = RLock()
        self.quiet: Final = quiet
        self.as_json: Final = as_json
        self.bars: Bars | None = None
        self._is_heard = True

    def data(self, line: str) -> None:
        """Print a line of results on stdout."""
        with self._aside():
            click.echo(line)

    def say(self, text: str) -> None:
        """Tell a person something; silent with ``quiet``."""
        if not self.quiet:
            self._write(text, Said(text))

    def warn(self, text: str) -> None:
        """Warn, whatever the options say."""
        self._write(f"warning: {text}", Warned(text))

    def fail(self, failed: Failed) -> None:
        """Say what went wrong: ``error: …``, a blank line, ``hint: …``."""
        self._write(f"error: {failed.message}\n\nhint: {failed.hint}", failed)

    def tell(self, statement: Statement) -> None:
        """Tell a program, as a line of JSON."""
        with self.lock:
            self._echo(json_line(document(statement)))

    def _write(self, text: str, statement: Said | Warned | Failed) -> None:
        if self.as_json:
            self.tell(statement)
        else:
            with self._aside():
                self._echo(text)

    def _echo(self, text: str) -> None:
        if self._is_heard:
            try:
                click.echo(text, err=True)
            except OSError:
                # A pipe that nobody reads, a full disk: no reason to stop the work itself.
                self._is_heard = False

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Have the bars out of the way."""
        with self.lock:
            if self.bars is None:
                yield
                return
            self.bars.pause()
            try:
                yield
            finally:
                self.bars.resume()


def document(statement: Statement) -> dict[str, object]:
    """Return a statement as a program reads it: ``event``, then its fields.

    >>> document(Warned("low on space"))
    {'event': 'warned', 'message': 'low on space'}
    """
    values = {field.name: getattr(statement, field.name) for field in fields(statement)}
    if "url" in values:
        values["url"] = redact_url(values["url"])
    return {"event": event_name(type(statement))} | values


def event_name(kind: type) -> str:
    """Return how a program knows a kind of statement.

    >>> event_name(Said)
    'said'
    """
    words = ("-" + letter.lower() if letter.isupper() else letter for letter in kind.__name__)
    return "".join(words).removeprefix("-")


def json_line(value: object) -> str:
    """Return JSON on one line, in ASCII: no text in it can move the cursor."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def wants_json(arguments: list[str], environment: Mapping[str, str]) -> bool:
    """Tell whether ``--progress=json`` is asked for, also by what is no valid command line.

    >>> wants_json(["fetch", "--progress", "json", "A"], {})
    True
    >>> wants_json([], {}), wants_json(["--", "--progress=json"], {})
    (False, False)
    >>> wants_json(["--progress=json", "fetch", "--progress=none"], {PROGRESS_VARIABLE: "json"})
    False
    """
    word = environment.get(PROGRESS_VARIABLE, "")
    for argument, following in pairwise([*arguments, ""]):
        if argument == "--":
            break
        if argument == "--progress":
            word = following
        elif argument.startswith("--progress="):
            word = argument.partition("=")[2]
    return word == "json"


def is_tty(stream: TextIO | None) -> bool:
    """Tell whether a standard stream is a terminal; Python has None for one that was closed."""
    return stream is not None and stream.isatty()
