"""`doorward unenroll`: the end of a secret."""

import click

from doorward import process
from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.store import store_open
from doorward.terminal import after, agreed, say


@click.command()
@options.user_argument
@options.secret_file_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(*, user: str | None, secret_file: str, yes: bool) -> None:
    """Remove the secret of USER, or yours, and the recovery codes with it.

    What the phone has is of no use then. Where a service asks for codes, its next login is refused,
    or let in without a code if the module's line says nullok.
    """
    account = account_find(user)
    store = store_open(account, secret_file)
    if not store.exists():
        raise store.not_enrolled()
    if not yes and not agreed(f"Remove {store.file.path}, so that {account.name} has no codes?"):
        say("Nothing was changed.")
        return
    with process.to_the_end():
        store.remove()
        with after(f"{account.name} is not enrolled any more"):
            say(f"{account.name} is not enrolled any more: {store.file.path} is removed.")
            say("Services that ask for a code refuse the next login, unless the module has nullok.")
