"""`doorward enroll`: from nothing to a phone whose codes a login takes."""

import contextlib
from dataclasses import replace

import click
import pyotp
from click.core import ParameterSource

from doorward import files, process
from doorward.commands import options
from doorward.commands.values import checked_rate_limit
from doorward.enrolment.account import account_find
from doorward.enrolment.confirm import confirmed
from doorward.enrolment.otpauth import Entry, entry_names
from doorward.enrolment.places import SYSTEM, pam_line
from doorward.enrolment.plan import Plan, plan_new_file, plan_one_of_several
from doorward.enrolment.presentation import (
    entry_as_json,
    show_entry,
    show_recovery_codes,
    write_picture,
)
from doorward.enrolment.recovery import recovery_codes_new
from doorward.enrolment.store import store_open
from doorward.native import DEVICE_FIRST, Algorithm, Device, RateLimit, base32_decode
from doorward.terminal import after, ask, say, say_json

_IF_UNSEEN = (
    "'doorward show' shows the secret again, 'doorward recovery-codes' makes new recovery codes."
)

_PLAIN = Device(DEVICE_FIRST, b"")  # what all apps can do

_COUNTER_START = 1  # what google-authenticator starts with, too: 0 would not be a counter

_EXCLUDING = (  # pairs of parameters, and why
    ("compatible", "device_name", "google-authenticator's module knows one device alone."),
    ("compatible", "algorithm", "google-authenticator's module knows SHA1 alone."),
    ("compatible", "digits", "google-authenticator's module knows 6 digits alone."),
    ("device_name", "recovery_count", "the recovery codes are those of all devices."),
    ("device_name", "rate_limit", "the rate limit is that of all devices."),
    ("counter_based", "step", "a code that is counted does not end with the time."),
    ("counter_based", "allow_reuse", "a code that is counted is never taken twice."),
)


