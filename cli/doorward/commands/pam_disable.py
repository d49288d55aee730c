"""`doorward pam disable`: take out what `pam enable` put in."""

import click

from doorward.commands import making, options
from doorward.commands.making import How
from doorward.protection import changes
from doorward.protection.applying import make_ready
from doorward.protection.plan import Plan
from pamconf.tree import Tree


@click.command(
    epilog="""\b
Examples:
  doorward pam disable sshd --dry-run
  doorward pam disable sshd lightdm
"""
)
@options.services_argument
@making.dry_run_option
@making.i_know_option
@options.root_option
@options.json_option
def command(
    *, names: tuple[str, ...], dry_run: bool, i_know: bool, root: str, as_json: bool
) -> None:
    """Take out of SERVICE what `pam enable` put in, and nothing else: no code is asked for then.

    Secrets stay where they are. No login can prove that this is right, so it is not on trial; but
    it is refused where somebody would be locked out, and `doorward pam undo` takes it back.
    """
    tree = Tree(root)
    make_ready(tree.root)
    plan = Plan(tree, names, changes.disabled(tree, names))
    making.make(plan, How(dry_run, i_know, as_json=as_json))
