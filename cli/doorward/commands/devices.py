"""`doorward devices`: what a user's codes come from."""

from dataclasses import asdict

import click

from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.inspection import DeviceInspection
from doorward.enrolment.store import store_open
from doorward.table import iso_time, local_time, show_table
from doorward.terminal import say_json

_HEADINGS = ("Device", "Type", "Algorithm", "Digits", "Step", "Last use")


@click.command(
    epilog="""\b
Examples:
  doorward devices
  doorward enroll --device tablet     one more
  doorward unenroll --device tablet   one less
"""
)
@options.user_argument
@options.place_options
@options.json_option
def command(*, user: str | None, secret_file: str, as_json: bool) -> None:
    """List the devices of USER, or yours: what makes the codes.

    The first one is called main, and is the one that google-authenticator knows, too.
    """
    devices = store_open(account_find(user), secret_file).devices()
    if as_json:
        say_json([asdict(one) | {"last_code": iso_time(one.last_code)} for one in devices])
    else:
        show_table(_HEADINGS, map(_row, devices))


def _row(one: DeviceInspection) -> tuple[str, ...]:
    step = "" if one.step is None else f"{one.step} s"
    return one.name, one.type, one.algorithm, str(one.digits), step, _last_use(one)


def _last_use(one: DeviceInspection) -> str:
    if one.counter is not None:
        return f"next is code {one.counter}"
    if one.reuse:
        return "not recorded"
    return "never" if one.last_code is None else local_time(one.last_code)
