"""Logins under strace, which lists their system calls, or makes one fail, or the process die."""

import contextlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from tests.pam.login import Login, Result, Setting

# A line of strace: a call, its first argument where that is a number, and its result.
_CALL = re.compile(r"^(\w+)\((\d*).*\) += (-?\d+|\?)", re.MULTILINE)
_CANNOT_FAIL = {
    *("getppid", "getuid", "geteuid", "setfsuid", "setfsgid"),
    *("brk", "mmap", "munmap"),  # memory: see test_no_memory.py
}


@dataclass(frozen=True)
class Call:
    """A system call of the module's: the how-many-eth of that name in its process."""

    name: str
    fd: str
    result: str
    number: int

    @property
    def done(self) -> bool:
        """Whether it did what it should."""
        return self.result.isdigit()

    @property
    def may_fail(self) -> bool:
        """Whether it can; and pam_login must be able to tell of a prompt."""
        return self.name not in _CANNOT_FAIL and self.fd != "1"

    def inject(self, fault: str) -> str:
        """The option that has strace do something in its place: error=EIO, or signal=KILL."""
        return f"-einject={self.name}:{fault}:when={self.number}"


def calls(trace: Path) -> list[Call]:
    """Those of the module in a trace, between the two getppid of pam_record.so."""
    seen: Counter[str] = Counter()
    found = []
    for name, fd, result in _CALL.findall(trace.read_text()):
        seen[name] += 1
        if seen["getppid"] > 0:
            found.append(Call(name, fd, result, seen[name]))
        if seen["getppid"] == 2:
            break
    return found


def log_in_traced(
    confdir: Path, setting: Setting, reply: str, trace: Path, *options: str
) -> Result | None:
    """Logs in under strace; returns what came of it, or None where it died."""
    under = ("strace", "-qq", f"-o{trace}", *options, *setting.under)
    login = Login(confdir, replace(setting, under=under))
    with contextlib.suppress(BrokenPipeError), login:  # it died after its prompt
        while login.next_prompt() is not None:
            login.reply(reply)
    return None if login.died else login.result()
