"""``image-pipeline signature``: signatures of any file, by keys that are named."""

from datetime import UTC, datetime
from pathlib import Path

import click
from returns.pipeline import is_successful

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Group
from pipeline.cli.types import Moment
from pipeline.exit_codes import ExitCode


@click.group(cls=Group)
def signature() -> None:
    """Verify detached signatures by keys that are named."""


@signature.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--signature",
    "signature_file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The detached signature.",
)
@click.option(
    "--key",
    "key_files",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    metavar="FILE",
    help="A file of public keys, each of which counts; may be given several times.",
)
@click.option(
    "--at",
    type=Moment(),
    metavar="TIME",
    help="Judge as of this time, as 2026-11-23T12:00:00Z.  [default: now]",
)
@click.option(
    "--signers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many distinct keys must have signed.",
)
@click.option(
    "--allow-sha1-self-signatures",
    "sha1",
    is_flag=True,
    help="Accept keys that vouch for themselves with SHA-1 alone, as old ones do.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a signer.")
@pass_context
def verify(
    context: Context,
    file: Path,
    signature_file: Path,
    key_files: tuple[Path, ...],
    at: datetime | None,
    signers: int,
    sha1: bool,
    as_json: bool,
) -> None:
    """Verify FILE, and print the signers' fingerprints, a line each.

    The keystore has no part in it. Exit code 0 means that every known key's signature is good;
    6 that nothing is proven, for whatever reason, which is on stderr.
    """
    from pipeline.recipes.signatures import verify_file

    verdict = verify_file(
        file,
        signature_file,
        key_files,
        now=at or datetime.now(UTC),
        signers=signers,
        leniency=frozenset({"sha1-self-signatures"} if sha1 else set[str]()),
    )
    if not is_successful(verdict):
        # Scripts ask one question, so a file that is missing answers it as a bad signature does.
        context.report(verdict.failure())
        raise SystemExit(ExitCode.VERIFICATION)
    for signer in verdict.unwrap():
        if as_json:
            context.json(output.signer_document(signer))
        else:
            context.data(signer.primary.hex)
            context.say(f"signed by {output.signer_line(signer)}")
