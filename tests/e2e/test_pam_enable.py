"""`doorward pam enable` on a host whose own sshd is logged in to: tried, confirmed, taken back."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from doorward.enrolment.places import HOME
from doorward.enrolment.store import Rights
from doorward.protection import applying
from doorward.protection.people import Enrolment, Machine, Secret

from demo import client as openssh
from demo.person import Person
from demo.process import output_of
from demo.server import ADDRESS, MachineServer
from demo.service import unprotect
from pamconf.tree import Tree
from tests.e2e.attempts import CODE as ANSWER_CODE
from tests.e2e.enrollee import run_as_root
from tests.e2e.fast_client import log_in

PASSWORD, CODE = "Password: ", "Verification code: "
LAN_ADDRESS = "127.0.0.2"
FILES = (Path("/etc/pam.d"), Path("/etc/ssh"), Path("/etc/security"))
REFUSED, UNPROVEN = 13, 14
KEY_AND_CODE = ("--methods", "publickey,keyboard-interactive:pam")
OFTEN = ("--rate-limit", "none", "--recovery-codes", "10")
SECONDS_MAX = 60


def contents() -> dict[str, bytes]:
    """All that login files say."""
    files = (path for folder in FILES for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def sshd(eased: None) -> Iterator[MachineServer]:  # noqa: ARG001 - it has done its work
    """The host's own sshd, as Debian installs it; afterwards all files are as before."""
    unprotect("sshd")  # the line of another test's server
    before = contents()
    with closing(MachineServer()) as running:
        yield running
    if json.loads(output_of("doorward", "pam", "status", "--json"))["pending"]:
        run_as_root("pam", "undo")
    for path in contents():
        if path not in before:
            Path(path).unlink()
    for path, content in before.items():
        if Path(path).read_bytes() != content:
            Path(path).write_bytes(content)


@pytest.fixture
def key(person: Person, tmp_path: Path) -> Path:
    """A key of the person's, which sshd knows."""
    path = tmp_path / "key"
    output_of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
    folder = Path(f"/home/{person.name}/.ssh")
    output_of("install", "-d", "-o", person.name, "-m", "700", str(folder))
    public = str(path.with_suffix(".pub"))
    output_of("install", "-o", person.name, "-m", "600", public, str(folder / "authorized_keys"))
    return path


def done(*arguments: str) -> str:
    """Run a command of `doorward pam` that succeeds."""
    run = run_as_root("pam", *arguments)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def states() -> list[str]:
    """What became of all changes, the newest first."""
    return [one["state"] for one in json.loads(done("history", "--json"))]


def the_last() -> Path:
    """The folder of the last change."""
    return max(applying.FOLDER.glob("2*"))


def state(change: Path) -> str:
    """What became of it so far."""
    return (change / "state").read_text().strip()


def by_password(sshd: MachineServer, person: Person) -> openssh.Login:
    """Log in by sshd's own password method, as on a machine that nobody has changed."""
    return openssh.log_in(sshd, person.name, [person.password], methods="password")


def by_code(sshd: MachineServer, person: Person) -> openssh.Login:
    """Log in with password and code."""
    return openssh.log_in(sshd, person.name, [person.password, person.code()])


# --- On trial -------------------------------------------------------------------------------------


def test_a_change_that_nobody_confirms(sshd: MachineServer, enrolled: Person) -> None:
    """Who is locked out by a change would stay so."""
    before = contents()
    assert by_password(sshd, enrolled).let_in
    done("enable", "sshd", "--nullok", "--confirm-within", "10s")
    login = by_code(sshd, enrolled)
    assert (login.let_in, login.asked) == (True, (PASSWORD, CODE))
    assert not by_password(sshd, enrolled).let_in
    wait_until(lambda: states()[0] == "rolled-back")
    assert contents() == before
    wait_until(lambda: by_password(sshd, enrolled).let_in)


