"""`doorward status`: who is enrolled, and what is wrong."""

from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from doorward.commands import options
from doorward.enrolment.account import Account, account_find, accounts_with_login
from doorward.enrolment.store import Inspection, store_open
from doorward.errors import DoorwardError
from doorward.terminal import printable, say, say_json

_PROBLEMS = 1  # the exit code

_UNFOLDED = 1000  # columns for a table that goes to a program or a file


@click.command(
    epilog="""\b
Examples:
  doorward status                     yourself; for root: everybody with a login shell
  sudo doorward status alice bob
  sudo doorward status --json --secret-file '/var/lib/doorward/secrets/${USER}'
"""
)
@options.users_argument
@options.secret_file_option
@options.json_option
@click.pass_context
def command(ctx: click.Context, *, users: tuple[str, ...], secret_file: str, as_json: bool) -> None:
    """Say for each USER whether they are enrolled, and what would keep them out.

    Each file is looked at with its user's own rights. Ends with 0 where everybody is fine, enrolled
    or not, and with 1 where a login would refuse somebody's file.
    """
    found = [_inspect(account, secret_file) for account in _accounts(users)]
    if as_json:
        say_json([_as_json(inspection) for inspection in found])
    else:
        _show(found)
    if any(inspection.problems for inspection in found):
        ctx.exit(_PROBLEMS)


def _accounts(users: tuple[str, ...]) -> list[Account]:
    if users:
        return [account_find(user) for user in users]
    account = account_find(None)
    return accounts_with_login() if account.uid == 0 else [account]


def _inspect(account: Account, secret_file: str) -> Inspection:
    """Look at one user's file; an account that can have none is no reason to leave out others."""
    try:
        return store_open(account, secret_file).inspect()
    except DoorwardError as error:
        return Inspection(account.name, secret_file, enrolled=None, problems=[error.message])


def _show(found: list[Inspection]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("User", "Enrolled", "Type", "Recovery codes", "Last use", "File"):
        table.add_column(heading, overflow="fold")
    for one in found:
        table.add_row(*(Text(printable(cell)) for cell in _row(one)))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNFOLDED
    console.print(table)
    for one in found:
        for problem in one.problems:
            say(f"{one.user}: {problem}")
        if one.foreign_keys:
            keys = ", ".join(one.foreign_keys)
            say(f"{one.user}: google-authenticator would not know what this means: {keys}")


def _row(one: Inspection) -> tuple[str, ...]:
    if one.enrolled is False:
        return one.user, "no", "", "", "", ""
    if one.enrolled is None:
        return one.user, "unknown", "", "", "", one.file
    if one.problems:
        return one.user, "broken", one.type or "", "", "", one.file
    codes = str(one.recovery_codes)
    return one.user, "yes", one.type or "", codes, _last_use(one), one.file


def _last_use(one: Inspection) -> str:
    if one.last_code is not None:
        return _local(one.last_code)
    if one.last_attempt is not None:
        return f"tried {_local(one.last_attempt)}"
    return "never"


def _local(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC).astimezone():%Y-%m-%d %H:%M}"


def _as_json(one: Inspection) -> dict[str, object]:
    times = {
        name: None if time is None else datetime.fromtimestamp(time, UTC).isoformat()
        for name, time in (("last_code", one.last_code), ("last_attempt", one.last_attempt))
    }
    return asdict(one) | times
