"""The defects of google-authenticator-libpam that doorward, in its place, must not have.

Each is shown on the reference first, so that no test can pass for want of what it looks for. That
of allow_readonly is in test_readonly.py, those of its enrolment tool in tests/e2e.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pam.conftest import (
    NOW,
    RECOVERY_CODE,
    SYSTEM_ARGS,
    code_at,
    enrol,
    owned,
    secret_file,
)
from tests.pam.login import (
    Login,
    Setting,
    all_at_once,
    log_in,
    module_under_test,
    reference_module,
)

Module = Callable[[], Path]

ROUNDS = 50
SLOW_DISK = ("strace", "-qqo/dev/null", "-etrace=fsync", "-einject=fsync:delay_enter=200000")  # µs
IN, OUT = "PAM_SUCCESS", "PAM_AUTH_ERR"


def both(*, reference: object, ours: object) -> pytest.MarkDecorator:
    """Runs a test on either module, with what must come of it."""
    return pytest.mark.parametrize(
        ("module", "expected"),
        [(reference_module, reference), (module_under_test, ours)],
        ids=["reference", "ours"],
    )


# --- 1, 2: logins at the same moment ---


def how_many_get_in(confdir: Path, setting: Setting, code: str, count: int) -> int:
    """Of so many logins at once with this code."""
    return [one.module for one in all_at_once(confdir, setting, code, count)].count(IN)


@pytest.mark.parametrize("count", [8, 64])
@pytest.mark.parametrize(
    ("line", "code"),
    [('" DISALLOW_REUSE', code_at()), (RECOVERY_CODE, RECOVERY_CODE)],
    ids=["code", "recovery-code"],
)
def test_one_code_lets_one_of_many_in(
    home: Path, confdir: Path, line: str, code: str, count: int
) -> None:
    """A code that is seen could be used at the same moment as its owner uses it."""
    slow = Setting(under=SLOW_DISK)
    enrol(home, line)
    theirs = replace(slow, module=reference_module())
    assert how_many_get_in(confdir, theirs, code, count) > 1
    for setting in [slow, *[Setting()] * ROUNDS]:
        enrol(home, line)
        assert how_many_get_in(confdir, setting, code, count) == 1


@pytest.mark.parametrize("limit", [1, 3])
def test_right_codes_at_once_stay_below_the_rate_limit(
    home: Path, confdir: Path, limit: int
) -> None:
    """Of many parallel guesses the right one would be let in, however late it comes."""
    enrol(home, f'" RATE_LIMIT {limit} 30')
    theirs = Setting(under=SLOW_DISK, module=reference_module())
    assert how_many_get_in(confdir, theirs, code_at(), 16) > limit
    for _ in range(ROUNDS):
        enrol(home, f'" RATE_LIMIT {limit} 30')
        assert how_many_get_in(confdir, Setting(), code_at(), 16) == limit


@both(reference=(1, IN), ours=(3, OUT))
def test_wrong_codes_at_once_are_counted(
    home: Path, confdir: Path, module: Module, expected: tuple[int, str]
) -> None:
    """Parallel guesses would slip under the rate limit, and more of them could follow."""
    path = enrol(home, '" RATE_LIMIT 3 30')
    setting = Setting(module=module())
    all_at_once(confdir, setting, "000000", 8)
    counted, result = expected
    assert f'" RATE_LIMIT 3 30{f" {NOW}" * counted}\n' in path.read_text()
    assert log_in(confdir, setting, [f"={code_at()}"]).module == result


# --- 4, 5: what is learned and remembered ---


@both(reference=[IN, IN, OUT], ours=[IN, OUT, OUT])
def test_the_code_that_completes_learning_counts_as_used(
    home: Path, confdir: Path, module: Module, expected: list[str]
) -> None:
    """The third code of a phone whose clock is off would open the door a second time."""
    enrol(home, '" DISALLOW_REUSE')
    results = [
        log_in(confdir, Setting(module=module(), time=now), [f"={code_at(now + 3600)}"]).module
        for now in (NOW, NOW + 30, *[NOW + 60] * 3)
    ]
    assert results == [OUT, OUT, *expected]


@pytest.mark.parametrize("args", [[], ["grace_period=3600"]], ids=["unset", "set"])
@both(reference=(IN, 0), ours=(OUT, 1))
def test_a_grace_of_the_future_is_none(
    home: Path, confdir: Path, module: Module, expected: tuple[str, int], args: list[str]
) -> None:
    """A time in the future would skip the code, also where no grace is given."""
    enrol(home, f'" LAST0 192.0.2.1 {NOW + 5}')
    setting = Setting(args=args, rhost="192.0.2.1", module=module())
    result = log_in(confdir, setting, ["=000000"])
    assert (result.module, len(result.messages)) == expected


# --- 6, 7, 10: which file is read, and with whose rights ---


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("../galuser", IN),
        ("../secrets/galuser", IN),
        ("./galuser", IN),
        ("/galuser", IN),
        ("galuser/../galuser", OUT),
        (".", OUT),
        ("..", OUT),
    ],
)
def test_a_login_name_never_leads_out_of_the_folder(
    system_secrets: Path, confdir: Path, name: str, reference: str
) -> None:
    """Somebody could log in with a secret of their own choice, or with another's."""
    for path in (system_secrets / "galuser", system_secrets.parent / "galuser"):
        path.write_text(secret_file())
        path.chmod(0o600)
    for args in (SYSTEM_ARGS, (*SYSTEM_ARGS, "nullok")):
        setting = Setting(args=args, user=name)
        theirs = replace(setting, module=reference_module())
        assert log_in(confdir, theirs, [f"={code_at()}"]).module == reference
        assert log_in(confdir, setting, [f"={code_at()}"]).module == OUT


