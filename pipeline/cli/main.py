"""The command ``image-pipeline``: its groups, and the one place where a run ends.

Whatever happens, a person sees a message and a hint, never a traceback (but with ``--debug``).
"""

import errno
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Final, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from pipeline.cli.options import Group
from pipeline.cli.talk import Failed, Talk, is_tty, wants_json
from pipeline.exit_codes import ExitCode
from pipeline.text import printable

INTERNAL_ERROR: Final = 1
"""Exit code of a defect in the program itself, and where stdout takes no results."""

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells give it: 128 + SIGINT."""

SIGNALLED: Final = 128
"""What shells add to the number of the signal that ended a program."""

COMPLETE_VARIABLE: Final = "_IMAGE_PIPELINE_COMPLETE"
"""How the scripts of ``image-pipeline completion`` ask for completions."""

_OUTPUT_FAILED: Final = frozenset({errno.EBADF, errno.EDQUOT, errno.EIO, errno.ENOSPC})
"""What writing results can end with. No adapter lets an OSError of its own come up to here."""

COMMANDS: Final = {
    "completion": (
        "pipeline.cli.completion",
        "Print a script that completes commands and options in SHELL.",
    ),
    "explain": (
        "pipeline.cli.registry",
        "Say which rule decides on a registry image, without asking for it.",
    ),
    "fetch": ("pipeline.cli.fetch", "Fetch images into the store, verified, and print their IDs."),
    "image": ("pipeline.cli.image", "List and show stored images, and remove them."),
    "inspect": ("pipeline.cli.registry", "Show what a registry image is, without its layers."),
    "mirror": (
        "pipeline.cli.mirror",
        "Fetch all images of a list to one place, verified, and say what became of each.",
    ),
    "parse": ("pipeline.cli.parse", "Say what references are taken for, without fetching them."),
    "signature": ("pipeline.cli.signature", "Verify detached signatures by keys that are named."),
    "store": ("pipeline.cli.store", "Keep the store in order: verify, rebuild, measure."),
    "tags": ("pipeline.cli.registry", "List the tags of a registry's repository."),
    "trust": ("pipeline.cli.trust", "Say whose signatures count, and for which image names."),
    "verify": ("pipeline.cli.registry", "Verify registry images by their manifests alone."),
}
"""Each command's module, which has the command under the same name, and a line about it.

The module is imported when its command is called; the line stands here so that --help, which
shows them all, imports none."""

EXIT_CODES = "Exit codes:\n" + "\n".join(f"  {code.value}  {code.meaning}" for code in ExitCode)


class LazyGroup(Group):
    """The top group: a command's module is imported when the command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and their lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in sorted(COMMANDS.items())])


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version  # 50 ms that other runs do without

        click.echo(f"image-pipeline {version('image-pipeline')}")
        ctx.exit()


@click.group(cls=LazyGroup, name="image-pipeline", epilog=f"\b\n{EXIT_CODES}")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Find container images, fetch them into a local store, and prove who signed them.

    \b
    First trust a maker's key, then fetch:
      image-pipeline trust add --prefix example.com/app ./key.asc
      image-pipeline fetch example.com/app:1.2.0
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and exit; ``arguments`` default to the process' own."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores the latter
            signal.signal(number, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        # Imported: from here on Ctrl-C unwinds. Whoever is started with it ignored, ignores it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    talk = Talk(as_json=wants_json(arguments, os.environ))
    try:
        instruction = os.environ.get(COMPLETE_VARIABLE)
        if instruction:
            from click.shell_completion import shell_complete

            return shell_complete(cli, {}, "image-pipeline", COMPLETE_VARIABLE, instruction)
        with cli.make_context("image-pipeline", list(arguments)) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except NoArgsIsHelpError as error:
        if not talk.as_json:
            click.echo(error.format_message(), err=True)
            return ExitCode.USAGE
        return _usage_error(talk, error, "wanted a command")
    except click.UsageError as error:
        return _usage_error(talk, error, error.format_message())
    except click.ClickException as error:
        failed = Failed("usage", error.format_message(), "image-pipeline --help", ExitCode.USAGE)
        return _fail(talk, failed)
    except (click.Abort, KeyboardInterrupt):
        if is_tty(sys.stderr) and not talk.as_json:
            click.echo(err=True)  # the line that ends in the terminal's ^C
        hint = "what was half done has been undone; a download goes on from where it was"
        return _fail(talk, Failed("interrupted", "interrupted", hint, INTERRUPTED))
    except BrokenPipeError:
        # Whoever read the output has enough of it.
        _drop_output()
        return ExitCode.DONE
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else INTERNAL_ERROR
    except Exception as defect:  # noqa: BLE001 - the last line: no traceback reaches a user
        if isinstance(defect, OSError) and defect.errno in _OUTPUT_FAILED:
            _drop_output()
            message = f"cannot write the results: {defect.strerror}"
            hint = "check where stdout leads; what was done up to there stays done"
            return _fail(talk, Failed("output-failed", message, hint, INTERNAL_ERROR))
        if "--debug" in arguments or "IMAGE_PIPELINE_DEBUG" in os.environ:
            import traceback

            talk.say("".join(traceback.format_exception(defect)))
        message = f"internal error: {type(defect).__name__}: {printable(str(defect))}"
        hint = "this is a defect of image-pipeline; report it with the output of --debug"
        return _fail(talk, Failed("internal-error", message, hint, INTERNAL_ERROR))
    return ExitCode.DONE


def _drop_output() -> None:
    """Let what is still to be written vanish: Python would complain of it again on exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage_error(talk: Talk, error: click.UsageError, untrusted_message: str) -> int:
    path = error.ctx.command_path if error.ctx is not None else "image-pipeline"
    # A script may have passed on what somebody else wrote.
    message = "\n".join(printable(line) for line in untrusted_message.split("\n"))
    return _fail(talk, Failed("usage", message, f"{path} --help", ExitCode.USAGE))


def _fail(talk: Talk, failed: Failed) -> int:
    talk.fail(failed)
    return failed.exit_code


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    """Unwind as for Ctrl-C, so that what was half done is undone."""
    raise SystemExit(SIGNALLED + signum)
