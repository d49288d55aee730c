"""`doorward show`: the QR code again."""

import click

from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.otpauth import Entry, entry_names
from doorward.enrolment.presentation import entry_as_json, show_entry, write_picture
from doorward.enrolment.store import store_open
from doorward.native import credential_parse
from doorward.terminal import agreed, say, say_json


@click.command(
    epilog="""\b
Examples:
  doorward show                       your own, for a second phone
  sudo doorward show alice --qr alice.svg
"""
)
@options.user_argument
@options.secret_file_option
@options.qr_option
@options.issuer_option
@options.label_option
@click.option("--yes", is_flag=True, help="Do not ask whether it may be shown.")
@options.json_option
def command(
    *,
    user: str | None,
    secret_file: str,
    qr: str | None,
    issuer: str | None,
    label: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Show the QR code and the secret of USER, or yours, once more.

    Whoever sees them can make the same codes. Issuer and label are not in the secret file: say
    them again if they were not the defaults.
    """
    account = account_find(user)
    store = store_open(account, secret_file)
    credential = credential_parse(store.read())
    names = entry_names(account, issuer, label)
    entry = Entry(*names, credential.secret, credential.step, credential.counter)
    if not (yes or as_json) and not agreed(f"Show the secret of {account.name} on this screen?"):
        say("Not shown.")
        return
    if qr:
        write_picture(account, qr, entry)
    if as_json:
        about = {"user": account.name, "file": store.file.path, "qr": qr}
        say_json(about | entry_as_json(entry))
    else:
        say(f"The secret of {account.name}, from {store.file.path}:")
        show_entry(entry)
