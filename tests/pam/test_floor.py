"""What the admin asks for, whatever a user's file says: options that are ours alone."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest

from demo.server import Syslog
from tests.pam.conftest import SECRET, enrol, logged
from tests.pam.login import Setting, log_in

NOW = 300_000
DAY = 24 * 60 * 60
TODAY = int(time.time()) // DAY * DAY  # its first second, in Unix time


def code_at(when: int = NOW) -> str:
    """The code of SECRET at a time."""
    return pyotp.TOTP(SECRET).at(when)


def day(when: int) -> str:
    """The day in UTC, as the option has it."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")


@pytest.mark.parametrize("lines", [(), ('" DISALLOW_REUSE',), (f'" DISALLOW_REUSE {1}',)])
def test_disallow_reuse(home: Path, confdir: Path, lines: tuple[str, ...]) -> None:
    """A user could allow that their codes are replayed."""
    enrol(home, *lines)
    setting = Setting(args=["disallow_reuse"])
    modules = [log_in(confdir, setting, [f"={code_at()}"]).module for _ in range(2)]
    assert modules == ["PAM_SUCCESS", "PAM_AUTH_ERR"]
    assert log_in(confdir, Setting(), [f"={code_at()}"]).module == "PAM_AUTH_ERR"


LIMITS = [
    # the file's line, the option, how many of ten attempts at once are looked at
    (None, "3/30", 3),
    ('" RATE_LIMIT 100 30', "3/30", 3),
    ('" RATE_LIMIT 2 30', "3/30", 2),
    ('" RATE_LIMIT 100 1', "4/3600", 4),
    ('" RATE_LIMIT 5 3600', "100/1", 5),
]


@pytest.mark.parametrize(("line", "option", "looked_at"), LIMITS)
def test_require_rate_limit(
    home: Path, confdir: Path, line: str | None, option: str, looked_at: int
) -> None:
    """A user could allow any number of guesses at their code."""
    enrol(home, *([line] if line else []))
    setting = Setting(args=[f"require_rate_limit={option}"])
    results = [log_in(confdir, setting, [f"={code_at()}"]) for _ in range(10)]
    assert [one.module for one in results].count("PAM_SUCCESS") == looked_at
    assert [one.module for one in results[:looked_at]] == ["PAM_SUCCESS"] * looked_at
    assert results[-1].messages == []


def test_both_limits_are_remembered(home: Path, confdir: Path) -> None:
    """A file with a short memory would make the admin's limit forget."""
    path = enrol(home, '" RATE_LIMIT 3 10')
    for at in range(0, 100, 20):
        setting = Setting(args=["require_rate_limit=5/3600"], time=NOW + at)
        assert log_in(confdir, setting, [f"={code_at(NOW + at)}"]).module == "PAM_SUCCESS"
    setting = Setting(args=["require_rate_limit=5/3600"], time=NOW + 200)
    assert log_in(confdir, setting).messages == []
    times = " ".join(str(NOW + at) for at in (20, 40, 60, 80, 200))
    assert f'" RATE_LIMIT 3 10 {times}\n' in path.read_text()


@pytest.mark.parametrize("args", [[], ["nullok"]])
@pytest.mark.parametrize(
    ("now", "passes"),
    [(TODAY + DAY, True), (TODAY + 2 * DAY - 1, True), (TODAY + 2 * DAY, False), (NOW, False)],
    ids=["the day begins", "it ends", "it is over", "a clock that was reset"],
)
@pytest.mark.usefixtures("home")
def test_nullok_until(
    confdir: Path, syslog: Syslog, now: int, passes: bool, args: list[str]
) -> None:
    """The door would stay open after the day, or open again when the clock is lost."""
    until = day(TODAY + DAY)
    setting = Setting(args=[*args, f"nullok_until={until}"], time=now)
    result = log_in(confdir, setting, ["=000000"])
    if passes:
        assert result.module == "PAM_IGNORE"
        ((style, text),) = result.messages
        assert style == "TEXT_INFO"
        assert "doorward enroll" in text
        assert until in text
        assert "result=skipped reason=not-enrolled" in logged(syslog)[-1]
    else:
        assert result.module == "PAM_AUTH_ERR"
        assert result.messages == [("ECHO_OFF", "Verification code: ")]


def test_nullok_until_says_nothing_where_it_must_be_silent(home: Path, confdir: Path) -> None:
    """A program that asked for silence would be spoken to; one that is enrolled, told to enrol."""
    args = [f"nullok_until={day(TODAY + DAY)}"]
    silent = Setting(args=args, time=TODAY + DAY, flags=0x8000)  # PAM_SILENT
    assert log_in(confdir, silent).messages == []
    enrol(home)
    enrolled = Setting(args=args, time=TODAY + DAY)
    result = log_in(confdir, enrolled, [f"={code_at(TODAY + DAY)}"])
    assert result.messages == [("ECHO_OFF", "Verification code: ")]


@pytest.mark.usefixtures("home")
def test_every_day_ends_when_it_does(confdir: Path) -> None:
    """The admin's day would be another one in a leap year, or in a month of 31 days."""
    for text in ("2028-02-29", "2028-03-01", "2027-12-31", "2100-02-28", "2032-10-31"):
        end = int(datetime.fromisoformat(f"{text}T00:00:00+00:00").timestamp()) + DAY
        modules = [
            log_in(confdir, Setting(args=[f"nullok_until={text}"], time=now)).module
            for now in (end - 1, end)
        ]
        assert modules == ["PAM_IGNORE", "PAM_AUTH_ERR"]
