"""Virtual machines: a Debian with systemd that tests start, start anew, and cut the power of.

    with vm.boot(disk.disk()) as guest:
        guest.call("useradd", "ann")
        guest.power_cut()
        guest.run("id", "ann").status

QEMU emulates the processor, so that no right and no device of the machine is needed, and a machine
that is itself virtual will do. Its disk is a copy without a name, which is gone when nobody has it
open any more. There is no network but the loopback inside.
"""

import base64
import json
import os
import select
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from . import agent
from .disk import Disk
from .process import LabError, call, start

_START_SECONDS = 300  # it takes ten on an idle machine
_GRACE_SECONDS = 60  # for the agent to take a request, and to say that a command took too long
_CONSOLE_LINES = 25  # of them an error shows

# "pc" has clocks (HPET, ACPI) by which the kernel finds out how fast the others go; microvm has
# not, and hangs on a busy machine. Newer processors have more that has to be emulated. A restart is
# the end of QEMU, and another is started: what it had translated before would only slow it down.
_QEMU = (
    *("qemu-system-x86_64", "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot"),
    *("-machine", "pc,usb=off", "-accel", "tcg", "-cpu", "Westmere", "-smp", "2", "-m", "512"),
)
_KERNEL = (
    "root=/dev/vda rw console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check nokaslr "
    "mitigations=off apparmor=0 selinux=0 audit=0 cryptomgr.notests systemd.show_status=1 "
    "TERM=dumb"
)


class GuestError(LabError):
    """A guest did not do what was asked for; the last lines of its console stand below."""


@dataclass(frozen=True)
class Done:
    """What a command in a guest came to: its exit status, -N for signal N, and its output."""

    status: int
    stdout: bytes
    stderr: bytes


@contextmanager
def boot(disk: Disk) -> Iterator["Guest"]:
    """Start a machine from a disk, wait until it is up, and end it in the end, whatever happens.

    It also ends when this process does, however that dies. Raises GuestError where it does not
    come up.
    """
    with tempfile.TemporaryFile(dir="/var/tmp") as copy:  # /tmp may be memory
        name = f"/proc/{os.getpid()}/fd/{copy.fileno()}"
        call("cp", "--sparse=always", disk.image, name)
        guest = Guest(disk, copy.fileno())
        try:
            guest.start()
            yield guest
        finally:
            guest.end()


