"""`doorward recovery-codes`: new ones, and the old are gone."""

import click

from doorward import process
from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.presentation import show_recovery_codes
from doorward.enrolment.secret_file import recovery_codes_new
from doorward.enrolment.store import store_open
from doorward.terminal import after, say, say_json


@click.command()
@options.user_argument
@options.secret_file_option
@click.option(
    "--count",
    metavar="N",
    type=click.IntRange(0, 10),
    default=5,
    show_default=True,
    help="How many to make.",
)
@options.json_option
def command(*, user: str | None, secret_file: str, count: int, as_json: bool) -> None:
    """Make new recovery codes for USER, or yourself.

    Those from before stop working. The secret stays as it is, and so does the phone.
    """
    account = account_find(user)
    store = store_open(account, secret_file)
    codes = recovery_codes_new(count)
    with process.to_the_end():
        store.renew_recovery_codes(codes)
        with after(f"{account.name} has new recovery codes", "Make others: run this again."):
            if as_json:
                about = {"user": account.name, "file": store.file.path}
                say_json(about | {"recovery_codes": codes})
            else:
                say(f"The recovery codes that {account.name} had before no longer work.")
                show_recovery_codes(codes)
