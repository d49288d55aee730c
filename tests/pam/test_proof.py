"""What the module leaves where a change of a service waits for a login, and doorward's reader."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from doorward.errors import FileError
from doorward.proof import FOLDER, Proof, expect, forget, proven

from tests.pam.conftest import NOW, RECOVERY_CODE, code_at, enrol, owned
from tests.pam.login import FEWER, Login, Setting, all_at_once, log_in, shell

SERVICE = "doorward-test"
PENDING = Path(FOLDER)
FILE = PENDING / SERVICE
HOST = "192.0.2.1"
ESTABLISH_CRED, DELETE_CRED = 0x2, 0x4
ALL_IN = "accessfile=/etc/security/access-proof.conf"

CODE = Setting(rhost=HOST, setcred=ESTABLISH_CRED)


@pytest.fixture(autouse=True)
def pending() -> Iterator[None]:
    """A change of the service waits for a login."""
    shell("rm -rf /run/doorward")
    expect([SERVICE])
    yield
    shell("rm -rf /run/doorward")


def steps() -> list[str]:
    """What was left so far: the first word of each line."""
    return [line.split(" ")[0] for line in FILE.read_text().splitlines()]


# --- What is left ---------------------------------------------------------------------------------


@pytest.fixture
def access_file() -> Iterator[None]:
    """An access file that asks nobody."""
    path = Path(ALL_IN.removeprefix("accessfile="))
    path.write_text("+ : ALL : ALL\n")
    yield
    path.unlink()


IN, PASSED = "PAM_SUCCESS", "PAM_IGNORE"
OUTCOMES = {
    "code": (CODE, code_at(), IN),
    "recovery-code": (CODE, RECOVERY_CODE, IN),
    "grace-period": (replace(CODE, args=["grace_period=99"]), None, IN),
    "access-file": (replace(CODE, args=[ALL_IN]), None, PASSED),
    "not-enrolled": (replace(CODE, args=["nullok"], user="galother"), None, PASSED),
}


@pytest.mark.parametrize("reason", OUTCOMES)
@pytest.mark.usefixtures("access_file")
def test_who_got_through(home: Path, confdir: Path, reason: str) -> None:
    """A change that works would be rolled back, though somebody has logged in."""
    setting, reply, verdict = OUTCOMES[reason]
    enrol(home, f'" LAST0 {HOST} {NOW - 5}', RECOVERY_CODE)
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    result = log_in(confdir, setting, [f"={reply}"] if reply else [])
    after = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert (result.module, result.setcred, result.ids_kept) == (verdict, "PAM_SUCCESS", True)
    assert steps() == ["auth", "cred"]
    proof = proven(SERVICE)
    assert proof
    assert proof == Proof(setting.user, HOST, reason, proof.seconds)
    assert before - 0.001 < proof.seconds <= after


@pytest.mark.parametrize(
    ("setting", "script"),
    [
        (Setting(), ["=000000"]),
        (Setting(), []),
        (Setting(args=["bogus"]), []),
        (Setting(user="galother"), ["=000000"]),
        (Setting(args=["use_first_pass"]), []),
    ],
    ids=["wrong code", "no reply", "unknown option", "not enrolled", "no code in the password"],
)
def test_who_is_refused_leaves_nothing(
    home: Path, confdir: Path, setting: Setting, script: list[str]
) -> None:
    """A change that locks everybody out would be kept."""
    enrol(home)
    assert log_in(confdir, setting, script).module == "PAM_AUTH_ERR"
    assert FILE.read_text() == ""


def test_who_is_not_accepted_proves_nothing(home: Path, confdir: Path) -> None:
    """A right code would do, whatever the rules below it say."""
    enrol(home)
    log_in(confdir, replace(CODE, setcred=None), [f"={code_at()}"])
    assert steps() == ["auth"]
    assert proven(SERVICE) is None
    assert proven(SERVICE, needs_cred=False)


@pytest.mark.parametrize(
    ("flags", "left"), [(0, 2), (ESTABLISH_CRED, 2), (0x8, 2), (0x10, 2), (DELETE_CRED, 1)]
)
def test_only_a_program_that_goes_on_has_accepted(
    home: Path, confdir: Path, flags: int, left: int
) -> None:
    """A program that gives up, and removes credentials, would prove that somebody got in."""
    enrol(home)
    result = log_in(confdir, replace(CODE, setcred=flags), [f"={code_at()}"])
    assert result.setcred == "PAM_SUCCESS"
    assert steps() == ["auth", "cred"][:left]


def test_who_was_asked_counts_and_not_whose_rights_are_given(home: Path, confdir: Path) -> None:
    """A change of sudo's rules could not be confirmed: it sets root's credentials."""
    enrol(home)
    log_in(confdir, replace(CODE, rhost=None, switches=["become=root"]), [f"={code_at()}"])
    proof = proven(SERVICE)
    assert proof
    assert (proof.user, proof.rhost) == ("galuser", "")


@pytest.mark.parametrize(
    ("name", "lines"),
    [("x 1 - code", ["auth", "cred"]), ("x\nauth 1.000 y - code\ncred 1.000 y -\n", [])],
)
def test_a_hostile_name_is_one_word(confdir: Path, name: str, lines: list[str]) -> None:
    """Somebody could write a proof of another's login by way of their own name."""
    args = ["nullok", "secret=/none", "user=root"]
    log_in(confdir, replace(CODE, user=name, rhost="a b%é", args=args))
    assert steps() == lines
    proof = proven(SERVICE)
    assert (proof and (proof.user, proof.rhost)) == (
        (r"x\x201\x20-\x20code", r"a\x20b%\xc3\xa9") if len(lines) > 1 else None
    )


