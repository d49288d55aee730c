"""`doorward recovery-codes`: new ones, and the old are gone."""

import click

from doorward import process
from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.presentation import show_recovery_codes
from doorward.enrolment.recovery import recovery_codes_new, with_recovery_codes
from doorward.enrolment.store import store_open
from doorward.terminal import after, say, say_json


@click.command()
@options.user_argument
@options.place_options
@click.option(
    "--count",
    metavar="N",
    type=options.recovery_count_type,
    default=5,
    show_default=True,
    help="How many to make.",
)
@options.compatible_option
@options.json_option
def command(
    *, user: str | None, secret_file: str, count: int, compatible: bool, as_json: bool
) -> None:
    """Make new recovery codes for USER, or yourself.

    Those from before stop working. The secret stays as it is, and so does the phone. The file keeps
    of a code only what is needed to know it again, unless it has to be --compatible.
    """
    account = account_find(user)
    store = store_open(account, secret_file)
    codes = recovery_codes_new(count, compatible=compatible)
    with process.to_the_end():
        store.change(lambda text: with_recovery_codes(text, codes))
        with after(f"{account.name} has new recovery codes", "Make others: run this again."):
            if as_json:
                about = {"user": account.name, "file": store.file.path}
                say_json(about | {"recovery_codes": codes})
            else:
                say(f"The recovery codes that {account.name} had before no longer work.")
                show_recovery_codes(codes)
