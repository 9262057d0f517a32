"""The command line's reference: each command with what its ``--help`` prints, from the commands."""

import os
from collections.abc import Iterator
from unittest.mock import patch

import click

from pipeline.cli.main import cli

WIDTH = 92
"""Characters of a line of help."""


def commands() -> Iterator[tuple[str, str]]:
    """Yield each command, its groups before it, and its help.

    >>> dict(commands())["image-pipeline signature"].splitlines()[0]
    'Usage: image-pipeline signature [OPTIONS] COMMAND [ARGS]...'
    """
    yield from _walk(cli, cli.make_context("image-pipeline", [], resilient_parsing=True))


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, _help(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _walk(inner, click.Context(inner, info_name=name, parent=context))


def _help(command: click.Command, context: click.Context) -> str:
    context.terminal_width = context.max_content_width = WIDTH
    # Defaults that come from the environment must not be this machine's.
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}}
    with patch.dict(os.environ, kept | {"HOME": "/home/you"}, clear=True):
        return command.get_help(context)
