"""`doorward pam enable`: have services ask for a code, so that nobody is locked out."""

import click

from doorward.commands import making, options
from doorward.commands.choices import choices_options, wanted
from doorward.commands.making import How
from doorward.protection import changes
from doorward.protection.applying import make_ready
from doorward.protection.plan import Plan
from pamconf.tree import Tree


@click.command(
    epilog="""\b
Examples:
  doorward pam enable sshd --nullok --dry-run
  doorward pam enable sshd --nullok
  doorward pam enable sshd --nullok-until 2027-01-31 --skip-from 192.168.1.0/24
  doorward pam enable sudo --only-group sudo --system-secrets
  doorward pam enable lightdm --root /mnt/image
"""
)
@options.services_argument
@choices_options
@making.confirm_within_option
@making.no_confirm_option
@making.dry_run_option
@making.i_know_option
@options.root_option
@options.json_option
def command(  # its options are its parameters
    *,
    names: tuple[str, ...],
    confirm_within: int | None,
    no_confirm: bool,
    dry_run: bool,
    i_know: bool,
    root: str,
    as_json: bool,
    **given: object,
) -> None:
    """Have SERVICE ask for a code, after the password; for sshd, its settings are changed too.

    What changes is shown first, and for whom. Where somebody who gets in now would not any more, it
    is refused. In a terminal it is then on trial: unless you log in anew and `doorward pam confirm`
    follows within five minutes, all is as before, also after a crash or a reboot.

    Say all options that shall be: those of an earlier `enable` that are left out are taken out.
    """
    seconds = making.confirm_within(confirm_within, no_confirm=no_confirm, root=root)
    tree = Tree(root)
    make_ready(tree.root)
    asked = wanted(names, tree, i_know=i_know, **given)
    found = changes.enabled(tree, asked.names, asked.choices, asked.sshd, asked.after)
    making.make(Plan(tree, asked.names, found), How(dry_run, i_know, seconds, as_json))
