"""The module through libpam: what the recorded cases do not say."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.server import Syslog
from tests.pam.conftest import (
    ACCOUNTS,
    NOW,
    RECOVERY_CODE,
    SECRET,
    SYSTEM_ARGS,
    code_at,
    enrol,
    logged,
    owned,
    secret_file,
)
from tests.pam.login import Login, Setting, all_at_once, log_in

NO_LOCKS = Setting(switches=["noflock"])


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_one_recovery_code_lets_one_of_many_in_without_locks(
    home: Path, confdir: Path, mode: int
) -> None:
    """A recovery code would be worth several logins where files are hard to lock (NFS)."""
    path = enrol(home, RECOVERY_CODE, "87654321")
    path.chmod(mode)
    results = all_at_once(confdir, NO_LOCKS, RECOVERY_CODE, 16)
    assert sorted(result.module for result in results) == ["PAM_AUTH_ERR"] * 15 + ["PAM_SUCCESS"]
    assert path.read_text().splitlines()[2:] == ["87654321"]


def test_an_unlockable_file_is_locked_under_run(home: Path, confdir: Path) -> None:
    """Logins from a file system without locks would be refused, or raced."""
    path = enrol(home, '" DISALLOW_REUSE')
    path.chmod(0o400)  # or it could be opened for writing, and that be locked
    assert log_in(confdir, NO_LOCKS, [f"={code_at()}"]).module == "PAM_SUCCESS"
    assert log_in(confdir, NO_LOCKS, [f"={code_at()}"]).module == "PAM_AUTH_ERR"
    folder = Path("/run/doorward")
    assert folder.stat().st_mode & 0o7777 == 0o700
    assert folder.owner() == "root"


def test_a_run_folder_of_somebody_elses_is_not_used(home: Path, confdir: Path) -> None:
    """Whoever owns the folder of the locks could take them away."""
    enrol(home).chmod(0o400)
    folder = Path("/run/doorward")
    folder.mkdir(exist_ok=True)
    owned(folder, "galother", 0o755)
    try:
        assert log_in(confdir, NO_LOCKS, [f"={code_at()}"]).module == "PAM_AUTH_ERR"
    finally:
        owned(folder, "root", 0o700)


def test_a_screen_locker_needs_no_run_folder(home: Path, confdir: Path) -> None:
    """A locker that runs as the user could never unlock where homes are on NFS."""
    enrol(home)
    setting = Setting(switches=["noflock"], run_as="galuser")
    assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_SUCCESS"


def test_whoever_starts_the_program_cannot_stop_it_half_way(home: Path, confdir: Path) -> None:
    """A user could stop their own su while it keeps the lock, and lock somebody else out."""
    path = enrol(home)
    setting = Setting(run_as="galother", setuid=True)
    with path.open() as file, Login(confdir, setting) as login:
        fcntl.flock(file, fcntl.LOCK_EX)
        login.next_prompt()
        login.reply(code_at())
        wait_until_it_decides(login)
        for name in ("STOP", "KILL", "TERM"):
            attempt = subprocess.run(
                ["kill", f"-{name}", str(login.pid)],
                user=ACCOUNTS["galother"][0],
                check=False,
                capture_output=True,
            )
            assert b"not permitted" in attempt.stderr
        fcntl.flock(file, fcntl.LOCK_UN)
        assert login.next_prompt() is None
        assert login.result().module == "PAM_SUCCESS"
        assert login.result().ids_kept


def test_a_guess_is_on_record_before_it_is_looked_at(home: Path, confdir: Path) -> None:
    """Whoever ends the program between a wrong guess and its record would guess for nothing.

    A limit on the size of files does so here, set by who starts a program such as su: a right code
    can make the file smaller, a wrong one makes it larger.
    """
    lines = ['" RATE_LIMIT 3 30', f'" DISALLOW_REUSE {NOW // 30 - 4} {NOW // 30 - 5}']
    size = enrol(home, *lines, RECOVERY_CODE).stat().st_size
    opened = 0
    for limit in range(size - 20, size + 40):
        counted = False
        accepted = {}
        for code in ("000000", code_at(), RECOVERY_CODE):
            path = enrol(home, *lines, RECOVERY_CODE)
            setting = Setting(switches=[f"fsize={limit}"], run_as="galother", setuid=True)
            with Login(confdir, setting) as login:
                login.next_prompt()
                login.reply(code)
                assert login.next_prompt() is None
                accepted[code] = not login.died and login.result().module == "PAM_SUCCESS"
            counted = counted or (code == "000000" and f"3 30 {NOW}" in path.read_text())
        assert not accepted["000000"]
        assert counted or not any(accepted.values()), f"free guesses with fsize={limit}"
        opened += any(accepted.values())
        assert [one.name for one in home.iterdir()] == [".google_authenticator"]
    assert 0 < opened < 60


@pytest.mark.parametrize("user", ["galuser", "GalUser", "GALUSER"])
def test_a_name_in_other_letters_is_the_same_account(
    system_secrets: Path, confdir: Path, user: str
) -> None:
    """Where names are the same in capitals, nullok would let the enrolled in without a code."""
    path = system_secrets / "galuser"
    path.write_text(secret_file())
    path.chmod(0o600)
    setting = Setting(args=[*SYSTEM_ARGS, "nullok"], user=user, switches=["anycase"])
    assert log_in(confdir, setting, ["=000000"]).module == "PAM_AUTH_ERR"
    assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_SUCCESS"


@pytest.mark.parametrize("password", ["hunter", "", "12345", "hunter99x"])
@pytest.mark.parametrize("user", ["galuser", "galother", "nobody-here"])
def test_try_first_pass_asks_whoever_typed_no_code(
    home: Path, confdir: Path, user: str, password: str
) -> None:
    """The prompt would tell who is enrolled."""
    enrol(home)
    setting = Setting(args=["try_first_pass"], user=user, authtok=password)
    assert log_in(confdir, setting, ["=000000"]).messages == [("ECHO_OFF", "Verification code: ")]


def test_a_code_in_the_password_and_one_more_are_one_attempt(home: Path, confdir: Path) -> None:
    """A user would run into the rate limit twice as fast, or a program of theirs never."""
    path = enrol(home, '" RATE_LIMIT 2 30')
    setting = Setting(
        args=["try_first_pass"], authtok="hunter000000", run_as="galother", setuid=True
    )
    assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_SUCCESS"
    assert f'" RATE_LIMIT 2 30 {NOW}\n' in path.read_text()


def test_a_folder_that_may_not_be_read_can_be_written(home: Path, confdir: Path) -> None:
    """A code would be used up and the login refused all the same."""
    enrol(home, RECOVERY_CODE)
    home.chmod(0o300)
    assert log_in(confdir, Setting(), [f"={RECOVERY_CODE}"]).module == "PAM_SUCCESS"


def test_the_selinux_label_stays(home: Path, confdir: Path) -> None:
    """With SELinux the next login would not be allowed to read the file."""
    path = enrol(home, RECOVERY_CODE)
    os.setxattr(path, "security.selinux", b"user_u:object_r:auth_home_t:s0")
    assert log_in(confdir, Setting(), [f"={RECOVERY_CODE}"]).module == "PAM_SUCCESS"
    assert os.getxattr(path, "security.selinux") == b"user_u:object_r:auth_home_t:s0"


@pytest.mark.parametrize(
    "under",
    [(), ("strace", "-qqo/dev/null", "-einject=fgetxattr:error=EIO")],
    ids=["read", "unreadable"],
)
def test_an_acl_does_not_become_rights_of_the_group(
    home: Path, confdir: Path, under: tuple[str, ...]
) -> None:
    """The mask of an ACL looks like the group's bits; the group would get what one user had."""
    path = enrol(home, RECOVERY_CODE)
    other = ACCOUNTS["galother"][0]
    entries = [(1, 6, -1), (2, 4, other), (4, 0, -1), (16, 4, -1), (32, 0, -1)]  # acl(5)
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(path, "system.posix_acl_access", acl)
    assert path.stat().st_mode & 0o777 == 0o640
    setting = Setting(args=["allowed_perm=0640"], under=under)
    log_in(confdir, setting, [f"={RECOVERY_CODE}"])
    assert RECOVERY_CODE not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_that_is_kept_delays_and_refuses(home: Path, confdir: Path, syslog: Syslog) -> None:
    """Somebody who keeps the lock would hang the login, or get it decided without one."""
    path = enrol(home)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = log_in(confdir, Setting(), [f"={code_at()}"])
    assert result.module == "PAM_AUTH_ERR"
    assert any("reason=secret-file-busy" in line for line in logged(syslog))
    assert log_in(confdir, Setting(), [f"={code_at()}"]).module == "PAM_SUCCESS"