def test_a_change_that_a_login_proves(sshd: MachineServer, enrolled: Person, key: Path) -> None:
    """A change would be confirmed that nobody gets in by, or could not be at all."""
    old = contents()
    done("enable", "sshd", "--nullok", "--confirm-within", "1h")
    assert run_as_root("pam", "confirm").returncode == UNPROVEN
    assert openssh.log_in(sshd, enrolled.name, [], key=key).let_in
    wrong = openssh.log_in(sshd, enrolled.name, [enrolled.password, enrolled.wrong_code()])
    assert wrong.refused
    refused = run_as_root("pam", "confirm")
    assert refused.returncode == UNPROVEN
    assert "nobody has logged in by sshd since the change" in refused.stderr
    assert by_code(sshd, enrolled).let_in
    confirmed = done("confirm")
    assert f"sshd: {enrolled.name} got in from {ADDRESS} (code)" in confirmed
    assert "See that" not in confirmed
    assert states()[0] == "confirmed"
    assert not Path("/run/doorward/pending").exists()
    again = run_as_root("pam", "confirm")
    assert again.returncode == 1
    assert "--confirm-within 1h', is confirmed." in again.stderr
    assert by_code(sshd, enrolled).let_in
    done("undo")
    assert contents() == old
    wait_until(lambda: by_password(sshd, enrolled).let_in)


@pytest.mark.usefixtures("sshd")
def test_a_program_that_runs_as_who_uses_it() -> None:
    """A change of a screen locker could never be confirmed: it cannot write a proof."""
    Path("/etc/pam.d/i3lock").write_text("auth include login\naccount include login\n")
    done("enable", "i3lock", "--before-password", "--i-know", "--confirm-within", "1h")
    assert "is confirmed" in done("confirm")
    assert states()[0] == "confirmed"


def test_a_proof_without_a_code(sshd: MachineServer, person: Person) -> None:
    """Nobody would notice that no code has been tried yet."""
    done("enable", "sshd", "--nullok", "--confirm-within", "1h")
    assert openssh.log_in(sshd, person.name, [person.password]).let_in
    said = done("confirm")
    assert f"sshd: {person.name} got in from {ADDRESS} without a code (not-enrolled)." in said
    assert "See that somebody who is enrolled gets in, too" in said


def test_taken_back_at_once(sshd: MachineServer, enrolled: Person) -> None:
    """Who sees that something is wrong would have to wait."""
    before = contents()
    enabling = ("enable", "sshd", "--nullok", "--confirm-within", "1h")
    done(*enabling)
    assert "is on trial until" in done(*enabling)
    another = run_as_root("pam", "enable", "lightdm", "--nullok")
    assert (another.returncode, another.stdout) == (1, "")
    assert f"another change is on trial: doorward pam {' '.join(enabling)}" in another.stderr
    done("undo")
    assert contents() == before
    assert states()[0] == "rolled-back"
    wait_until(lambda: by_password(sshd, enrolled).let_in)


@pytest.mark.parametrize("when", ["while it is at work", "once it is on trial"])
def test_killed(sshd: MachineServer, enrolled: Person, when: str) -> None:
    """Files would stay as a command left them that was killed."""
    before = contents()
    command = ["doorward", "pam", "enable", "sshd", "--nullok", "--confirm-within", "10s"]
    drop_in = Path("/etc/ssh/sshd_config.d/00-doorward.conf")
    enabling = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    if when == "while it is at work":
        wait_until(lambda: drop_in.exists() or enabling.poll() is not None)
        enabling.send_signal(signal.SIGKILL)
    enabling.wait()
    wait_until(lambda: states()[0] == "rolled-back")
    assert contents() == before
    wait_until(lambda: by_password(sshd, enrolled).let_in)


def test_a_login_from_before(sshd: MachineServer, enrolled: Person) -> None:
    """A login by an earlier change would prove this one, if the command died before it looked."""
    enabling = ["pam", "enable", "sshd", "--nullok", "--confirm-within", "1h"]
    done(*enabling[1:])
    assert by_code(sshd, enrolled).let_in
    output_of("sh", str(the_last() / "restore"))  # as its watchdog does
    assert states()[0] == "rolled-back"
    before = the_last()
    again = subprocess.Popen(["doorward", *enabling], stdout=subprocess.DEVNULL)
    wait_until(lambda: the_last() != before and state(the_last()) == "applied")
    again.send_signal(signal.SIGKILL)
    again.wait()
    assert run_as_root("pam", "confirm").returncode == UNPROVEN


