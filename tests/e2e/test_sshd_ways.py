"""What `pamconf.sshd.ways` says of a configuration, beside what a real sshd does with it.

The service asks for a password, then for a code. Whoever logs in has a key, knows the password, and
answers each prompt that reaches them.
"""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncssh
import pytest

from demo.person import Person
from demo.process import output_of
from demo.server import ADDRESS, Log, _start, lines_of
from pamconf.sshd import Answer, PamAuth, Way, connect, query, ways

SERVICE = Path("/etc/pam.d/sshd")
STACK = """\
auth required pam_unix.so nullok
auth required pam_doorward.so
account required pam_permit.so
session required pam_permit.so
"""
SETTINGS = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
StrictModes no
AuthorizedKeysFile {folder}/key.pub
"""
TRIED = {"publickey", "password", "keyboard-interactive", "none"}

CONFIGURATIONS = {
    "debian": "UsePAM yes\nKbdInteractiveAuthentication no\n",
    "prompts": "UsePAM yes\nPasswordAuthentication no\n",
    "no PAM": "UsePAM no\n",
    "key and code": "UsePAM yes\nAuthenticationMethods publickey,keyboard-interactive:pam\n",
    "key and password": "UsePAM yes\nAuthenticationMethods publickey,password\n",
    "key and password, no PAM": "UsePAM no\nAuthenticationMethods publickey,password\n",
    "no device": "UsePAM no\nAuthenticationMethods keyboard-interactive:pam publickey\n",
    "strange device": "UsePAM yes\nAuthenticationMethods publickey:x keyboard-interactive:x\n",
    "off in a block": (
        "UsePAM yes\nMatch User *\nPasswordAuthentication no\nAuthenticationMethods password\n"
    ),
    "denied": "UsePAM yes\nDenyUsers person*\n",
    "not allowed": "UsePAM no\nAllowGroups wheel\n",
}


class Client(asyncssh.SSHClient):
    """Answers prompts in order, once."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.started = False

    def kbdint_auth_requested(self) -> str | None:
        """Take part once: asyncssh would begin again where it is refused."""
        if self.started:
            return None
        self.started = True
        return ""

    async def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002 - asyncssh's signature
        instructions: str,  # noqa: ARG002 - the same
        lang: str,  # noqa: ARG002 - the same
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str]:
        """Answer a round."""
        return [self.answers.pop(0) for _ in prompts]


class Door:
    """A running sshd with a configuration, and the client's key."""

    def __init__(self, folder: Path, settings: str) -> None:
        for name in ("host_key", "key"):
            output_of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        with socket.create_server((ADDRESS, 0)) as free:
            self.port: int = free.getsockname()[1]
        self.key = str(folder / "key")
        self.config = folder / "sshd_config"
        self.config.write_text(SETTINGS.format(port=self.port, folder=folder) + settings)
        self.process = _start("-f", str(self.config))
        Log(lines_of(self.process.stderr)).wait_for("Server listening ")

    def lets_in(self, person: Person, way: Way) -> bool:
        """Try a way, and nothing else."""
        return asyncio.run(self._try(person, [step.method for step in way.steps]))

    async def _try(self, person: Person, methods: list[str]) -> bool:
        answers = [person.password, person.code()] if "keyboard-interactive" in methods else []
        try:
            async with asyncssh.connect(
                ADDRESS,
                self.port,
                config=None,
                known_hosts=None,
                agent_path=None,
                username=person.name,
                password=person.password if "password" in methods else None,
                client_keys=[self.key] if "publickey" in methods else None,
                client_factory=lambda: Client(answers),
                preferred_auth=[method for method in methods if method != "none"] or ["hostbased"],
            ) as session:
                who = await session.run("id -un", check=True)
                return str(who.stdout).strip() == person.name
        except (asyncssh.DisconnectError, OSError):
            return False


@contextlib.contextmanager
def door(folder: Path, settings: str) -> Iterator[Door]:
    """An sshd for as long as it is needed."""
    opened = Door(folder, settings)
    try:
        yield opened
    finally:
        opened.process.terminate()
        opened.process.wait()


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """PAM's service for sshd."""
    before = SERVICE.read_text()
    SERVICE.write_text(STACK)
    yield
    SERVICE.write_text(before)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that sshd can read as whoever logs in."""
    with tempfile.TemporaryDirectory(dir="/srv") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def asked(opened: Door, person: Person) -> Answer:
    """What counts for somebody."""
    connection = connect(person.name, ADDRESS, local_address=ADDRESS, local_port=opened.port)
    answer = query(connection, config=str(opened.config))
    assert answer.asked
    assert answer.warnings == ()
    return answer


def opens(way: Way) -> bool:
    """Whether that way gets in: a password is no answer to a prompt for a code."""
    return way.possible and all(step.pam_auth is not PamAuth.PASSWORD for step in way.steps)


def held_against_sshd(opened: Door, person: Person) -> list[bool]:
    """Try all ways of an answer; return which let in."""
    found = []
    for way in ways(asked(opened, person).effective):
        if {step.method for step in way.steps} <= TRIED:
            assert opened.lets_in(person, way) == opens(way), f"{way}: {way.obstacles}"
            found.append(opens(way))
    return found


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_ways(folder: Path, enrolled: Person, name: str) -> None:
    """We would say that a door is open which is shut, or the other way round."""
    with door(folder, CONFIGURATIONS[name]) as opened:
        assert held_against_sshd(opened, enrolled)


@pytest.mark.parametrize("permit", ["yes", "prohibit-password", "no"])
def test_root(folder: Path, permit: str) -> None:
    """We would say that root gets in where sshd asks and always refuses."""
    root = Person("root", "root's own")
    root.enrol("--force")
    try:
        with door(folder, f"UsePAM yes\nPermitRootLogin {permit}\n") as opened:
            found = held_against_sshd(opened, root)
    finally:
        output_of("usermod", "--password", "*", "root")
    assert found.count(True) == {"yes": 2, "prohibit-password": 1, "no": 0}[permit]


def test_empty_password(folder: Path, person: Person) -> None:
    """We would miss that nothing at all is asked."""
    output_of("passwd", "--delete", person.name)
    settings = "UsePAM no\nPermitEmptyPasswords yes\nAuthenticationMethods none\n"
    with door(folder, settings) as opened:
        assert held_against_sshd(opened, person) == [True]