def test_names_of_any_length_leave_whole_lines(confdir: Path) -> None:
    """A long name would be written past the end of a line, or take the next line with it."""
    setting = replace(CODE, rhost="é" * 4000, args=["nullok", "secret=/none", "user=root"])
    for user in ("x" * 4000, "é" * 4000):
        log_in(confdir, replace(setting, user=user))
    assert steps() == ["auth", "cred"] * 2
    assert proven(SERVICE)


def test_lines_of_many_logins_stay_whole(home: Path, confdir: Path) -> None:
    """Logins at the same moment would spoil each other's lines."""
    enrol(home)
    count = 16 // FEWER
    all_at_once(confdir, replace(CODE, setcred=ESTABLISH_CRED), code_at(), count)
    assert sorted(steps()) == ["auth"] * count + ["cred"] * count
    assert {line.count(" ") for line in FILE.read_text().splitlines()} == {3, 4}


# --- Where nothing may be written -----------------------------------------------------------------


def link(path: Path) -> None:
    """Puts a link in a file's or folder's place, to what it was."""
    path.symlink_to(path.rename(path.with_name("elsewhere")))


def replace_by(make: Callable[[], object]) -> None:
    """Puts something else in the file's place."""
    FILE.unlink()
    make()


SPOILT: dict[str, Callable[[], object]] = {
    "no folder": lambda: shell(f"rm -r {PENDING}"),
    "no folder above": lambda: shell(f"rm -r {PENDING.parent}"),
    "no file": FILE.unlink,
    "file is a link": lambda: link(FILE),
    "folder is a link": lambda: link(PENDING),
    "folder above is a link": lambda: link(PENDING.parent),
    "file has two names": lambda: os.link(FILE, PENDING / "other"),
    "file of a group": lambda: FILE.chmod(0o620),
    "file of all": lambda: FILE.chmod(0o602),
    "folder of a group": lambda: PENDING.chmod(0o720),
    "folder of all": lambda: PENDING.chmod(0o702),
    "folder above of all": lambda: PENDING.parent.chmod(0o1777),
    "file of somebody's": lambda: owned(FILE, "galuser", 0o600),
    "folder of somebody's": lambda: owned(PENDING, "galuser", 0o700),
    "folder above of somebody's": lambda: owned(PENDING.parent, "galuser", 0o700),
    "file too large": lambda: os.truncate(FILE, 64 * 1024),
    "fifo": lambda: replace_by(lambda: os.mkfifo(FILE, 0o600)),
    "folder for file": lambda: replace_by(FILE.mkdir),
    "file for folder": lambda: shell(f"rm -r {PENDING} && touch {PENDING}"),
    "device": lambda: replace_by(lambda: os.mknod(FILE, 0o600 | 0o020000, os.makedev(1, 3))),
}