def test_a_fifo_does_not_hang_the_login(home: Path, confdir: Path) -> None:
    """Logins would wait for ever, and a user could fill the machine with them."""
    path = home / ".google_authenticator"
    os.mkfifo(path)
    owned(path, "galuser", 0o600)
    for_a_second = ("timeout", "--signal=KILL", "1")
    with Login(confdir, Setting(module=reference_module(), under=for_a_second)) as login:
        assert login.next_prompt() is None
        assert login.died
    result = log_in(confdir, Setting(args=["nullok"]), [f"={code_at()}"])
    assert (result.module, result.messages) == (OUT, [("ECHO_OFF", "Verification code: ")])


@pytest.fixture
def folder_of_a_group() -> Iterator[Path]:
    """A folder that root and group 4300 can read."""
    folder = Path("/srv/doorward-group")
    folder.mkdir(mode=0o750)
    os.chown(folder, 0, 4300)
    yield folder
    (folder / "secret").unlink()
    folder.rmdir()


@both(reference=IN, ours=OUT)
def test_groups_are_dropped_while_the_file_is_read(
    home: Path, confdir: Path, folder_of_a_group: Path, module: Module, expected: str
) -> None:
    """A file that only a group of the program's may read would be opened for a user."""
    target = enrol(home).rename(folder_of_a_group / "secret")
    setting = Setting(
        args=[f"secret={target}"], module=module(), under=("setpriv", "--groups=4300")
    )
    assert log_in(confdir, setting, [f"={code_at()}"]).module == expected
    folder_of_a_group.chmod(0o755)
    assert log_in(confdir, setting, [f"={code_at()}"]).module == IN


# --- 8: bounds ---


@pytest.mark.parametrize("ending", ["$", "${"])
@both(reference="Invalid read", ours="ERROR SUMMARY: 0 errors")
def test_nothing_is_read_beyond_the_path(
    home: Path, confdir: Path, tmp_path: Path, module: Module, expected: str, ending: str
) -> None:
    """Other memory could become a part of the path, or the login crash."""
    log = tmp_path / "log"
    setting = Setting(
        args=[f"secret={home}/.google_authenticator{ending}"],
        module=module(),
        under=("valgrind", f"--log-file={log}"),
    )
    assert log_in(confdir, setting, ["=000000"]).module == OUT
    assert expected in log.read_text()


WRAPPED = 1 << 32  # and no bit of it is left in 32


@pytest.mark.parametrize(
    ("line", "reference", "ours"),
    [
        (f'" STEP_SIZE {WRAPPED + 30}', IN, OUT),
        (f'" WINDOW_SIZE {WRAPPED + 3}', IN, OUT),
        (f'" TIME_SKEW {WRAPPED}', IN, OUT),
        (f'" DISALLOW_REUSE {WRAPPED + NOW // 30}', OUT, IN),
        (f'" RATE_LIMIT 1 30 {WRAPPED + NOW}', OUT, IN),
    ],
)
def test_a_number_does_not_wrap(
    home: Path, confdir: Path, line: str, reference: str, ours: str
) -> None:
    """A number that is far off would be taken for quite another one."""
    for module, expected in ((reference_module(), reference), (module_under_test(), ours)):
        enrol(home, line)
        setting = Setting(args=["noskewadj"], module=module)
        assert log_in(confdir, setting, [f"={code_at()}"]).module == expected


@both(reference="-9223372036854775808", ours="9223372036854775807")
def test_a_counter_does_not_overflow(
    home: Path, confdir: Path, module: Module, expected: str
) -> None:
    """The counter would become negative, and then the file be none of a counter any more."""
    path = enrol(home, '" HOTP_COUNTER 9223372036854775807')
    assert log_in(confdir, Setting(module=module()), ["=000000"]).module == OUT
    assert f'" HOTP_COUNTER {expected}\n' in path.read_text()


# --- 9: what the time taken tells ---


def instructions(confdir: Path, tmp_path: Path, setting: Setting) -> int:
    """How many instructions pam_authenticate takes for a wrong code, from callgrind's count."""
    out = tmp_path / "callgrind.out"
    under = ("valgrind", "--tool=callgrind", "--toggle-collect=pam_authenticate", "--quiet")
    setting = replace(setting, under=(*under, f"--callgrind-out-file={out}"))
    result = log_in(confdir, setting, ["=000000"])
    assert (result.module, result.messages) == (OUT, [("ECHO_OFF", "Verification code: ")])
    (count,) = re.findall(r"^summary: (\d+)$", out.read_text(), re.MULTILINE)
    return int(count)


def test_a_wrong_code_takes_as_long_for_everybody(
    home: Path, confdir: Path, tmp_path: Path
) -> None:
    """The time until a refusal would tell who is enrolled, and who has an account at all."""
    enrol(home)

    def spread(module: Path) -> float:
        counts = [
            instructions(confdir, tmp_path, Setting(user=user, module=module))
            for user in ("galuser", "galother", "nobody-here")
        ]
        return max(counts) / min(counts)

    assert spread(reference_module()) > 10
    assert spread(module_under_test()) < 1.1
