"""allow_readonly: logins from a disk that cannot be written to.

The reference lets a code in for ever there. Ours keeps in /run/doorward what it cannot write beside
the file, so that it holds until the machine is started anew.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest

from tests.pam.conftest import NOW, RECOVERY_CODE, SECRET, code_at, enrol, owned
from tests.pam.login import (
    Setting,
    all_at_once,
    module_under_test,
    reference_module,
)
from tests.pam.readonly import ALLOWED, IN, LATER, OUT, Disk, disk, forget, results, run

__all__ = ["disk", "run"]  # fixtures


@pytest.mark.parametrize(
    ("line", "logins", "ours"),
    [
        ('" DISALLOW_REUSE', [(NOW, code_at())] * 2, [IN, OUT]),
        (
            '" DISALLOW_REUSE',
            [(NOW, code_at()), (NOW + 30, code_at(NOW + 30)), (NOW + 30, code_at())],
            [IN, IN, OUT],
        ),
        (RECOVERY_CODE, [(NOW, RECOVERY_CODE)] * 2, [IN, OUT]),
        ('" RATE_LIMIT 2 30', [(NOW, code_at())] * 3, [IN, IN, OUT]),
        ('" HOTP_COUNTER 1', [(NOW, pyotp.HOTP(SECRET).at(1))] * 2, [IN, OUT]),
    ],
    ids=["code", "next-code", "recovery-code", "rate-limit", "counter"],
)
def test_what_cannot_be_written_counts_all_the_same(
    disk: Disk, confdir: Path, line: str, logins: list[tuple[int, str]], ours: list[str]
) -> None:
    """A code that is seen would open the door for ever, and guesses be free."""
    path = enrol(disk.home, line)
    before = path.read_text()
    disk.shut()
    for module, expected in ((reference_module(), [IN] * len(ours)), (module_under_test(), ours)):
        setting = replace(ALLOWED, module=module)
        again = [(replace(setting, time=time), code) for time, code in logins]
        assert results(confdir, *again) == expected
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("module", "expected"),
    [(reference_module, 16), (module_under_test, 1)],
    ids=["reference", "ours"],
)
def test_one_code_lets_one_of_many_in(
    disk: Disk, confdir: Path, module: Callable[[], Path], expected: int
) -> None:
    """The state that is kept elsewhere would be raced for."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    found = all_at_once(confdir, replace(ALLOWED, module=module()), code_at(), 16)
    assert [one.module for one in found].count(IN) == expected


def test_nobody_but_root_sees_the_state(disk: Disk, confdir: Path, run: Path) -> None:
    """It has the secret in it, or somebody could take a code off the list."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    assert results(confdir, (ALLOWED, code_at())) == [IN]
    assert (run.owner(), run.stat().st_mode & 0o7777) == ("root", 0o700)
    assert {(one.owner(), one.stat().st_mode & 0o077) for one in run.iterdir()} == {("root", 0)}


def test_every_service_knows_of_the_state(disk: Disk, confdir: Path) -> None:
    """A code that is used up at one door would open another, or a door that allows nothing."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    without = replace(LATER, args=[])
    logins = [(ALLOWED, code_at()), (without, code_at())]
    assert results(confdir, *logins) == [IN, OUT]
    disk.open()
    assert results(confdir, (without, code_at()), (without, code_at(NOW + 30))) == [OUT, IN]


def test_without_the_option_nothing_is_kept(disk: Disk, confdir: Path, run: Path) -> None:
    """A door that does not allow it would let somebody in."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    assert results(confdir, (Setting(), code_at())) == [OUT]
    assert not run.exists()
    assert results(confdir, (ALLOWED, code_at())) == [IN]


def test_the_state_goes_back_to_the_file(disk: Disk, confdir: Path) -> None:
    """After the machine's next start the code would open the door again."""
    path = enrol(disk.home, '" DISALLOW_REUSE', RECOVERY_CODE)
    disk.shut()
    assert results(confdir, (ALLOWED, code_at()), (ALLOWED, RECOVERY_CODE)) == [IN, IN]
    disk.open()
    assert results(confdir, (LATER, code_at()), (LATER, code_at(NOW + 30))) == [OUT, IN]
    assert f'" DISALLOW_REUSE {NOW // 30} {NOW // 30 + 1}\n' in path.read_text()
    assert RECOVERY_CODE not in path.read_text()
    forget()
    assert results(confdir, (LATER, code_at()), (LATER, RECOVERY_CODE)) == [OUT, OUT]


def test_a_new_file_has_no_old_state(disk: Disk, confdir: Path) -> None:
    """Whoever enrols anew would be asked for codes of the old phone."""
    path = enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    assert results(confdir, (ALLOWED, code_at())) == [IN]
    disk.open()
    secret = SECRET[::-1]
    path.write_text(path.read_text().replace(SECRET, secret))
    disk.shut()
    assert results(confdir, (ALLOWED, pyotp.TOTP(secret).at(NOW)), (LATER, code_at())) == [IN, OUT]


def test_who_is_not_root_cannot_keep_it(disk: Disk, confdir: Path, run: Path) -> None:
    """A screen locker that runs as the user would take a code any number of times."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    locker = replace(ALLOWED, run_as="galuser")
    assert results(confdir, (locker, code_at())) == [OUT]
    assert not run.exists()
    assert results(confdir, (ALLOWED, code_at()), (locker, code_at())) == [IN, OUT]


@pytest.mark.parametrize("run_as", [None, "galuser"])
def test_where_nothing_changes_nothing_is_kept(
    disk: Disk, confdir: Path, run: Path, run_as: str | None
) -> None:
    """A screen locker would refuse, though there is nothing to be written."""
    enrol(disk.home)
    disk.shut()
    setting = replace(ALLOWED, run_as=run_as)
    assert results(confdir, (setting, code_at()), (setting, code_at())) == [IN, IN]
    assert not run.exists()


@pytest.mark.parametrize("fault", ["owner", "mode", "link", "file"])
def test_a_folder_that_is_not_roots_alone_is_not_used(
    disk: Disk, confdir: Path, run: Path, tmp_path: Path, fault: str
) -> None:
    """Whoever can write there would bring used codes back."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    match fault:
        case "owner":
            run.mkdir()
            owned(run, "galother", 0o700)
        case "mode":
            run.mkdir()
            run.chmod(0o770)
        case "link":
            run.symlink_to(tmp_path)
        case "file":
            run.touch()
    assert results(confdir, (ALLOWED, code_at())) == [OUT]
    assert not list(tmp_path.iterdir())
    forget()
    assert results(confdir, (ALLOWED, code_at())) == [IN]