def test_a_folder_of_proofs_that_is_somebodys(sshd: MachineServer, enrolled: Person) -> None:
    """A proof could be made by others, or a change be left half-made where it cannot be proven."""
    before = contents()
    folder = Path("/run/doorward/pending")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.chown(folder, enrolled.name)
    try:
        run = run_as_root("pam", "enable", "sshd", "--nullok", "--confirm-within", "1h")
        assert "others than root can change it" in run.stderr
    finally:
        shutil.rmtree(folder)
    assert states()[0] == "rolled-back"
    assert contents() == before
    assert by_password(sshd, enrolled).let_in


def test_a_lost_connection(sshd: MachineServer, enrolled: Person) -> None:
    """A change would not come back where the terminal it was made in is gone."""
    before = contents()
    command = "doorward pam enable sshd --nullok --confirm-within 10s; kill -HUP -- -$$"
    subprocess.run(["sh", "-c", command], check=False, start_new_session=True, capture_output=True)
    assert contents() != before
    wait_until(lambda: states()[0] == "rolled-back")
    assert contents() == before
    assert by_password(sshd, enrolled).let_in


def test_undoing_what_took_the_code_away(sshd: MachineServer, enrolled: Person) -> None:
    """A code would be asked for again, and last, though nobody has tried whether they get in."""
    done("enable", "sshd", "--nullok")
    asking = contents()
    done("disable", "sshd")
    before = contents()
    in_a_terminal = ["script", "-qec", "doorward pam undo", "/dev/null"]
    run = subprocess.run(in_a_terminal, capture_output=True, check=True, text=True)
    assert "On trial for 5 minutes" in run.stdout
    assert asking.items() <= contents().items()
    assert run_as_root("pam", "confirm").returncode == UNPROVEN
    done("undo")
    assert contents() == before
    subprocess.run(in_a_terminal, capture_output=True, check=True)
    assert by_code(sshd, enrolled).let_in
    done("confirm")
    assert contents() == asking
    assert states()[:2] == ["confirmed", "rolled-back"]
    done("disable", "sshd")


def test_undoing_a_migration(sshd: MachineServer, person: Person) -> None:
    """Who has what the other module cannot read would be locked out."""
    google = "auth required pam_google_authenticator.so nullok\n"
    service = Path("/etc/pam.d/sshd")
    service.write_text(service.read_text().replace("common-auth\n", f"common-auth\n{google}"))
    done("migrate", "sshd")
    person.enrol(*OFTEN)
    for command in (["undo"], ["migrate", "sshd", "--back"]):
        run = run_as_root("pam", *command)
        assert run.returncode == REFUSED, run.stdout
        assert "google-authenticator's module cannot read all that they have" in run.stderr
        assert "(RECOVERY)" in run.stderr
    assert by_password(sshd, person).refused


# --- What can be chosen ---------------------------------------------------------------------------


