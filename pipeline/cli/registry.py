"""``image-pipeline explain|inspect|tags|verify``: registry images, without fetching them."""

from typing import TYPE_CHECKING

import click
from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.cli import output
from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command
from pipeline.cli.types import PlatformWords
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.admission.explanation import Explanation
    from pipeline.errors import ExitCode, PipelineError
    from pipeline.oci import OciPlatform
    from pipeline.recipes.remote_manifests import Inspected
    from pipeline.recipes.toolkit import Toolkit
    from pipeline.reference import OciReference
    from pipeline.results import Verified

_PLATFORM = click.option(
    "--platform",
    type=PlatformWords(),
    metavar="OS/ARCH[/VARIANT]",
    help="Which image of several, as linux/arm64.  [default: this machine's]",
)
EPILOG = """\b
A reference is one of
  docker://docker.io/library/busybox:1.36   a registry's image, by tag, digest or both
  oci:DIR[:NAME]                            an OCI image layout
  oci-archive:FILE[:NAME]                   a tar of one
  docker-archive:FILE[:NAME]                what docker save writes
"""


@click.command(cls=Command, epilog=EPILOG)
@click.argument("reference", metavar="REFERENCE")
@_PLATFORM
@click.option("--raw", is_flag=True, help="Print the manifest, byte by byte.")
@click.option(
    "--raw-config", "as_config", is_flag=True, help="Print the configuration, byte by byte."
)
@pass_context
def inspect(
    context: Context, reference: str, platform: "OciPlatform | None", raw: bool, as_config: bool
) -> None:
    """Show what an image is, as a JSON document; its layers are not asked for.

    It is shown whether or not somebody vouches for it; the document says which, and why not.
    """
    if raw and as_config:
        raise click.UsageError("--raw goes without --raw-config")
    from pipeline.recipes.remote_manifests import inspect_remote

    with context.toolkit() as toolkit:
        wanted = context.unwrap(_parse(toolkit, reference))
        finder = context.unwrap(toolkit.finder(with_deps=False, images_for=platform))
        inspected = context.unwrap(inspect_remote(finder.fetcher, wanted))
    if inspected.refused is not None:
        context.warn(f"nobody vouches for this image: {inspected.refused.message}")
    if raw or as_config:
        content = inspected.config if as_config else inspected.evidence.documents[-1]
        click.echo(content, nl=False)
        return
    context.json(_inspected_document(inspected))


@click.command(cls=Command, epilog=EPILOG)
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE…")
@_PLATFORM
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document a reference.")
@pass_context
def verify(
    context: Context,
    references: tuple[str, ...],
    platform: "OciPlatform | None",
    as_json: bool,
) -> None:
    """Verify images by their manifests, and print their names pinned to the digests.

    Nothing but the manifest, what proves it and the configuration is asked for. What a policy
    accepts unproven does not pass here.
    """
    from pipeline.recipes.remote_manifests import verify_remote

    failures: list[ExitCode] = []
    with context.toolkit() as toolkit:
        finder = context.unwrap(toolkit.finder(with_deps=False, images_for=platform))
        for text in references:
            outcome = _parse(toolkit, text).bind(
                lambda wanted: verify_remote(finder.fetcher, wanted)
            )
            if is_successful(outcome):
                _print_verified(context, text, outcome.unwrap(), as_json=as_json)
                continue
            if as_json:
                error = output.error_document(outcome.failure())
                context.json({"reference": text, "error": error})
            failures.append(context.report(outcome.failure()))
    if failures:
        raise SystemExit(failures[0])


@click.command(cls=Command)
@click.argument("repository", metavar="REPOSITORY")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def tags(context: Context, repository: str, as_json: bool) -> None:
    """List the tags of REPOSITORY (docker://HOST/PATH), one a line, in the registry's order."""
    from pipeline.errors import UnsupportedReference
    from pipeline.recipes.remote_manifests import locate_image
    from pipeline.recipes.tags import list_tags
    from pipeline.reference import DockerReference
    from pipeline.results import RegistryPlace

    with context.toolkit() as toolkit:
        wanted = context.unwrap(_parse(toolkit, repository))
        if not isinstance(wanted, DockerReference):
            reason = "only a registry lists tags"
            context.fail(UnsupportedReference(wanted.string, reason, "write docker://HOST/PATH"))
        fetcher = context.unwrap(toolkit.finder(with_deps=False)).fetcher
        located = context.unwrap(locate_image(fetcher, wanted))
        # What a mirror has is not the list of what there is: the registry itself is last.
        places = [each for each in located.candidates if isinstance(each, RegistryPlace)]
        found = context.unwrap(list_tags(fetcher.transport, places[-1], fetcher.limits))
    if as_json:
        context.json({"name": wanted.name, "tags": list(found)})
        return
    for tag in found:
        context.data(tag)


