"""``image-pipeline store``: the store as a whole, its order and its size."""

from dataclasses import asdict

import click

from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Group
from pipeline.cli.progress import size
from pipeline.errors import StoreCorrupt
from pipeline.text import printable


@click.group(cls=Group)
def store() -> None:
    """Keep the store in order: verify, rebuild, measure."""


@store.command("verify", short_help="Compare index, blobs and records.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a finding.")
@pass_context
def verify(context: Context, as_json: bool) -> None:
    """Compare index, blobs and records, and compute every digest again.

    Prints a line for each finding. Damage ends with exit code 8; what a stopped command left is
    named, but is no damage: image gc removes it. Nothing is changed.
    """
    from pipeline.adapters.layout.maintenance import verify_store

    root = context.store_folder()
    checked = context.unwrap(verify_store(root))
    for finding in checked.findings:
        if as_json:
            context.json(asdict(finding) | {"damage": finding.is_damage})
        else:
            severity = "damage" if finding.is_damage else "leftover"
            context.data(
                f"{severity}\t{finding.kind}\t{printable(finding.path)}\t{printable(finding.reason)}"
            )
    context.say(
        f"{checked.images} image(s), {checked.blobs} blob(s) of {size(checked.blob_bytes)} "
        f"read, {len(checked.findings)} finding(s)"
    )
    if checked.is_damaged:
        damage = sum(finding.is_damage for finding in checked.findings)
        context.fail(StoreCorrupt(str(root), f"{damage} of these findings are damage"))


@store.command("rebuild", short_help="Make the index again out of blobs and records.")
@pass_context
def rebuild(context: Context) -> None:
    """Make the index again out of blobs and records, whatever is there in its place.

    Prints the ID of each image whose proof is lost: it is kept, as unverified. What is no image is
    left where it is, and named. The old index is kept beside the new one.
    """
    from pipeline.adapters.clock import SystemClock
    from pipeline.adapters.layout.maintenance import rebuild_store

    rebuilt = context.unwrap(rebuild_store(context.store_folder(), clock=SystemClock()))
    for finding in rebuilt.left_out:
        context.warn(f"left out: {printable(finding.path)}: {printable(finding.reason)}")
    for image_id in rebuilt.unproven:
        context.data(image_id.image_id)
    context.say(
        f"{rebuilt.images} image(s) in the index, "
        f"{len(rebuilt.unproven)} of them unverified as nothing says how they were proven"
    )


@store.command("stats", short_help="Say how much the store holds.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@pass_context
def stats(context: Context, as_json: bool) -> None:
    """Say how many images and files the store holds, and their sizes.

    Looks at names and sizes alone; sizes in the JSON document are in bytes.
    """
    from pipeline.adapters.layout.maintenance import measure_store

    measured = context.unwrap(measure_store(context.store_folder()))
    if as_json:
        context.json(asdict(measured))
        return
    for name, count, size_bytes in (
        ("images", measured.images, measured.image_bytes),
        ("  unverified", measured.unverified, None),
        ("blobs", measured.blobs, measured.blob_bytes),
        ("records", None, measured.record_bytes),
        ("index", None, measured.database_bytes),
        ("backups of it", None, measured.backup_bytes),
        ("quarantine", measured.sessions, measured.session_bytes),
        ("partial downloads", measured.partials, measured.partial_bytes),
    ):
        shown = "" if size_bytes is None else size(size_bytes)
        context.data(f"{name:<18}{'' if count is None else count:>8}  {shown:>12}".rstrip())
    if measured.listing_lag:
        context.say(
            f"index.json does not show the last {measured.listing_lag} change(s) yet; "
            "image gc makes it again"
        )
