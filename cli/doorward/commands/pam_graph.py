"""`doorward pam graph`: a login stack as a picture."""

import os
import stat
import sys

import click

import pamconf
from doorward import files
from doorward.commands import options
from doorward.errors import FileError
from doorward.names import names_of
from doorward.pam_models import WITH_DOORWARD
from doorward.process import filtered
from pamconf import graph
from pamconf.lines import TYPES
from pamconf.places import world_of

_DOT = ("dot", "-Tsvg")
_HINT = "'apt install graphviz' has dot. With --dot there is text instead of a picture."
_MODE = 0o644  # it says no more than /etc/pam.d, which everybody can read


@click.command(
    epilog="""\b
Examples:
  doorward pam graph sshd --output sshd.svg
  doorward pam graph sudo --type account > sudo.svg
  doorward pam graph login --root /mnt/image --dot
"""
)
@click.argument("name", metavar="SERVICE")
@click.option(
    "--type",
    "type_",
    type=click.Choice(TYPES),
    default="auth",
    show_default=True,
    help="Which rules.",
)
@click.option(
    "--output", metavar="FILE", help="Write to FILE, in the place of what there is; to no link."
)
@click.option("--dot", "as_dot", is_flag=True, help="The DOT text, for which dot is not needed.")
@options.root_option
def command(*, name: str, type_: str, output: str | None, as_dot: bool, root: str) -> None:
    """Draw the rules of SERVICE as SVG: boxes, jumps, and what each path asks.

    graphviz's dot makes the picture. What no login takes while modules do what they are known to do
    is dashed. "Refuses in the end" is decided, but what follows runs, and may ask, all the same.
    """
    if output is None and not as_dot and sys.stdout.isatty():
        raise click.UsageError("A picture is not for a terminal: say --output FILE, or --dot.")
    picture = _dot_text(name, type_, root).encode()
    if not as_dot:
        picture = filtered(_DOT, picture, hint=_HINT)
    if output is None:
        click.echo(picture, nl=False)
    else:
        _write(output, picture)


def _dot_text(name: str, type_: str, root: str) -> str:
    service = pamconf.load(name, root)
    return graph.dot(service, type_, WITH_DOORWARD, world_of(service, names_of(root)))


def _write(path: str, content: bytes) -> None:
    """Put the picture there; a device, or what a link leads to, is not replaced by it."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise FileError(
                f"{path}: not a regular file", hint="Without --output it goes to standard output."
            )
    except FileNotFoundError:
        pass
    with files.place(path) as at:
        files.replace(at, content, mode=_MODE)