def both(
    sshd: MachineServer, person: Person, *, source: str = ADDRESS, key: Path | None = None
) -> tuple[str, ...]:
    """Log in by OpenSSH's client and by asyncssh, as `explain` foretells; return the prompts."""
    told = json.loads(done("explain", "sshd", "--user", person.name, "--from", source, "--json"))[
        "services"
    ][0]
    meant = "publickey,keyboard-interactive:pam" if key else "keyboard-interactive"
    (door,) = (door for door in told["doors"] if door["door"] == meant)
    enrolment = (
        "enrolled"
        if Path(f"/home/{person.name}/.google_authenticator").exists()
        or (Path(f"/var/lib/doorward/secrets/{person.name}").exists())
        else "not enrolled"
    )
    (decision,) = (
        one
        for one in door["decisions"]
        if all(enrolment in phrases for name, phrases in one["who"].items() if "factor" in name)
    )
    asked = tuple(
        PASSWORD if one == "password" else CODE for one in decision["asked"] if one != "key"
    )

    def answers() -> list[str]:
        codes = [person.recovery_codes.pop()] if ANSWER_CODE in decision["asked"] else []
        return [person.password, *codes]

    login = openssh.log_in(sshd, person.name, answers(), source, key=key)
    assert (login.asked, login.let_in) == (asked, True)
    outcome = log_in(sshd, person.name, *answers(), source=source, key=key)
    assert [text for text, _ in outcome.prompts] == [*asked]
    assert outcome.session == person.name
    if ANSWER_CODE in decision["asked"]:
        wrong = [person.password, person.wrong_code()]
        assert openssh.log_in(sshd, person.name, wrong, source, key=key).refused
        assert not log_in(sshd, person.name, *wrong, source=source, key=key).let_in
    return asked


def test_nullok(sshd: MachineServer, person: Person) -> None:
    """Who has not enrolled would be locked out with nullok, or let in without."""
    done("enable", "sshd", "--nullok")
    assert both(sshd, person) == (PASSWORD,)
    person.enrol(*OFTEN)
    assert both(sshd, person) == (PASSWORD, CODE)
    done("enable", "sshd", "--i-know")
    assert both(sshd, person) == (PASSWORD, CODE)
    Path(f"/home/{person.name}/.google_authenticator").unlink()
    answers = [person.password, "123456"]
    assert openssh.log_in(sshd, person.name, answers).refused
    assert not log_in(sshd, person.name, *answers).let_in
    refusal = run_as_root("pam", "enable", "sshd")
    assert refusal.returncode == 0, "all is so already"


@pytest.mark.parametrize("style", ["module", "pam_access"])
def test_skip_from(sshd: MachineServer, person: Person, style: str) -> None:
    """The local network would be asked, or the rest of the world would not."""
    person.enrol(*OFTEN)
    done("enable", "sshd", "--i-know", "--skip-from", LAN_ADDRESS, "--skip-style", style)
    assert both(sshd, person) == (PASSWORD, CODE)
    assert both(sshd, person, source=LAN_ADDRESS) == (PASSWORD,)


def test_groups(sshd: MachineServer, person: Person) -> None:
    """The wrong ones would be asked for a code."""
    person.enrol(*OFTEN)
    output_of("groupadd", "--force", "asked")
    done("enable", "sshd", "--i-know", "--only-group", "asked")
    assert both(sshd, person) == (PASSWORD,)
    done("enable", "sshd", "--i-know", "--except-group", "asked")
    assert both(sshd, person) == (PASSWORD, CODE)
    output_of("usermod", "--append", "--groups", "asked", person.name)
    assert both(sshd, person) == (PASSWORD,)
    done("enable", "sshd", "--i-know", "--only-group", "asked")
    assert both(sshd, person) == (PASSWORD, CODE)
    output_of("groupdel", "asked")


@pytest.mark.parametrize("match", [(), ("--match", "User person*")])
def test_key_and_code(sshd: MachineServer, person: Person, key: Path, match: Sequence[str]) -> None:
    """A key alone, or a code without it, would do."""
    person.enrol(*OFTEN)
    done("enable", "sshd", "--i-know", *KEY_AND_CODE, *match)
    assert both(sshd, person, key=key) == (PASSWORD, CODE)
    assert openssh.log_in(sshd, person.name, [person.password, person.code()]).refused
    assert openssh.log_in(sshd, person.name, [], key=key, methods="publickey").refused


def test_secrets_of_roots(sshd: MachineServer, person: Person) -> None:
    """A secret that its owner cannot touch would not be found, or one of theirs be taken."""
    person.enrol(*OFTEN)
    plan = json.loads(run_as_root("pam", "enable", "sshd", "--system-secrets", "--json").stdout)
    (refused,) = (one for one in plan["people"] if one["user"] == person.name)
    assert (refused["enrolment"], refused["then"]) == ("not enrolled", "refused")
    assert any("'doorward move person" in one["mend"] for one in plan["refusals"])
    output_of("doorward", "move", person.name, "--system")
    done("enable", "sshd", "--system-secrets", "--i-know")
    assert both(sshd, person) == (PASSWORD, CODE)


