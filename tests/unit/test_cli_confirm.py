"""Confirmation takes what a login takes, and tells a wrong clock from a wrong code."""

import time
from collections.abc import Callable, Iterable

import pytest
from doorward.enrolment.confirm import ATTEMPTS, confirmed_step
from doorward.enrolment.otpauth import Entry
from doorward.enrolment.secret_file import Settings
from doorward.errors import ConfirmationError
from doorward.native import otp_code

SECRET = b"12345678901234567890"
ENTRY = Entry("bastion", "alice@bastion", SECRET, 30)
NOW = 1_700_000_000
STEP = NOW // 30


def _code(steps_off: int) -> str:
    return otp_code(SECRET, STEP + steps_off)


def _typing(codes: Iterable[str]) -> Callable[[str], str]:
    typed = iter(codes)
    return lambda _question: next(typed)


@pytest.mark.parametrize(
    ("window", "accepted"),
    [(1, range(1)), (2, range(2)), (3, range(-1, 2)), (4, range(-1, 3)), (17, range(-8, 9))],
)
def test_accepts_the_window_of_a_login(window: int, accepted: range) -> None:
    """Each step in the window is accepted, and the next one on either side is not."""
    settings = Settings(window=window)
    for off in range(accepted.start - 1, accepted.stop + 1):
        typed = _typing([_code(off)] * ATTEMPTS)
        if off in accepted:
            assert confirmed_step(ENTRY, settings, typed, lambda: NOW) == STEP + off
        else:
            with pytest.raises(ConfirmationError):
                confirmed_step(ENTRY, settings, typed, lambda: NOW)


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
    assert confirmed_step(ENTRY, Settings(), _typing(codes), lambda: NOW) == STEP
    output = capsys.readouterr().out
    assert said in output
    assert not any(_code(off) in output for off in (-1, 0, 1))


def test_seconds_for_short_steps(capsys: pytest.CaptureFixture[str]) -> None:
    """Half a minute is not called 0 minutes."""
    entry = Entry("b", "a", SECRET, 10)
    codes = [otp_code(SECRET, NOW // 10 + off) for off in (-3, 0)]
    assert confirmed_step(entry, Settings(step=10), _typing(codes), lambda: NOW) == NOW // 10
    assert "about 30 seconds behind" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["{0:.3} {0[3]}{0[4]}{0[5]}", "{0:.3}-{0[3]}{0[4]}{0[5]}"])
def test_forgives_how_apps_group_digits(form: str) -> None:
    """Blanks and dashes are no part of a code."""
    typed = _typing([form.format(_code(0))])
    assert confirmed_step(ENTRY, Settings(), typed, lambda: NOW) == STEP


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345678", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_at_all(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nonsense is answered with what a code looks like, and counts as an attempt."""
    with pytest.raises(ConfirmationError, match="nothing was changed"):
        confirmed_step(ENTRY, Settings(), _typing([typed] * ATTEMPTS), time.time)
    assert capsys.readouterr().out.count("A code has 6 digits") == ATTEMPTS


def test_a_rate_limit_of_one_does_not_end_the_confirmation() -> None:
    """The limit is for logins: a second attempt at the confirmation is not refused by it."""
    settings = Settings(rate_limit=(1, 3600))
    codes = ["nonsense", "000000", _code(0)]
    assert confirmed_step(ENTRY, settings, _typing(codes), lambda: NOW) == STEP