def test_a_file_replaced_while_waiting_for_its_lock_is_read_anew(home: Path, confdir: Path) -> None:
    """A code that was used up meanwhile would open the door a second time."""
    path = enrol(home, RECOVERY_CODE)
    with path.open() as file, Login(confdir, Setting()) as login:
        fcntl.flock(file, fcntl.LOCK_EX)
        login.next_prompt()
        login.reply(RECOVERY_CODE)
        wait_until_it_decides(login)
        new = path.with_name("new")
        new.write_text(path.read_text().replace(f"{RECOVERY_CODE}\n", ""))
        owned(new, "galuser", 0o600)
        new.rename(path)
        fcntl.flock(file, fcntl.LOCK_UN)
        assert login.next_prompt() is None
        assert login.result().module == "PAM_AUTH_ERR"


def wait_until_it_decides(login: Login) -> None:
    """Waits until signals are blocked: then it has its reply, and waits for the lock."""
    status = Path(f"/proc/{login.pid}/status")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        blocked = re.search(r"^SigBlk:\t(\w+)$", status.read_text(), re.MULTILINE)
        if blocked and int(blocked[1], 16) & 1 << (signal.SIGTERM - 1):
            return
    pytest.fail("the login does not come to its decision")


def test_a_link_stays_and_its_target_is_replaced(home: Path, confdir: Path) -> None:
    """A secret that is kept elsewhere by a link would come apart from it at the first login."""
    path = enrol(home, RECOVERY_CODE)
    folder = home / "elsewhere"
    folder.mkdir()
    owned(folder, "galuser", 0o700)
    target = path.rename(folder / "secret")
    path.symlink_to("elsewhere/secret")
    assert log_in(confdir, Setting(), [f"={RECOVERY_CODE}"]).module == "PAM_SUCCESS"
    assert path.is_symlink()
    assert RECOVERY_CODE not in target.read_text()
    assert sorted(one.name for one in folder.iterdir()) == ["secret"]


