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
from pipeline.cli.types import StoreTarget
from pipeline.errors import ExitCode
from pipeline.recipes.mirroring.lists import ListForm
from pipeline.recipes.settings import PullPolicy
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.engine import Engine
    from pipeline.oci import OciPlatform
    from pipeline.recipes.mirroring.entries import MirrorEntry
    from pipeline.recipes.mirroring.locks import LockedImage
    from pipeline.recipes.targets import Target

EPILOG = """\b
LIST is a file, or - for stdin: an image a line, as fetch takes it, and what it demands.
  # comment
  docker://example.com/app:1.2.0 platform=linux/arm64 pull-policy=new
  docker://example.com/base:1 platform=all signers=2
  example.com/tool:3 signed-by=58eb6621a55f724a73a43a4636f568fb41846e27
In YAML or JSON, by the suffix or --list-format; --list-schema prints the JSON Schema:
  version: 1
  defaults: {pull-policy: new}
  images:
    - docker://example.com/app:1.2.0
    - reference: docker://example.com/base:1
      platform: all                    # or OS/ARCHITECTURE[/VARIANT]
      pull-policy: update              # or new, never
      signers: 2                       # so many distinct keys must have signed
      signed-by: [58eb6621a55f724a73a43a4636f568fb41846e27]    # each of these must have

\b
image-pipeline mirror diff OLD NEW says what differs between two lock files.
A list that is called diff is ./diff.
"""


def _print_schema(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from json import dumps

        from pipeline.recipes.mirroring.list_schema import LIST_SCHEMA

        click.echo(dumps(LIST_SCHEMA, indent=2))
        ctx.exit()


@click.command("mirror", cls=Command, epilog=EPILOG)
@click.argument("list_file", metavar="LIST", shell_complete=complete_path)
@click.option(
    "--to",
    "target",
    required=True,
    type=StoreTarget(),
    metavar="DIR|s3://BUCKET/PREFIX",
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
@click.option(
    "--lock",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write which image each was, and who signed it, once all are there.",
)
@click.option(
    "--locked",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Fetch exactly the images of that file, signed by those; fail on any difference.",
)
@click.option(
    "--list-schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of a list, and exit.",
)
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
    target: "Target",
    form: ListForm | None,
    jobs: int,
    jobs_per_host: int,
    scheduler: str | None,
    keep_going: bool,
    dry_run: bool,
    as_json: bool,
    lock: Path | None,
    locked: Path | None,
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
    if lock is not None and (locked is not None or dry_run):
        raise click.UsageError("--lock goes without --locked and --dry-run")
    from dataclasses import replace

    from pipeline.adapters.file import LocalPaths
    from pipeline.cli.mirror_watch import MirrorWatch, print_survey
    from pipeline.recipes.mirroring.lists import parse_references
    from pipeline.recipes.mirroring.locks import write_lock
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
    images = () if locked is None else _read_lock(context, locked, entries)
    watch = MirrorWatch(context, len(entries), as_json=as_json, dry=dry_run)
    with context.unwrap(open_workshop(settings, demands, context.observer())) as workshop:
        engine = _engine(context, jobs, jobs_per_host, scheduler)
        mirror = MirrorRun(
            engine, workshop, entries, references, watch, fail_fast=not keep_going, locked=images
        )
        fetched: tuple[LockedImage, ...]
        if dry_run:
            survey = context.unwrap(mirror.survey())
            print_survey(context, entries, survey, as_json=as_json)
            code, fetched = survey.exit_code, ()
        else:
            with watch.until_the_end():
                survey = context.unwrap(mirror.survey())
                report = context.unwrap(mirror.fetch(survey))
            code, fetched = report.exit_code, report.locked
    if code is not ExitCode.DONE:
        if lock is not None:
            context.warn(f"{printable(str(lock))} is as it was, since not all images are there")
        raise SystemExit(code)
    if lock is not None:
        context.unwrap(write_lock(lock, fetched))


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
    from pipeline.limits import LIST_BYTES
    from pipeline.recipes.mirroring.lists import form_of, parse_list

    content = _read(context, path, LIST_BYTES)
    return context.unwrap(parse_list(content, path, form or form_of(path)))


def _read_lock(
    context: Context, path: Path, entries: "tuple[MirrorEntry, ...]"
) -> "tuple[tuple[LockedImage, ...], ...]":
    from pipeline.limits import LOCK_BYTES
    from pipeline.recipes.mirroring.differences import check_list
    from pipeline.recipes.mirroring.locks import parse_lock

    locked = parse_lock(_read(context, str(path), LOCK_BYTES), str(path))
    return context.unwrap(check_list(entries, context.unwrap(locked)))


def _read(context: Context, path: str, most: int) -> bytes:
    """Read a file, or stdin for ``-``; one byte beyond the limit shows that it is too long."""
    from pipeline.errors import InvalidList

    try:
        if path == "-":
            return sys.stdin.buffer.read(most + 1)
        with Path(path).open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        context.fail(InvalidList(path, "", error.strerror or "it cannot be read"))


@click.command("diff", cls=Command)
@click.argument("old", type=click.Path(path_type=Path), shell_complete=complete_path)
@click.argument("new", type=click.Path(path_type=Path), shell_complete=complete_path)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a difference.")
@pass_context
def diff(context: Context, old: Path, new: Path, as_json: bool) -> None:
    """Say what differs between two lock files, an image a line; nothing where they are alike."""
    from pipeline.cli.mirror_report import change_document, changes_table
    from pipeline.limits import LOCK_BYTES
    from pipeline.recipes.mirroring.differences import diff_locks
    from pipeline.recipes.mirroring.locks import parse_lock

    before, after = (
        context.unwrap(parse_lock(_read(context, str(path), LOCK_BYTES), str(path)))
        for path in (old, new)
    )
    changes = diff_locks(before, after)
    if as_json:
        for change in changes:
            context.json(change_document(change))
        return
    for row in changes_table(changes):
        context.data(row)


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


mirror: MirrorGroup = MirrorGroup("mirror", help=run.help, commands=[diff])
