"""Whether the phone makes the codes that a login takes, and if not, how far its clock is off."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import click

from doorward.enrolment.otpauth import DIGITS, Entry
from doorward.enrolment.secret_file import Settings, secret_file_text
from doorward.errors import ConfirmationError
from doorward.native import credential_parse, otp_code, verify

ATTEMPTS = 5
"""How many codes are asked for before giving up."""

_SEARCH_SECONDS = 24 * 60 * 60  # how far off a clock may be for us to notice that it is a clock


def confirmed_step(
    entry: Entry,
    settings: Settings,
    ask: Callable[[str], str],
    now: Callable[[], float] = time.time,
) -> int:
    """Ask for codes until a login would take one, and return that code's step.

    `now` gives Unix time. Raises ConfirmationError after ATTEMPTS codes.
    """
    text = secret_file_text(entry.secret_text, replace(settings, rate_limit=None), None, [])
    for _ in range(ATTEMPTS):
        code = re.sub(r"[\s-]", "", ask("Code from the app:"))
        if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", code):
            click.echo(f"A code has {DIGITS} digits. Type the one that the app shows.")
            continue
        seconds = int(now())
        verdict = verify(text, code, seconds, learn_skew=False)
        if verdict.reason is None:
            return credential_parse(verdict.text).used_steps[-1]
        click.echo(_what_is_wrong(entry, code, seconds))
    raise ConfirmationError(
        f"none of {ATTEMPTS} codes fitted; nothing was changed",
        hint="Remove the entry from the app and run this again; 'timedatectl' shows whether this "
        "machine's clock is right.",
    )


def _what_is_wrong(entry: Entry, code: str, now: int) -> str:
    """Say how far off the clock is that makes this code, but not which code would be right."""
    steps = _steps_off(entry, code, now // entry.step)
    if steps is None:
        return "That code does not fit. Type the one that the app shows now for this account."
    side = "ahead of" if steps > 0 else "behind"
    clock = datetime.fromtimestamp(now, UTC).strftime("%H:%M:%S")
    return (
        f"That code is from a clock about {_duration(abs(steps) * entry.step)} {side} this "
        "machine's.\n"
        f"Here it is {clock} UTC ('timedatectl' says whether that is right). Let the phone\n"
        "set its time by the network, and type the code that the app shows then."
    )


def _steps_off(entry: Entry, code: str, here: int) -> int | None:
    """Return how many steps the clock that made `code` is ahead of `here`, the nearest if several.

    None where no clock within a day of ours makes it.
    """
    reach = _SEARCH_SECONDS // entry.step
    for off in sorted(range(-reach, reach + 1), key=abs):
        if here + off >= 0 and otp_code(entry.secret, here + off, DIGITS) == code:
            return off
    return None


def _duration(seconds: int) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"