def test_a_link_is_followed_with_the_users_rights(home: Path, confdir: Path) -> None:
    """A user could point at a file of root's and learn from the answer, or have it replaced."""
    secret = Path("/root/secret")
    secret.write_text(secret_file())
    secret.chmod(0o600)
    (home / ".google_authenticator").symlink_to(secret)
    for args in ([], ["no_strict_owner"]):
        result = log_in(confdir, Setting(args=args), [f"={code_at()}"])
        assert result.module == "PAM_AUTH_ERR"
    secret.unlink()


@pytest.fixture
def hostile(home: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Something that is not a secret file in its place."""
    path = home / ".google_authenticator"
    match request.param:
        case "folder":
            path.mkdir()
        case "device":
            os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # like /dev/zero: it never ends
        case "huge":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        case "socket":
            os.mknod(path, 0o600 | 0o140000)
        case "loop":
            path.symlink_to(path)
    owned(path, "galuser", 0o600)
    yield
    if not path.is_dir():
        path.unlink()


@pytest.mark.parametrize("hostile", ["folder", "device", "huge", "socket", "loop"], indirect=True)
@pytest.mark.usefixtures("hostile")
def test_what_is_no_secret_file_is_refused_with_a_prompt(confdir: Path) -> None:
    """It would hang or crash the login, or nullok would take it for no file at all."""
    result = log_in(confdir, Setting(args=["nullok"]), [f"={code_at()}"])
    assert result.module == "PAM_AUTH_ERR"
    assert result.messages == [("ECHO_OFF", "Verification code: ")]


def test_a_secret_outside_home_needs_no_account(system_secrets: Path, confdir: Path) -> None:
    """Root's secrets in /var/lib/doorward would not work, or codes from them be reusable."""
    path = system_secrets / "galuser"
    path.write_text(secret_file('" DISALLOW_REUSE'))
    path.chmod(0o600)
    setting = Setting(args=SYSTEM_ARGS)
    assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_SUCCESS"
    assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_AUTH_ERR"
    assert path.owner() == "root"


@pytest.mark.parametrize(
    "args",
    [
        ["bogus"],
        ["nullok=yes"],
        ["nullok", "secrets=/x"],
        ["accessfile=relative"],
        ["accessfile="],
        ["allowed_perm=0"],
        ["allowed_perm=0800"],
        ["allowed_perm="],
        ["allowed_perm=010000"],
        ["grace_period=-1"],
        ["grace_period=1h"],
        ["grace_period=99999999999"],
        ["NULLOK"],
        ["nullok_until="],
        ["nullok_until=2026-02-29"],
        ["nullok_until=2026-13-01"],
        ["nullok_until=2026-1-01"],
        ["nullok_until=tomorrow"],
        ["nullok_until=x026-01-01"],
        ["nullok_until=2026-x1-01"],
        ["nullok_until=2026-01-x1"],
        ["nullok_until=1969-12-31"],
        ["nullok_until=2026-00-01"],
        ["nullok_until=2026-01-00"],
        ["require_rate_limit="],
        ["require_rate_limit=3"],
        ["require_rate_limit=0/30"],
        ["require_rate_limit=3/0"],
        ["require_rate_limit=101/30"],
        ["require_rate_limit=0003/30"],
        ["require_rate_limit=3/3601"],
        ["require_rate_limit=3/30/3"],
    ],
)
def test_an_option_that_is_not_understood_refuses_everybody(
    home: Path, confdir: Path, args: list[str]
) -> None:
    """A misspelt option would be a door that is open, and nobody knows."""
    enrol(home)
    result = log_in(confdir, Setting(args=args), [f"={code_at()}"])
    assert (result.module, result.messages) == ("PAM_AUTH_ERR", [])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["authtok_prompt=Code? "], ("ECHO_OFF", "Code? ")),
        (["authtok_prompt="], ("ECHO_OFF", "")),
        (["authtok_prompt=%s%n"], ("ECHO_OFF", "%s%n")),
        (["authtok_prompt=Code", "forward_pass"], ("ECHO_OFF", "Code")),
        (["echo_verification_code"], ("ECHO_ON", "Verification code: ")),
    ],
)
def test_the_prompt(home: Path, confdir: Path, args: list[str], message: tuple[str, str]) -> None:
    """The admin's own words would not be shown, or be taken for a format."""
    enrol(home)
    result = log_in(confdir, Setting(args=args), [f"={code_at()}"])
    assert (result.module, result.messages) == ("PAM_SUCCESS", [message])


