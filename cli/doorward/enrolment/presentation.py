"""What a person, or a program, gets to see of a secret."""

import os
import shutil
import sys

import click

from doorward import files
from doorward.enrolment.account import Account
from doorward.enrolment.as_user import UserFile, user_file
from doorward.enrolment.otpauth import Entry
from doorward.enrolment.qr import qr_drawn, qr_picture
from doorward.terminal import say

_INSTEAD = "type the secret into the app, or see --qr FILE for a picture"


def entry_as_json(entry: Entry) -> dict[str, object]:
    """Return all that an app needs, for `say_json`."""
    device = entry.device
    kind: dict[str, object] = (
        {"type": "totp", "step": device.step}
        if device.counter is None
        else {"type": "hotp", "counter": device.counter}
    )
    names = {"device": device.name, "issuer": entry.issuer, "label": entry.label}
    how = {"algorithm": device.algorithm, "digits": device.digits}
    return names | kind | how | {"secret": entry.secret_text, "uri": entry.uri}


def show_entry(entry: Entry) -> None:
    """Show the secret for typing in, and as a QR code where that can be drawn.

    NO_COLOR is no reason not to: the two colours are the code.
    """
    secret = entry.secret_text
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    say()
    for name, value in (
        ("Issuer", entry.issuer),
        ("Account", entry.label),
        ("Secret", grouped),
        ("URI", entry.uri),
    ):
        say(f"  {name:<8} {value}")
    say()
    click.echo(_drawn(entry.uri), color=True)


def _drawn(uri: str) -> str:
    """Return the QR code for this terminal, or a sentence on why there is none."""
    if not sys.stdout.isatty():
        return f"The QR code is drawn in terminals only: {_INSTEAD}."
    try:
        "▀▄█".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return f"This locale has no characters to draw the QR code with: {_INSTEAD}."
    if os.environ.get("TERM", "dumb") == "dumb":
        return f"This terminal has no colours to draw the QR code in: {_INSTEAD}."
    size = shutil.get_terminal_size()
    drawn = qr_drawn(uri, size)
    if drawn is None:
        return (
            f"With {size.columns} columns this terminal is too narrow for the QR code: "
            f"make it wider and start again, {_INSTEAD}."
        )
    high = drawn.count("\n") + 2  # with the line that the cursor is on
    if high > size.lines:
        drawn += f"\nMake the window {high + 1} lines high to see the whole code."
    return drawn


def show_recovery_codes(codes: list[str]) -> None:
    """Show recovery codes, for the only time."""
    if not codes:
        return
    say()
    say("Recovery codes, shown only now: each is good for one login without the phone.")
    for code in codes:
        say(f"  {code}")


def write_picture(account: Account, path: str, entry: Entry) -> UserFile:
    """Make a new picture of the QR code, by whoever handles that path; return where it is."""
    picture = user_file(account, path)
    content = qr_picture(entry.uri, path[-3:])
    picture.handle(lambda at: files.create(at, content))
    return picture
