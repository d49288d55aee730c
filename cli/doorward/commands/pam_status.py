"""`doorward pam status`: which services ask for a code, since when, and by whom."""

import click

from doorward.commands import options
from doorward.protection.applying import check_is_root, store
from doorward.protection.standing import Standing, on_trial, standing
from doorward.table import show_line, show_table
from doorward.terminal import say, say_json
from pamconf.sentences import place
from pamconf.tree import Tree

_HEADINGS = ("Services", "Rule", "Since", "Transaction", "Changed since")


@click.command(
    epilog="""\b
Examples:
  sudo doorward pam status
  sudo doorward pam status --json
"""
)
@options.root_option
@options.json_option
def command(*, root: str, as_json: bool) -> None:
    """Say which services ask for a code, since when, by which transaction.

    Where somebody has changed a file since then, it is named.
    """
    tree = Tree(root)
    check_is_root(tree.root)
    transactions = store(tree.root)
    found = [*standing(tree, transactions.history())]
    waiting = transactions.pending()
    if as_json:
        say_json(
            {
                "rules": [_as_json(one) for one in found],
                "pending": waiting and {"id": waiting.id, "state": waiting.state()},
            }
        )
        return
    if found:
        show_table(_HEADINGS, map(_row, found))
    else:
        say("No service asks for a code: see 'doorward pam enable --help'.")
    if trial := on_trial(waiting):
        show_line(trial)


def _row(one: Standing) -> tuple[str, str, str, str, str]:
    made = one.transaction
    return (
        ", ".join(one.services),
        f"{place(one.rule)}: {' '.join(one.rule.arguments)}".rstrip(": "),
        f"{made.record.when.astimezone():%Y-%m-%d %H:%M}" if made else "",
        made.id if made else "by hand",
        ", ".join(one.changed),
    )


def _as_json(one: Standing) -> dict[str, object]:
    made = one.transaction
    return {
        "services": one.services,
        "place": one.rule.place,
        "options": one.rule.arguments,
        "transaction": made.id if made else None,
        "since": made.record.when.isoformat() if made else None,
        "changed": one.changed,
    }