@click.command(cls=Command, epilog=EPILOG)
@click.argument("reference", metavar="REFERENCE")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
def explain(context: Context, reference: str, as_json: bool) -> None:
    """Say which rule of which policy decides on an image, and what it demands.

    Nobody is asked anything, and nothing is verified.
    """
    with context.toolkit() as toolkit:
        wanted = context.unwrap(_parse(toolkit, reference))
        explanation = context.unwrap(toolkit.explain(wanted))
    if as_json:
        context.json(_explanation_document(explanation))
        return
    for line in _explanation_lines(explanation):
        context.data(line)


def _parse(toolkit: "Toolkit", text: str) -> "Result[OciReference, PipelineError]":
    from pipeline.errors import UnsupportedReference
    from pipeline.reference import DockerReference, ImagePathReference
    from pipeline.stages.parse import parse_reference

    parsed = parse_reference(toolkit.paths)(text)
    if not is_successful(parsed):
        return Failure(parsed.failure())
    reference = parsed.unwrap()
    if isinstance(reference, DockerReference | ImagePathReference):
        return Success(reference)
    advice = "a registry's image is written as docker://HOST/PATH:TAG"
    return Failure(UnsupportedReference(reference.string, "it is no OCI image", advice))


def _print_verified(context: Context, text: str, verified: "Verified", *, as_json: bool) -> None:
    from pipeline.reference import DockerReference

    reference, digest = verified.downloaded.reference, verified.downloaded.digest
    name = reference.name if isinstance(reference, DockerReference) else reference.string
    context.say(f"signature verified: {printable(text)}")
    for signer in verified.signers:
        context.say(f"  by {output.signer_line(signer)}")
    context.say(f"  as {output.decision_line(verified.decision)} demands")
    if as_json:
        context.json(
            {
                "reference": text,
                "pinned": f"{name}@{digest}",
                "digest": str(digest),
                "signers": [output.signer_document(signer) for signer in verified.signers],
                "decided_by": output.decision_document(verified.decision),
            }
        )
    else:
        context.data(f"{printable(name)}@{digest}")


def _inspected_document(inspected: "Inspected") -> dict[str, object]:
    downloaded, manifest = inspected.downloaded, inspected.manifest
    refused = inspected.refused
    layers = [each.document for each in manifest.layers]
    return {
        "reference": downloaded.reference.string,
        "digest": str(downloaded.digest),
        "media_type": manifest.media_type,
        "size": sum(each.size for each in (manifest.config, *manifest.layers)),
        "indexes": len(inspected.evidence.documents) - 1,
        "config": manifest.config.document | {"content": _json_or_none(inspected.config)},
        "layers": layers,
        "annotations": dict(manifest.annotations),
        "signatures": [
            {"format": each.format, "signed": str(each.signed)}
            for each in inspected.evidence.signatures
        ],
        "verified": refused is None,
        "refused": None if refused is None else output.error_document(refused),
    }


def _json_or_none(raw: bytes) -> object:
    """Return a configuration as it says things; None where it is no JSON."""
    from pipeline.limits import CONFIG_BYTES, MANIFEST_DEPTH
    from pipeline.strict_json import parse_json

    parsed = parse_json(raw, max_bytes=CONFIG_BYTES, max_depth=MANIFEST_DEPTH)
    return parsed.unwrap().value if is_successful(parsed) else None


def _explanation_document(explanation: "Explanation") -> dict[str, object]:
    return {
        "reference": explanation.reference,
        "policy": explanation.policy,
        "scope": explanation.scope,
        "signers": explanation.signers,
        "looks_for": list(explanation.looks_for),
        "requirements": [
            {
                "type": each.type,
                "keys": list(each.keys),
                "signed_identity": each.signed_identity,
                "signed_reference": each.signed_reference,
            }
            for each in explanation.requirements
        ],
    }


def _explanation_lines(explanation: "Explanation") -> list[str]:
    lines = [
        printable(explanation.reference),
        f"  policy: {printable(explanation.policy)}",
        f"  decided by its rule for: {printable(explanation.scope)}",
    ]
    for each in explanation.requirements:
        lines.append(f"  demands: {printable(each.type)}")
        lines += [f"    by a key in {printable(key)}" for key in each.keys]
        if each.signed_identity:
            signed = printable(each.signed_reference) or "nothing that a signature could name"
            lines.append(f"    over {signed} ({printable(each.signed_identity)})")
    if explanation.signers:
        count = explanation.signers
        lines.append(f"  distinct signers: {count}")
    return lines
