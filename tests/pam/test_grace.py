"""grace_period: who logged in from a host a moment ago, and which hosts are remembered."""

from pathlib import Path

import pytest

from tests.pam.conftest import NOW, code_at, enrol
from tests.pam.login import Setting, log_in

HOST = "192.0.2.1"
GRACE = "grace_period=999999"


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        (f'" LAST0 {HOST} {NOW - 5}', False),
        (f'" LAST0 {HOST}\t{NOW - 5}', False),
        (f'" LAST9 {HOST} {NOW - 5}', False),
        (f'" LAST0 {HOST} 0', True),
        (f'" LAST0 {HOST} -5', True),
        (f'" LAST0 {HOST}', True),
        (f'" LAST0 {HOST}0 {NOW - 5}', True),
        (f'" LAST0 192.0.2.2 {NOW - 5}', True),
    ],
)
def test_a_host_is_spared_the_code_after_a_login(
    home: Path, confdir: Path, line: str, *, asked: bool
) -> None:
    """A line that no login has written would open the door, or one from a login not."""
    enrol(home, line)
    result = log_in(confdir, Setting(args=[GRACE], rhost=HOST), ["=000000"])
    expected = ("PAM_AUTH_ERR", 1) if asked else ("PAM_SUCCESS", 0)
    assert (result.module, len(result.messages)) == expected


@pytest.mark.parametrize(
    ("host", "remembered"),
    [
        (HOST, True),
        ("host_name", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("two words", False),
        ("line\nbreak", False),
        ("", False),
        (None, False),
    ],
)
def test_only_a_plain_name_is_remembered(
    home: Path, confdir: Path, host: str | None, *, remembered: bool
) -> None:
    """A host's name would write lines of its own into the file, or spare all local logins."""
    path = enrol(home)
    before = path.read_text()
    setting = Setting(args=[GRACE], rhost=host)
    assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_SUCCESS"
    lines = [f'" LAST0 {host} {NOW}'] if remembered else []
    assert sorted(set(path.read_text().splitlines()) - set(before.splitlines())) == lines
