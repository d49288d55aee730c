"""The Python end of login_timer.c: processes that log in, all at once."""

import subprocess
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, cast

from bench import host
from bench.rows import Peer, Row

_PROGRAM = host.CHECKOUT / "build/native/bench/login_timer"


@dataclass(frozen=True)
class Login:
    """One login; times are in ns, and memory, what the process had grown by, in kB."""

    result: int
    prompts: int
    rewritten: int
    begin: int
    authenticate: int
    whole: int
    resident: int
    dirty: int


def log_in(
    peer: Peer,
    row: Row,
    users: Sequence[str],
    count: int,
    *,
    memory: bool = False,
    under: Sequence[str] = (),
) -> list[Login]:
    """Log in `count` times as each of `users`, a process each, after a warm-up of each process.

    Somebody may be named several times. Each login has a step, and so a right code, of its own.
    With `memory` the warm-up leaves the module out; `under` is a program to run the processes by.
    """
    files = {user: host.lay_out(peer, row, user) for user in dict.fromkeys(users)}
    services = (host.PERMIT if memory else peer.name, peer.name)
    with ExitStack() as stack:
        timers = []
        for number, user in enumerate(users):
            argv = [*under, str(_PROGRAM), str(host.SERVICES), *services, user, str(files[user])]
            steps = range(number, number + (1 + count) * len(users), len(users))
            timer = _start([*argv, *(["memory"] if memory else [])], _script(row, steps))
            timers.append(stack.enter_context(timer))
        if [_output(timer).readline() for timer in timers] != ["ready\n"] * len(timers):
            raise RuntimeError(f"{peer.name}: {row.name}: login_timer failed before it was ready")
        for timer in timers:
            _input(timer).close()
        lines = [line for timer in timers for line in _output(timer)]
        if any(timer.wait() for timer in timers):
            raise RuntimeError(f"{peer.name}: {row.name}: login_timer failed")
    return [Login(*map(int, line.split())) for line in lines]


def check(peer: Peer, row: Row, logins: Iterable[Login]) -> None:
    """Raise RuntimeError where something else than `row.expected` came of a login."""
    for login in logins:
        outcome = login.result, login.prompts, bool(login.rewritten)
        if outcome != row.expected:
            raise RuntimeError(
                f"{peer.name}: {row.name}: result, prompts and whether the file was rewritten "
                f"are {outcome} instead of {row.expected}"
            )


def _script(row: Row, steps: Iterable[int]) -> str:
    lines = [
        f"{host.time_of(step)} {host.right_code(step) if row.right else host.wrong_code()}\n"
        for step in steps
    ]
    return "".join([*lines, "\n"])


def _start(argv: Sequence[str], script: str) -> subprocess.Popen[str]:
    timer = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _input(timer).write(script)
    _input(timer).flush()
    return timer


def _input(timer: subprocess.Popen[str]) -> IO[str]:
    return cast("IO[str]", timer.stdin)


def _output(timer: subprocess.Popen[str]) -> IO[str]:
    return cast("IO[str]", timer.stdout)
