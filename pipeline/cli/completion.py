"""``image-pipeline completion``: the script that teaches a shell to complete commands."""

import click
from click.shell_completion import get_completion_class

from pipeline.cli.context import Context, pass_context
from pipeline.cli.options import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_context
def completion(context: Context, shell: str) -> None:
    """Print a script that completes commands and options in SHELL.

    \b
    bash:  image-pipeline completion bash > /etc/bash_completion.d/image-pipeline
    zsh:   image-pipeline completion zsh > ~/.zfunc/_image-pipeline
    fish:  image-pipeline completion fish > ~/.config/fish/completions/image-pipeline.fish
    """
    from pipeline.cli.main import COMPLETE_VARIABLE, cli

    maker = get_completion_class(shell)
    if maker is None:
        raise click.UsageError(f"no completion for {shell}")
    context.data(maker(cli, {}, "image-pipeline", COMPLETE_VARIABLE).source())
