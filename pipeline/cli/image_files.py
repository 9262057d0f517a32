"""``image-pipeline image export|extract|render``: stored images as files.

An image leaves the store as it is served: only while today's keys prove it, unless
``--insecure-options=image`` says otherwise.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

import click
from returns.result import Result

from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command
from pipeline.cli.progress import size
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.adapters.output import ExtractionReport
    from pipeline.errors import PipelineError
    from pipeline.recipes.image_files import ImageFiles
    from pipeline.recipes.toolkit import Toolkit
    from pipeline.results import Stored

Decorated = TypeVar("Decorated", bound=Callable[..., object])
Format: TypeAlias = Literal["aci", "oci"]

_STDOUT: Final = Path("-")
_ASKED_BY: Final = {
    "device nodes": "--devices",
    "owners": "--same-owner",
    "setuid and setgid bits": "--setuid",
}
"""Which option asks for what is left out otherwise."""


@click.command("export", cls=Command, short_help="Write an image to a file or an OCI layout.")
@click.argument("reference", metavar="IMAGE")
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--overwrite", is_flag=True, help="Replace what has that name.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["aci", "oci"]),
    default="aci",
    show_default=True,
    help="An archive, or a folder that is an OCI image layout.",
)
@pass_context
def export(context: Context, reference: str, target: Path, overwrite: bool, form: Format) -> None:
    """Write an image to FILE: an archive, uncompressed, so that its sha512 digest is its ID.

    FILE may be - for stdout. A registry image becomes the archive that fetch --format=aci would
    have stored. With --format=oci, FILE becomes an OCI image layout: a folder with the blobs of a
    registry image as they are, or with an archive's files as one layer.
    """
    if target == _STDOUT and (form == "oci" or sys.stdout.isatty()):
        reason = "an OCI image layout is a folder" if form == "oci" else "stdout is a terminal"
        raise click.UsageError(f"FILE is -, wanted the name of a new one: {reason}")
    with context.toolkit() as toolkit:
        files, stored = _found(context, toolkit, reference)
        if target == _STDOUT:
            for chunk in files.chunks(stored):
                click.echo(context.unwrap(chunk), nl=False)
            return
        if form == "aci":
            context.unwrap(files.export(stored, target, overwrite=overwrite))
        else:
            context.unwrap(files.export_layout(stored, target, overwrite=overwrite))
    context.say(f"wrote {printable(str(target))}")


def extraction_options(command: Decorated) -> Decorated:
    """Add what extracting and rendering have in common, in the order of the help."""
    for option in reversed(
        (
            click.option("--overwrite", is_flag=True, help="Replace what has that name."),
            click.option(
                "--rootfs-only",
                is_flag=True,
                help="Only what is in rootfs/, without the manifest.",
            ),
            click.option("--devices", is_flag=True, help="Make device nodes; needs root."),
            click.option(
                "--same-owner",
                is_flag=True,
                help="Give files to the users whose numbers the image has; needs root.",
            ),
            click.option(
                "--setuid", is_flag=True, help="Keep setuid and setgid bits and capabilities."
            ),
        )
    ):
        command = option(command)
    return command


@click.command("extract", cls=Command, short_help="Unpack an image into a folder.")
@click.argument("reference", metavar="IMAGE")
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@extraction_options
@pass_context
def extract(context: Context, /, reference: str, target: Path, **chosen: bool) -> None:
    """Unpack an image into the new folder DIR, without what it depends on."""
    with context.toolkit() as toolkit:
        files, stored = _found(context, toolkit, reference)
        _unpack(context, files.extract, stored, target, chosen)


@click.command("render", cls=Command, short_help="Unpack an image and all that it depends on.")
@click.argument("reference", metavar="IMAGE")
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@extraction_options
@pass_context
def render(context: Context, /, reference: str, target: Path, **chosen: bool) -> None:
    """Unpack an image into the new folder DIR, over the images that it depends on.

    What its pathWhitelist does not name is left out. Nothing is fetched.
    """
    with context.toolkit() as toolkit:
        files, stored = _found(context, toolkit, reference)
        _unpack(context, files.render, stored, target, chosen)


def _found(context: Context, toolkit: "Toolkit", reference: str) -> "tuple[ImageFiles, Stored]":
    """Look an image up in the store, and have it proven."""
    from pipeline.recipes.image_files import ImageFiles  # tar and compression: not for --help

    finder = context.unwrap(toolkit.finder(pull_policy="never", with_deps=False))
    stored = context.unwrap(finder.serve_stored(reference))
    store = context.unwrap(toolkit.store())
    return ImageFiles(finder.fetcher, store.open_blob), stored


def _unpack(
    context: Context,
    write: "Callable[..., Result[ExtractionReport, PipelineError]]",
    stored: "Stored",
    target: Path,
    chosen: dict[str, bool],
) -> None:
    from pipeline.adapters.output import ExtractionOptions

    options = ExtractionOptions(
        devices=chosen["devices"], same_owner=chosen["same_owner"], setuid=chosen["setuid"]
    )
    report = context.unwrap(
        write(
            stored,
            target,
            rootfs_only=chosen["rootfs_only"],
            options=options,
            overwrite=chosen["overwrite"],
        )
    )
    for left_out in report.left_out:
        first = printable(left_out.first.decode("utf-8", "backslashreplace"))
        option = _ASKED_BY.get(left_out.what)
        asked = f"; {option} asks for them" if option is not None else ""
        context.say(f"left out: {left_out.what} ({left_out.count}, the first {first}){asked}")
    context.say(f"{report.entries} entries, {size(report.size)} in {printable(str(target))}")
