"""`doorward enroll`: from nothing to a phone whose codes a login takes."""

import contextlib
import re

import click
import pyotp

from doorward import files, process
from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.confirm import confirmed_step
from doorward.enrolment.otpauth import Entry, entry_names
from doorward.enrolment.presentation import (
    entry_as_json,
    show_entry,
    show_recovery_codes,
    write_picture,
)
from doorward.enrolment.secret_file import (
    STEP_DEFAULT,
    WINDOW_DEFAULT,
    Settings,
    recovery_codes_new,
    secret_file_text,
)
from doorward.enrolment.store import store_open
from doorward.native import base32_decode
from doorward.terminal import after, ask, say, say_json

_IF_UNSEEN = (
    "'doorward show' shows the secret again, 'doorward recovery-codes' makes new recovery codes."
)


_ATTEMPTS_MAX, _SECONDS_MAX = 100, 3600  # as the module reads RATE_LIMIT


class _RateLimit(click.ParamType[tuple[int, int] | None]):
    """``N/SECONDS`` as (N, SECONDS), or ``none`` as None; 1 to 100 in 1 to 3600 seconds."""

    name = "rate limit"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int] | None:
        if value == "none":
            return None
        found = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,4})", str(value))
        if not found:
            self.fail(f"{value!r} is neither N/SECONDS nor 'none'.", param, ctx)
        attempts, seconds = int(found[1]), int(found[2])
        if not 1 <= attempts <= _ATTEMPTS_MAX:
            self.fail(f"{value!r}: N is from 1 to {_ATTEMPTS_MAX}.", param, ctx)
        if not 1 <= seconds <= _SECONDS_MAX:
            self.fail(f"{value!r}: SECONDS is from 1 to {_SECONDS_MAX}.", param, ctx)
        return attempts, seconds


@click.command(
    epilog="""\b
Examples:
  doorward enroll                     for yourself
  sudo doorward enroll alice          for somebody else
  doorward enroll --force             a new secret; the phone's old entry stops working
  doorward enroll --qr code.png       with a picture of the QR code
  doorward enroll --json              by a script: asks nothing, prints one JSON object
  sudo doorward enroll alice --secret-file '/var/lib/doorward/secrets/${USER}'
"""
)
@options.user_argument
@options.secret_file_option
@options.qr_option
@options.issuer_option
@options.label_option
@click.option(
    "--recovery-codes",
    "recovery_count",
    metavar="N",
    type=click.IntRange(0, 10),
    default=5,
    show_default=True,
    help="How many recovery codes to make.",
)
@click.option(
    "--window",
    metavar="STEPS",
    type=click.IntRange(1, 100),
    default=WINDOW_DEFAULT,
    show_default=True,
    help="How many steps' codes a login takes: the present one's and those around it.",
)
@click.option(
    "--rate-limit",
    metavar="N/SECONDS",
    type=_RateLimit(),
    default="3/30",
    show_default=True,
    help="How many logins may be tried in how many seconds, or 'none'.",
)
@click.option(
    "--step",
    metavar="SECONDS",
    type=click.IntRange(1, 60),
    default=STEP_DEFAULT,
    show_default=True,
    help="How long a code lasts. Few apps can do other than 30.",
)
@click.option("--no-confirm", is_flag=True, help="Do not ask for a code to see that it fits.")
@options.json_option
@click.option("--force", is_flag=True, help="Replace the secret of a user who is enrolled.")
def command(
    *,
    user: str | None,
    secret_file: str,
    qr: str | None,
    issuer: str | None,
    label: str | None,
    recovery_count: int,
    window: int,
    rate_limit: tuple[int, int] | None,
    step: int,
    no_confirm: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Enrol USER, or yourself: make a new secret and put it into the app on a phone.

    Shows the QR code and the secret, asks for a code from the app, and only when that fits writes
    the secret file and shows the recovery codes. Until then nothing is changed, and Ctrl-C ends it.
    The code that was asked for counts as used: a login wants the next one.

    A user can do this for themself, root for anybody. What is in a user's home, or in a folder that
    others than root can change, is handled with that user's rights and belongs to them. A file
    outside the home, in folders that root alone can change, is root's own; such folders are made.
    """
    account = account_find(user)
    store = store_open(account, secret_file)
    settings = Settings(step, window, rate_limit)
    secret = base32_decode(pyotp.random_base32())
    entry = Entry(*entry_names(account, issuer, label), secret, step)
    if store.exists() and not force:
        raise store.already_enrolled()
    with contextlib.ExitStack() as undo:
        if qr:
            picture = write_picture(account, qr, entry)
            undo.callback(picture.handle, files.remove)
        if not as_json:
            say(f"A new secret for {account.name}: scan it with the app, or type it in.")
            show_entry(entry)
        used_step = None if as_json or no_confirm else confirmed_step(entry, settings, ask)
        codes = recovery_codes_new(recovery_count)
        text = secret_file_text(entry.secret_text, settings, used_step, codes)
        with process.to_the_end():
            store.write(text, replacing=force)
            undo.pop_all()
            with after(f"{account.name} is enrolled", _IF_UNSEEN):
                if as_json:
                    about = {"user": account.name, "file": store.file.path, "qr": qr}
                    limit = rate_limit and {"attempts": rate_limit[0], "seconds": rate_limit[1]}
                    chosen = {"window": window, "rate_limit": limit, "recovery_codes": codes}
                    say_json(about | entry_as_json(entry) | chosen)
                else:
                    say()
                    say(f"{account.name} is enrolled: {store.file.path}")
                    if used_step is not None:
                        say("The code that you typed counts as used: a login wants the next one.")
                    show_recovery_codes(codes)
