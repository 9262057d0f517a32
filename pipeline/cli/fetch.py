"""``image-pipeline fetch``: images into the store, their IDs onto stdout."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from returns.pipeline import is_successful

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command, complete_path
from pipeline.cli.types import ByteSize, PlatformWords
from pipeline.errors import ExitCode, InvalidSetting, PipelineError
from pipeline.limits import DEFAULT_LIMITS, LEAST_RATE_SECONDS, Limits
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
@click.option(
    "--pull-policy",
    type=click.Choice(get_args(PullPolicy)),
    default="update",
    show_default=True,
    help="never: the store alone; new: the store, then the remote; update: ask the remote "
    "whether there is something newer. A path is read whatever the policy.",
)
@click.option(
    "--no-cache",
    is_flag=True,
    help="Fetch anew what is found by name or URL, whatever is stored and however fresh it is.",
)
@click.option(
    "--signers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many distinct keys must have signed; the configuration can demand more.",
)
@click.option(
    "--allow-sha1-self-signatures",
    "sha1",
    is_flag=True,
    help="Accept keys that vouch for themselves with SHA-1 alone, as old ones do.",
)
@click.option(
    "--platform",
    type=PlatformWords(),
    metavar="OS/ARCH[/VARIANT]",
    help="Which image of several a registry has, as linux/arm64.  [default: this machine's]",
)
@click.option(
    "--all-platforms",
    is_flag=True,
    help="Every image that a registry's index has, each for itself.",
)
@click.option(
    "--check-layers",
    is_flag=True,
    help="Unpack every layer of a registry image once, to see that it is what was signed.",
)
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
@click.option(
    "--max-size",
    type=ByteSize(),
    default=DEFAULT_LIMITS.image_bytes,
    metavar="SIZE",
    help="Most bytes of an image as it travels, as 500M or 32GiB.  [default: 32GiB]",
)
@click.option(
    "--max-archive-size",
    type=ByteSize(),
    default=DEFAULT_LIMITS.archive_bytes,
    metavar="SIZE",
    help="Most bytes of an image once decompressed.  [default: 64GiB]",
)
@click.option(
    "--idle-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_LIMITS.idle_seconds,
    show_default=True,
    metavar="SECONDS",
    help="Longest silence of a server.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_LIMITS.total_seconds,
    show_default=True,
    metavar="SECONDS",
    help="Longest transfer, all told.",
)
@click.option(
    "--least-rate",
    type=ByteSize(least=0),
    default=DEFAULT_LIMITS.least_bytes_per_second,
    metavar="SIZE",
    help=f"Give a transfer up that is slower than SIZE a second for {LEAST_RATE_SECONDS:g} "
    "seconds; 0 never does.  [default: 1K]",
)
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
    limits = Limits(
        image_bytes=max_size,
        archive_bytes=max_archive_size,
        idle_seconds=idle_timeout,
        total_seconds=timeout,
        least_bytes_per_second=least_rate,
    )
    leniency = frozenset({"sha1-self-signatures"} if sha1 else set[str]())
    with context.toolkit(
        limits=limits, signers=signers, leniency=leniency, timings=timings
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
