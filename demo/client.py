"""OpenSSH's own client, driven through a terminal as a person would."""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pexpect

from demo.server import ADDRESS, Listening

_SECONDS_MAX = 60  # from one prompt to the next; a refusal takes about 2
_REFUSED = "Permission denied"
_REFUSED_STATUS = 255
_COMMAND = 'echo "$(id -un) is in, from ${SSH_CONNECTION%% *}"'


@dataclass(frozen=True)
class Login:
    """How one login went: what was asked, ssh's exit status, and what was printed at the end."""

    user: str
    source: str
    asked: tuple[str, ...]
    status: int
    printed: str

    @property
    def let_in(self) -> bool:
        """Whether the session was the user's: it ran a command that says whose it is."""
        return self.status == 0 and self.printed == f"{self.user} is in, from {self.source}"

    @property
    def refused(self) -> bool:
        """Whether the server said no; a client that failed otherwise is neither in nor refused."""
        return self.status == _REFUSED_STATUS and _REFUSED in self.printed


def log_in(
    server: Listening,
    user: str,
    answers: Sequence[str],
    source: str = ADDRESS,
    *,
    key: Path | None = None,
    methods: str = "",
) -> Login:
    """Log in from the address `source`, answering one prompt after another.

    Where there are more prompts than answers, ssh is ended at the first that has none. `methods`
    are sshd's, keyboard-interactive if nothing is said, after publickey where there is a `key`.
    """
    methods = methods or ("publickey,keyboard-interactive" if key else "keyboard-interactive")
    with tempfile.TemporaryDirectory() as folder:
        known_hosts = Path(folder, "known_hosts")
        known_hosts.write_text(f"[{ADDRESS}]:{server.port} {server.host_key}\n")
        settings = {
            "UserKnownHostsFile": known_hosts,
            "StrictHostKeyChecking": "yes",
            "PreferredAuthentications": methods,
            "NumberOfPasswordPrompts": "1",
        }
        argv = ["-F", "none", "-b", source, "-p", str(server.port), "-l", user]
        argv += [f"-o{name}={value}" for name, value in settings.items()]
        argv += ["-i", str(key)] if key else []
        argv += [ADDRESS, _COMMAND]
        ssh = pexpect.spawn("ssh", argv, timeout=_SECONDS_MAX, encoding="utf-8")
        ssh.delaybeforesend = None  # ssh turns the echo off before it prompts
        return _talk(ssh, user, answers, source)


def _talk(ssh: "pexpect.spawn[str]", user: str, answers: Sequence[str], source: str) -> Login:
    whose = rf"{re.escape(user)}@{re.escape(ADDRESS)}"
    prompt = rf"(\({whose}\) |{whose}'s )[^\r\n]*: $"
    asked: list[str] = []
    while ssh.expect([prompt, pexpect.EOF, pexpect.TIMEOUT]) == 0:
        asked.append(re.sub(rf"^(\({whose}\) |{whose}'s )", "", str(ssh.after)))
        if len(asked) > len(answers):
            break
        ssh.sendline(answers[len(asked) - 1])
    printed = (ssh.before or "").strip()
    ssh.close(force=True)
    status = ssh.exitstatus if ssh.exitstatus is not None else -(ssh.signalstatus or 0)
    return Login(user, source, tuple(asked), status, printed)
