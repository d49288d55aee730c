"""`doorward unenroll`: the end of a secret."""

import click

from doorward import process
from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.secret_file import without_device
from doorward.enrolment.store import Store, store_open
from doorward.native import DEVICE_FIRST
from doorward.terminal import after, agreed, say


@click.command()
@options.user_argument
@options.place_options
@options.device_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(*, user: str | None, secret_file: str, device_name: str | None, yes: bool) -> None:
    """Remove the secret of USER, or yours, and the recovery codes with it.

    What the phone has is of no use then. Where a service asks for codes, its next login is refused,
    or let in without a code if the module's line says nullok.

    With --device it is one of several devices that goes, and all else stays. Where that is main,
    the next one takes its place, and its name.
    """
    account = account_find(user)
    store = store_open(account, secret_file)
    if device_name:
        _remove_device(store, device_name, yes=yes)
        return
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


def _remove_device(store: Store, name: str, *, yes: bool) -> None:
    who = store.file.account.name
    without_device(store.read(), name)
    if not yes and not agreed(f"Remove the device '{name}' of {who}?"):
        say("Nothing was changed.")
        return
    with process.to_the_end():
        store.change(lambda text: without_device(text, name))
        with after(f"the device '{name}' of {who} is removed"):
            say(f"The device '{name}' of {who} is removed: its codes no longer work.")
            if name == DEVICE_FIRST:
                say(f"The next one is called {DEVICE_FIRST} from now on.")