@click.command(
    epilog="""\b
Examples:
  doorward enroll                     for yourself
  sudo doorward enroll alice          for somebody else
  doorward enroll --device tablet     one more device, with a secret of its own
  doorward enroll --force             anew; what the phones have now stops working
  doorward enroll --qr code.png       with a picture of the QR code
  doorward enroll --json              by a script: asks nothing, prints one JSON object
  sudo doorward enroll alice --system
"""
)
@options.user_argument
@options.place_options
@options.device_option
@options.qr_option
@options.issuer_option
@options.label_option
@click.option(
    "--recovery-codes",
    "recovery_count",
    metavar="N",
    type=options.recovery_count_type,
    default=5,
    show_default=True,
    help="How many recovery codes to make.",
)
@options.compatible_option
@click.option(
    "--rate-limit",
    metavar="N/SECONDS",
    callback=checked_rate_limit,
    default="3/30",
    show_default=True,
    help="How many logins may be tried in how many seconds, or 'none'.",
)
@click.option(
    "--window",
    metavar="STEPS",
    type=click.IntRange(1, 100),
    default=_PLAIN.window,
    show_default=True,
    help="How many codes a login takes: the present one and those around it, or the next ones.",
)
@click.option("--allow-reuse", is_flag=True, help="Let a code open the door more than once.")
@click.option("--counter-based", is_flag=True, help="Codes that are counted, not of the time.")
@click.option(
    "--step",
    metavar="SECONDS",
    type=click.IntRange(1, 60),
    default=_PLAIN.step,
    show_default=True,
    help="How long a code lasts.",
)
@click.option(
    "--digits",
    type=click.Choice(["6", "7", "8"]),
    default=str(_PLAIN.digits),
    show_default=True,
    help="How long a code is.",
)
@click.option(
    "--algorithm",
    type=click.Choice([name.lower() for name in Algorithm]),
    default=_PLAIN.algorithm.lower(),
    show_default=True,
    help="The hash in a code.",
)
@click.option("--no-confirm", is_flag=True, help="Do not ask for a code to see that it fits.")
@options.json_option
@click.option("--force", is_flag=True, help="Replace what is there: all, or the one --device.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    user: str | None,
    secret_file: str,
    device_name: str | None,
    qr: str | None,
    issuer: str | None,
    label: str | None,
    recovery_count: int,
    compatible: bool,
    rate_limit: RateLimit | None,
    window: int,
    allow_reuse: bool,
    counter_based: bool,
    step: int,
    digits: str,
    algorithm: str,
    no_confirm: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Enrol USER, or yourself: make a new secret and put it into the app on a phone.

    Shows the QR code and the secret, asks for a code from the app, and only when that fits writes
    the secret file and shows the recovery codes. Until then nothing is changed, and Ctrl-C ends it.
    The code that was asked for counts as used: a login wants the next one.

    With --device it adds a device to those of a user who is enrolled: each has a secret and
    settings of its own, and a login takes the code of any. All else stays as it is.

    A user can do this for themself, root for anybody. What is in a user's home, or in a folder that
    others than root can change, is handled with that user's rights and belongs to them. A file
    outside the home, in folders that root alone can change, is root's own; such folders are made.
    """
    _check_exclusions(ctx)
    account = account_find(user)
    store = store_open(account, secret_file)
    device = Device(
        name=device_name or DEVICE_FIRST,
        secret=base32_decode(pyotp.random_base32()),
        counter=_COUNTER_START if counter_based else None,
        step=step,
        window=window,
        digits=int(digits),
        algorithm=Algorithm(algorithm.upper()),
        disallow_reuse=not (allow_reuse or counter_based),
    )
    entry = Entry(*entry_names(account, device.name, issuer, label), device)
    if device_name:
        plan = plan_one_of_several(store, device, force=force)
    else:
        codes = recovery_codes_new(recovery_count, compatible=compatible)
        plan = plan_new_file(store, rate_limit, codes, force=force)
    with contextlib.ExitStack() as undo:
        if qr:
            picture = write_picture(account, qr, entry)
            undo.callback(picture.handle, files.remove)
        if not as_json:
            _introduce(account.name, entry, plan)
            if not no_confirm:
                device = confirmed(device, ask)
        with process.to_the_end():
            plan.write(device)
            undo.pop_all()
            with after(plan.done, _IF_UNSEEN):
                if as_json:
                    line = pam_line(secret_file) if secret_file == SYSTEM else None
                    about = {"user": account.name, "file": store.file.path, "qr": qr}
                    chosen = {"window": window, "pam_line": line} | plan.as_json()
                    say_json(about | entry_as_json(entry) | chosen)
                else:
                    _conclude(store.file.path, plan, used=device != entry.device)
                    if secret_file == SYSTEM:
                        say()
                        say(f"The line that asks for these codes: {pam_line(SYSTEM)}")


def _check_exclusions(ctx: click.Context) -> None:
    given = {
        str(param.name): param.opts[0]
        for param in ctx.command.params
        if ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    }
    for one, other, why in _EXCLUDING:
        if one in given and other in given:
            raise click.UsageError(f"{given[one]} and {given[other]} exclude each other: {why}")


def _introduce(who: str, entry: Entry, plan: Plan) -> None:
    say(f"A new secret for {who}: scan it with the app, or type it in.")
    if plan.goes:
        say(plan.goes)
    device = entry.device
    plain = replace(device, algorithm=_PLAIN.algorithm, digits=_PLAIN.digits, step=_PLAIN.step)
    if device != plain:
        say("Few apps can do other than SHA1, 6 digits and 30 seconds: a code shows if yours can.")
    show_entry(entry)


def _conclude(path: str, plan: Plan, *, used: bool) -> None:
    say()
    say(f"{plan.done}: {path}")
    if used:
        say("The code that you typed counts as used: a login wants the next one.")
    show_recovery_codes(plan.recovery_codes)
