"""Each allocation of a login fails once: the module's own, and those that libc and libpam make."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from doorward.native import credential_parse

from tests.pam.conftest import NOW, RECOVERY_CODE, code_at, enrol
from tests.pam.login import Setting, log_in
from tests.pam.readonly import ALLOWED, Disk, disk, forget, run

__all__ = ["disk", "run"]  # fixtures

ACCESS_FILE = Path("/etc/security/access-no-memory.conf")
ACCESS = "- : root : ALL\n+ : ALL : ALL\n"
HOST = "192.0.2.1"
STEP = NOW // 30
SKEWED = f'" RESETTING_TIME_SKEW {STEP - 2}+9 {STEP - 1}+9'

# The login, what else the file says, and the reply.
LOGINS = {
    "right code": (Setting(), "", code_at()),
    "wrong code": (Setting(args=["nullok"]), "", "000000"),
    "wrong code of a token": (Setting(), '" HOTP_COUNTER 5', "000000"),
    "recovery code": (Setting(), "", RECOVERY_CODE),
    "program with groups": (Setting(under=("setpriv", "--groups=4300")), "", code_at()),
    "second code of a phone's wrong clock": (
        Setting(),
        f'" RESETTING_TIME_SKEW {STEP - 1}+9',
        code_at(NOW + 9 * 30),
    ),
    "third code of a phone's wrong clock": (Setting(), SKEWED, code_at(NOW + 9 * 30)),
    "host to remember": (Setting(args=["grace_period=99"], rhost=HOST), "", code_at()),
    "host remembered": (
        Setting(args=["grace_period=99"], rhost=HOST),
        f'" LAST0 {HOST} {NOW - 5}',
        "000000",
    ),
    "password to forward": (Setting(args=["forward_pass"]), "", "password" + code_at()),
    "access file, in": (Setting(args=[f"accessfile={ACCESS_FILE}"]), "", "000000"),
    "nobody enrolled": (Setting(args=["nullok"], user="galother"), "", "000000"),
}


@pytest.fixture(autouse=True)
def access_file() -> Iterator[None]:
    """An access file that asks nobody but root."""
    ACCESS_FILE.write_text(ACCESS)
    yield
    ACCESS_FILE.unlink()


@pytest.mark.parametrize(("setting", "line", "reply"), LOGINS.values(), ids=LOGINS.keys())
def test_short_memory_opens_no_door(
    home: Path, confdir: Path, setting: Setting, line: str, reply: str
) -> None:
    """Whoever can use up memory would get in, or have a code that works again and again."""

    def attempt(nomem: int) -> tuple[int, bytes, tuple[str, str | None, bytes]]:
        path = enrol(
            home, *filter(None, [line]), '" RATE_LIMIT 9 30', '" DISALLOW_REUSE', RECOVERY_CODE
        )
        before = path.read_bytes()
        result = log_in(confdir, replace(setting, switches=[f"nomem={nomem}"]), [f"={reply}"])
        assert result.ids_kept
        assert list(home.iterdir()) == [path]
        return result.allocations, before, (result.module, result.authtok, path.read_bytes())

    allocations, before, undisturbed = attempt(0)
    counted = f'" RATE_LIMIT 9 30 {NOW}'.encode()  # also who is let in otherwise is asked then
    whole = {*before.splitlines(), *undisturbed[-1].splitlines(), counted}
    disturbed = 0
    for n in range(1, allocations + 1):
        _, _, outcome = attempt(n)
        if outcome != undisturbed:
            module, _, text = outcome
            assert module == "PAM_AUTH_ERR", f"allocation {n}"
            assert set(text.splitlines()) <= whole
            credential_parse(text)
            disturbed += 1
    assert disturbed


def test_short_memory_keeps_no_half_state(disk: Disk, confdir: Path) -> None:
    """A code would open the door, and its use not be kept where the disk cannot be written."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    count = log_in(confdir, ALLOWED, [f"={code_at()}"]).allocations
    refused = 0
    for n in range(1, count + 1):
        forget()
        short = replace(ALLOWED, switches=[f"nomem={n}"])
        first, second = (log_in(confdir, one, [f"={code_at()}"]) for one in (short, ALLOWED))
        assert first.ids_kept
        assert [first.module, second.module].count("PAM_SUCCESS") == 1, f"allocation {n}"
        refused += first.module == "PAM_AUTH_ERR"
    assert refused


def test_short_memory_gives_no_rights(home: Path, confdir: Path) -> None:
    """A file would be opened with the rights of some groups, or of those of the program."""
    folder = Path("/srv/doorward-groups")
    folder.mkdir()
    os.chown(folder, 0, 4109)
    folder.chmod(0o770)
    path = enrol(home).rename(folder / "secret")
    groups = Path("/etc/group")
    before = groups.read_text()
    setting = Setting(args=[f"secret={path}"])
    try:
        groups.write_text(f"{before}doorward-class:x:4109:galuser\n")
        whole = log_in(confdir, setting, [f"={code_at()}"])
        assert whole.module == "PAM_SUCCESS"
        for n in range(1, whole.allocations + 1):
            short = replace(setting, switches=[f"nomem={n}"])
            result = log_in(confdir, short, [f"={code_at()}"])
            assert result.module in {"PAM_SUCCESS", "PAM_AUTH_ERR"}, f"allocation {n}"
            assert result.ids_kept, f"allocation {n}"
    finally:
        groups.write_text(before)
        path.unlink()
        folder.rmdir()