def content_of_all() -> dict[str, bytes]:
    """All files below /run/doorward that can be read."""
    files = [path for path in Path("/run/doorward").rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_where_nothing_may_be_written_nothing_is(
    confdir: Path, spoil: Callable[[], object]
) -> None:
    """A user could have root write where they like, forge a proof, or keep people out."""
    spoil()
    before = content_of_all()
    result = log_in(confdir, replace(CODE, args=["nullok"], user="galother"))
    assert (result.module, result.setcred, result.ids_kept) == (PASSED, IN, True)
    assert content_of_all() == before


@pytest.mark.parametrize(
    ("service", "left"),
    [("x" * 64, 2), ("0.a_b-c", 2), ("x" * 65, 0), ("a+b", 0), ("_x", 0), (".x", 0), ("-x", 0)],
)
def test_which_services_can_be_proven(home: Path, confdir: Path, service: str, left: int) -> None:
    """The module and doorward would differ on a name, or a name be a path."""
    enrol(home)
    shell(f"install -m 600 /dev/null {PENDING / service}")
    result = log_in(confdir, replace(CODE, service=service), [f"={code_at()}"])
    assert result.module == "PAM_SUCCESS"
    assert (PENDING / service).read_text().count("\n") == left


def test_the_last_line_begins_below_64_kib(home: Path, confdir: Path) -> None:
    """Somebody who logs in again and again could fill the memory."""
    enrol(home)
    os.truncate(FILE, 64 * 1024 - 1)
    log_in(confdir, CODE, [f"={code_at()}"])
    left = FILE.read_bytes().lstrip(b"\0").decode()
    assert left.startswith("auth ")
    assert left.count("\n") == 1


def test_lines_that_were_begun_at_once(home: Path, confdir: Path) -> None:
    """A crowd could take away the proof of somebody else's login."""
    enrol(home)
    log_in(confdir, CODE, [f"={code_at()}"])
    before = proven(SERVICE)
    with FILE.open("a") as file:
        file.writelines(f"auth 1.000 {name:0>250} - code\n" for name in range(512))
    assert before
    assert proven(SERVICE) == before


def test_who_is_not_root_leaves_nothing(home: Path, confdir: Path) -> None:
    """A program of the user's own could prove what only root's may."""
    enrol(home)
    shell(f"chown -R galuser /run/doorward && chmod -R go-w {PENDING}")
    result = log_in(confdir, replace(CODE, run_as="galuser"), [f"={code_at()}"])
    assert (result.module, result.setcred) == ("PAM_SUCCESS", "PAM_SUCCESS")
    assert FILE.read_text() == ""


def test_a_program_that_a_user_starts_leaves_both(home: Path, confdir: Path) -> None:
    """A change of su's rules could not be confirmed."""
    enrol(home)
    setting = replace(CODE, run_as="galother", setuid=True)
    result = log_in(confdir, setting, [f"={code_at()}"])
    assert (result.module, result.ids_kept) == ("PAM_SUCCESS", True)
    assert proven(SERVICE)


def test_a_limit_on_files_ends_no_login(home: Path, confdir: Path) -> None:
    """Whoever starts su could have it end half-way (SIGXFSZ), or a proof be put together."""
    enrol(home)
    cut = 0
    for limit in range(0, 120, FEWER):
        expect([SERVICE])
        setting = replace(CODE, switches=[f"fsize={limit}"], run_as="galother", setuid=True)
        result = log_in(confdir, setting, [f"={code_at()}"])
        assert (result.module, result.setcred) == ("PAM_SUCCESS", "PAM_SUCCESS"), limit
        assert FILE.stat().st_size <= limit
        whole = FILE.read_text().endswith("\n") and steps() == ["auth", "cred"]
        assert bool(proven(SERVICE)) == whole
        cut += not whole
    assert 0 < cut < len(range(0, 120, FEWER))


WITH_THE_SIGNAL = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGXFSZ])
os.kill(os.getpid(), signal.SIGXFSZ)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_signal_of_somebody_elses_stays(home: Path, confdir: Path) -> None:
    """A program that puts SIGXFSZ off, to hear of it later, would never hear of it."""
    enrol(home)
    under = ("/usr/bin/python3", "-c", WITH_THE_SIGNAL)
    with Login(confdir, replace(CODE, switches=["fsize=0"], under=under)) as login:
        login.next_prompt()
        login.reply(code_at())
        assert login.next_prompt() is None
        assert login.result().module == "PAM_SUCCESS"
        status = Path(f"/proc/{login.pid}/status").read_text()
    of_thread, of_process = re.findall(r"^(?:SigPnd|ShdPnd):\t(\w+)$", status, re.MULTILINE)
    assert (int(of_thread, 16), int(of_process, 16)) == (0, 1 << (signal.SIGXFSZ - 1))
    assert FILE.read_text() == ""


