"""Options of all commands that fetch images, and what they are made into."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args

import click

from pipeline.cli.types import ByteSize, PlatformWords
from pipeline.limits import DEFAULT_LIMITS, LEAST_RATE_SECONDS, Limits
from pipeline.recipes.settings import PullPolicy

Decorated = TypeVar("Decorated", bound=Callable[..., Any])  # as click has it

pull_policy_option: Final = click.option(
    "--pull-policy",
    type=click.Choice(get_args(PullPolicy)),
    default="update",
    show_default=True,
    help="never: the store alone; new: the store, then the remote; update: ask the remote "
    "whether there is something newer. A path is read whatever the policy.",
)
signers_option: Final = click.option(
    "--signers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many distinct keys must have signed; the configuration can demand more.",
)
sha1_option: Final = click.option(
    "--allow-sha1-self-signatures",
    "sha1",
    is_flag=True,
    help="Accept keys that vouch for themselves with SHA-1 alone, as old ones do.",
)
platform_option: Final = click.option(
    "--platform",
    type=PlatformWords(),
    metavar="OS/ARCH[/VARIANT]",
    help="Which image of several a registry has, as linux/arm64.  [default: this machine's]",
)
check_layers_option: Final = click.option(
    "--check-layers",
    is_flag=True,
    help="Unpack every layer of a registry image once, to see that it is what was signed.",
)

_LIMITS: Final = (
    click.option(
        "--max-size",
        type=ByteSize(),
        default=DEFAULT_LIMITS.image_bytes,
        metavar="SIZE",
        help="Most bytes of an image as it travels, as 500M or 32GiB.  [default: 32GiB]",
    ),
    click.option(
        "--max-archive-size",
        type=ByteSize(),
        default=DEFAULT_LIMITS.archive_bytes,
        metavar="SIZE",
        help="Most bytes of an image once decompressed.  [default: 64GiB]",
    ),
    click.option(
        "--idle-timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_LIMITS.idle_seconds,
        show_default=True,
        metavar="SECONDS",
        help="Longest silence of a server.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_LIMITS.total_seconds,
        show_default=True,
        metavar="SECONDS",
        help="Longest transfer, all told.",
    ),
    click.option(
        "--least-rate",
        type=ByteSize(least=0),
        default=DEFAULT_LIMITS.least_bytes_per_second,
        metavar="SIZE",
        help=f"Give a transfer up that is slower than SIZE a second for {LEAST_RATE_SECONDS:g} "
        "seconds; 0 never does.  [default: 1K]",
    ),
)


def limit_options(command: Decorated) -> Decorated:
    """Add the options that :func:`limits_of` takes."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command


def limits_of(
    max_size: int, max_archive_size: int, idle_timeout: float, timeout: float, least_rate: int
) -> Limits:
    """Return the limits that the options set."""
    return Limits(
        image_bytes=max_size,
        archive_bytes=max_archive_size,
        idle_seconds=idle_timeout,
        total_seconds=timeout,
        least_bytes_per_second=least_rate,
    )


def leniency_of(sha1: bool) -> frozenset[str]:
    """Return what verifiers may overlook."""
    return frozenset({"sha1-self-signatures"} if sha1 else set[str]())
