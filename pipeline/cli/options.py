"""The options that every command takes, before or after its name, and their environment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click
from returns.pipeline import is_successful

from pipeline.cli.progress import ProgressWord
from pipeline.cli.types import ByteSize, ConnectToRule, RegistryHost, StoreTarget
from pipeline.limits import RETRIES
from pipeline.recipes.settings import Insecure, parse_insecure_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_META: Final = "image_pipeline.global_options"
_ENV: Final = "IMAGE_PIPELINE"
GLOBAL_HEADING: Final = "Global options"


class InsecureOptions(click.ParamType[frozenset[Insecure]]):
    """Words for ``--insecure-options``, checked while the arguments are read."""

    name = "words"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Insecure]:
        """Return the set, or fail as a usage error."""
        if isinstance(value, frozenset):
            return value
        parsed = parse_insecure_options(str(value))
        if not is_successful(parsed):
            self.fail(parsed.failure(), param, ctx)
        return parsed.unwrap()


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Keep the value for :func:`chosen`; what stands nearer on the command line wins."""
    options: dict[str, object] = ctx.meta.setdefault(_META, {})
    name = param.name or ""
    given = ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    if given or name not in options:
        options[name] = value


def chosen(ctx: click.Context) -> dict[str, Any]:  # click hands parameters over untyped
    """Return the global options as they were given, by parameter name."""
    options: dict[str, Any] = ctx.meta.get(_META, {})
    return options


def complete_path(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Let the shell complete a path where one of several things may stand."""
    from click.shell_completion import CompletionItem  # only who completes waits for it

    return [CompletionItem(incomplete, type="file")]


def _option(*names: str, **attributes: Any) -> click.Option:  # as click.Option takes them
    envvar = f"{_ENV}_{names[0].lstrip('-').upper().replace('-', '_')}"
    return click.Option(
        list(names),
        envvar=envvar,
        show_envvar=True,
        expose_value=False,
        callback=_remember,
        **attributes,
    )


def global_options() -> list[click.Option]:
    """Make the options anew: a click parameter belongs to one command."""
    # Whether a folder is one and can be used, its adapter says, and only where it is needed.
    folder = click.Path(path_type=Path, readable=False)
    return [
        _option(
            "--store",
            type=StoreTarget(),
            metavar="DIR|s3://BUCKET/PREFIX",
            help="Where images are kept.  [default: the platform's data folder]",
        ),
        _option(
            "--quarantine",
            type=folder,
            metavar="DIR",
            help="Where downloads lie until they are proven.  [default: in the store's folder; "
            "for a bucket, in the platform's cache folder]",
        ),
        _option(
            "--config",
            type=folder,
            metavar="DIR",
            help="Your keys and settings.  [default: the platform's configuration folder]",
        ),
        _option(
            "--system-config",
            type=folder,
            metavar="DIR",
            help="The machine's keys and settings.  [default: /etc/image-pipeline]",
        ),
        _option(
            "--insecure-options",
            type=InsecureOptions(),
            metavar="WORDS",
            help="Leave checks out: image, tls, http, pubkey; comma-separated. Each one warns.",
        ),
        _option(
            "--policy",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="A policy.json that says whose signatures registry images need.  "
            "[default: policy.json in the folders of --config and --system-config]",
        ),
        _option(
            "--insecure-registry",
            type=RegistryHost(),
            multiple=True,
            metavar="HOST[:PORT]",
            help="Ask this registry without checking its certificate, or over plain http.",
        ),
        _option(
            "--ca-file",
            type=click.Path(),
            metavar="FILE",
            help="Trust these certificate authorities (PEM), too.",
        ),
        _option(
            "--connect-to",
            type=ConnectToRule(),
            multiple=True,
            metavar="HOST:PORT:ADDR:PORT",
            help="Reach HOST:PORT at ADDR:PORT instead, as curl does.",
        ),
        _option(
            "--public-only",
            is_flag=True,
            default=None,
            help="Refuse servers whose addresses are not public.",
        ),
        _option(
            "--netrc",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Passwords for https servers.  [default: $NETRC, then ~/.netrc]",
        ),
        _option(
            "--retries",
            type=click.IntRange(min=0, max=100),
            metavar="N",
            help="How often a request that fails for a passing reason is sent again.  "
            f"[default: {RETRIES}]",
        ),
        _option(
            "--limit-rate",
            type=ByteSize(),
            metavar="SIZE",
            help="Most bytes a second, as 500K or 2M, of all transfers together.",
        ),
        _option(
            "--progress",
            type=click.Choice(get_args(ProgressWord)),
            help="How transfers are shown on stderr.  [default: auto]",
        ),
        _option("--quiet", "-q", is_flag=True, default=None, help="Warnings and errors alone."),
        _option("--verbose", "-v", is_flag=True, default=None, help="Say what is being done."),
        _option("--debug", is_flag=True, default=None, help="Say everything; for bug reports."),
    ]


class Command(click.Command):
    """A command that takes the global options, listed under a heading of their own."""

    def __init__(self, *args: Any, **attributes: Any) -> None:  # as click.Command takes them
        """Add the global options to the command's own."""
        super().__init__(*args, **attributes)
        self.params.extend(global_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the global ones."""
        write_options(self, ctx, formatter)


class Group(click.Group):
    """A group whose commands take the global options, and which takes them itself."""

    command_class: type[click.Command] | None = Command
    group_class: type[click.Group] | type[type] | None = type

    def __init__(self, *args: Any, **attributes: Any) -> None:  # as click.Group takes them
        """Add the global options."""
        super().__init__(*args, **attributes)
        self.params.extend(global_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the global options."""
        self.format_commands(ctx, formatter)
        write_options(self, ctx, formatter)


def write_options(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    """Write two sections of options: a command's own and the global ones."""
    global_names = {option.name for option in global_options()}
    sections: Sequence[tuple[str, Callable[[click.Parameter], bool]]] = (
        ("Options", lambda parameter: parameter.name not in global_names),
        (GLOBAL_HEADING, lambda parameter: parameter.name in global_names),
    )
    for heading, belongs in sections:
        records = [
            record
            for parameter in command.get_params(ctx)
            if isinstance(parameter, click.Option)
            and belongs(parameter)
            and (record := parameter.get_help_record(ctx)) is not None
        ]
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)