def test_a_secret_file_of_which_a_rule_takes_more(person: Person) -> None:
    """Somebody whom allowed_perm= lets in would be said to be locked out."""
    person.enrol()
    Path(f"/home/{person.name}/.google_authenticator").chmod(0o640)
    (found,) = (one for one in Machine(Tree()).people if one.name == person.name)
    assert found.enrolment(Secret(HOME))[0] is Enrolment.BROKEN
    assert found.enrolment(Secret(HOME, Rights(0o640)))[0] is Enrolment.YES


def test_migrate(sshd: MachineServer, person: Person) -> None:
    """Who changes modules would enrol anew, or be locked out on the way back."""
    person.enrol("--compatible", "--rate-limit", "none", "--recovery-codes", "10")
    service, drop_in = Path("/etc/pam.d/sshd"), Path("/etc/ssh/sshd_config.d/00-doorward.conf")
    drop_in.write_text("UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n")
    line = "@include common-auth\nauth required pam_google_authenticator.so nullok\n"
    service.write_text(service.read_text().replace("@include common-auth\n", line))
    sshd.reload()
    assert both(sshd, person) == (PASSWORD, CODE)
    done("migrate", "sshd")
    assert both(sshd, person) == (PASSWORD, CODE)
    done("migrate", "sshd", "--back", "--i-know")
    assert both(sshd, person) == (PASSWORD, CODE)
    done("migrate", "sshd")
    output_of("doorward", "recovery-codes", person.name)
    refused = run_as_root("pam", "migrate", "sshd", "--back")
    assert refused.returncode == 13, refused.stdout + refused.stderr
    assert "cannot read all that they have" in refused.stderr
    assert "(RECOVERY)" in refused.stderr


def test_odd_names(sshd: MachineServer, enrolled: Person) -> None:  # noqa: ARG001 - sshd is asked
    """One account that nobody can log in to would keep all others from a second factor."""
    passwd = Path("/etc/passwd")
    before = passwd.read_bytes()
    names = (b"a,b", b"b\xe9d", b"DOM\\al", b"{name}")
    rows = (name + b":x:%d:1500::/home:/bin/sh\n" % at for at, name in enumerate(names, 1500))
    passwd.write_bytes(before + b"".join(rows))
    try:
        plan = json.loads(done("enable", "sshd", "--nullok", "--i-know", "--dry-run", "--json"))
    finally:
        passwd.write_bytes(before)
    assert {one["user"] for one in plan["people"]} >= {enrolled.name, "a,b", "DOM\\al", "{name}"}


def test_sshd_says_otherwise(sshd: MachineServer, enrolled: Person) -> None:
    """Settings would count that sshd takes otherwise than they were meant, or does not take."""
    config = Path("/etc/ssh/sshd_config")
    before = config.read_bytes()
    config.write_bytes(before + b"\nNoSuchKeyword yes\n")
    changed = contents()
    run = run_as_root("pam", "enable", "sshd", "--nullok")
    assert run.returncode != 0
    assert contents() == changed
    assert states()[:1] in ([], ["rolled-back"])
    config.write_bytes(before)
    assert by_password(sshd, enrolled).let_in


def test_who_is_not_root(person: Person) -> None:
    """Somebody else than root would get a trace, or somewhere."""
    for arguments in (["enable", "sshd"], ["disable", "sshd"], ["confirm"], ["undo"]):
        command = ["setpriv", f"--reuid={person.name}", "--clear-groups", "doorward", "pam"]
        run = subprocess.run(
            [*command, *arguments], capture_output=True, check=False, text=True, cwd="/"
        )
        assert run.returncode == 5, run.stdout + run.stderr
        assert "only root" in run.stderr
    assert os.geteuid() == 0
