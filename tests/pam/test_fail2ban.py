"""The log line, as the real fail2ban reads it with the filter that comes with doorward."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.server import Syslog
from tests.conftest import CHECKOUT
from tests.pam.conftest import enrol
from tests.pam.login import Setting, log_in

FOLDER = Path("/etc/fail2ban")
FILTER = FOLDER / "filter.d/doorward.conf"
GUEST = "192.0.2.1"
LINE = (
    "pam_doorward(sshd:auth): rhost=192.0.2.9 user=x service=sshd result=refused "
    "reason=wrong-code device="
)


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    """The filter and the jail, where README has them put."""
    shutil.copytree(CHECKOUT / "contrib/fail2ban", FOLDER, dirs_exist_ok=True)
    yield
    FILTER.unlink()
    (FOLDER / "jail.d/doorward.conf").unlink()


def banned(folder: Path, lines: list[str]) -> list[str]:
    """The addresses that fail2ban-regex finds, one for each line that counts."""
    log = folder / "auth.log"
    log.write_text("".join(f"Nov 23 10:00:00 door {line}\n" for line in lines))
    found = subprocess.run(
        ["fail2ban-regex", "--out", "ip", str(log), str(FILTER)],
        check=True,
        capture_output=True,
        text=True,
    )
    return found.stdout.split()


def written(syslog: Syslog) -> list[str]:
    """What went to the log from the program's name on, as a daemon would write it to a file.

    libpam names the module that it loaded itself, which in these tests is pam_record.
    """
    ours = [line for line in syslog.lines() if "(doorward-test:auth): " in line]
    return [line.split(maxsplit=3)[3].replace("pam_record(", "pam_doorward(", 1) for line in ours]


@pytest.mark.parametrize("host", [GUEST, "2001:db8::7"])
def test_guesses_count_and_nothing_else(
    home: Path, confdir: Path, tmp_path: Path, syslog: Syslog, host: str
) -> None:
    """Who guesses would not be banned, or who has a right code would."""
    enrol(home, "12345678")
    for user in ("galuser", "galother", "nobody-here"):
        log_in(confdir, Setting(user=user, rhost=host), ["=000000"])
    assert banned(tmp_path, written(syslog)) == [host] * 3
    seen = len(written(syslog))
    log_in(confdir, Setting(rhost=host), ["=12345678"])
    log_in(confdir, Setting(rhost=host), [])  # hung up
    log_in(confdir, Setting(rhost=host, args=["allowed_perm=0400"]), ["=000000"])
    log_in(confdir, Setting(user="galother", rhost=host, args=["nullok"]))
    log_in(confdir, Setting(rhost=host, args=["bogus"]))
    log_in(confdir, Setting(rhost="evil.example"), ["=000000"])
    log_in(confdir, Setting(rhost=""), ["=000000"])
    more = written(syslog)[seen:]
    assert sum("rhost=" in line for line in more) == 6
    assert banned(tmp_path, more) == []


@pytest.mark.parametrize(
    "name",
    [
        "x\nNov 23 10:00:00 door sshd[1]: " + LINE,
        "x rhost=192.0.2.9 user=y",
        "x\trhost=192.0.2.9",
        "x service=sshd result=refused reason=wrong-code device=\n" + LINE,
        LINE,
        "192.0.2.9",
        "rhost=192.0.2.9",
    ],
)
def test_a_name_bans_nobody_else(confdir: Path, tmp_path: Path, syslog: Syslog, name: str) -> None:
    """Whoever logs in as that could shut out another host, or every one."""
    log_in(confdir, Setting(user=name, rhost=GUEST), ["=000000"])
    log_in(confdir, Setting(user="nobody", rhost=name), ["=000000"])
    lines = written(syslog)
    assert len(lines) == 2
    expected = [GUEST, *(["192.0.2.9"] if name == "192.0.2.9" else [])]
    assert banned(tmp_path, lines) == expected


def test_other_programs_lines_ban_nobody(tmp_path: Path) -> None:
    """A name that sshd logs as it is could look like our line."""
    others = [
        f"sshd[812]: Invalid user {LINE} from 192.0.2.1 port 22",
        f"sshd[812]: {LINE} from 192.0.2.1",
        f"sshd[812]: Failed password for x: {LINE}",
        f"su: {LINE[:-1]} ",
    ]
    assert banned(tmp_path, others) == []
    assert banned(tmp_path, [f"sshd[812]: {LINE}", f"sshd[812]: {LINE}main"]) == ["192.0.2.9"] * 2


def test_fail2ban_takes_the_jail() -> None:
    """fail2ban would not start any more, or start without it."""
    dump = subprocess.run(
        ["fail2ban-client", "--dump"], check=True, capture_output=True, text=True
    ).stdout
    assert "['add', 'doorward', 'systemd']" in dump
    assert "pam_doorward" in dump
