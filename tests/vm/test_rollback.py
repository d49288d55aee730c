"""Changes of login files that nobody confirms, through real restarts of a real systemd."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from lab.vm import Guest

STORE = "/var/lib/example/transactions"
NAME = "example"  # what the units' names begin with

# A line that changes nothing for who logs in, and a file that is not there yet.
CHANGED = "/etc/pam.d/sshd"
ADDED = "/etc/security/example.conf"

CHANGE = f"""\
import os, signal, sys
from pathlib import Path
from pamconf import watchdog
from pamconf.transaction import Store

seconds = float(sys.argv[1])
old = Path({CHANGED!r}).read_bytes()
store = Store(Path({STORE!r}))
change = store.prepare(
    {{{CHANGED!r}: old + b"# new\\n", {ADDED!r}: b"new\\n"}},
    command="test",
    afterwards=[["touch", "/run/told"]],
    confirm_within=seconds,
)
guard = watchdog.arm(change, seconds, {NAME!r})
change.apply()
print(change.id, guard.timer, guard.at_boot, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

CONFIRM = f"""\
from pathlib import Path
from pamconf.transaction import Store

Store(Path({STORE!r})).pending().confirm()
"""

# What a service found in the file when it was about to start: it is in /run, so of this start.
WITNESS = f"[Service]\nExecStartPre=/bin/cp {CHANGED} /run/found-by-%p\n"
DOORS = ("ssh", "serial-getty")
DOOR_UNITS = ("ssh.service", "serial-getty@ttyS0.service", "systemd-user-sessions.service")


@dataclass(frozen=True)
class Machine:
    """A guest with login files as they should be before a change."""

    guest: Guest
    old: str

    def change(self, seconds: float) -> str:
        """Change the files, by a process that dies at once; return the change's id."""
        python = ("/opt/doorward/bin/python", "-", str(seconds))
        done = self.guest.run(*python, stdin=CHANGE.encode())
        assert done.status == -9, done
        id_, timer, at_boot = done.stdout.decode().split()
        assert (timer, at_boot) == (f"{NAME}-{id_}.timer", "True")
        return id_

    def is_new(self) -> bool:
        """Whether the change is made; where it is half made, the test fails."""
        text = self.guest.call("cat", CHANGED)
        added = self.guest.run("cat", ADDED).stdout
        assert (text, added) in {(self.old, b""), (self.old + "# new\n", b"new\n")}
        return bool(added)

    def state(self, id_: str) -> str:
        """What became of a change."""
        return self.guest.call("cat", f"{STORE}/{id_}/state").strip()

    def units_left(self) -> str:
        """What is left of the watchdogs: files, and what systemd has running or waiting."""
        files = self.guest.call("find", "/etc/systemd/system", "-name", f"{NAME}-*")
        waits = "--state=active,activating,failed"
        command = ("systemctl", "list-units", waits, "--no-legend", "--plain", f"{NAME}-*")
        return files + self.guest.call(*command)

    def found_by(self, door: str) -> str:
        """What was in the changed file when that service was about to start."""
        return self.guest.call("cat", f"/run/found-by-{door}")

    def when(self, unit: str, change: str) -> int:
        """When a unit's state last changed so, in microseconds of this start; 0 for never."""
        which = f"--property={change}TimestampMonotonic"
        return int(self.guest.call("systemctl", "show", "--value", which, unit))


@pytest.fixture(scope="module")
def witnessed(guest: Guest) -> Guest:
    """The guest, whose services say what they found when they started."""
    for door in ("ssh.service", "serial-getty@.service"):
        guest.put(f"/etc/systemd/system/{door}.d/witness.conf", WITNESS.encode())
    guest.call("systemctl", "daemon-reload")
    guest.call("sync")
    return guest


@pytest.fixture
def machine(witnessed: Guest) -> Iterator[Machine]:
    """A machine whose login files are as they were."""
    old = witnessed.call("cat", CHANGED)
    yield Machine(witnessed, old)
    witnessed.put(CHANGED, old.encode())
    witnessed.call("rm", "--force", ADDED)
    witnessed.call("sync")


def assert_back_before_doors(machine: Machine, id_: str) -> None:
    """All is as it was before the change, and was so before anybody could log in."""
    assert not machine.is_new()
    assert machine.state(id_) == "rolled-back"
    assert machine.units_left() == ""
    for door in DOORS:
        assert machine.found_by(door) == machine.old, door
    back = machine.when(f"{NAME}-{id_}-boot.service", "InactiveEnter")
    for unit in DOOR_UNITS:
        assert 0 < back < machine.when(unit, "InactiveExit"), unit


def test_reboot(machine: Machine) -> None:
    """Who starts the machine anew, to get back in, would stand before a locked door again."""
    id_ = machine.change(3600)
    assert machine.is_new()
    machine.guest.reboot()
    assert_back_before_doors(machine, id_)


def test_power_cut(machine: Machine) -> None:
    """The change would be on the disk, but not that it is to be taken back, or not the old file."""
    # Somebody has just saved the old file: what is in it is not on the disk by itself.
    machine.guest.put(CHANGED, machine.old.encode())
    id_ = machine.change(3600)
    machine.guest.power_cut()
    assert_back_before_doors(machine, id_)


@pytest.mark.parametrize("days", [-400, 400])
def test_clock(machine: Machine, days: int) -> None:
    """A clock that is wrong after a power cut would decide whether the files come back."""
    id_ = machine.change(3600)
    machine.guest.power_cut(datetime.now(UTC) + timedelta(days=days))
    assert_back_before_doors(machine, id_)


def test_deadline(machine: Machine) -> None:
    """With the connection, what was to take the change back would have died."""
    id_ = machine.change(5)
    until_settled = f"while [ -e {STORE}/{id_}/next ]; do sleep 0.1; done"
    machine.guest.call("sh", "-c", until_settled)
    assert not machine.is_new()
    assert machine.state(id_) == "rolled-back"
    machine.guest.call("rm", "/run/told")  # the command afterwards had made it
    assert machine.units_left() == ""


def test_confirmed(machine: Machine) -> None:
    """What was confirmed would be taken back, by the timer or at the next start."""
    id_ = machine.change(3600)
    machine.guest.call("/opt/doorward/bin/python", "-", stdin=CONFIRM.encode())
    assert machine.units_left() == ""
    machine.guest.reboot()
    assert machine.is_new()
    assert machine.state(id_) == "confirmed"
    assert machine.found_by("ssh") == machine.old + "# new\n"
