"""`doorward pam`: what concerns PAM on this machine."""

import click

from doorward.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    prefix="doorward.commands.pam_",
    listed={
        "install-module": "Put the PAM module where libpam looks for it.",
        "explain": "Say who is asked what, from where, and gets in or not.",
        "lint": "Say what is wrong in login stacks, and how to mend it.",
        "graph": "Draw the rules of a service, and what each path asks.",
        "access": "Check an access file, and ask it who is let in.",
    },
)
def command() -> None:
    """Install the PAM module, and explain and check the files that PAM goes by."""
