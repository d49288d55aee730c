"""`doorward pam undo`: take back a change of logins."""

from collections.abc import Iterable

import click

from doorward import proof
from doorward.commands import making, options
from doorward.commands.making import How
from doorward.errors import NonsenseError, RefusedError
from doorward.protection.applying import make_ready, provable
from doorward.protection.migration import check_can_go_back, goes_back
from doorward.protection.plan import Plan
from doorward.terminal import say, say_json
from pamconf.transaction import Conflict, ConflictError, State, Store, Transaction
from pamconf.tree import Tree


@click.command(
    epilog="""\b
Examples:
  sudo doorward pam undo
  sudo doorward pam undo 20261126-041503
"""
)
@click.argument("id_", metavar="[ID]", required=False)
@making.dry_run_option
@making.i_know_option
@options.root_option
@options.json_option
def command(*, id_: str | None, dry_run: bool, i_know: bool, root: str, as_json: bool) -> None:
    """Put back the files as they were before transaction ID, or before the last one.

    Where a file was changed by somebody since, nothing is done, and both changes are shown. Where a
    code is asked for then, that is on trial like what `enable` does.
    """
    tree = Tree(root)
    transactions = make_ready(tree.root)
    pending = transactions.pending()
    if pending and id_ in {None, pending.id}:
        _take_back(pending, dry_run=dry_run, as_json=as_json)
        return
    undone = _found(transactions, id_)
    try:
        transactions.check_undo(undone.id)
    except ConflictError as error:
        _show_conflicts(error.conflicts, as_json=as_json)
        raise RefusedError(error.message, hint=error.hint) from error
    plan = Plan(tree, tuple(undone.record.note["services"]), _before(undone))
    if goes_back(plan) and not i_know:
        check_can_go_back(plan)
    seconds = making.confirm_within(None, no_confirm=not provable(plan), root=root)
    making.make(plan, How(dry_run, i_know, seconds, as_json, undoes=undone.id))


def _take_back(pending: Transaction, *, dry_run: bool, as_json: bool) -> None:
    """Take back a change that is on trial still."""
    if not dry_run:
        pending.roll_back()
        proof.forget()
    if as_json:
        state = pending.state()
        say_json({"changed": not dry_run, "transaction": pending.id, "state": state})
    else:
        say(f"Transaction {pending.id} {'would be' if dry_run else 'is'} taken back.")


def _show_conflicts(conflicts: Iterable[Conflict], *, as_json: bool) -> None:
    views = {one.path: one.view().splitlines() for one in conflicts}
    if as_json:
        say_json({"changed": False, "conflicts": views})
        return
    for view in views.values():
        for line in view:
            say(line)


def _found(transactions: Store, id_: str | None) -> Transaction:
    if id_ is not None:
        return transactions.find(id_)
    for one in transactions.history():
        if one.state() is State.CONFIRMED and one.record.undoes is None:
            return one
    raise NonsenseError("there is no change to undo", hint="'doorward pam history' lists them all.")


def _before(one: Transaction) -> dict[str, bytes | None]:
    return {file.path: one.before(file.path) for file in one.record.files}