ABSOLUTE = "secret=/home/galuser/.google_authenticator"
LONG_PATH = Setting(args=["user=root", "secret=/" + 20 * "${USER}"], user="x" * 255)

REFUSALS = [
    (Setting(), ["=000000"], "wrong-code"),
    (Setting(user="galother"), ["=000000"], "not-enrolled"),
    (Setting(user="nobody-here"), ["=000000"], "unknown-user"),
    (Setting(args=["user=galother"]), ["=000000"], "no-home"),
    (Setting(args=["user=nobody-here"]), ["=000000"], "unknown-user-in-options"),
    (Setting(args=["allowed_perm=0400"]), ["=000000"], "secret-file-unsafe"),
    (Setting(args=["nullok", "secret=relative"]), ["=000000"], "secret-file-unsafe"),
    (Setting(args=["nullok", "secret="]), ["=000000"], "secret-file-unsafe"),
    (Setting(args=["nullok", "secret=/srv/"]), ["=000000"], "secret-file-unsafe"),
    (Setting(args=["secret=/etc/hostname/x"]), ["=000000"], "secret-file-error"),
    (Setting(args=[f"secret=/etc/{'x' * 256}"]), ["=000000"], "secret-file-unsafe"),
    (LONG_PATH, ["=000000"], "secret-path-too-long"),
    (Setting(user="galrelhome"), ["=000000"], "no-home"),
    (Setting(args=["user=4101x", ABSOLUTE]), [f"={code_at()}"], "unknown-user-in-options"),
    (Setting(args=["user=/4101", ABSOLUTE]), [f"={code_at()}"], "unknown-user-in-options"),
    (Setting(args=["user=4294967295", ABSOLUTE]), [f"={code_at()}"], "unknown-user-in-options"),
    (Setting(args=["user=4199", ABSOLUTE]), [f"={code_at()}"], "unknown-user-in-options"),
    (Setting(user=""), ["@ERR", "=000000"], "unknown-user"),
    (Setting(args=["use_first_pass"]), [], "wrong-code"),
    (Setting(args=["forward_pass"]), [f"={'x' * 512}{code_at()}"], "password-not-forwarded"),
    (Setting(), [f"@ERR={code_at()}"], "no-reply"),
    (Setting(), [], "no-reply"),
    (Setting(), ["=\b\n\r\x7fINCORRECT"], "refused-before"),
    (Setting(time=NOW + 9000), [f"={code_at()}"], "phone-clock-off"),
    (Setting(time=5), [f"={code_at()}"], "clock-not-set"),
]


