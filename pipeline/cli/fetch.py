"""``image-pipeline fetch``: images into the store, their IDs onto stdout."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from returns.pipeline import is_successful

from pipeline.cli import output
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
from pipeline.cli.options import Command, complete_path
from pipeline.errors import ExitCode, InvalidSetting, PipelineError
from pipeline.recipes.settings import Insecure, PullPolicy
from pipeline.results import ManifestProof, NoProof, Stored
from pipeline.storage import signers_of
from pipeline.text import printable, redact_url

if TYPE_CHECKING:
    from pipeline.oci import OciPlatform

EPILOG = """\b
A reference is one of
  example.com/app:1.2.0,os=linux   a name, found by discovery over https
  ./app.aci, /images/app.aci       a path
  https://example.com/app.aci      a URL
  docker://example.com/app:1.2.0   an image in a registry, by tag, digest (@sha256:…) or both
  oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME]
                                   such an image in files
  sha512-0123abcd, sha256-0123abcd what is stored already, by its ID

Signatures of archives are looked for beside them (NAME.aci.asc), those of registry images where
registries.d says; they must be made by a key that is trusted for the image's name (see
`image-pipeline trust add --help`), or as --policy demands.
"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument(
    "references", nargs=-1, required=True, metavar="REFERENCE…", shell_complete=complete_path
)
@click.option(
    "--signature",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="The detached signature, where it does not lie beside the image. For one reference.",
)
@pull_policy_option
@click.option(
    "--no-cache",
    is_flag=True,
    help="Fetch anew what is found by name or URL, whatever is stored and however fresh it is.",
)
@signers_option
@sha1_option
@platform_option
@click.option(
    "--all-platforms",
    is_flag=True,
    help="Every image that a registry's index has, each for itself.",
)
@check_layers_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["oci", "aci"]),
    default="oci",
    show_default=True,
    help="How registry images are stored: as they are, or as an App Container Image, as rkt did.",
)
@click.option("--no-deps", is_flag=True, help="Leave the images that this one depends on.")
@click.option("--full", is_flag=True, help="Print whole image IDs: 128 hex digits.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a reference.")
@click.option("--timings", is_flag=True, help="Say on stderr what took how long, stage by stage.")
@limit_options
@pass_context
def fetch(
    context: Context,
    references: tuple[str, ...],
    signature: Path | None,
    pull_policy: PullPolicy,
    no_cache: bool,
    signers: int,
    sha1: bool,
    platform: "OciPlatform | None",
    all_platforms: bool,
    check_layers: bool,
    form: str,
    no_deps: bool,
    full: bool,
    as_json: bool,
    timings: bool,
    max_size: int,
    max_archive_size: int,
    idle_timeout: float,
    timeout: float,
    least_rate: int,
) -> None:
    """Fetch images into the store, verified, and print their IDs.

    One ID a line, in the references' order. A reference that fails does not stop the others;
    the exit code is that of the first failure.
    """
    if signature is not None and len(references) != 1:
        raise click.UsageError(
            f"--signature goes with exactly one reference, got {len(references)}"
        )
    if no_cache and pull_policy == "never":
        raise click.UsageError("--no-cache goes without --pull-policy=never, which asks nobody")
    if signature is not None and not (signature.is_file() and os.access(signature, os.R_OK)):
        context.fail(InvalidSetting("--signature", str(signature), "a readable file"))
    if platform is not None and all_platforms:
        raise click.UsageError("--platform goes without --all-platforms")
    if all_platforms and pull_policy == "never":
        raise click.UsageError("--all-platforms asks the registry; --pull-policy=never does not")
    limits = limits_of(max_size, max_archive_size, idle_timeout, timeout, least_rate)
    with context.toolkit(
        limits=limits, signers=signers, leniency=leniency_of(sha1), timings=timings
    ) as toolkit:
        finder = context.unwrap(
            toolkit.finder(
                pull_policy=pull_policy,
                with_deps=not no_deps,
                no_cache=no_cache,
                images_for=platform,
                check_layers=check_layers,
                to_aci=form == "aci",
            )
        )
        failures: list[ExitCode] = []
        for text in references:
            outcome = (
                finder.find_every_platform(text)
                if all_platforms
                else finder.find_image(
                    text, None if signature is None else signature.absolute()
                ).map(lambda stored: (stored,))
            )
            if is_successful(outcome):
                for stored in outcome.unwrap():
                    _print_stored(context, text, stored, full=full, as_json=as_json)
            else:
                if len(references) > 1:
                    context.warn(f"{redact_url(text)} was not fetched:")
                failures.append(_print_failure(context, text, outcome.failure(), as_json=as_json))
    if failures:
        raise SystemExit(failures[0])


def _print_stored(
    context: Context, text: str, stored: Stored, *, full: bool, as_json: bool
) -> None:
    if isinstance(stored.provenance, ManifestProof) and (context.verbose or context.debug):
        context.say(f"let pass by {output.decision_line(stored.provenance.decision)}")
    for signer in signers_of(stored):
        judged = Insecure.IMAGE not in context.settings.insecure
        what = "signature verified" if judged else "signature verified when it was stored, not now"
        context.say(f"{what}: {output.image_label(stored)}")
        context.say(f"  by {output.signer_line(signer)}")
    if isinstance(stored.provenance, NoProof):
        reason = printable(stored.provenance.reason)
        context.warn(f"{output.image_label(stored)} is unverified: {reason}")
    if as_json:
        document = {"reference": text, "outcome": stored.outcome}
        context.json(document | output.image_document(stored))
    else:
        context.data(stored.image_id.image_id if full else stored.image_id.short_image_id)


def _print_failure(context: Context, text: str, error: PipelineError, *, as_json: bool) -> ExitCode:
    if as_json:
        context.json({"reference": text, "error": output.error_document(error)})
    return context.report(error)
