"""``image-pipeline mirror``: a list of images to one place; ``mirror diff``: two lock files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from pipeline.cli.context import Context, pass_context
from pipeline.cli.fetch_options import (
    check_layers_option,
    leniency_of,
    limit_options,
    limits_of,
    platform_option,
    pull_policy_option,
    sha1_option,
    signers_option,
)
from pipeline.cli.options import Command, Group, complete_path
from pipeline.errors import ExitCode
from pipeline.recipes.mirroring.lists import ListForm
from pipeline.recipes.settings import PullPolicy

if TYPE_CHECKING:
    from pipeline.engine import Engine
    from pipeline.oci import OciPlatform
    from pipeline.recipes.mirroring.entries import MirrorEntry

EPILOG = ""


@click.command("mirror", cls=Command, epilog=EPILOG)
@click.argument("list_file", metavar="LIST", shell_complete=complete_path)
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(path_type=Path, readable=False),
    metavar="TARGET",
    help="Where the images are wanted: a store, which is made where there is none.",
)
@click.option(
    "--list-format",
    "form",
    type=click.Choice(get_args(ListForm)),
    help="How LIST is written.  [default: by its suffix, plain for others]",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    metavar="N",
    help="How many images are fetched at once.",
)
@click.option(
    "--jobs-per-host",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    metavar="N",
    help="How many of them from one host.",
)
@click.option(
    "--scheduler",
    metavar="URL",
    help="Have the workers of a Dask scheduler do it, as tls://host:8786; --jobs is theirs to say.",
)
@click.option(
    "--keep-going/--fail-fast",
    default=True,
    help="After a failure, go on with the others, or begin no more.  [default: keep-going]",
)
@click.option(
    "--dry-run", is_flag=True, help="Say what would travel, and fetch nothing but manifests."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document an image.")
@platform_option
@pull_policy_option
@signers_option
@sha1_option
@check_layers_option
@limit_options
@pass_context
def run(
    context: Context,
    list_file: str,
    target: Path,
    form: ListForm | None,
    jobs: int,
    jobs_per_host: int,
    scheduler: str | None,
    keep_going: bool,
    dry_run: bool,
    as_json: bool,
    platform: "OciPlatform | None",
    pull_policy: PullPolicy,
    signers: int,
    sha1: bool,
    check_layers: bool,
    max_size: int,
    max_archive_size: int,
    idle_timeout: float,
    timeout: float,
    least_rate: int,
) -> None:
    """Fetch all images of LIST to one place, verified, and say what became of each.

    Run again, it does what is missing. What several images share travels once.
    """
    from dataclasses import replace

    from pipeline.adapters.file import LocalPaths
    from pipeline.cli.mirror_watch import MirrorWatch
    from pipeline.recipes.mirroring.lists import parse_references
    from pipeline.recipes.mirroring.run import MirrorRun
    from pipeline.recipes.mirroring.workshop import Demands, open_workshop

    entries = _read_list(context, list_file, form)
    references = context.unwrap(parse_references(entries, list_file, LocalPaths()))
    settings = replace(
        context.settings,
        store=target,
        limits=limits_of(max_size, max_archive_size, idle_timeout, timeout, least_rate),
        signers=signers,
        leniency=leniency_of(sha1),
    )
    demands = Demands(pull_policy, platform, check_layers)
    watch = MirrorWatch(context, len(entries), as_json=as_json)
    with context.unwrap(open_workshop(settings, demands, context.observer())) as workshop:
        engine = _engine(context, jobs, jobs_per_host, scheduler)
        mirror = MirrorRun(engine, workshop, entries, references, watch, fail_fast=not keep_going)
        with watch.until_the_end():
            survey = context.unwrap(mirror.survey())
            report = context.unwrap(mirror.fetch(survey))
    if report.exit_code is not ExitCode.DONE:
        raise SystemExit(report.exit_code)


def _engine(context: Context, jobs: int, per_host: int, scheduler: str | None) -> "Engine":
    from pipeline.adapters.threads import ThreadEngine
    from pipeline.errors import EngineUnavailable

    if scheduler is None:
        return ThreadEngine(jobs, per_host)
    try:
        from pipeline.adapters.dask import DaskEngine, is_exposed
    except ModuleNotFoundError:
        context.fail(EngineUnavailable(scheduler, "image-pipeline[dask] is not installed here"))
    if is_exposed(scheduler):
        context.warn(
            "tcp:// is neither encrypted nor authenticated: whoever reaches the scheduler runs "
            "code on its workers; use tls://"
        )
    return DaskEngine(scheduler, per_host=per_host)


def _read_list(context: Context, path: str, form: ListForm | None) -> "tuple[MirrorEntry, ...]":
    from pipeline.errors import InvalidList
    from pipeline.limits import LIST_BYTES
    from pipeline.recipes.mirroring.lists import form_of, parse_list

    try:
        if path == "-":
            content = sys.stdin.buffer.read(LIST_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(LIST_BYTES + 1)
    except OSError as error:
        context.fail(InvalidList(path, "", error.strerror or "it cannot be read"))
    return context.unwrap(parse_list(content, path, form or form_of(path)))


class MirrorGroup(Group):
    """``mirror diff …`` is a command; whatever else follows ``mirror`` is for the run."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # as click hands it on
    ) -> click.Context:
        """Make the context of the command that is meant."""
        if args[:1] and args[0] in self.commands:
            return super().make_context(info_name, args, parent, **extra)
        return run.make_context(info_name, args, parent, **extra)

    def get_help(self, ctx: click.Context) -> str:
        """Return the run's help."""
        context = click.Context(
            run,
            info_name=ctx.info_name,
            parent=ctx.parent,
            terminal_width=ctx.terminal_width,
            max_content_width=ctx.max_content_width,
        )
        return run.get_help(context)


mirror = MirrorGroup("mirror", help=run.help)
