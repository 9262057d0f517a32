"""``image-pipeline image verify``: digests again, signatures again."""

import click
from returns.pipeline import is_successful

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command
from pipeline.errors import ExitCode, PipelineError
from pipeline.results import Stored
from pipeline.storage import signers_of


@click.command("verify", cls=Command, short_help="Check stored images' digests and signatures.")
@click.argument("references", nargs=-1, metavar="[IMAGE…]")
@click.option("--all", "every", is_flag=True, help="Check every image in the store.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document an image.")
@pass_context
def verify(context: Context, references: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Compute stored images' digests again, and judge their signatures by today's keys.

    Prints a line an image: its ID, and what it is found to be. Exit code 6 means that one is not
    proven any more, or never was; 8 that one is damaged, or not there.
    """
    if every == bool(references):
        raise click.UsageError("name images, or give --all")
    from pipeline.recipes.inspection import inspect_images

    codes: list[ExitCode] = []
    with context.toolkit() as toolkit:
        fetcher = context.unwrap(toolkit.finder(pull_policy="never", with_deps=False)).fetcher
        store = context.unwrap(toolkit.store())
        chosen: dict[Stored, None] = {}
        if every:
            listed = context.unwrap(store.list_images()) + context.unwrap(store.list_lost())
            chosen = dict.fromkeys(listed)
        for text in references:
            found = toolkit.stored_image(text)
            if is_successful(found):
                chosen[found.unwrap()] = None
            else:
                codes.append(context.report(found.failure()))
        for stored, verdict in inspect_images(tuple(chosen), store=store, fetcher=fetcher):
            error = None if is_successful(verdict) else verdict.failure()
            if error is not None:
                codes.append(error.exit_code)
            _print(context, verdict.value_or(stored), error, as_json=as_json)
    if codes:
        # What is damaged is worse than what is not proven.
        raise SystemExit(max(codes))


def _print(context: Context, stored: Stored, error: PipelineError | None, *, as_json: bool) -> None:
    if as_json:
        document = output.image_document(stored)
        context.json(document | ({} if error is None else {"error": output.error_document(error)}))
        return
    context.data(f"{stored.image_id.short_image_id}\t{'good' if error is None else error.kind}")
    if error is None:
        context.say(f"{output.image_label(stored)} is what it was, and proven")
        for signer in signers_of(stored):
            context.say(f"  by {output.signer_line(signer)}")
    else:
        context.say(f"{output.image_label(stored)}: {error.message}")
