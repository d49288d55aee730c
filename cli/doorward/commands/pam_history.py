"""`doorward pam history`: which changes of logins were made, by whom, and what became of them."""

import click

from doorward.commands import options
from doorward.protection.applying import check_is_root, store
from doorward.table import Cell, show_table
from doorward.terminal import say, say_json
from pamconf.transaction import State, Transaction
from pamconf.tree import Tree

_HEADINGS = ("Transaction", "Became", "By", "Files", "Command")
_STYLES = {State.CONFIRMED: "green", State.APPLIED: "yellow"}


@click.command(
    epilog="""\b
Examples:
  sudo doorward pam history
"""
)
@options.root_option
@options.json_option
def command(*, root: str, as_json: bool) -> None:
    """List the changes of logins that were made, the newest first."""
    tree = Tree(root)
    check_is_root(tree.root)
    found = store(tree.root).history()
    if as_json:
        say_json([_as_json(one) for one in found])
        return
    if not found:
        say("No change was made yet.")
        return
    show_table(_HEADINGS, map(_row, found))


def _row(one: Transaction) -> tuple[str, Cell, str, str, str]:
    state = one.state()
    files = ", ".join(file.path for file in one.record.files)
    return one.id, Cell(state, _STYLES.get(state, "")), _by(one), files, one.record.command


def _by(one: Transaction) -> str:
    by = one.record.by
    name = by.login or ("root" if by.uid == 0 else str(by.uid))
    return f"{name} from {by.client}" if by.client else name


def _as_json(one: Transaction) -> dict[str, object]:
    record = one.record
    return {
        "id": one.id,
        "state": one.state(),
        "when": record.when.isoformat(),
        "by": vars(record.by),
        "command": record.command,
        "undoes": record.undoes,
        "files": [file.path for file in record.files],
        "deadline": one.deadline.isoformat() if one.deadline else None,
        "kept": [{"file": path, "copy": str(copy)} for path, copy in one.theirs()],
    }
