"""Confirmation takes what a login takes, and tells a wrong clock from a wrong code."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from doorward.enrolment.confirm import ATTEMPTS, confirmed
from doorward.errors import ConfirmationError
from doorward.native import Algorithm, Device, otp_code

SECRET = b"12345678901234567890"
DEVICE = Device("main", SECRET)
NOW = 1_700_000_000
STEP = NOW // 30


def _code(steps_off: int, device: Device = DEVICE) -> str:
    step = NOW // device.step + steps_off
    return otp_code(device.secret, step, device.digits, device.algorithm)


def _typing(codes: Iterable[str]) -> Callable[[str], str]:
    typed = iter(codes)
    return lambda _question: next(typed)


@pytest.mark.parametrize(
    ("window", "accepted"),
    [(1, range(1)), (2, range(2)), (3, range(-1, 2)), (4, range(-1, 3)), (17, range(-8, 9))],
)
def test_accepts_the_window_of_a_login(window: int, accepted: range) -> None:
    """Each step in the window is accepted, and the next one on either side is not."""
    device = replace(DEVICE, window=window)
    for off in range(accepted.start - 1, accepted.stop + 1):
        typed = _typing([_code(off)] * ATTEMPTS)
        if off in accepted:
            used = replace(device, used_steps=(STEP + off,))
            assert confirmed(device, typed, lambda: NOW) == used
        else:
            with pytest.raises(ConfirmationError):
                confirmed(device, typed, lambda: NOW)


@pytest.mark.parametrize(
    ("steps_off", "said"),
    [
        (-2, "about 1 minute behind this machine's.\nHere it is 22:13:20 UTC"),
        (4, "about 2 minutes ahead of this machine's"),
        (-120, "about 1 hour behind"),
        (2880, "about 24 hours ahead of"),
        (2881, "That code does not fit"),
    ],
)
def test_says_how_far_off_the_clock_is(
    steps_off: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A code of another time is told by how far off its clock is, up to a day, and never helped."""
    codes = [_code(steps_off), _code(0)]
    assert confirmed(DEVICE, _typing(codes), lambda: NOW).used_steps == (STEP,)
    output = capsys.readouterr().out
    assert said in output
    assert not any(_code(off) in output for off in (-1, 0, 1))


def test_seconds_for_short_steps(capsys: pytest.CaptureFixture[str]) -> None:
    """Half a minute is not called 0 minutes."""
    device = replace(DEVICE, step=10)
    codes = [_code(off, device) for off in (-3, 0)]
    assert confirmed(device, _typing(codes), lambda: NOW).used_steps == (NOW // 10,)
    assert "about 30 seconds behind" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["{0:.3} {0[3]}{0[4]}{0[5]}", "{0:.3}-{0[3]}{0[4]}{0[5]}"])
def test_forgives_how_apps_group_digits(form: str) -> None:
    """Blanks and dashes are no part of a code."""
    typed = _typing([form.format(_code(0))])
    assert confirmed(DEVICE, typed, lambda: NOW).used_steps == (STEP,)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345678", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_at_all(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nonsense is answered with what a code looks like, and counts as an attempt."""
    with pytest.raises(ConfirmationError, match="nothing was changed"):
        confirmed(DEVICE, _typing([typed] * ATTEMPTS), time.time)
    assert capsys.readouterr().out.count("A code has 6 digits") == ATTEMPTS


@pytest.mark.parametrize(
    "device",
    [
        Device("tablet", SECRET, algorithm=Algorithm.SHA512, digits=8),
        Device("tablet", SECRET, algorithm=Algorithm.SHA256, digits=7, step=60),
    ],
)
def test_every_kind_of_code(device: Device, capsys: pytest.CaptureFixture[str]) -> None:
    """A code of another length is told so, and one of an app that does as it pleases, too."""
    plain = replace(device, algorithm=Algorithm.SHA1, step=30)
    apps = [plain, replace(plain, step=device.step), device]
    codes = ["123456", *(_code(0, app) for app in apps)]
    used = replace(device, used_steps=(NOW // device.step,))
    assert confirmed(device, _typing(codes), lambda: NOW) == used
    output = capsys.readouterr().out
    assert f"A code has {device.digits} digits" in output
    assert output.count("That code is made with SHA1, or for 30 seconds") == 2


def test_codes_that_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """The first code is asked for, and the next login wants the one behind it."""
    device = Device("main", SECRET, counter=1, disallow_reuse=False)
    codes = [otp_code(SECRET, counter) for counter in (4, 2)]
    assert confirmed(device, _typing(codes), lambda: NOW) == replace(device, counter=3)
    assert "Type the first one that the app makes" in capsys.readouterr().out


def test_reuse_uses_nothing_up() -> None:
    """Where a code may be used again the file is not told that it was."""
    device = replace(DEVICE, disallow_reuse=False)
    assert confirmed(device, _typing([_code(0)]), lambda: NOW) == device
