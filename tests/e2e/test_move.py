"""Secrets move between homes and root's folder, and at no moment is there none."""

import fcntl
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.service import protect, unprotect
from tests.e2e.enrollee import Enrollee, account, run_as_root

SECRETS = Path("/var/lib/doorward/secrets")
LINE = "auth required pam_doorward.so secret=/var/lib/doorward/secrets/${USER} user=root"
TO_THE_END = 20  # more of any one system call than a move takes


@pytest.fixture
def alice() -> Iterator[Enrollee]:
    """Yield somebody who is enrolled at home."""
    unprotect("sshd")  # of another test's server
    with account("alice") as person:
        person.enrol()
        yield person
    shutil.rmtree(SECRETS.parent, ignore_errors=True)


@pytest.fixture
def bob() -> Iterator[Enrollee]:
    """Yield somebody else, who is not."""
    with account("bob") as person:
        yield person


def _rights(path: Path) -> tuple[int, int, int, int]:
    facts = path.stat()
    return facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode), facts.st_nlink


def test_there_and_back(alice: Enrollee) -> None:
    """Every byte arrives, private and its new keeper's, and nothing lies about."""
    text = alice.secret.read_bytes() + b'" FUTURE thing\r\n12345678'
    alice.secret.write_bytes(text)
    system = SECRETS / "alice"
    run = run_as_root("move", "alice", "--system")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == (
        f"alice: moved to {system}\nThe line in /etc/pam.d that reads it there: {LINE}\n"
    )
    assert (system.read_bytes(), _rights(system)) == (text, (0, 0, 0o600, 1))
    assert [_rights(folder)[:3] for folder in (SECRETS, SECRETS.parent)] == [(0, 0, 0o700)] * 2
    assert [*SECRETS.iterdir()] == [system]
    assert not [name for name in alice.files() if name.startswith(".google")]
    assert run_as_root("move", "alice", "--system").returncode == 0

    run = run_as_root("move", "alice", "--home")
    assert run.returncode == 0
    assert run.stdout.endswith("reads it there: auth required pam_doorward.so\n")
    assert alice.secret.read_bytes() == text
    assert _rights(alice.secret) == (alice.uid, alice.gid, 0o600, 1)
    assert not [*SECRETS.iterdir()]


def test_system_everywhere(alice: Enrollee, bob: Enrollee) -> None:
    """Every command finds a secret of --system, for root alone, and enrolment says which line."""
    run = run_as_root("enroll", "bob", "--system", "--no-confirm")
    assert run.returncode == 0
    assert f"The line that asks for these codes: {LINE}" in run.stdout
    assert not bob.secret.exists()
    run_as_root("move", "alice", "--system")
    for command in (
        ["status"],
        ["show", "--yes"],
        ["devices"],
        ["recovery-codes"],
        ["enroll", "--device", "tablet", "--json"],
        ["unenroll", "--device", "tablet", "--yes"],
        ["unenroll", "--yes"],
    ):
        run = alice.run(*command, "--system")
        assert (run.returncode, run.stdout) == (5, "")
        assert "only root can" in run.stderr
        run = run_as_root(*command, "alice", "--system", "--secret-file", "/srv/x")
        assert (run.returncode, run.stdout) == (2, "")
        run = run_as_root(*command, "alice", "--system")
        assert (run.returncode, run.stderr) == (0, "")
    assert not (SECRETS / "alice").exists()
    run = run_as_root("show", "alice", "--system")
    assert run.stderr.endswith("hint: 'doorward enroll alice --system' does that.\n")


def test_a_service_reads_the_old_place(alice: Enrollee) -> None:
    """Who is moved would be locked out of a service, or need no code there, without a word."""
    protect("sshd")
    before = alice.files()
    refused = run_as_root("move", "alice", "--system")
    assert (refused.returncode, refused.stdout) == (13, "")
    assert "in the old place are read by sshd: who is moved would be refused" in refused.stderr
    assert alice.files() == before
    assert run_as_root("move", "alice", "--system", "--i-know").returncode == 0
    assert run_as_root("move", "alice", "--home").returncode == 0
    unprotect("sshd")
    assert run_as_root("move", "alice", "--system").returncode == 0


