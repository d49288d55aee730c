"""Which programs leave proof of a login, as they are in Debian: sshd, sudo, su and login."""

import asyncio
import contextlib
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pexpect
import pytest
from doorward.proof import FOLDER, Proof, expect, forget, proven

from demo import client as openssh
from demo.person import Person
from demo.process import output_of
from demo.server import ADDRESS, Server
from tests.e2e.fast_client import log_in
from tests.pam import libpam

PASSWORD = "@include common-auth\n"
LINE = "auth required pam_doorward.so\n"
SECONDS_MAX = 60  # from one prompt to the next


@contextlib.contextmanager
def waiting(service: str) -> Iterator[None]:
    """A change of a service waits for a login."""
    expect([service])
    try:
        yield
    finally:
        forget()


def steps(service: str) -> list[tuple[str, ...]]:
    """What the lines say that were left, without times: whether it let them pass, who, from where.

    A program that sets credentials several times is not told of more than once.
    """
    lines = [line.split(" ") for line in Path(FOLDER, service).read_text().splitlines()]
    return list(dict.fromkeys((line[0], *line[2:]) for line in lines))


# --- sshd -----------------------------------------------------------------------------------------


def test_password_and_code_by_ssh(server: Server, enrolled: Person) -> None:
    """A change of sshd's rules could never be confirmed."""
    server.protect()
    with waiting("sshd"):
        assert not log_in(server, enrolled.name, enrolled.password, enrolled.wrong_code()).let_in
        assert steps("sshd") == []
        assert log_in(server, enrolled.name, enrolled.password, enrolled.code()).let_in
        assert steps("sshd") == [
            ("auth", enrolled.name, ADDRESS, "code"),
            ("cred", enrolled.name, ADDRESS),
        ]
        proof = proven("sshd")
        assert proof
        assert proof == Proof(enrolled.name, ADDRESS, "code", proof.seconds)


def test_no_session_learns_of_it(server: Server, enrolled: Person) -> None:
    """What the module keeps until the program goes on would be among everybody's variables."""
    server.protect()
    started = Path("/etc/ssh/sshrc")  # sh runs it with the session's variables
    started.write_text("env >environment\n")
    try:
        with waiting("sshd"):
            assert log_in(server, enrolled.name, enrolled.password, enrolled.code()).let_in
            assert proven("sshd")
    finally:
        started.unlink()
    variables = Path(pwd.getpwnam(enrolled.name).pw_dir, "environment").read_text()
    assert "SSH_CONNECTION=" in variables
    assert "DOORWARD_PASSED" not in variables


def test_a_right_code_after_a_wrong_password(server: Server, enrolled: Person) -> None:
    """A change that refuses everybody would be kept, for their codes are right."""
    server.protect()
    service = Path("/etc/pam.d/sshd")
    service.write_text(service.read_text().replace(PASSWORD + LINE, LINE + PASSWORD))
    with waiting("sshd"):
        assert not log_in(server, enrolled.name, enrolled.code(), "not it").let_in
        assert steps("sshd") == [("auth", enrolled.name, ADDRESS, "code")]
        assert proven("sshd") is None


@pytest.fixture
def key(person: Person) -> Iterator[Path]:
    """A key that opens somebody's account by SSH."""
    folder = Path(pwd.getpwnam(person.name).pw_dir, ".ssh")
    folder.mkdir()
    output_of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
    (folder / "key.pub").rename(folder / "authorized_keys")
    shutil.chown(folder, person.name)
    yield folder / "key"
    shutil.rmtree(folder)


def test_a_key_alone_by_ssh(server: Server, person: Person, key: Path) -> None:
    """A change of rules that no key login comes by would be taken for one that works."""
    server.protect()

    async def run() -> str:
        async with asyncssh.connect(
            ADDRESS,
            server.port,
            username=person.name,
            client_keys=[str(key)],
            agent_path=None,
            config=None,
            known_hosts=None,
            preferred_auth="publickey",
        ) as connection:
            return str((await connection.run("id -un", check=True)).stdout).strip()

    with waiting("sshd"):
        assert asyncio.run(run()) == person.name
        assert steps("sshd") == []
        assert proven("sshd") is None


