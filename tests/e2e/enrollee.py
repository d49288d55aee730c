"""Somebody who runs doorward, for themself or as root: from a script, or in a real terminal."""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pexpect
import pyotp
import pyte
from doorward.native import Credential, base32_encode, credential_parse

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": _PATH, "LANG": "C.UTF-8", "TERM": "xterm-256color"}


def _hear_ctrl_c() -> None:
    """Undo what a shell does to whom it starts in the background, such as these tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A command in a terminal, and the person before it."""

    def __init__(
        self, command: list[str], size: tuple[int, int], environment: dict[str, str]
    ) -> None:
        """Start the command in a terminal of `size` lines and columns."""
        self.child: pexpect.spawn[str] = pexpect.spawn(
            command[0],
            command[1:],
            dimensions=size,
            encoding="utf-8",
            env=environment,
            preexec_fn=_hear_ctrl_c,
            timeout=30,
        )
        self.seen = ""
        self.size = size

    def wait_for(self, text: str) -> str:
        """Wait until `text` is printed, and return what was from the last time on, with it."""
        self.child.expect_exact(text)
        news = f"{self.child.before}{text}"
        self.seen += news
        return news

    def answer(self, line: str) -> None:
        """Type a line."""
        self.child.sendline(line)

    def interrupt(self) -> None:
        """Press Ctrl-C, once the command waits for an answer and for nothing else."""
        stat = Path("/proc", str(self.child.pid), "stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "S":
            os.sched_yield()
        self.child.sendintr()

    def end(self) -> int:
        """Wait until the command has ended, and return its exit code."""
        self.child.expect(pexpect.EOF)
        self.seen += str(self.child.before)
        self.child.close()
        assert self.child.exitstatus is not None, f"killed by signal {self.child.signalstatus}"
        return int(self.child.exitstatus)

    def screen(self) -> pyte.Screen:
        """Return what is to be seen now."""
        lines, columns = self.size
        screen = pyte.Screen(columns, lines)
        pyte.Stream(screen).feed(self.seen)
        return screen

    def uri(self) -> str:
        """Return the URI that was printed."""
        found = re.search(r"otpauth://\S+", self.seen)
        assert found
        return found[0]

    def app(self) -> pyotp.TOTP:
        """Return a phone's app that has the URI."""
        app = pyotp.parse_uri(self.uri())
        assert isinstance(app, pyotp.TOTP)
        return app


class Enrollee:
    """A user of this host, with a home."""

    def __init__(self, name: str) -> None:
        """Look the user up."""
        entry = pwd.getpwnam(name)
        self.name, self.uid, self.gid = name, entry.pw_uid, entry.pw_gid
        self.home = Path(entry.pw_dir)
        self.secret = self.home / ".google_authenticator"
        self.terminals: list[Terminal] = []

    def _become(self) -> list[str]:
        ids = ["--reuid", str(self.uid), "--regid", str(self.gid), "--init-groups"]
        return ["setpriv", *ids, "--inh-caps=-all", "--"]

    def run(
        self, *arguments: str, answers: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run doorward as this user, with no terminal."""
        return _run([*self._become(), "doorward", *arguments], answers, environment)

    def run_reference(self, *arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
        """Run google-authenticator, the tool that doorward stands in for, as this user."""
        command = [*self._become(), "google-authenticator", *arguments]
        return _run(command, answers, {"HOME": str(self.home)})

    def start(
        self, *arguments: str, stdout: int | IO[str] = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start doorward as this user, and do not wait for it."""
        return subprocess.Popen(
            [*self._become(), "doorward", *arguments],
            cwd="/",
            encoding="utf-8",
            env=_ENVIRONMENT,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
        )

    def in_terminal(
        self, *arguments: str, size: tuple[int, int] = (50, 120), **environment: str
    ) -> Terminal:
        """Run doorward as this user in a terminal."""
        command = [*self._become(), "doorward", *arguments]
        self.terminals.append(Terminal(command, size, _ENVIRONMENT | environment))
        return self.terminals[-1]

    def leave(self) -> None:
        """Close all terminals, with what still runs in them."""
        for terminal in self.terminals:
            terminal.child.close(force=True)

    def enrol(self, *options: str) -> dict[str, Any]:
        """Enrol this user by a script, and return what it is told."""
        run = self.run("enroll", "--json", *options)
        assert (run.returncode, run.stderr) == (0, "")
        told: dict[str, Any] = json.loads(run.stdout)
        return told

    def credential(self) -> Credential:
        """Return what the secret file says."""
        return credential_parse(self.secret.read_bytes())

    def secret_text(self) -> str:
        """Return the secret of the secret file in base32."""
        return base32_encode(self.credential().first.secret)

    def files(self) -> dict[str, tuple[int, str, int, bytes]]:
        """Return all that lies in the home: mode, owner, inode and content, or a link's target."""
        found = {}
        for path in sorted(self.home.rglob("*")):
            facts = path.lstat()
            content = b""
            if path.is_symlink():
                content = os.fsencode(path.readlink())
            elif path.is_file():
                content = path.read_bytes()
            owner = pwd.getpwuid(facts.st_uid).pw_name
            found[str(path.relative_to(self.home))] = (facts.st_mode, owner, facts.st_ino, content)
        return found


@contextlib.contextmanager
def account(name: str) -> Iterator[Enrollee]:
    """Make an account with a home and a login shell, and let nothing be left of it."""
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
    person = Enrollee(name)
    person.home.chmod(0o700)
    try:
        yield person
    finally:
        person.leave()
        subprocess.run(["userdel", "--force", name], check=True)
        shutil.rmtree(person.home, ignore_errors=True)


def run_as_root(
    *arguments: str, answers: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run doorward as root, with no terminal."""
    return _run(["doorward", *arguments], answers, environment)


def _run(
    command: list[str], answers: str, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd="/",
        encoding="utf-8",
        env=_ENVIRONMENT | environment,
        input=answers,
    )