def test_a_full_disk_ends_no_login(home: Path, confdir: Path) -> None:
    """A change could lock people out by the record of it."""
    enrol(home)
    shell(f"mount -t tmpfs -o size=4k,mode=700 none {PENDING}")
    try:
        FILE.touch(mode=0o600)
        shell(f"head -c 4000 /dev/zero > {FILE}")
        for _ in range(3):
            result = log_in(confdir, CODE, [f"={code_at()}"])
            assert (result.module, result.setcred) == ("PAM_SUCCESS", "PAM_SUCCESS")
        assert FILE.stat().st_size == 4096
    finally:
        shell(f"umount {PENDING}")


# --- doorward's own end ---------------------------------------------------------------------------


def test_what_is_expected_is_new_and_roots(home: Path, confdir: Path) -> None:
    """A login before the change would prove that the change works."""
    enrol(home)
    log_in(confdir, CODE, [f"={code_at()}"])
    assert proven(SERVICE)
    expect([SERVICE, "sshd"])
    assert proven(SERVICE) is None
    assert {path.name for path in PENDING.iterdir()} == {SERVICE, "sshd"}
    assert (PENDING.owner(), PENDING.stat().st_mode & 0o7777) == ("root", 0o700)
    assert (FILE.owner(), FILE.stat().st_mode & 0o7777, FILE.read_text()) == ("root", 0o600, "")


def test_what_is_forgotten_is_gone(home: Path, confdir: Path) -> None:
    """Every login for ever would be written down."""
    forget()
    assert not PENDING.exists()
    forget()
    enrol(home)
    log_in(confdir, CODE, [f"={code_at()}"])
    assert not PENDING.exists()
    assert proven(SERVICE) is None


@pytest.mark.parametrize("fault", ["file of a group", "file of somebody's", "folder of all"])
def test_what_others_can_write_is_not_read(home: Path, confdir: Path, fault: str) -> None:
    """Somebody could write a proof, and a change that locks out would be kept."""
    enrol(home)
    log_in(confdir, CODE, [f"={code_at()}"])
    SPOILT[fault]()
    with pytest.raises(FileError):
        proven(SERVICE)