@pytest.mark.parametrize("user", ["galuser", "4101", "004101"])
def test_whose_rights_are_used_may_be_a_number(home: Path, confdir: Path, user: str) -> None:
    """Where accounts come from a directory that is down, nobody could log in."""
    enrol(home)
    setting = Setting(args=[f"user={user}", ABSOLUTE], user="galother")
    assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_SUCCESS"


@pytest.mark.parametrize(
    ("setting", "script", "reason"), REFUSALS, ids=[reason for *_, reason in REFUSALS]
)
def test_a_refusal_is_one_log_line_that_says_why(
    home: Path, confdir: Path, syslog: Syslog, setting: Setting, script: list[str], reason: str
) -> None:
    """The admin would not find out why somebody cannot log in."""
    enrol(home)
    assert log_in(confdir, setting, script).module == "PAM_AUTH_ERR"
    (line,) = [line for line in logged(syslog) if "result=" in line]  # libpam has its own
    assert line.startswith("rhost= user=")
    assert f" result=refused reason={reason}" in line


def test_an_accepted_login_is_logged_with_what_opened_it(
    home: Path, confdir: Path, syslog: Syslog
) -> None:
    """The admin would not see that somebody is down to recovery codes."""
    enrol(home, RECOVERY_CODE)
    for reply in (code_at(), RECOVERY_CODE):
        setting = Setting(rhost="192.0.2.1")
        assert log_in(confdir, setting, [f"={reply}"]).module == "PAM_SUCCESS"
    start = "rhost=192.0.2.1 user=galuser service=doorward-test"
    assert logged(syslog) == [
        f"{start} result=accepted reason=code device=main",
        f"{start} result=accepted reason=recovery-code device=",
    ]


def test_a_hostile_name_cannot_write_the_log(confdir: Path, syslog: Syslog) -> None:
    """Somebody could have another host banned, or hide in the log."""
    name = "x result=accepted\n rhost=192.0.2.9 é%s\x1b[2J"
    log_in(confdir, Setting(user=name, rhost="192.0.2.1 y"), ["=000000"])
    (line,) = logged(syslog)
    assert line.startswith("rhost=192.0.2.1\\x20y user=x\\x20result\\x3daccepted\\x0a\\x20rhost")
    assert line.isascii()
    assert line.isprintable()


def test_neither_code_nor_secret_is_logged(home: Path, confdir: Path, syslog: Syslog) -> None:
    """Whoever reads the log could log in."""
    enrol(home, RECOVERY_CODE)
    replies = ["000000", code_at(), RECOVERY_CODE, "hunter2" + code_at()]
    for reply in replies:
        log_in(confdir, Setting(args=["debug", "forward_pass"]), [f"={reply}"])
    log = "\n".join(logged(syslog))
    assert log
    for word in [*replies, "hunter2", SECRET]:
        assert word not in log


