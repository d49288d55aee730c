"""`doorward pam install-module`: the module, where libpam looks for modules."""

import click

from doorward import process
from doorward.commands import options
from doorward.module import module_install
from doorward.terminal import after, say


@click.command()
@options.root_option
def command(*, root: str) -> None:
    """Put the PAM module where libpam looks for it.

    That place is found out, by letting this system's libpam load a module of its own; with --root
    it is next to the modules there. Nothing in /etc/pam.d is changed: nobody is asked for a code
    before a line there names the module. Doing this again after an update brings the module up to
    date.
    """
    with process.to_the_end():
        path, changed = module_install(root)
        with after("the module is installed"):
            say(f"Installed: {path}" if changed else f"Already up to date: {path}")
