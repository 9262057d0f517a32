"""``image-pipeline image``: what the store holds."""

import sys

import click
from returns.pipeline import is_successful

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.image_collection import collect
from pipeline.cli.image_files import export, extract, render
from pipeline.cli.image_listing import list_images
from pipeline.cli.image_verification import verify
from pipeline.cli.options import Group
from pipeline.digest import Digest
from pipeline.errors import ExitCode
from pipeline.results import Stored


@click.group(cls=Group)
def image() -> None:
    """List and show stored images, and remove them."""


image.add_command(list_images)
image.add_command(collect)
image.add_command(verify)
image.add_command(export)
image.add_command(extract)
image.add_command(render)


@image.command("manifest", short_help="Print an image's manifest.")
@click.argument("reference", metavar="IMAGE")
@pass_context
def manifest(context: Context, reference: str) -> None:
    """Print an image's manifest, byte by byte as it lies in the archive.

    IMAGE is a name with labels, or at least two digits of an ID: sha512-01.
    """
    with context.toolkit() as toolkit:
        store = context.unwrap(toolkit.store())
        stored = context.unwrap(toolkit.stored_image(reference))
        raw = context.unwrap(store.manifest(stored.image_id))
    click.echo(output.terminal_json(raw) if sys.stdout.isatty() else raw)


@image.command("rm", short_help="Remove images from the store.")
@click.argument("references", nargs=-1, required=True, metavar="IMAGE…")
@pass_context
def remove(context: Context, references: tuple[str, ...]) -> None:
    """Remove images from the store, and print the IDs of those that went.

    Each IMAGE is a name with labels, or at least two digits of an ID. An image that is named
    twice counts once; what cannot be removed does not stop the others.
    """
    failures: list[ExitCode] = []
    with context.toolkit() as toolkit:
        store = context.unwrap(toolkit.store())
        # Everything is looked up first, so that an image may be named twice.
        chosen: dict[Digest, Stored] = {}
        for text in references:
            found = toolkit.stored_image(text)
            if is_successful(found):
                chosen[found.unwrap().image_id] = found.unwrap()
            else:
                failures.append(context.report(found.failure()))
        removed = 0
        for image_id, stored in chosen.items():
            outcome = store.remove(image_id)
            if is_successful(outcome):
                removed += 1
                context.data(image_id.short_image_id)
                context.say(f"removed {output.image_label(stored)}")
            else:
                failures.append(context.report(outcome.failure()))
    context.say(f"{removed} image(s) removed")
    if failures:
        raise SystemExit(failures[0])
