"""What a command has at hand: settings, the store, the keystore, and ways to speak.

stdout is data, stderr is talk (:mod:`pipeline.cli.talk`). An error is one line ``error: …``, a
blank line, ``hint: …``, and the exit code of its family; nothing else in the package prints or
exits.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar, final

import click
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.cli.options import chosen
from pipeline.cli.progress import ProgressWord, make_observer
from pipeline.cli.talk import Failed, Talk, is_tty, json_line
from pipeline.errors import ExitCode, InvalidSetting, PipelineError
from pipeline.limits import DEFAULT_LIMITS, RETRIES, Limits
from pipeline.recipes.settings import Settings

if TYPE_CHECKING:
    from pipeline.events import Observer
    from pipeline.recipes.toolkit import Toolkit

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")
Value = TypeVar("Value")

SYSTEM_CONFIG = Path("/etc/image-pipeline")
APPLICATION = "image-pipeline"


@final
@dataclass(slots=True)
class Context:
    """A command's surroundings."""

    settings: Settings
    talk: Talk
    progress: ProgressWord
    verbose: bool
    debug: bool

    def toolkit(
        self,
        *,
        limits: Limits = DEFAULT_LIMITS,
        signers: int = 1,
        leniency: frozenset[str] = frozenset(),
        timings: bool = False,
    ) -> "Toolkit":
        """Build the adapters that the settings ask for; nothing is opened yet."""
        # Imported when a command does something: --help and completion must not wait for it.
        from pipeline.recipes.toolkit import Toolkit

        settings = replace(self.settings, limits=limits, signers=signers, leniency=leniency)
        return Toolkit(settings, observer=self.observer(timings=timings))

    def observer(self, *, timings: bool = False) -> "Observer":
        """Begin to show what goes on, until the command ends."""
        from pipeline.adapters.clock import SystemClock
        from pipeline.cli.defects import log_to
        from pipeline.events import Observers

        clock, leave = SystemClock(), click.get_current_context().call_on_close
        progress = make_observer(
            self.progress, self.talk, clock, verbose=self.verbose, debug=self.debug
        )
        # Whatever way the command ends, before anything is said of that; the last is called first.
        leave(log_to(self.talk))
        observer: Observer = progress
        if timings:
            from pipeline.cli.timings import Timings  # few want them

            timed = Timings(self.talk, clock)
            leave(timed.close)
            observer = Observers((progress, timed))
        leave(progress.close)
        return observer

    def data(self, line: str) -> None:
        """Print a line of results."""
        self.talk.data(line)

    def json(self, document: object) -> None:
        """Print a document as one line of JSON."""
        self.talk.data(json_line(document))

    def say(self, text: str) -> None:
        """Tell a person something; silent with ``--quiet``."""
        self.talk.say(text)

    def warn(self, text: str) -> None:
        """Warn, whatever the options say."""
        self.talk.warn(text)

    def report(self, error: PipelineError) -> ExitCode:
        """Print an error and its hint; return the exit code of its family."""
        self.talk.fail(Failed(error.kind, error.message, error.hint, error.exit_code))
        return error.exit_code

    def fail(self, error: PipelineError) -> NoReturn:
        """Print an error and leave with its exit code."""
        raise SystemExit(self.report(error))

    def store_folder(self) -> Path:
        """Return the store's folder, for what is done to folders alone; fail for a bucket."""
        store = self.settings.store
        if not isinstance(store, Path):
            wanted = "a folder: this cannot be done to a store in a bucket"
            self.fail(InvalidSetting("--store", str(store), wanted))
        return store

    def unwrap(self, outcome: Result[Value, PipelineError]) -> Value:
        """Return the value of a success; otherwise :meth:`fail`."""
        if not is_successful(outcome):
            self.fail(outcome.failure())
        return outcome.unwrap()


def pass_context(
    command: Callable[Concatenate[Context, Parameters], Returned],
) -> Callable[Parameters, Returned]:
    """Hand a command its :class:`Context` as the first argument."""

    @wraps(command)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        context = make_context(chosen(click.get_current_context()))
        for word in sorted(context.settings.insecure):
            context.warn(word.warning)
        return command(context, *args, **kwargs)

    return call


def make_context(options: dict[str, Any]) -> Context:  # click hands parameters over untyped
    """Build the context from the global options, with the platform's folders as defaults."""
    progress: ProgressWord = options.get("progress") or "auto"
    return Context(
        settings=Settings(
            store=options.get("store") or _platform_folder("user_data_dir"),
            config=options.get("config") or _platform_folder("user_config_dir"),
            system_config=options.get("system_config") or SYSTEM_CONFIG,
            insecure=options.get("insecure_options") or frozenset(),
            ca_file=options.get("ca_file"),
            connect_to=tuple(options.get("connect_to") or ()),
            limit_rate=options.get("limit_rate"),
            retries=RETRIES if options.get("retries") is None else int(options["retries"]),
            public_only=bool(options.get("public_only")),
            quarantine=options.get("quarantine"),
            netrc=options.get("netrc") or _netrc_file(),
            policy=options.get("policy"),
            insecure_registries=tuple(options.get("insecure_registry") or ()),
            environment=os.environ,
        ),
        talk=Talk(quiet=bool(options.get("quiet")), as_json=progress == "json"),
        progress=progress,
        verbose=bool(options.get("verbose")),
        debug=bool(options.get("debug")),
    )


def _platform_folder(which: str) -> Path:
    import platformdirs  # 40 ms that a run with both folders named does without

    folders = {
        "user_data_dir": platformdirs.user_data_dir,
        "user_config_dir": platformdirs.user_config_dir,
    }
    return Path(folders[which](APPLICATION, appauthor=False))


def _netrc_file() -> Path | None:
    """Return the file that curl's users have: what ``NETRC`` names, else the one at home."""
    named = os.environ.get("NETRC")
    if named:
        return Path(named)
    # Path.expanduser raises where nobody knows a home.
    at_home = Path(os.path.expanduser("~/.netrc"))  # noqa: PTH111
    return at_home if at_home.is_file() else None


def is_terminal() -> bool:
    """Tell whether somebody can be asked: stdin and stderr are both terminals."""
    return is_tty(sys.stdin) and is_tty(sys.stderr)
