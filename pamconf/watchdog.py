"""Watchdogs: what takes a change back when its time is over, and when the machine starts anew.

There are two, armed before the first file is replaced, and both run the transaction's script:

- a timer of systemd's, which is no part of anybody's session; where systemd does not run, a process
  that belongs to no session and waits;
- a unit that runs at the next start, before anything that lets somebody log in. There is none where
  systemd is not installed: Guard.at_boot says so.

Nothing has to be read anew by systemd for the second (no daemon-reload, which would take in units
that an admin is just editing): at its next start it reads all units.
"""

import math
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from pamconf.errors import UsageError
from pamconf.process import run
from pamconf.transaction import Transaction
from pamconf.transaction.errors import explained
from pamconf.transaction.snapshot import (
    Snapshot,
    of_new_file,
    sync_folder,
    write,
    write_private,
)

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_TARGET = "sysinit.target"
_SECONDS_AGAIN = 30  # between two tries, where the files could not be put back

_UNIT = """\
# Made by {name}, and removed by it when that is decided.
[Unit]
Description=Put files back whose change was not confirmed ({id})
DefaultDependencies=no
After=local-fs.target systemd-journald.socket
Before={target} shutdown.target
Before=ssh.service sshd.service ssh.socket sshd.socket getty.target getty-pre.target
Before=display-manager.service systemd-user-sessions.service
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart=/bin/sh {restore} boot
TimeoutStartSec=2min

[Install]
WantedBy={target}
"""

_WAIT = """
trap '' HUP
state=
now() { read -r up rest </proc/uptime; up=${up%.*}; }
is_pending() {
    read -r state <"$1/state"
    case $state in confirmed | rolled-back | undone) return 1 ;; esac
}
{
    now
    deadline=$((up + $2))
    while is_pending "$1" && now && [ "$up" -lt "$deadline" ]; do sleep 1; done
    until [ ! -e "$1/restore" ] || sh "$1/restore"; do sleep "$3"; done
} </dev/null >/dev/null 2>&1 &
echo $!
"""
"""Waits in the background: FOLDER SECONDS SECONDS_AGAIN. Prints the number of the process.

/proc/uptime goes on while the machine sleeps, and does not mind when its clock is set.
"""


@dataclass(frozen=True)
class Systemd:
    """Where systemd is, what it reads, and the programs that speak with it."""

    runs: Path = Path("/run/systemd/system")
    """There where it is process 1 (sd_booted(3))."""
    program: Path = Path("/lib/systemd/systemd")
    units: Path = Path("/etc/systemd/system")
    systemctl: str = "systemctl"
    systemd_run: str = "systemd-run"


@dataclass(frozen=True)
class Guard:
    """What watches over a transaction: a timer of systemd's, or a process by its number.

    `at_boot`: whether the files come back, too, if the machine is started anew meanwhile.
    """

    timer: str | None = None
    process: int | None = None
    at_boot: bool = False


def arm(
    transaction: Transaction, seconds: float, name: str, systemd: Systemd | None = None
) -> Guard:
    """Have a prepared transaction taken back in so many seconds, unless it is decided by then.

    `name` is what the units are called, together with the transaction's id. Nothing is armed for an
    image. Raises ToolError or FileError where a watchdog cannot be armed, or is not found armed
    afterwards; then the transaction is rolled back.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"no name for a unit: {name!r}")
    if transaction.root != Path("/"):
        return Guard()
    watchdogs = _Watchdogs(transaction, f"{name}-{transaction.id}", systemd or Systemd())
    try:
        with explained():
            return watchdogs.arm(seconds)
    except BaseException:
        transaction.roll_back()
        raise


@dataclass(frozen=True)
class _Watchdogs:
    """Those of one transaction; `name` is what their units' names begin with."""

    transaction: Transaction
    name: str
    systemd: Systemd

    @property
    def timer(self) -> str:
        return f"{self.name}.timer"

    @property
    def unit(self) -> Path:
        return self.systemd.units / f"{self.name}-boot.service"

    @property
    def link(self) -> Path:
        """What has the unit started."""
        return self.systemd.units / f"{_TARGET}.wants" / self.unit.name

    def arm(self, seconds: float) -> Guard:
        self.write_disarm()
        at_boot = self.systemd.program.exists()
        if at_boot:
            self.arm_boot()
        if self.systemd.runs.is_dir():
            self.arm_timer(seconds)
            return Guard(timer=self.timer, at_boot=at_boot)
        return Guard(process=self.start_waiting(seconds), at_boot=at_boot)

    def write_disarm(self) -> None:
        """Say how to end them, before there is any; a process that waits sees for itself."""
        unit, link = (shlex.quote(str(path)) for path in (self.unit, self.link))
        stop = shlex.join(["timeout", "30", self.systemd.systemctl, "stop", self.timer])
        runs = shlex.quote(str(self.systemd.runs))
        lines = (
            f"[ ! -d {runs} ] || {stop} 2>/dev/null || :",
            f"[ ! -e {unit} ] && [ ! -L {link} ] || rm -f {link} {unit} || exit 1",
        )
        folder = self.transaction.folder
        text = "".join(f"{line}\n" for line in lines)
        write_private(folder / "next/disarm", text.encode("utf-8", "surrogateescape"))
        (folder / "next/disarm").rename(folder / "disarm")
        sync_folder(folder)

    def arm_boot(self) -> None:
        """Have the unit run at the next start, and see that systemd takes it so."""
        restore = _quoted(str(self.transaction.restore))
        text = _UNIT.format(name=self.name, id=self.transaction.id, target=_TARGET, restore=restore)
        content = text.encode("utf-8", "surrogateescape")
        write(self.unit, Snapshot(content, of_new_file(0o644)))
        if not self.link.parent.is_dir():
            self.link.parent.mkdir(0o755)
        self.link.symlink_to(self.unit)
        for folder in (self.link.parent, self.systemd.units):
            sync_folder(folder)
        run([self.systemd.systemctl, "--root=/", "is-enabled", self.unit.name])

    def arm_timer(self, seconds: float) -> None:
        """Have the script run in so many seconds, and again where it fails."""
        run(
            [
                self.systemd.systemd_run,
                "--quiet",
                "--collect",
                f"--unit={self.name}",
                f"--description=Put files back unless their change is confirmed ({self.name})",
                f"--on-active={math.ceil(seconds * 1000)}ms",
                "--timer-property=AccuracySec=100ms",
                "--property=Restart=on-failure",
                f"--property=RestartSec={_SECONDS_AGAIN}",
                "/bin/sh",
                str(self.transaction.restore),
            ]
        )
        run([self.systemd.systemctl, "is-active", self.timer])

    def start_waiting(self, seconds: float) -> int:
        """Start a process that waits, see that it lives, and return its number."""
        numbers = [str(math.ceil(seconds)), str(_SECONDS_AGAIN)]
        folder = str(self.transaction.folder)
        process = int(run(["/bin/sh", "-c", _WAIT, self.name, folder, *numbers]))
        os.kill(process, 0)
        return process


def _quoted(word: str) -> str:
    """Return a word of a command as a unit says it (systemd.service(5), COMMAND LINES)."""
    for special, plain in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(special, plain)
    return f'"{word}"'
