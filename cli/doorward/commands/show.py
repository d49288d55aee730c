"""`doorward show`: the QR code again."""

import click

from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.otpauth import Entry, entry_names
from doorward.enrolment.presentation import entry_as_json, show_entry, write_picture
from doorward.enrolment.secret_file import device_find
from doorward.enrolment.store import store_open
from doorward.native import DEVICE_FIRST, credential_parse
from doorward.terminal import agreed, say, say_json


@click.command(
    epilog="""\b
Examples:
  doorward show                       your own, for the same secret on a second phone
  doorward show --device tablet
  sudo doorward show alice --qr alice.svg
"""
)
@options.user_argument
@options.place_options
@options.device_option
@options.qr_option
@options.issuer_option
@options.label_option
@click.option("--yes", is_flag=True, help="Do not ask whether it may be shown.")
@options.json_option
def command(
    *,
    user: str | None,
    secret_file: str,
    device_name: str | None,
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
    devices = credential_parse(store.read()).devices
    device = device_find(devices, device_name or DEVICE_FIRST)
    entry = Entry(*entry_names(account, device.name, issuer, label), device)
    if not (yes or as_json) and not agreed(f"Show the secret of {account.name} on this screen?"):
        say("Not shown.")
        return
    if qr:
        write_picture(account, qr, entry)
    if as_json:
        about = {"user": account.name, "file": store.file.path, "qr": qr}
        say_json(about | entry_as_json(entry))
    else:
        whose = f"{account.name}'s {device.name}" if device_name else account.name
        say(f"The secret of {whose}, from {store.file.path}:")
        show_entry(entry)
