"""Whether the phone makes the codes that a login takes, and if not, why not."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import click

from doorward.enrolment.secret_file import secret_file_text
from doorward.errors import ConfirmationError
from doorward.native import (
    DEVICE_FIRST,
    Algorithm,
    Device,
    credential_parse,
    otp_code,
    verify,
)

ATTEMPTS = 5
"""How many codes are asked for before giving up."""

_SEARCH_SECONDS = 24 * 60 * 60  # how far off a clock may be for us to notice that it is a clock

_STEP_OF_APPS = 30  # seconds


def confirmed(
    device: Device, ask: Callable[[str], str], now: Callable[[], float] = time.time
) -> Device:
    """Ask for codes until a login would take one, and return the device with that one used up.

    `now` gives Unix time. Raises ConfirmationError after ATTEMPTS codes.
    """
    text = secret_file_text(replace(device, name=DEVICE_FIRST), None, [])
    question = "Code from the app:" if device.counter is None else "First code from the app:"
    for _ in range(ATTEMPTS):
        code = re.sub(r"[\s-]", "", ask(question))
        if not re.fullmatch(rf"[0-9]{{{device.digits}}}", code):
            click.echo(f"A code has {device.digits} digits. Type the one that the app shows.")
            continue
        seconds = int(now())
        verdict = verify(text, code, seconds, learn_skew=False)
        if verdict.reason is None:
            return replace(credential_parse(verdict.text).first, name=device.name)
        click.echo(_what_is_wrong(device, code, seconds))
    raise ConfirmationError(
        f"none of {ATTEMPTS} codes fitted; nothing was changed",
        hint="Remove the entry from the app and run this again; 'timedatectl' shows whether this "
        "machine's clock is right.",
    )


def _what_is_wrong(device: Device, code: str, now: int) -> str:
    """Say what is known of where this code comes from, but not which code would be right."""
    if device.counter is not None:
        return "That code does not fit. Type the first one that the app makes for this account."
    if _made_by_a_plain_app(device, code, now):
        return (
            "That code is made with SHA1, or for 30 seconds, whatever the QR code says. The app\n"
            "can do nothing else: take another one, or do without --algorithm and --step."
        )
    steps = _steps_off(device, code, now, _SEARCH_SECONDS)
    if steps is None:
        return "That code does not fit. Type the one that the app shows now for this account."
    side = "ahead of" if steps > 0 else "behind"
    clock = datetime.fromtimestamp(now, UTC).strftime("%H:%M:%S")
    return (
        f"That code is from a clock about {_duration(abs(steps) * device.step)} {side} this "
        "machine's.\n"
        f"Here it is {clock} UTC ('timedatectl' says whether that is right). Let the phone\n"
        "set its time by the network, and type the code that the app shows then."
    )


def _made_by_a_plain_app(device: Device, code: str, now: int) -> bool:
    """Tell whether an app made it that does not look at the algorithm or the step."""
    plain = replace(device, algorithm=Algorithm.SHA1, step=_STEP_OF_APPS)
    likely = {plain, replace(plain, algorithm=device.algorithm), replace(plain, step=device.step)}
    return any(_steps_off(one, code, now, one.step) is not None for one in likely - {device})


def _steps_off(device: Device, code: str, now: int, reach: int) -> int | None:
    """Return how many steps the clock that made `code` is ahead of `now`, the nearest if several.

    None where no clock that is off by up to `reach` seconds makes it.
    """
    here, far = now // device.step, reach // device.step
    for off in sorted(range(-far, far + 1), key=abs):
        if here + off >= 0 and code == otp_code(
            device.secret, here + off, device.digits, device.algorithm
        ):
            return off
    return None


def _duration(seconds: int) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"
