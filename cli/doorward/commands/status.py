"""`doorward status`: who is enrolled, and what is wrong."""

from dataclasses import asdict

import click

from doorward.commands import options
from doorward.enrolment.account import Account, account_find, accounts_with_login
from doorward.enrolment.inspection import Inspection
from doorward.enrolment.store import store_open
from doorward.errors import DoorwardError
from doorward.table import iso_time, local_time, show_table
from doorward.terminal import say, say_json

_PROBLEMS = 1  # the exit code

_HEADINGS = ("User", "Enrolled", "Type", "Devices", "Recovery codes", "Last use")


@click.command(
    epilog="""\b
Examples:
  doorward status                     yourself; for root: everybody with a login shell
  sudo doorward status alice bob
  sudo doorward status --json --system
"""
)
@options.users_argument
@options.place_options
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
        _show(found, secret_file)
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


def _show(found: list[Inspection], secret_file: str) -> None:
    show_table(_HEADINGS, map(_row, found))
    for one in found:
        for problem in one.problems:
            say(f"{one.user}: {problem}")
    say(f"Secret file: {secret_file}")


def _row(one: Inspection) -> tuple[str, ...]:
    if one.enrolled is False:
        return one.user, "no", "", "", "", ""
    if one.enrolled is None:
        return one.user, "unknown", "", "", "", ""
    devices = str(len(one.devices) or "")
    if one.problems:
        return one.user, "broken", one.type or "", devices, "", ""
    codes = str(one.recovery_codes)
    return one.user, "yes", one.type or "", devices, codes, _last_use(one)


def _last_use(one: Inspection) -> str:
    if one.last_code is not None:
        return local_time(one.last_code)
    if one.last_attempt is not None:
        return f"tried {local_time(one.last_attempt)}"
    return "never"


def _as_json(one: Inspection) -> dict[str, object]:
    devices = [asdict(device) | {"last_code": iso_time(device.last_code)} for device in one.devices]
    times = {"last_code": iso_time(one.last_code), "last_attempt": iso_time(one.last_attempt)}
    return asdict(one) | {"devices": devices} | times
