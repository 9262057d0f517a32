"""``image-pipeline image gc``: remove what nobody needs any more."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click
from returns.pipeline import is_successful

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command
from pipeline.cli.progress import size
from pipeline.cli.types import Duration
from pipeline.errors import ExitCode, ImageNotFound
from pipeline.results import Stored

if TYPE_CHECKING:
    from pipeline.ports import Clock


@click.command("gc", cls=Command, short_help="Remove what nobody needs any more.")
@click.option(
    "--grace-period",
    type=Duration(),
    default=timedelta(hours=24),
    metavar="TIME",
    help="Leave alone what was changed so recently.  [default: 24h]",
)
@click.option(
    "--unused-for",
    type=Duration(),
    metavar="TIME",
    help="Remove images, too, that were not used for so long, as 30d, and no other image needs.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a removal.")
@pass_context
def collect(
    context: Context,
    grace_period: timedelta,
    unused_for: timedelta | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove what stopped commands left, and downloads that nobody went on with.

    No image is removed, unless --unused-for says so. Prints a line for each thing that goes: its
    kind, its size in bytes, and its path in the store.
    """
    from pipeline.adapters.clock import SystemClock
    from pipeline.adapters.layout.maintenance import collect_store

    clock = SystemClock()
    freed = count = 0
    failures: list[ExitCode] = []
    if unused_for is not None:
        for stored in _collect_images(context, clock, unused_for, failures, dry_run=dry_run):
            _print(context, "image", stored.image_id.image_id, stored.archive_bytes, as_json)
            context.say(f"{output.image_label(stored)} was not used for long")
            count, freed = count + 1, freed + stored.archive_bytes
    collected = context.unwrap(
        collect_store(context.store_folder(), clock=clock, grace=grace_period, dry_run=dry_run)
    )
    for each in collected:
        _print(context, each.kind, each.path, each.size, as_json)
        count, freed = count + 1, freed + each.size
    context.say(f"{count} item(s) of {size(freed)} {'to remove' if dry_run else 'removed'}")
    if failures:
        raise SystemExit(failures[0])


def _collect_images(
    context: Context,
    clock: "Clock",
    age: timedelta,
    failures: list[ExitCode],
    *,
    dry_run: bool,
) -> list[Stored]:
    from pipeline.adapters.layout.maintenance import list_unused, remove_unused
    from pipeline.names import this_platform

    root = context.store_folder()
    unused = context.unwrap(list_unused(root, clock=clock, age=age, platform=this_platform()))
    if dry_run:
        return list(unused)
    removed: list[Stored] = []
    for stored in unused:
        outcome = remove_unused(root, stored.image_id, clock=clock, age=age)
        if is_successful(outcome):
            removed.append(stored)
        elif not isinstance(outcome.failure(), ImageNotFound):
            failures.append(context.report(outcome.failure()))
    return removed


def _print(context: Context, kind: str, path: str, size_bytes: int, as_json: bool) -> None:
    if as_json:
        context.json({"kind": kind, "path": path, "size": size_bytes})
    else:
        context.data(f"{kind}\t{size_bytes}\t{path}")