@pytest.mark.parametrize("args", [[], ["nullok"], ["user=galother", "secret=/x/${USER}"]])
def test_a_process_without_rights_is_refused(home: Path, confdir: Path, args: list[str]) -> None:
    """A screen locker that runs as somebody else would let them in, or crash."""
    enrol(home)
    home.chmod(0o700)
    setting = Setting(args=args, run_as="galother")
    result = log_in(confdir, setting, [f"={code_at()}"])
    assert result.module == "PAM_AUTH_ERR"
    assert result.ids_kept


def test_a_file_that_its_owner_reaches_by_a_group_is_found(home: Path, confdir: Path) -> None:
    """People whose homes are in a folder of their class's could not log in."""
    path = enrol(home, '" DISALLOW_REUSE')
    folder = Path("/srv/doorward-groups")
    folder.mkdir()
    os.chown(folder, 0, 4109)
    folder.chmod(0o770)
    target = path.rename(folder / "secret")
    setting = Setting(args=[f"secret={target}"])
    groups = Path("/etc/group")
    before = groups.read_text()
    try:
        assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_AUTH_ERR"
        groups.write_text(f"{before}doorward-class:x:4109:galuser\n")
        result = log_in(confdir, setting, [f"={code_at()}"])
        assert (result.module, result.ids_kept) == ("PAM_SUCCESS", True)
        assert log_in(confdir, setting, [f"={code_at()}"]).module == "PAM_AUTH_ERR"
    finally:
        groups.write_text(before)
        target.unlink()
        folder.rmdir()


@pytest.mark.parametrize(("others", "opens"), [(70, True), (65_600, False)])
def test_more_groups_than_at_first_are_room_for(
    home: Path, confdir: Path, others: int, *, opens: bool
) -> None:
    """Whoever is in many groups could not log in; in too many, with rights of some of them only."""
    path = enrol(home)
    folder = Path("/srv/doorward-groups")
    folder.mkdir()
    os.chown(folder, 0, 4109)
    folder.chmod(0o770)
    target = path.rename(folder / "secret")
    groups = Path("/etc/group")
    before = groups.read_text()
    lines = [f"doorward{gid}:x:{gid}:galuser\n" for gid in range(5000, 5000 + others)]
    try:
        groups.write_text(f"{before}doorward-class:x:4109:galuser\n{''.join(lines)}")
        result = log_in(confdir, Setting(args=[f"secret={target}"]), [f"={code_at()}"])
        assert result.module == ("PAM_SUCCESS" if opens else "PAM_AUTH_ERR")
        assert result.ids_kept
    finally:
        groups.write_text(before)
        target.unlink()
        folder.rmdir()


def test_mode_and_group_stay(home: Path, confdir: Path) -> None:
    """A rewrite would open the file to others, or shut out whom the admin let in."""
    path = enrol(home, RECOVERY_CODE)
    os.chown(path, -1, ACCOUNTS["galother"][0])
    path.chmod(0o640)
    setting = Setting(args=["allowed_perm=0640"])
    assert log_in(confdir, setting, [f"={RECOVERY_CODE}"]).module == "PAM_SUCCESS"
    status = path.stat()
    # The user is not in that group, so it cannot be kept, and then nor can its rights.
    assert (status.st_gid, status.st_mode & 0o7777) == (ACCOUNTS["galuser"][0], 0o600)


def test_it_loads_and_unloads_in_a_process_of_its_own() -> None:
    """The module would need what a login program does not have, or keep it from ending."""
    module = next(Path("/usr/lib").glob("*/security/pam_doorward.so"))
    code = f"import ctypes, _ctypes; _ctypes.dlclose(ctypes.CDLL({str(module)!r})._handle)"
    subprocess.run(["/usr/bin/python3", "-c", code], check=True, env={"LD_BIND_NOW": "1"})