def test_several_users(alice: Enrollee, bob: Enrollee) -> None:
    """One who cannot be moved is told of, and does not keep the others."""
    run = run_as_root("move", "nobody-here", "bob", alice.name, "--system")
    assert run.returncode == 10
    assert [line.split(":")[1] for line in run.stderr.splitlines() if "error" in line] == [
        " error",
        " error",
    ]
    assert "bob is not enrolled: there is no /home/bob/.google_authenticator" in run.stderr
    assert f"alice: moved to {SECRETS}/alice" in run.stdout
    assert run_as_root("move", bob.name, "--home").returncode == 4


def test_another_secret_in_the_way(alice: Enrollee) -> None:
    """What is there and says something else is somebody's second factor: it stays."""
    run_as_root("enroll", "alice", "--system", "--json")
    before = (SECRETS / "alice").read_bytes(), alice.files()
    for where in ("--system", "--home"):
        run = run_as_root("move", "alice", where)
        assert (run.returncode, run.stdout) == (3, "")
        assert "alice has another secret there already: " in run.stderr
    assert ((SECRETS / "alice").read_bytes(), alice.files()) == before


def test_what_no_login_takes(alice: Enrollee) -> None:
    """Neither a broken file, nor into a place where a login would refuse it."""
    run_as_root("move", "alice", "--system")
    shutil.copy(SECRETS / "alice", alice.secret)
    alice.secret.chmod(0o644)
    run = run_as_root("move", "alice", "--home")
    assert run.returncode == 8
    assert "a login wants" in run.stderr
    assert (SECRETS / "alice").exists()
    alice.secret.unlink()
    (SECRETS / "alice").write_text("9\n")
    assert run_as_root("move", "alice", "--home").returncode == 7
    assert not alice.secret.exists()


def test_traps(alice: Enrollee) -> None:
    """A link of a user's leads root nowhere, and what it leads the user to is theirs to move."""
    victim = Path("/srv/victim")
    shutil.copy(alice.secret, victim)
    alice.secret.unlink()
    alice.secret.symlink_to(victim)
    try:
        run = run_as_root("move", "alice", "--system")
        assert (run.returncode, run.stdout) == (8, "")
        run_as_root("enroll", "alice", "--system", "--json")
        assert run_as_root("move", "alice", "--home").returncode == 8
        assert victim.exists()
    finally:
        victim.unlink()


def test_a_login_is_at_work_on_it(alice: Enrollee) -> None:
    """A code that is being used up would be good again at the new place."""
    before = alice.files()
    with alice.secret.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run_as_root("move", "alice", "--system").returncode == 9
    assert alice.files() == before
    assert not (SECRETS / "alice").exists()


def test_only_root(alice: Enrollee) -> None:
    """Who moves a secret decides which line reads it."""
    assert alice.run("move", "alice", "--system").returncode == 5
    for arguments in (["alice"], ["alice", "--system", "--home"], ["--system"]):
        assert run_as_root("move", *arguments).returncode == 2


@pytest.mark.parametrize("where", ["--system", "--home"])
@pytest.mark.parametrize("call", ["mkdirat", "fsync", "linkat", "unlinkat", "sendmsg"])
def test_killed_at_any_moment(alice: Enrollee, where: str, call: str) -> None:
    """Whatever step it is killed at, the secret is somewhere, and doing it again finishes."""
    text = alice.secret.read_bytes()
    system = SECRETS / "alice"
    if where == "--home":
        run_as_root("move", "alice", "--system")
    target, source = (system, alice.secret) if where == "--system" else (alice.secret, system)
    for number in range(1, TO_THE_END):
        inject = f"inject={call}:signal=KILL:when={number}"
        trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
        command = [*trace, "doorward", "move", "alice", where]
        killed = subprocess.run(command, capture_output=True, check=False, cwd="/").returncode
        places = [path.read_bytes() for path in (target, source) if path.exists()]
        assert places
        assert set(places) == {text}
        if not killed:
            break
        assert run_as_root("move", "alice", where).returncode == 0
        assert (target.read_bytes(), source.exists()) == (text, False)
        run_as_root("move", "alice", "--home" if where == "--system" else "--system")
    else:
        pytest.fail("it never came to its end")
    assert number > 1 or (call, where) == ("mkdirat", "--home"), "it was never killed"
