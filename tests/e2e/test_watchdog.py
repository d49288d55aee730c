"""A change whose maker is killed, loses its terminal, or forgets it: the old files come back.

Here systemd does not run, so that a process watches; the timer and the unit of the next start are
tried in a virtual machine.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from demo.server import Syslog
from pamconf import watchdog
from pamconf.transaction import LockedError, StateError, Store, Transaction
from pamconf.transaction.transaction import State
from tests.conftest import CHECKOUT
from tests.e2e.change import FOLDER, NEW, OLD, ONE, STORE, TOLD, prepare

PROGRAM = [sys.executable, "-BS", "-m", "tests.e2e.change"]
SECONDS = 30
"""How long is waited for what takes one second."""


@pytest.fixture(autouse=True)
def folder() -> Iterator[None]:
    """A folder with two files, and no transactions."""
    FOLDER.mkdir()
    for path, content in OLD.items():
        Path(path).write_bytes(content)
    yield
    for each in (FOLDER, STORE.parent):
        shutil.rmtree(each)
    TOLD.unlink(missing_ok=True)


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it comes to be so."""
    deadline = time.monotonic() + SECONDS
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def files() -> dict[str, bytes]:
    """What is in the folder, hidden or not."""
    return {str(one): one.read_bytes() for one in FOLDER.rglob("*") if one.is_file()}


def watchers() -> list[int]:
    """The processes that watch."""
    found = subprocess.run(
        ["pgrep", "--full", "^/bin/sh -c .*example-"], check=False, stdout=subprocess.PIPE
    )
    return [int(number) for number in found.stdout.split()]


def the_last() -> Transaction:
    """The last transaction."""
    return Store(STORE).history()[0]


def check_back() -> None:
    """All is as it was before, and nobody watches any more."""
    assert eventually(the_last().is_settled)
    assert the_last().state() is State.ROLLED_BACK
    assert files() == OLD
    assert TOLD.exists()
    assert eventually(lambda: watchers() == [])


def test_killed() -> None:
    """A change would last that locks everybody out, since nobody is left who takes it back."""
    done = subprocess.run([*PROGRAM, "watched"], check=False, cwd=CHECKOUT, start_new_session=True)
    assert done.returncode == -signal.SIGKILL
    assert the_last().state() in {State.APPLIED, State.ROLLING_BACK, State.ROLLED_BACK}
    check_back()


def test_the_connection_is_lost() -> None:
    """The watchdog would go down with the terminal, which is just what it is there for."""
    child = pexpect.spawn(PROGRAM[0], [*PROGRAM[1:], "watched"], cwd=str(CHECKOUT))
    child.expect(pexpect.EOF)
    child.close(force=True)
    assert child.signalstatus == signal.SIGKILL
    check_back()


def test_it_belongs_to_nobody() -> None:
    """It would keep a terminal or a lock open, or end with a session."""
    made = prepare(3600)
    guard = watchdog.arm(made, 3600, "example")
    assert guard.process
    is_installed = watchdog.Systemd().program.exists()
    assert guard == watchdog.Guard(None, guard.process, at_boot=is_installed)
    process = Path(f"/proc/{guard.process}")
    lines = (process / "status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    ignored = int(status["SigIgn"], 16)
    assert status["PPid"] != str(os.getpid())
    assert os.getsid(guard.process) not in {0, os.getsid(0)}
    assert ignored & 1 << signal.SIGHUP - 1
    assert (process / "cwd").readlink() == Path("/")
    assert {one.readlink() for one in (process / "fd").iterdir()} == {Path("/dev/null")}
    made.roll_back()
    assert eventually(lambda: watchers() == [])


def test_confirmed_in_time() -> None:
    """A change that somebody confirmed would be taken back all the same."""
    made = prepare(2)
    watchdog.arm(made, 2, "example")
    made.apply()
    made.confirm()
    assert eventually(lambda: watchers() == [])
    assert made.state() is State.CONFIRMED
    assert files() == NEW
    assert not TOLD.exists()


def test_confirmed_at_the_last_moment() -> None:
    """Both would win: the record say that it lasts, and the files be the old ones."""
    for head_start in range(8):
        made = prepare(3600)
        made.apply()
        script = subprocess.Popen(["/bin/sh", made.restore], stderr=subprocess.DEVNULL)
        time.sleep(head_start / 1000)  # so that now one of them is the first, now the other
        is_confirmed = False
        with contextlib.suppress(StateError, LockedError):
            made.confirm()
            is_confirmed = True
        assert script.wait() == 0
        assert (made.state() is State.CONFIRMED) == is_confirmed
        assert files() == (NEW if is_confirmed else OLD)
        if is_confirmed:
            Store(STORE).undo(made.id, command="undo").apply()


def test_a_daemon_that_is_started_afterwards() -> None:
    """It would hold the lock for ever, and no file be changed again."""
    pid = FOLDER.parent / "example-pid"
    made = Store(STORE).prepare(
        {ONE: NEW[ONE]},
        command="x",
        afterwards=[["sh", "-c", f"sleep 600 & echo $! >{pid}"], ["false"]],
        confirm_within=3600,
    )
    made.apply()
    made.roll_back()
    try:
        again = prepare()
        again.roll_back()
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)
        pid.unlink()


def test_the_log(syslog: Syslog) -> None:
    """Who wonders in the morning why all is as before would find nothing."""
    made = prepare(3600)
    made.apply()
    Path(ONE).unlink()
    Path(ONE).write_bytes(b"theirs\n")
    made.roll_back()
    lines = syslog.lines()
    assert any(made.id in line and "taken back" in line for line in lines)
    assert any(str(made.folder / "theirs") in line for line in lines)


def test_a_log_that_nobody_reads() -> None:
    """A log daemon that hangs would keep the old files from coming back, and the lock for ever."""
    made = prepare(3600)
    made.apply()
    Path(ONE).unlink()
    Path(ONE).write_bytes(b"theirs\n")
    log = Path("/dev/log").resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    with datagrams() as reader, datagrams() as writer:
        reader.bind(str(log))
        try:
            writer.connect(str(log))
            writer.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                while True:  # until no line can be sent any more without waiting for who reads
                    writer.send(b"x")
            subprocess.run(["/bin/sh", made.restore], check=True, timeout=SECONDS)
        finally:
            log.unlink()
    check_back()


def datagrams() -> socket.socket:
    """A socket like syslog's."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
