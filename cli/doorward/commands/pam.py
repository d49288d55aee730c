"""`doorward pam`: what concerns PAM on this machine."""

import click

from doorward.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    prefix="doorward.commands.pam_",
    listed={
        "enable": "Have services ask for a code, on trial until that is confirmed.",
        "confirm": "Have the change last, once a login has proven it.",
        "undo": "Put files back as they were before a change.",
        "disable": "Take out what enable put in.",
        "status": "Say which services ask for a code, and since when.",
        "history": "List the changes that were made, and what became of them.",
        "generate": "Print the files that enable would write.",
        "migrate": "Take over from google-authenticator's module, or go back.",
        "install-module": "Put the PAM module where libpam looks for it.",
        "explain": "Say who is asked what, from where, and gets in or not.",
        "lint": "Say what is wrong in login stacks, and how to mend it.",
        "graph": "Draw the rules of a service, and what each path asks.",
        "access": "Check an access file, and ask it who is let in.",
        "try": "Try whether somebody would get in, without logging in.",
    },
)
def command() -> None:
    """Change which logins ask for a code, and explain and check the files that PAM goes by."""
