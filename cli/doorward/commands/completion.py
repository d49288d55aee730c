"""`doorward completion`: what makes a shell complete doorward's commands and options."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(
    epilog="For bash, now and in each new shell:\n\n"
    "\b\n  mkdir -p ~/.local/share/bash-completion/completions\n"
    "  doorward completion bash > ~/.local/share/bash-completion/completions/doorward"
)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a SHELL."""
    root = ctx.find_root().command
    click.echo(_SHELLS[shell](root, {}, "doorward", "_DOORWARD_COMPLETE").source())
