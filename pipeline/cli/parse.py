"""``image-pipeline parse``: what a reference is taken for, without fetching anything."""

import click
from returns.pipeline import is_successful

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command, complete_path
from pipeline.errors import ExitCode
from pipeline.reference import AppcReference, DockerReference, ImageIDReference, Reference
from pipeline.text import printable


@click.command(cls=Command)
@click.argument(
    "references", nargs=-1, required=True, metavar="REFERENCE…", shell_complete=complete_path
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a reference.")
@pass_context
def parse(context: Context, references: tuple[str, ...], as_json: bool) -> None:
    """Say what references are taken for, without fetching them.

    Prints a line each: the kind and the canonical form, or with --json all there is to know.
    """
    from pipeline.adapters.file import LocalPaths
    from pipeline.stages.parse import parse_reference

    stage = parse_reference(LocalPaths())
    failures: list[ExitCode] = []
    for text in references:
        outcome = stage(text)
        if is_successful(outcome):
            reference = outcome.unwrap()
            if as_json:
                context.json(reference_document(reference))
            else:
                context.data(f"{reference.type}\t{printable(reference.string)}")
        else:
            error = outcome.failure()
            if as_json:
                context.json({"reference": text, "error": output.error_document(error)})
            failures.append(context.report(error))
    if failures:
        raise SystemExit(failures[0])


def reference_document(reference: Reference) -> dict[str, object]:
    """Return a reference as ``--json`` prints it; members that do not apply are null."""
    appc = reference if isinstance(reference, AppcReference) else None
    docker = reference if isinstance(reference, DockerReference) else None
    return {
        "type": reference.type,
        "string": reference.string,
        "cimd": None if isinstance(reference, ImageIDReference) else reference.cimd,
        "name": appc.name if appc else docker.repository if docker else None,
        "labels": {label.name: label.value for label in appc.labels.items} if appc else None,
        "full": docker.full if docker else None,
    }
