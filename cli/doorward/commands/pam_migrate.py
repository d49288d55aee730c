"""`doorward pam migrate`: from google-authenticator's module to doorward's, and back."""

import click

from doorward.commands import making, options
from doorward.commands.making import How
from doorward.protection.applying import make_ready
from doorward.protection.migration import check_can_go_back, migrated
from doorward.protection.plan import Plan
from pamconf.tree import Tree


@click.command(
    epilog="""\b
Examples:
  doorward pam migrate sshd
  doorward pam migrate sshd --back
"""
)
@options.services_argument
@click.option("--back", is_flag=True, help="From doorward to google-authenticator.")
@making.confirm_within_option
@making.no_confirm_option
@making.dry_run_option
@making.i_know_option
@options.root_option
@options.json_option
def command(  # its options are its parameters
    *,
    names: tuple[str, ...],
    back: bool,
    confirm_within: int | None,
    no_confirm: bool,
    dry_run: bool,
    i_know: bool,
    root: str,
    as_json: bool,
) -> None:
    """Have pam_doorward take over from pam_google_authenticator at SERVICE, with its options.

    Nobody enrols anew. --back returns, unless somebody's file has what the other cannot read: they
    would be locked out. Rules in a file that several services include change for all of them.
    """
    seconds = making.confirm_within(confirm_within, no_confirm=no_confirm or back, root=root)
    tree = Tree(root)
    make_ready(tree.root)
    plan = Plan(tree, names, migrated(tree, names, back=back))
    if back and not i_know:
        check_can_go_back(plan)
    making.make(plan, How(dry_run, i_know, seconds, as_json))