def test_a_key_after_a_refusal(server: Server, enrolled: Person, key: Path) -> None:
    """Who is let in by their key, once their code was in vain, would prove that codes work."""
    server.protect()
    service = Path("/etc/pam.d/sshd")
    before = service.read_text()
    service.write_text(before.replace(LINE, LINE + "auth required pam_deny.so\n"))
    methods = "keyboard-interactive,publickey"
    answers = [enrolled.password, enrolled.code()]
    try:
        with waiting("sshd"):
            assert openssh.log_in(server, enrolled.name, answers, key=key, methods=methods).let_in
            assert steps("sshd") == [("auth", enrolled.name, ADDRESS, "code")]
            assert proven("sshd") is None
    finally:
        service.write_text(before)


# --- A program that goes on after a refusal -------------------------------------------------------


def test_let_pass_once_and_refused_then(tmp_path: Path, person: Person) -> None:
    """Who was let pass and tries again, as at login(1), could prove what then refused them."""
    rules = ("optional pam_doorward.so nullok", "optional pam_doorward.so bogus")
    text = "".join(f"auth {rule}\n" for rule in (*rules, "required pam_permit.so"))
    (tmp_path / "example").write_text(text)
    with waiting("example"), libpam.login("example", tmp_path, person.name) as login:
        assert login.call("authenticate") == 0
        assert login.call("setcred", libpam.ESTABLISH_CRED) == 0
        assert steps("example") == [("auth", person.name, "-", "not-enrolled")]


# --- At a terminal --------------------------------------------------------------------------------


@contextlib.contextmanager
def protected(service: str) -> Iterator[None]:
    """The module below the password in a service, and a change of it that waits for a login."""
    path = Path("/etc/pam.d", service)
    before = path.read_text()
    assert PASSWORD in before
    path.write_text(before.replace(PASSWORD, PASSWORD + LINE))
    try:
        with waiting(service):
            yield
    finally:
        path.write_text(before)


def as_user(name: str, *argv: str) -> list[str]:
    """A command as somebody runs it from their shell."""
    account = pwd.getpwnam(name)
    ids = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]
    return ["setpriv", *ids, *argv]


def talk(argv: list[str], *answers: str) -> str:
    """What a program on a terminal of its own prints at the end, its prompts answered."""
    terminal = pexpect.spawn(argv[0], argv[1:], encoding="utf-8", timeout=SECONDS_MAX)
    for answer in answers:
        terminal.expect(r"(?:: |\$ )$")
        terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    return str(terminal.before)


def shown_by(service: str, person: Person) -> bool:
    """Whether exactly this person's login with a code was left, and is a proof."""
    proof = proven(service)
    left = [("auth", person.name, "-", "code"), ("cred", person.name, "-")]
    return proof is not None and proof.user == person.name and steps(service) == left


@pytest.fixture
def sudoer(enrolled: Person) -> Iterator[Person]:
    """Somebody who may do anything by sudo."""
    rules = Path("/etc/sudoers.d/doorward-test")
    rules.write_text(f"{enrolled.name} ALL=(ALL) ALL\n")
    rules.chmod(0o440)
    yield enrolled
    rules.unlink()


def test_sudo(sudoer: Person) -> None:
    """A change of sudo's rules could never be confirmed: it sets the credentials of root."""
    with protected("sudo"):
        argv = as_user(sudoer.name, "sudo", "-k", "id", "-un")
        assert talk(argv, sudoer.password, sudoer.code()).strip() == "root"
        assert shown_by("sudo", sudoer)


def test_su(enrolled: Person) -> None:
    """A change of su's rules could never be confirmed."""
    with protected("su"):
        argv = as_user("nobody", "su", "--shell=/bin/sh", "--command=id -un; env", enrolled.name)
        name, _, variables = talk(argv, enrolled.password, enrolled.code()).strip().partition("\n")
        assert name.strip() == enrolled.name
        assert "DOORWARD_PASSED" not in variables
        assert shown_by("su", enrolled)


def test_login(enrolled: Person) -> None:
    """A change of the console's rules could never be confirmed."""
    with protected("login"):
        talk(["login"], enrolled.name, enrolled.password, enrolled.code(), "exit")
        assert shown_by("login", enrolled)