class Guest:
    """A machine that runs; `boot` makes them."""

    def __init__(self, disk: Disk, image: int) -> None:
        self._disk = disk
        self._image = image
        self._pid = 0
        self._shown = b""

    def start(self, clock: datetime | None = None) -> None:
        """Start a machine that does not run, and wait until systemd has nothing left to start.

        Its own clock says what the machine's does, or `clock` (in UTC).
        """
        (self._console, console), (self._port, port) = socket.socketpair(), socket.socketpair()
        self._received = b""
        time_then = f"{clock:%Y-%m-%dT%H:%M:%S}" if clock else "utc"
        drive = f"file=/proc/self/fd/{self._image},format=raw,if=virtio,cache=unsafe"
        self._pid = start(
            *_QEMU,
            *("-kernel", self._disk.kernel, "-initrd", self._disk.initramfs, "-append", _KERNEL),
            *("-drive", drive, "-rtc", f"base={time_then}"),
            *("-chardev", f"socket,id=console,fd={console.fileno()}"),
            *("-chardev", f"socket,id=port,fd={port.fileno()}"),
            *("-serial", "chardev:console", "-device", "virtio-serial"),
            *("-device", f"virtserialport,chardev=port,name={agent.PORT}"),
            descriptors=(self._image, console.fileno(), port.fileno()),
        )
        console.close()
        port.close()
        self._port.settimeout(_GRACE_SECONDS)
        deadline = time.monotonic() + _START_SECONDS
        self._receive(deadline, "sign of a start")
        self.run("systemctl", "is-system-running", "--wait", timeout=_START_SECONDS)

    def end(self) -> None:
        """End a machine that may run, as if its power were cut."""
        if self._pid:
            self.console()  # the last of it, too
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
            self._console.close()
            self._port.close()

    def power_cut(self, clock: datetime | None = None) -> None:
        """Take the power away and give it back: `start` says when this returns.

        What the guest had not written to its disk is lost. A file system keeps data in memory for
        up to half a minute, unless a program syncs it.
        """
        self.end()
        self.start(clock)

    def reboot(self, clock: datetime | None = None) -> None:
        """Start the machine anew in an orderly way: `start` says when this returns."""
        self.call("systemctl", "reboot", "--no-block")
        deadline = time.monotonic() + _START_SECONDS
        while self._read(deadline, "end before the new start"):
            pass
        self.end()
        self.start(clock)

    def run(self, *argv: str | Path, stdin: bytes = b"", timeout: float = 60) -> Done:
        """Run a command to its end, as root, in `/`.

        What it leaves running goes on. Raises GuestError where it cannot be started, or takes more
        than `timeout` seconds, after which it is killed.
        """
        command = [str(word) for word in argv]
        asked = {"argv": command, "stdin": base64.b64encode(stdin).decode(), "timeout": timeout}
        try:
            self._port.sendall(json.dumps(asked).encode() + b"\n")
        except OSError as error:
            raise self._failed(f"cannot be asked to run {command}: {error}") from error
        deadline = time.monotonic() + timeout + _GRACE_SECONDS
        answer = self._receive(deadline, f"answer to {command}")
        if "status" not in answer:
            raise self._failed(answer.get("error", "the agent was started anew"))
        stdout, stderr = (base64.b64decode(answer[name]) for name in ("stdout", "stderr"))
        return Done(answer["status"], stdout, stderr)

    def call(self, *argv: str | Path, stdin: bytes = b"", timeout: float = 60) -> str:
        """Run a command as `run` does and return its output; raise GuestError where it fails."""
        done = self.run(*argv, stdin=stdin, timeout=timeout)
        if done.status:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise self._failed(f"exit status {done.status} from {[*map(str, argv)]}:\n{said}")
        return done.stdout.decode()

    def put(self, path: str | Path, content: bytes, mode: int = 0o644) -> None:
        """Write a file of root's, and the folders that lead there."""
        self.call("install", "-D", f"--mode={mode:o}", "/dev/stdin", path, stdin=content)

    def console(self) -> str:
        """Return what has been shown on the console so far, over all starts."""
        while self._pid and select.select([self._console], [], [], 0)[0]:
            shown = _received_from(self._console)
            if not shown:
                break
            self._shown += shown
        return self._shown.decode(errors="replace").replace("\r", "")

    def _receive(self, deadline: float, what: str) -> dict[str, Any]:
        """Return the next message of the agent's."""
        while b"\n" not in self._received:
            if not self._read(deadline, what):
                raise self._failed(f"QEMU has ended, there is no {what}")
        line, _, self._received = self._received.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _read(self, deadline: float, what: str) -> bool:
        """Wait for something from the machine and keep it; tell whether it still runs."""
        left = max(0, deadline - time.monotonic())
        ready, _, _ = select.select([self._console, self._port], [], [], left)
        if not ready:
            raise self._failed(f"no {what} in time")
        received = {source: _received_from(source) for source in ready}
        self._shown += received.get(self._console, b"")
        self._received += received.get(self._port, b"")
        return all(received.values())

    def _failed(self, what: str) -> GuestError:
        """Return the error that says what went wrong."""
        last = "\n".join(self.console().splitlines()[-_CONSOLE_LINES:])
        return GuestError(f"guest: {what}\nThe end of its console:\n{last}")


def _received_from(source: socket.socket) -> bytes:
    """Return what is there to read; nothing where the other side has ended."""
    try:
        return source.recv(1 << 16)
    except ConnectionResetError:
        return b""
